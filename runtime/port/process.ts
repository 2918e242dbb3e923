import type { Millis } from "../value/time.ts";
import type { Finished } from "./command.ts";

/** Signals that the program sends to processes that it started itself. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGKILL";

/**
 * Other programs while our own loop goes on ({@link ./command.ts} blocks), with their standard input at hand. `argv[0]` is
 * a path, or a name that is looked up in PATH; no shell is involved.
 */
export interface ProcessPort {
  /** This process, as /proc names it. */
  readonly pid: number;
  /** Effective user id; 0 = root (of the user namespace we live in). */
  readonly uid: number;
  /** Value of an environment variable. */
  env(name: string): string | undefined;
  /** Full path of `program`, or `undefined` when PATH has none. */
  which(program: string): Promise<string | undefined>;
  /** Runs `argv` to its end. Never rejects: code 127 = it could not be started, `stderr` says why; 124 = it ran out of time. */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts `argv` in a session of its own, so that a Ctrl-C at our terminal is not a Ctrl-C at it. */
  spawn(argv: readonly string[], handlers: ChildHandlers, options?: SpawnOptions): Child;
  /** Sends `signal`. @returns `false` when there is no such process (any more). */
  kill(pid: number, signal: Signal): boolean;
}

/** For {@link ProcessPort.run}. */
export interface RunOptions {
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** The program is killed after so long. */
  readonly timeout?: Millis;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program keeps our terminal: its output is not collected, Ctrl-C reaches it. */
  readonly terminal?: boolean;
  /** With `terminal`: its standard input is a pipe that stays open until this is aborted, or we are gone. */
  readonly hangUp?: AbortSignal;
}

/** For {@link ProcessPort.spawn}. */
export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** Who listens to a child. */
export interface ChildHandlers {
  /** One line of standard output, without its end. */
  line(text: string): void;
  /** One line of standard error. */
  complaint(text: string): void;
}

/** A program that runs beside us. */
export interface Child {
  /** 0 when it could not be started; {@link ended} then says 127. */
  readonly pid: number;
  /** Resolves with the exit code, counted as in {@link Finished}, when it is gone and its output was delivered. */
  readonly ended: Promise<number>;
  /** Writes one line to its standard input; nothing happens when it reads no more. */
  tell(line: string): void;
  /** Closes its standard input. */
  hush(): void;
}
