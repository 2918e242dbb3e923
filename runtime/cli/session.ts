/** What the verbs share: printing that notices a closed pipe, failures with an exit code, the site's file. */
import { type Fault, showFaults } from "../config/fault.ts";
import { readSite } from "../config/read.ts";
import type { Site } from "../config/site.ts";
import type { CliHost } from "./host.ts";

/** Exit codes (DESIGN §8). */
export const EXIT_FINE = 0;
/** The input or the world is wrong. */
export const EXIT_WRONG = 1;
export const EXIT_USAGE = 2;

/** Ends the verb; the message is one sentence that says what is wrong and what to do. */
export class Failure extends Error {
  readonly exit: number;
  constructor(message: string, exit: number = EXIT_WRONG) {
    super(message);
    this.exit = exit;
  }
}

/** Whoever read our output has gone: there is nobody left to tell. */
export class PipeClosed extends Error {}

/** One run of the command line. */
export class Session {
  readonly host: CliHost;
  /** What the program will end with. */
  exit = EXIT_FINE;

  constructor(host: CliHost) {
    this.host = host;
  }

  /** Standard output. @throws {PipeClosed} */
  print(text: string): void {
    if (!this.host.host.print(text, "stdout")) throw new PipeClosed();
  }

  /** One JSON value on a line of its own. */
  printJson(value: unknown): void {
    this.print(`${JSON.stringify(value)}\n`);
  }

  /** Standard error. */
  note(text: string): void {
    this.host.host.print(text, "stderr");
  }

  /** Characters that a line may have: the terminal's width, or no limit where nobody looks. */
  width(): number {
    return this.host.host.isTerminal("stdout") ? Math.max(20, this.host.terminal.size().columns) : Number.POSITIVE_INFINITY;
  }

  /** Whether colours are wanted: only a terminal that has them gets any, and nobody who set NO_COLOR (no-color.org). */
  colours(): boolean {
    const { environment, isTerminal } = this.host.host;
    const kind = environment("TERM") ?? "dumb";
    return isTerminal("stdout") && kind !== "dumb" && kind !== "" && (environment("NO_COLOR") ?? "") === "";
  }

  /** The text of a file that must be there. */
  text(file: string): string {
    const text = this.host.files.readText(file);
    if (text === undefined) throw new Failure(`there is no file ${file}: check the path`);
    return text;
  }

  /** The site in `file`. Warnings go to standard error; faults too, and then it fails. */
  site(file: string): Site {
    const text = this.text(file);
    const reading = readSite(text, file);
    if ("site" in reading) {
      if (reading.warnings.length > 0) this.note(showWarnings(reading.warnings, text, file));
      return reading.site;
    }
    this.note(`${showFaults(reading.faults, text, file)}\n`);
    throw new Failure(
      `${file} has ${countOf(reading.faults.length, "mistake")}: correct ${reading.faults.length === 1 ? "it" : "them"} and try again`,
    );
  }
}

/** Warnings as {@link showFaults} shows faults, each marked as what it is. */
export function showWarnings(warnings: readonly Fault[], text: string, file: string): string {
  const marked = warnings.map((warning) => ({ ...warning, path: `warning: ${warning.path}` }));
  return `${showFaults(marked, text, file)}\n`;
}

/** `1 mistake`, `3 mistakes`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
