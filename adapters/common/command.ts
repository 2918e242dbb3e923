import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Finished } from "../../runtime/port/command.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { Millis } from "../../runtime/value/time.ts";
import { PACKAGES } from "../linux/packages.ts";
import { errnoOf, portError } from "./error.ts";

const LIMIT = 30_000;
const OUTPUT_MAX = 64 * 1_048_576;
const SIGNALLED = 128;

/**
 * Standard input beyond this comes from a file: Deno writes all of it before it reads any output, which never ends when both
 * pipes are full. A pipe takes 65,536 octets at once.
 */
const PIPE_INPUT_MAX = 60_000;

/** Programs through node:child_process. */
export const systemCommand: Command = {
  run(program, args, stdin = "", limit = LIMIT) {
    if (stdin.length * 3 <= PIPE_INPUT_MAX || new TextEncoder().encode(stdin).length <= PIPE_INPUT_MAX)
      return run(program, args, stdin, limit);
    if (run("sh", ["-c", 'command -v -- "$0"', program], "", limit).code !== 0) throw missing(program);
    const directory = mkdtempSync(join(tmpdir(), "pshim6-"));
    try {
      const file = join(directory, "stdin");
      writeFileSync(file, stdin, { mode: 0o600 });
      return run("sh", ["-c", 'exec <"$0"; exec "$@"', file, program, ...args], "", limit);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

function run(program: string, args: readonly string[], input: string, limit: Millis): Finished {
  const done = spawnSync(program, [...args], { input, encoding: "utf8", timeout: limit, maxBuffer: OUTPUT_MAX, killSignal: "SIGKILL" });
  if (done.error !== undefined) {
    switch (errnoOf(done.error)) {
      case "ENOENT":
        throw missing(program, done.error);
      case "ETIMEDOUT":
        throw new PortError("failed", `\`${[program, ...args].join(" ")}\` did not end within ${limit / 1000} s`, done.error);
      case "EPIPE":
        // It ended without reading all of its input: its exit status tells.
        break;
      default:
        throw portError(`\`${program}\``, done.error);
    }
  }
  const code = done.status ?? SIGNALLED + (done.signal === null ? 0 : constants.signals[done.signal]);
  return { code, stdout: done.stdout, stderr: done.stderr };
}

function missing(program: string, cause?: unknown): PortError {
  return new PortError("missing", `\`${program}\` is missing: install ${PACKAGES[program] ?? `the package that brings ${program}`}`, cause);
}
