/** A Node that is too old for a box is found out before anything is raised, and says what to do. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
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
  const node = newerNode(why);
  // Not inside npx: it would keep signals to itself.
  const child = spawn(node, [fileURLToPath(entry), ...args], { stdio: "inherit", env: { ...process.env, [MARK]: "1" } });
  return new Promise((resolve, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    child.on("error", (error) => reject(new PortError("unsupported", `${why}, and ${node} does not start: ${error.message}`)));
    child.on("exit", (code, signal) => resolve(code ?? (signal === null ? EXIT_FAILED : 128 + constants.signals[signal])));
  });
}

/** Where npx keeps it. Standard streams are the terminal's, for the question, so the answer comes by a file. @throws {PortError} `unsupported` */
function newerNode(why: string): string {
  const directory = mkdtempSync(join(tmpdir(), "pshim6-"));
  try {
    const answer = join(directory, "node");
    const unasked = process.stdin.isTTY ? [] : ["--yes"];
    const tell = 'require("node:fs").writeFileSync(process.argv[1], process.execPath)';
    const done = spawnSync("npx", [...unasked, `--package=${NEWER}`, "--", "node", "-e", tell, answer], { stdio: "inherit" });
    if (done.status !== 0) throw new PortError("unsupported", `${why}, and npx brought none`);
    return readFileSync(answer, "utf8");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
