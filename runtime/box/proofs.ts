/**
 * The DNS as proof of a peer's locators (draft §10): a message that lists locators waits until forward and reverse tree were asked
 * for them. Only messages that have passed every cheaper check come here: a stranger has answered before.
 */
import type { DnsProof } from "../shim6/contract.ts";
import { addressAt, type Locator, type Ulid } from "../value/address.ts";
import type { Millis } from "../value/time.ts";

/**
 * Asks both trees for the locators of `ulid` and calls `done` once, never before it returns: with those on which they agree and the instant
 * until which that holds, or with `undefined`.
 * @returns `false` when there is nobody to ask, or too much is asked already: `done` is not called
 */
export type Prove = (ulid: Ulid, done: (locators: readonly Locator[] | undefined, until: Millis) => void) => boolean;

/** What counts as proof. */
export type ProofMode = "cga" | "dns" | "both";

/** What the proofs work with. */
export interface ProofParts {
  readonly now: () => Millis;
  readonly mode: () => ProofMode;
  readonly prove: Prove;
  /** Takes a message up again. */
  readonly resume: (packet: Uint8Array) => void;
}

/** Peers whose proof is remembered; then the one asked longest ago goes. */
const PROOFS = 65_536;
/** Peers asked for at once, and messages of one that wait. */
const QUESTIONS = 256;
const MESSAGES_EACH = 4;
/** Locators that the trees did not have when we asked are asked for again, but not more often. */
const AGAIN: Millis = 5_000;

interface Proved {
  readonly locators: ReadonlySet<Locator>;
  readonly at: Millis;
  readonly until: Millis;
}

/** What the DNS said of peers, and messages that wait for it. */
export class Proofs {
  readonly #parts: ProofParts;
  readonly #known = new Map<Ulid, Proved>();
  readonly #waiting = new Map<Ulid, Uint8Array[]>();

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /** Peers asked for now. */
  get asking(): number {
    return this.#waiting.size;
  }

  /** For `Shim6World.proof`: `undefined` when the site does not ask the DNS. */
  of(ulid: Ulid, listed: readonly Locator[]): DnsProof | undefined {
    const mode = this.#parts.mode();
    if (mode === "cga") return undefined;
    const now = this.#parts.now();
    const known = this.#known.get(ulid);
    if (known === undefined || known.until <= now) return "unknown";
    const isStale = now - known.at >= AGAIN && listed.some((locator) => !known.locators.has(locator));
    return isStale ? "unknown" : { locators: known.locators, alone: mode === "dns" };
  }

  /** Keeps a copy of `packet`, whose message the machine gave back with `prove`. @returns whether it may wait */
  wait(ulid: Ulid, packet: Uint8Array): boolean {
    const waiting = this.#waiting.get(ulid);
    if (waiting !== undefined) {
      const source = addressAt(packet, 8);
      // A repetition of what waits already brings nothing.
      if (waiting.some((each) => addressAt(each, 8) === source && each.length === packet.length)) return true;
      if (waiting.length >= MESSAGES_EACH) return false;
      waiting.push(packet.slice());
      return true;
    }
    if (this.#waiting.size >= QUESTIONS) return false;
    if (!this.#parts.prove(ulid, (locators, until) => this.#proved(ulid, locators, until))) return false;
    this.#waiting.set(ulid, [packet.slice()]);
    return true;
  }

  #proved(ulid: Ulid, locators: readonly Locator[] | undefined, until: Millis): void {
    const now = this.#parts.now();
    this.#known.delete(ulid);
    if (this.#known.size >= PROOFS) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    // Nothing found holds for a while too, or each repetition would ask again; and what waits must find an answer in any case.
    this.#known.set(ulid, { locators: new Set(locators), at: now, until: Math.max(until, now + AGAIN) });
    const packets = this.#waiting.get(ulid) ?? [];
    this.#waiting.delete(ulid);
    for (const packet of packets) this.#parts.resume(packet);
  }
}
