import type { Millis } from "../value/time.ts";

/** What a finished program left behind. */
export interface Finished {
  /** Exit status; 128 + the signal's number when a signal ended it, as shells count. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs beside us. */
export interface Running {
  readonly pid: number;
  /** Resolves with the exit status, counted as in {@link Finished}. Never rejects. */
  readonly exited: Promise<number>;
  /** Sends the signal to this program only; nothing happens when it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL" | "SIGINT"): void;
}

/** How a program is started beside us. */
export interface StartOptions {
  /** Called for each line of standard output and standard error, without its end. Absent: both go where ours go. */
  readonly line?: (text: string, from: "stdout" | "stderr") => void;
}

/** Other programs of the system: `ip`, `nft`. Arguments are passed as they are, no shell reads them. */
export interface Command {
  /**
   * Runs `program` to its end and blocks meanwhile: for start and stop, where nothing else can go on anyway.
   * `stdin` is the whole of its standard input (empty when absent), e.g. the lines of `ip -batch -`.
   * @throws {PortError} `missing`, naming the package to install; `failed` when it cannot be started or runs past `limit`
   */
  run(program: string, args: readonly string[], stdin?: string, limit?: Millis): Finished;
  /**
   * Starts `program` and returns at once; its standard input is empty.
   * @throws {PortError} `missing`, naming the package to install
   */
  start(program: string, args: readonly string[], options?: StartOptions): Running;
}
