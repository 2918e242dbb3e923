/** Words of a bench's command line: `--name value` and `--flag`. */
import process from "node:process";
import type { RuntimeName } from "../../../runtime/lab/host.ts";

const words = process.argv.slice(2);

export const json = words.includes("--json");

/** The last value of `--name`. */
export function wordOf(name: string): string | undefined {
  return words.filter((_, i) => words[i - 1] === `--${name}`).at(-1);
}

/** Ends the process with a usage error when it is no number from `least` to `most`. */
export function numberOf(name: string, fallback: number, least: number, most: number): number {
  const word = wordOf(name);
  const value = word === undefined ? fallback : Number(word);
  if (word !== "" && value >= least && value <= most) return value;
  console.error(`--${name} must be a number from ${least} to ${most}`);
  process.exit(2);
}

/** What the boxes run on. */
export function runtimeWord(): RuntimeName {
  const word = wordOf("runtime") ?? "node";
  if (word === "node" || word === "deno" || word === "bun") return word;
  console.error("--runtime must be node, deno or bun");
  process.exit(2);
}

/** Progress, for people: on standard error, so that `--json` stays clean. */
export function note(text: string): void {
  console.error(text);
}
