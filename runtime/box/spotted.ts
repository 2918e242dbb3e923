/** Addresses that hosts were told by the DNS gateway of names without a ULID, for rules of `policy` about names (docs/legacy.md). */
import { MAPPED_RULES } from "../config/site.ts";
import type { Address } from "../value/address.ts";
import type { Millis } from "../value/time.ts";

/** Chosen: hosts keep addresses for longer than they may. */
const LINGER: Millis = 600_000;

interface Spotted {
  readonly names: ReadonlySet<string>;
  readonly until: Millis;
}

/** Addresses and their names; bounded, the one heard of longest ago goes first. */
export class SpottedNames {
  readonly #addresses = new Map<Address, Spotted>();

  /** @returns whether that is news */
  learn(addresses: readonly Address[], names: readonly string[], until: Millis, now: Millis): boolean {
    let isNews = false;
    for (const address of addresses) {
      const known = this.#addresses.get(address);
      const before = known !== undefined && known.until > now ? known.names : new Set<string>();
      const all = new Set([...before, ...names.map((name) => name.toLowerCase())]);
      isNews ||= all.size !== before.size;
      this.#addresses.delete(address);
      this.#addresses.set(address, { names: all, until: Math.max(until + LINGER, known?.until ?? 0) });
      if (this.#addresses.size > MAPPED_RULES.named)
        for (const oldest of this.#addresses.keys()) {
          this.#addresses.delete(oldest);
          break;
        }
    }
    return isNews;
  }

  /** Names that `address` has. */
  namesOf(address: Address, now: Millis): string[] {
    const known = this.#addresses.get(address);
    return known !== undefined && known.until > now ? [...known.names] : [];
  }

  /** Addresses with a name at or below one of `domains`, those heard of last first. */
  within(domains: readonly string[], now: Millis): Address[] {
    const found: Address[] = [];
    for (const [address, { names, until }] of this.#addresses)
      if (until > now && [...names].some((name) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`))))
        found.push(address);
    return found.reverse();
  }
}
