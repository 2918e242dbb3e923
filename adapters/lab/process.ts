/** {@link ProcessPort} over node:child_process, which Node, Deno and Bun all have. */
import { type ChildProcess, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { constants as system } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Finished } from "../../runtime/port/command.ts";
import type { Child, ChildHandlers, ProcessPort, RunOptions, Signal, SpawnOptions } from "../../runtime/port/process.ts";

const NOT_STARTED = 127;
const TIMED_OUT = 124;

export const processPort: ProcessPort = {
  pid: process.pid,
  uid: process.geteuid?.() ?? -1,
  env: (name) => process.env[name],
  which,
  run,
  spawn: start,
  kill,
};

async function which(program: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, program);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [program, ...rest] = argv;
  return new Promise((resolve) => {
    const pipe = options.terminal === true ? "inherit" : "pipe";
    const child = spawn(program, rest, { stdio: ["pipe", pipe, pipe], env: environment(options.env) });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            child.kill("SIGKILL");
          }, options.timeout);
    const finish = (code: number, complaint = "") => {
      clearTimeout(timer);
      resolve({ code: timedOut ? TIMED_OUT : code, stdout, stderr: stderr + complaint });
    };
    child.once("error", (error) => finish(NOT_STARTED, error.message));
    child.once("close", (code, signal) => finish(exitCode(code, signal)));
    quietInput(child);
    if (options.terminal !== true) child.stdin?.end(options.input ?? "");
    else options.hangUp?.addEventListener("abort", () => child.stdin?.end(), { once: true });
  });
}

function start(argv: readonly string[], handlers: ChildHandlers, options: SpawnOptions = {}): Child {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, { stdio: "pipe", detached: true, env: environment(options.env) });
  quietInput(child);
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (text) => handlers.line(text));
  if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", (text) => handlers.complaint(text));
  const ended = new Promise<number>((resolve) => {
    child.once("error", (error) => {
      handlers.complaint(error.message);
      resolve(NOT_STARTED);
    });
    child.once("close", (code, signal) => resolve(exitCode(code, signal)));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    tell: (line) => {
      child.stdin?.write(`${line}\n`);
    },
    hush: () => {
      child.stdin?.end();
    },
  };
}

/** A child may end before it has read its input; that is its exit code's business, not an error of ours. */
function quietInput(child: ChildProcess): void {
  child.stdin?.on("error", () => undefined);
}

function kill(pid: number, signal: Signal): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function environment(added: Readonly<Record<string, string>> | undefined): NodeJS.ProcessEnv {
  return added === undefined ? process.env : { ...process.env, ...added };
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : system.signals[signal]);
}
