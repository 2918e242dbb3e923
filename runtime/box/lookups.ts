/** Peers that nobody asked for by name: their locators are looked for in the reverse DNS tree while packets wait (draft §4.2.1, §6 step 4C). */
import type { UlidPair } from "../shim6/contract.ts";
import type { Ulid } from "../value/address.ts";
import { pairKey } from "./waiting.ts";

/**
 * Looks for the locators of `ulid` and calls `done` once, when the bindings hold what there is, never before it returns.
 * @returns `false` when there is nobody to ask, or too much is asked already: `done` is not called
 */
export type Locate = (ulid: Ulid, done: () => void) => boolean;

/** Peers looked for at once, and hosts that wait for one: who scans the block of identifiers is not served beyond that. */
const LOOKUPS = 1_024;
const HOSTS_EACH = 256;

/** Lookups under way. */
export class Lookups {
  readonly #locate: Locate;
  readonly #found: (pairs: Iterable<UlidPair>) => void;
  readonly #waiting = new Map<Ulid, Map<string, UlidPair>>();

  /** @param found hears of the pairs whose lookup is over, whatever came of it */
  constructor(locate: Locate, found: (pairs: Iterable<UlidPair>) => void) {
    this.#locate = locate;
    this.#found = found;
  }

  /** Lookups under way. */
  get size(): number {
    return this.#waiting.size;
  }

  /** @returns whether `pair` is looked for, so that its packets may wait */
  want(pair: UlidPair): boolean {
    const { peer } = pair;
    const known = this.#waiting.get(peer);
    if (known !== undefined) {
      const key = pairKey(pair);
      if (!known.has(key) && known.size >= HOSTS_EACH) return false;
      known.set(key, pair);
      return true;
    }
    if (this.#waiting.size >= LOOKUPS || !this.#locate(peer, () => this.#done(peer))) return false;
    this.#waiting.set(peer, new Map([[pairKey(pair), pair]]));
    return true;
  }

  #done(peer: Ulid): void {
    const pairs = this.#waiting.get(peer);
    this.#waiting.delete(peer);
    if (pairs !== undefined) this.#found(pairs.values());
  }
}
