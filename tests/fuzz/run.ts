/** Plays inputs one by one, watches each, and says which was at fault and how to play it again. */
import { Seeded } from "../lib/shim6world.ts";

/** What is fuzzed. `play` throws when the input shows a fault; it must leave nothing behind. */
export interface Target {
  readonly name: string;
  /** The input of number `index`, from `random` alone. */
  input(random: Seeded, index: number): Uint8Array;
  play(octets: Uint8Array, index: number): void;
}

/** What to play. */
export interface FuzzOptions {
  readonly seed: number;
  readonly first: number;
  readonly inputs: number;
  readonly progress?: (done: number, perSecond: number) => void;
}

/** What was seen. */
export interface FuzzReport {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  /** Milliseconds of the slowest input when it was played again. */
  readonly slowest: number;
  /** Heap in use after the run less that after its first tenth, octets, both after collection; `undefined` where nobody can ask for one. */
  readonly heapGrowth: number | undefined;
}

/** An input that takes so long, three times in a row, is a fault: honest ones take microseconds. */
const SLOW = 50;
/** More than the collector leaves lying about after a run of any length. */
const HEAP_SLACK = 24 * 1024 * 1024;
const REPORT_EVERY = 100_000;

/** An input that showed a fault. */
export class FuzzFault extends Error {
  override readonly name = "FuzzFault";
}

/** @throws {FuzzFault} at the first fault */
export function fuzz(target: Target, options: FuzzOptions): FuzzReport {
  const { seed, first, inputs } = options;
  const started = performance.now();
  let slowest = 0;
  let settled: number | undefined;
  for (let i = 0; i < inputs; i++) {
    const index = first + i;
    const octets = target.input(new Seeded((seed ^ Math.imul(index + 1, 0x85eb_ca6b)) >>> 0), index);
    const before = performance.now();
    playOnce(target, octets, index, seed);
    if (performance.now() - before > Math.max(1, slowest)) slowest = Math.max(slowest, again(target, octets, index, seed));
    if (i === Math.floor(inputs / 10)) settled = heapInUse();
    if ((i + 1) % REPORT_EVERY === 0) options.progress?.(i + 1, ((i + 1) * 1000) / (performance.now() - started));
  }
  const seconds = (performance.now() - started) / 1000;
  const now = settled === undefined ? undefined : heapInUse();
  const heapGrowth = now === undefined || settled === undefined ? undefined : now - settled;
  if (heapGrowth !== undefined && heapGrowth > HEAP_SLACK)
    throw new FuzzFault(`${target.name}: the heap grew by ${heapGrowth} octets (seed ${seed})`);
  return { target: target.name, seed, inputs, seconds, slowest, heapGrowth };
}

function playOnce(target: Target, octets: Uint8Array, index: number, seed: number): void {
  const kept = octets.slice();
  try {
    target.play(octets, index);
  } catch (error) {
    throw fault(target, kept, index, seed, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** The shortest of three more times: what was only the collector or the scheduler is gone then. */
function again(target: Target, octets: Uint8Array, index: number, seed: number): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const copy = octets.slice();
    const before = performance.now();
    target.play(copy, index);
    shortest = Math.min(shortest, performance.now() - before);
  }
  if (shortest > SLOW) throw fault(target, octets, index, seed, `takes ${shortest.toFixed(1)} ms`);
  return shortest;
}

function fault(target: Target, octets: Uint8Array, index: number, seed: number, what: string): FuzzFault {
  const text = [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return new FuzzFault(`${target.name}: --seed ${seed} --first ${index} --inputs 1\n${text}\n${what}`);
}

interface Collecting {
  readonly gc?: () => void;
  readonly Bun?: { gc(force: boolean): void };
  readonly process?: { memoryUsage(): { heapUsed: number } };
}

function heapInUse(): number | undefined {
  const { gc, Bun, process } = globalThis as Collecting;
  if (gc === undefined && Bun === undefined) return undefined;
  gc?.();
  Bun?.gc(true);
  return process?.memoryUsage().heapUsed;
}

/** Octets that a value holds in memory, roughly: 16 for each object and property, the length of texts and arrays. */
export function weight(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (value instanceof Uint8Array) return 16 + value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 8 + weight(item), 16);
  if (value instanceof Set) return [...value].reduce<number>((sum, item) => sum + 8 + weight(item), 16);
  if (typeof value !== "object" || value === null || typeof value === "function") return 8;
  return Object.values(value).reduce<number>((sum, item) => sum + 8 + weight(item), 16);
}
