/** How much the authority answers one network: what it says to forged sources must not hurt whoever is behind them. */
import { type Address, addressOctets } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";

/** What becomes of one answer. */
export type RateVerdict =
  | "full"
  /** Only a word to come by TCP, which nobody can forge: no larger than the question. */
  | "truncated"
  | "silence";

/** Bounds, per network. */
export interface RateLimits {
  /** Full answers a second, and as many truncated ones beyond. */
  readonly perSecond: number;
  /** At once, of each kind. */
  readonly burst: number;
  /** Networks kept in mind; the one that asked least recently is forgotten first. */
  readonly networks: number;
}

/** Octets that one site's addresses have in common, as a rule (RFC 6177 §2). */
const NETWORK_OCTETS = 7;

/** Chosen so that a busy resolver is never slowed down, and a reflected flood stays below 2 Mb/s. */
export const RATE_LIMITS: RateLimits = { perSecond: 200, burst: 400, networks: 16_384 };

/** Token buckets by network. */
export class AnswerRate {
  readonly #limits: RateLimits;
  readonly #buckets = new Map<string, { full: number; truncated: number; at: Millis }>();

  constructor(limits: RateLimits = RATE_LIMITS) {
    this.#limits = limits;
  }

  /** Networks in mind. */
  get size(): number {
    return this.#buckets.size;
  }

  /** One answer to `source`. */
  take(source: Address, now: Millis): RateVerdict {
    const { perSecond, burst, networks } = this.#limits;
    const network = hex(addressOctets(source).subarray(0, NETWORK_OCTETS));
    const bucket = this.#buckets.get(network) ?? { full: burst, truncated: burst, at: now };
    // To the end: the Map's order is that of use.
    this.#buckets.delete(network);
    this.#buckets.set(network, bucket);
    if (this.#buckets.size > networks) this.#forgetOldest();
    const more = (Math.max(0, now - bucket.at) * perSecond) / 1000;
    bucket.at = now;
    bucket.full = Math.min(burst, bucket.full + more);
    bucket.truncated = Math.min(burst, bucket.truncated + more);
    for (const kind of ["full", "truncated"] as const) {
      if (bucket[kind] < 1) continue;
      bucket[kind]--;
      return kind;
    }
    return "silence";
  }

  #forgetOldest(): void {
    for (const [oldest] of this.#buckets) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
