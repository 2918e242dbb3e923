/** The lab's outside on Node, Deno and Bun: what they share under `node:` names. */
import process from "node:process";
import type { DwellerHost } from "../../runtime/lab/dweller.ts";
import type { LabHost, RuntimeName, SelfCommand, StreamHost } from "../../runtime/lab/host.ts";
import type { Entropy } from "../../runtime/port/entropy.ts";
import type { Files } from "../../runtime/port/files.ts";
import type { Http } from "../../runtime/port/http.ts";
import type { UdpPort } from "../../runtime/port/udp.ts";
import { hex } from "../../runtime/value/bytes.ts";
import { createCrypto } from "../common/crypto.ts";
import { systemEntropy } from "../common/entropy.ts";
import { tcpPort } from "../common/tcp.ts";
import { processPort } from "./process.ts";

const clock = { now: () => performance.now() };

/** What the lab's host takes from the rest of the adapters. */
export interface LabParts {
  readonly runtime: RuntimeName;
  readonly selfCommand: (runtime: RuntimeName) => SelfCommand;
  readonly files: Files;
  readonly http: Http;
}

/** The host of {@link runLab}. */
export function createLabHost({ runtime, selfCommand, files, http }: LabParts): LabHost {
  return {
    clock,
    files,
    http,
    newToken,
    processes: processPort,
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
    onInterrupt,
  };
}

/** The host of {@link runLabStream}. */
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

/** The host of {@link runDweller}. */
export function createDwellerHost({ entropy }: { readonly entropy: Entropy }, openUdp: () => Promise<UdpPort>): DwellerHost {
  return {
    clock,
    openUdp,
    random: () => {
      const [a, b, c] = entropy.bytes(3);
      return (a << 16) | (b << 8) | c;
    },
    out: (line) => {
      process.stdout.write(`${line}\n`);
    },
    sleep,
  };
}

const TOKEN_OCTETS = 16;

function newToken(): ReturnType<LabHost["newToken"]> {
  const crypto = createCrypto();
  const text = hex(systemEntropy.bytes(TOKEN_OCTETS));
  // Hashes are of one length whatever is said.
  const hashOf = (said: string): Uint8Array => crypto.sha256(new TextEncoder().encode(said));
  const own = hashOf(text);
  return { text, isIt: (said) => crypto.equal(hashOf(said), own) };
}

function sleep(ms: number, cancel?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      cancel?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    if (cancel?.aborted === true) over();
    else cancel?.addEventListener("abort", over);
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
