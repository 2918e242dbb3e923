/** A Node that is too old for a box is found out before anything is raised, and says what to do. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { PortError } from "../runtime/port/error.ts";

/** The first version of each runtime that has what a box needs, SQLite above all: `engines` of package.json, README. */
const LEAST = { node: [22, 13], deno: [2, 2], bun: [1, 3] } as const;
const NEWER = `node@>=${LEAST.node.join(".")}`;
/** Set for the second attempt, so that there is no third. */
const MARK = "PSHIM6_ON_NEWER_NODE";
const EXIT_FAILED = 1;

/** What is wrong with `runtime`, such as `node 20.20.2`, as a sentence; `undefined` if a box runs on it. */
export function tooOld(runtime: string): string | undefined {
  const [name, version = ""] = runtime.split(" ");
  const least = Object.entries(LEAST).find(([known]) => known === name)?.[1];
  const [major, minor] = version.split(".").map(Number);
  if (least === undefined || major > least[0] || (major === least[0] && minor >= least[1])) return undefined;
  return `this is ${runtime}, and a box needs ${name} ${least.join(".")} or later`;
}

/** @throws {PortError} `unsupported` if no box runs on `runtime` */
export function checkAge(runtime: string): void {
  const why = tooOld(runtime);
  if (why === undefined) return;
  const help = `npm has a newer one for a single command: npx -p "${NEWER}" -p pshim6 pshim6 …`;
  throw new PortError("unsupported", runtime.startsWith("node ") ? `${why}; ${help}` : why);
}

/**
 * The demonstration is what people try first, with the Node that they have. On one that is too old `args` run again under a newer one, which npx
 * brings: it asks before it loads anything, if there is somebody to ask. @returns the exit code, or `undefined` where none of this is needed
 * @throws {PortError} `unsupported` where it does not help
 */
export async function runOnNewer(entry: string, args: readonly string[], runtime: string): Promise<number | undefined> {
  const why = tooOld(runtime);
  if (why === undefined) return undefined;
  if (!runtime.startsWith("node ") || process.env[MARK] !== undefined) checkAge(runtime);
  process.stderr.write(`pshim6: ${why}: asking npx for a newer one (${NEWER})\n`);
  const unasked = process.stdin.isTTY ? [] : ["--yes"];
  const child = spawn("npx", [...unasked, `--package=${NEWER}`, "--", "node", fileURLToPath(entry), ...args], {
    stdio: "inherit",
    env: { ...process.env, [MARK]: "1" },
  });
  return new Promise((resolve, reject) => {
    // The terminal tells all of its processes; ours waits for theirs.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    child.on("error", () => reject(new PortError("unsupported", `${why}, and npx, which could bring one, is missing`)));
    child.on("exit", (code, signal) => resolve(code ?? (signal === null ? EXIT_FAILED : 128 + constants.signals[signal])));
  });
}
