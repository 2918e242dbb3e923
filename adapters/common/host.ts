import { writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import type { Host } from "../../runtime/port/host.ts";
import type { DenoNamespace } from "./deno.ts";
import { errnoOf } from "./error.ts";

const DESCRIPTORS = { stdin: 0, stdout: 1, stderr: 2 } as const;
/** How long to wait for a pipe whose reader is behind, ms. */
const PIPE_WAIT = 1;

/** The process, through the `Deno` namespace; standard streams through `node:`. */
export function systemHost(deno: DenoNamespace, runtime: string): Host {
  return {
    runtime,
    system: deno.build.os,
    args: deno.args,
    pid: deno.pid,
    uid: process.geteuid?.() ?? deno.uid() ?? -1,
    environment: (name) => deno.env.get(name),
    isTerminal: (stream) => isatty(DESCRIPTORS[stream]),
    print: (text, stream = "stdout") => print(DESCRIPTORS[stream], text),
    inputLines: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    onSignal(signal, run) {
      deno.addSignalListener(signal, run);
      return () => deno.removeSignalListener(signal, run);
    },
    exit: (code) => deno.exit(code),
  };
}

function print(descriptor: number, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "EPIPE") return false;
      if (errno !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_WAIT);
    }
  }
  return true;
}
