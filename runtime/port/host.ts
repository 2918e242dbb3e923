/** Signals that ask a program to end or to read its configuration again. */
export type HostSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The process that we are: arguments, environment, standard streams, signals, exit. */
export interface Host {
  /** Which runtime carries us, and its version, e.g. `node 26.10.0`. */
  readonly runtime: string;
  /** `linux`, `darwin`, `windows`, … */
  readonly system: string;
  /** What followed the program's name on the command line. */
  readonly args: readonly string[];
  readonly pid: number;
  /** Effective user; 0 is root. */
  readonly uid: number;
  /** The variable's value, or `undefined`. */
  environment(name: string): string | undefined;
  /** Whether a person sits behind that stream. */
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
  /** Writes all of `text` before it returns. @returns `false` when the reader has gone: stop writing */
  print(text: string, stream?: "stdout" | "stderr"): boolean;
  /** Standard input, line by line without their ends. */
  inputLines(): AsyncIterable<string>;
  /** Calls `run` at each such signal instead of what the system would do. @returns a function that ends it */
  onSignal(signal: HostSignal, run: () => void): () => void;
  exit(code: number): never;
}
