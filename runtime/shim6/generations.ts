/**
 * Which signed locator lists of a peer are out of date. What a list's signature covers holds no nonce and no date (shim6-wire §6):
 * whoever was given a prefix that a peer has left could claim the peer's ULID with a list that it signed then. So the newest
 * list of each peer is remembered beyond its context, and an older one may take back nothing that a newer one gave up.
 *
 * The RFC does not order generations (§5.15.2 counts, §10.1 draws at random). Boxes of ours count from the calendar's seconds: for
 * them the order of numbers decides. For others only what was seen to be replaced is known to be older.
 */
import type { Locator, Ulid } from "../value/address.ts";
import { findOption, type LocatorList, METHOD_CGA, type Option } from "../wire/message.ts";
import { KNOWN_LISTS, SUPERSEDED_LISTS } from "./constants.ts";
import { Recent } from "./recent.ts";

/** `older`: names nothing that the newest does not; `stale`: names something that the newest gave up. */
export type Standing = "current" | "older" | "stale";

interface Newest {
  readonly list: LocatorList;
  /** A box of ours: its generations only grow (serial number arithmetic). */
  readonly counts: boolean;
  /** Generations that were replaced, the latest last. */
  readonly superseded: readonly number[];
}

/** The newest list of each peer. Bounded; the peer unheard of for longest is forgotten. */
export class Generations {
  readonly #newest = new Recent<Ulid, Newest>(KNOWN_LISTS);

  /** How `list`, whose signature need not have been looked at, stands to what `ulid` said before. */
  judge(ulid: Ulid, list: LocatorList): Standing {
    const newest = this.#newest.get(ulid);
    if (newest === undefined || !isOlder(list.generation, newest)) return "current";
    const known = new Set<Locator>(newest.list.locators.map(({ address }) => address));
    return list.locators.every(({ address }) => known.has(address)) ? "older" : "stale";
  }

  /** A list whose signature is right, from a message with these options. @returns the newest list: this one, or that which it is older than */
  learn(ulid: Ulid, list: LocatorList, options: readonly Option[]): LocatorList {
    const before = this.#newest.get(ulid);
    if (before !== undefined && isOlder(list.generation, before)) return before.list;
    const counts = before?.counts === true || findOption(options, "capabilities") !== undefined;
    const replaced = before !== undefined && before.list.generation !== list.generation ? [before.list.generation] : [];
    this.#newest.set(ulid, { list, counts, superseded: [...(before?.superseded ?? []), ...replaced].slice(-SUPERSEDED_LISTS) });
    return list;
  }
}

/** Whether the signature in `options` covers the generation of their list: not so in an HBA set, which never changes anyway. */
export function isSigned(options: readonly Option[]): boolean {
  const list = findOption(options, "locator-list");
  return findOption(options, "cga-signature") !== undefined && list?.locators.some(({ method }) => method === METHOD_CGA) === true;
}

function isOlder(generation: number, { list, counts, superseded }: Newest): boolean {
  return superseded.includes(generation) || (counts && ((list.generation - generation) | 0) > 0);
}
