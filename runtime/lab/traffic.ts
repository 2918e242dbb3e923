/** The stream seen from the lab: its two processes, and what they say. */
import type { Child } from "../port/process.ts";
import { type Ground, LabError } from "./ground.ts";
import type { LabHost, RuntimeName } from "./host.ts";
import type { SinkLine, SourceLine } from "./stream.ts";
import { within } from "./wait.ts";

/** How a finished stream went. */
export interface StreamEnd {
  readonly octets: number;
  /** Every octet arrived, was right and was confirmed. */
  readonly contentOk: boolean;
  /** What was wrong, for people. */
  readonly why: string | undefined;
}

/** A running stream from h1 to h2. */
export interface Traffic {
  /** What connect took, milliseconds. */
  readonly handshakeMs: number;
  /** Octets checked at h2. */
  readonly octets: number;
  /** The longest time without data at h2 since {@link mark}, milliseconds; one that goes on now is counted from its start. */
  readonly longestGap: number;
  /** Time without data at h2 by its last word; grows every 50 ms while the stream stands still. */
  readonly gapNow: number;
  mark(): void;
  /** Resolves when an end fails before {@link stop}. */
  readonly broken: Promise<string>;
  /** Ends the stream in order. */
  stop(): Promise<StreamEnd>;
}

/** Milliseconds for a process to start and say its first word. */
const START_PATIENCE = 20_000;
const STOP_PATIENCE = 30_000;

/** @param options.rate words of `lab-stream` that set the pace @throws {LabError} */
export async function startTraffic(
  host: LabHost,
  ground: Ground,
  options: {
    readonly from: string;
    readonly to: string;
    readonly address: string;
    readonly runtime: RuntimeName;
    readonly pace?: readonly string[];
  },
): Promise<Traffic> {
  const self = [...host.selfCommand(options.runtime).argv, "lab-stream"];
  const sink = await speaker<SinkLine>(host, ground, options.to, [...self, "--serve", options.address]);
  await sink.first("listening");
  let octets = 0;
  let longestGap = 0;
  let gapNow = 0;
  let ending = false;
  let sinkEnd: Extract<SinkLine, { done: true }> | undefined;
  sink.hear((line) => {
    if ("done" in line) sinkEnd = line;
    if (!("octets" in line)) return;
    octets = line.octets;
    if ("done" in line) return;
    gapNow = line.gap;
    longestGap = Math.max(longestGap, line.gap);
  });
  const source = await speaker<SourceLine>(host, ground, options.from, [...self, "--connect", options.address, ...(options.pace ?? [])]);
  let sourceEnd: Extract<SourceLine, { done: true }> | undefined;
  source.hear((line) => {
    if ("done" in line) sourceEnd = line;
  });
  const connected = await source.first("connected");
  const brokenBy = (who: string, child: Child, said: () => string) =>
    child.ended.then((code) =>
      ending ? new Promise<string>(() => undefined) : `the stream's end in ${who} ended with ${code}: ${said()}`,
    );
  return {
    handshakeMs: "connected" in connected ? connected.connected : Number.NaN,
    get octets() {
      return octets;
    },
    get longestGap() {
      return longestGap;
    },
    get gapNow() {
      return gapNow;
    },
    mark: () => {
      longestGap = 0;
    },
    broken: Promise.race([brokenBy(options.from, source.child, source.last), brokenBy(options.to, sink.child, sink.last)]),
    async stop() {
      ending = true;
      source.child.hush();
      await within(host, STOP_PATIENCE, undefined, source.child.ended);
      sink.child.hush();
      await within(host, STOP_PATIENCE, undefined, sink.child.ended);
      const wrong = sinkEnd?.wrong ?? 0;
      const why =
        sinkEnd === undefined ? "h2 never saw the end" : wrong > 0 ? `${wrong} octets lie in pieces that were wrong` : sourceEnd?.why;
      const contentOk = why === undefined && sourceEnd?.ok === true && sinkEnd?.octets === sourceEnd.sent;
      return { octets: sinkEnd?.octets ?? octets, contentOk, why: contentOk ? undefined : (why ?? "not all that was sent was confirmed") };
    },
  };
}

interface Speaker<Line extends object> {
  readonly child: Child;
  hear(listener: (line: Line) => void): void;
  /** The first line that has `key`. @throws {LabError} when the process ends or is silent */
  first(key: string): Promise<Line>;
  /** Its last words. */
  last(): string;
}

async function speaker<Line extends object>(host: LabHost, ground: Ground, node: string, argv: readonly string[]): Promise<Speaker<Line>> {
  let listener: (line: Line) => void = () => undefined;
  let last = "";
  const heard: Line[] = [];
  const waiting: (() => void)[] = [];
  const child = await ground.spawn(node, argv, {
    line: (text) => {
      last = text;
      const line = parseLine<Line>(text);
      if (line === undefined) return;
      if (heard.length < 2) heard.push(line);
      for (const wake of waiting.splice(0)) wake();
      listener(line);
    },
    complaint: (text) => {
      last = text;
    },
  });
  return {
    child,
    hear: (given) => {
      listener = given;
    },
    async first(key) {
      const found = new Promise<Line>((resolve) => {
        const look = () => {
          const line = heard.find((candidate) => key in candidate);
          if (line === undefined) waiting.push(look);
          else resolve(line);
        };
        look();
      });
      const over = child.ended.then((code) => `ended with ${code}`);
      const outcome = await within<Line | string>(host, START_PATIENCE, "is silent", found, over);
      if (typeof outcome === "string") throw new LabError(`the stream's end in ${node} ${outcome}: ${last}`);
      return outcome;
    },
    last: () => last,
  };
}

/** Our own process wrote it; anything else on its output is no line of ours. */
function parseLine<Line extends object>(text: string): Line | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
