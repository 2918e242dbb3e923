/** The lab's outside on Node, Deno and Bun: what they share under `node:` names. */
import { connect } from "node:net";
import process from "node:process";
import type { LabHost, RuntimeName, SelfCommand, StreamHost } from "../../runtime/lab/host.ts";
import { runFiles } from "./lab-files.ts";
import { processPort } from "./lab-process.ts";
import { tcpPort } from "./lab-tcp.ts";

const clock = { now: () => performance.now() };

export function createLabHost(runtime: RuntimeName, selfCommand: (runtime: RuntimeName) => SelfCommand): LabHost {
  return {
    clock,
    files: runFiles,
    process: processPort,
    screen: {
      isTerminal: process.stdout.isTTY === true,
      size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
      out: (text) => {
        process.stdout.write(text);
      },
      note: (text) => {
        process.stderr.write(text);
      },
    },
    runtime,
    selfCommand,
    sleep,
    get: getJson,
    onInterrupt,
  };
}

export function createStreamHost(): StreamHost {
  return {
    clock,
    tcp: tcpPort,
    every: (ms, tick) => {
      const timer = setInterval(tick, ms);
      return () => clearInterval(timer);
    },
    out: (line) => {
      process.stdout.write(`${line}\n`);
    },
    onStop: (stop) => {
      onInterrupt(stop, true);
    },
  };
}

function sleep(ms: number, cancel?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    cancel?.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function onInterrupt(stop: () => void, input = false): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  if (input) {
    process.stdin.on("end", stop);
    process.stdin.on("close", stop);
    process.stdin.resume();
  }
  return () => {
    for (const signal of signals) process.off(signal, stop);
    if (!input) return;
    process.stdin.off("end", stop);
    process.stdin.off("close", stop);
    process.stdin.pause();
  };
}

/** A box that does not answer within this is not there. Milliseconds. */
const ANSWER_PATIENCE = 2000;

function getJson(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath });
    const chunks: Buffer[] = [];
    socket.setTimeout(ANSWER_PATIENCE, () => socket.destroy());
    socket.once("connect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(jsonBody(Buffer.concat(chunks))));
  });
}

/** The body of an HTTP/1.1 answer that was read to its end. */
function jsonBody(answer: Buffer): unknown {
  const headEnd = answer.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const head = answer.subarray(0, headEnd).toString("latin1");
  if (!/^HTTP\/1\.[01] 200 /.test(head)) return undefined;
  const raw = answer.subarray(headEnd + 4);
  const body = /^transfer-encoding:\s*chunked\s*$/im.test(head) ? unchunk(raw) : raw;
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function unchunk(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(raw.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
