/** What happened in a run: always as a hash, so that two runs can be compared; as lines and as a capture when somebody wants them. */
import type { Millis } from "../value/time.ts";

/** Who wants to see a run. */
export interface Watchers {
  /** One line for each event. */
  readonly line?: (text: string) => void;
  /** Each packet that a link took. `at` is virtual. */
  readonly wire?: (at: Millis, packet: Uint8Array) => void;
}

/** Octets of a packet that go into the hash: all headers. What is behind them is compared octet by octet where it arrives. */
const HASHED_OCTETS = 96;

/** The record of one run. */
export class Trace {
  readonly #watchers: Watchers;
  readonly #double = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#double.buffer);
  #a = 0x811c9dc5 | 0;
  #b = 0x01000193 | 0;
  events = 0;

  constructor(watchers: Watchers) {
    this.#watchers = watchers;
  }

  /** Whether lines are wanted: making them costs more than the run. */
  get told(): boolean {
    return this.#watchers.line !== undefined;
  }

  /** Something of kind `kind` happened; `value` says to what. */
  note(at: Millis, kind: number, value: number): void {
    this.events++;
    this.#double[0] = at;
    this.#mix(this.#halves[0]);
    this.#mix(this.#halves[1]);
    this.#mix(kind);
    this.#mix(value);
  }

  /** A packet was seen. */
  packet(at: Millis, kind: number, packet: Uint8Array): void {
    this.note(at, kind, packet.length);
    const end = Math.min(packet.length, HASHED_OCTETS) & ~3;
    for (let i = 0; i < end; i += 4) this.#mix((packet[i] << 24) | (packet[i + 1] << 16) | (packet[i + 2] << 8) | packet[i + 3]);
  }

  /** A link took a packet. */
  wire(at: Millis, packet: Uint8Array): void {
    this.#watchers.wire?.(at, packet);
  }

  /** A line for people; `text` is asked only if somebody reads. */
  say(at: Millis, text: () => string): void {
    this.#watchers.line?.(`${(at / 1000).toFixed(6).padStart(12)}  ${text()}`);
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#a ^= this.#a >>> 15;
    this.#b = (Math.imul(this.#b, 0x85ebca6b) + this.#a) | 0;
  }
}
