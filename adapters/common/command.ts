import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "../../runtime/port/command.ts";
import { PortError } from "../../runtime/port/error.ts";
import { PACKAGES } from "../linux/packages.ts";
import { errnoOf, portError } from "./error.ts";

const LIMIT = 30_000;
const OUTPUT_MAX = 64 * 1_048_576;
const SIGNALLED = 128;

/** Programs through node:child_process. */
export const systemCommand: Command = {
  run(program, args, stdin = "", limit = LIMIT) {
    const done = spawnSync(program, [...args], {
      input: stdin,
      encoding: "utf8",
      timeout: limit,
      maxBuffer: OUTPUT_MAX,
      killSignal: "SIGKILL",
    });
    if (done.error !== undefined) {
      switch (errnoOf(done.error)) {
        case "ENOENT":
          throw new PortError(
            "missing",
            `\`${program}\` is missing: install ${PACKAGES[program] ?? `the package that brings ${program}`}`,
            done.error,
          );
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
  },
};
