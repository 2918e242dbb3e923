import type { Millis } from "../value/time.ts";

/** What a finished program left behind. */
export interface Finished {
  /** Exit status; 128 + the signal's number when a signal ended it, as shells count. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Other programs of the system: `ip`, `nft`. Arguments are passed as they are, no shell reads them. */
export interface Command {
  /**
   * Runs `program` to its end and blocks meanwhile: for start and stop, where nothing else can go on anyway.
   * `stdin` is the whole of its standard input (empty when absent), e.g. the lines of `ip -batch -`.
   * @throws {PortError} `missing`, naming the package to install; `permission`; `failed` when it runs past `limit` (default 30 s)
   */
  run(program: string, args: readonly string[], stdin?: string, limit?: Millis): Finished;
}
