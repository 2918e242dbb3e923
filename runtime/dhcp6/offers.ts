/** Addresses that were advertised and not yet asked for: the client that asks soon gets the same one. */
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import { NEVER } from "../value/time.ts";
import type { ReadyCga } from "./contract.ts";
import type { CgaPool } from "./pool.ts";

/** A client asks within seconds; REQ_MAX_RC requests take two minutes and more, and those that come late get another address. */
export const OFFER_TIME: Millis = 30_000;
/** All that strangers can have by soliciting. The oldest goes first. */
export const OFFER_LIMIT = 16_384;

interface Offer {
  readonly cga: ReadyCga;
  readonly subnet: Prefix;
  readonly until: Millis;
}

/** Open offers by client, IAID and link; the oldest first. */
export class Offers {
  readonly #pool: CgaPool;
  readonly #open = new Map<string, Offer>();

  constructor(pool: CgaPool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#open.size;
  }

  /** When the oldest offer ends. */
  get wakeAt(): Millis {
    for (const { until } of this.#open.values()) return until;
    return NEVER;
  }

  /** What was offered to `key` or is from now on; `undefined` when there is nothing to offer. */
  offer(key: string, subnet: Prefix, now: Millis): ReadyCga | undefined {
    const known = this.#open.get(key);
    if (known === undefined && this.#open.size >= OFFER_LIMIT)
      for (const oldest of this.#open.keys()) {
        this.#end(oldest);
        break;
      }
    const cga = known?.cga ?? this.#pool.take(subnet);
    if (cga === undefined) return undefined;
    this.#open.delete(key);
    this.#open.set(key, { cga, subnet, until: now + OFFER_TIME });
    return cga;
  }

  /** What was offered to `key`, or another one; it is the caller's then. */
  take(key: string, subnet: Prefix): ReadyCga | undefined {
    const known = this.#open.get(key);
    if (known === undefined) return this.#pool.take(subnet);
    this.#open.delete(key);
    return known.cga;
  }

  /** Ends what has run out. */
  expire(now: Millis): void {
    for (const [key, { until }] of this.#open) {
      if (until > now) return;
      this.#end(key);
    }
  }

  #end(key: string): void {
    const offer = this.#open.get(key);
    this.#open.delete(key);
    if (offer !== undefined) this.#pool.give(offer.subnet, offer.cga);
  }
}
