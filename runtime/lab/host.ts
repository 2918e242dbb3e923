import type { Clock } from "../port/clock.ts";
import type { Files } from "../port/files.ts";
import type { Http } from "../port/http.ts";
import type { ProcessPort } from "../port/process.ts";
import type { TcpPort } from "../port/tcp.ts";

export type RuntimeName = "node" | "deno" | "bun";

/** Everything the lab needs from outside. */
export interface LabHost {
  readonly clock: Pick<Clock, "now">;
  readonly files: Files;
  readonly processes: ProcessPort;
  readonly http: Http;
  /** A secret that nobody can guess, and who can tell whether a text is it without telling how much of it was right. */
  newToken(): { readonly text: string; readonly isIt: (text: string) => boolean };
  readonly screen: Screen;
  /** The runtime this process runs on. */
  readonly runtime: RuntimeName;
  /** How another process of this program is started on `runtime`; the verb and its options are appended to `argv`. */
  selfCommand(runtime: RuntimeName): SelfCommand;
  /** Resolves after `ms` milliseconds, or at once when `cancel` is aborted, before or meanwhile. */
  sleep(ms: number, cancel?: AbortSignal): Promise<void>;
  /** Calls `stop` for every SIGINT, SIGTERM and SIGHUP (and for the end of standard input when `input` is set). @returns how to stop listening */
  onInterrupt(stop: () => void, input?: boolean): () => void;
}

/** How a process of this program is started. */
export interface SelfCommand {
  readonly runtime: RuntimeName;
  readonly argv: readonly string[];
}

/** Where people look. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Characters; asked again before every picture, since windows change. */
  size(): { columns: number; rows: number };
  out(text: string): void;
  /** Progress and complaints: standard error. */
  note(text: string): void;
}

/** What the stream's two ends need: they run inside a host's namespace, as processes of their own. */
export interface StreamHost {
  readonly clock: Pick<Clock, "now">;
  readonly tcp: TcpPort;
  /** Calls `tick` every `ms` milliseconds. @returns how to stop it */
  every(ms: number, tick: () => void): () => void;
  out(line: string): void;
  /** Calls `stop` at the end of standard input, and for SIGINT and SIGTERM. */
  onStop(stop: () => void): void;
}
