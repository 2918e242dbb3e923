/**
 * What somebody wishes for the locators of one context (RFC 6316 §6.4, §6.5): those that are named come first, in their order. A wish lasts as long
 * as its context. It is no rule: what a rule forbids stays forbidden, and what is drained stays behind.
 */
import type { UlidPair } from "../shim6/contract.ts";
import type { Address, Locator } from "../value/address.ts";
import { WORST_PRIORITY } from "../wire/message.ts";

/** A locator and its rank: lower priorities first, higher weights first among equals (RFC 6316 §8.1). */
export interface WishedLocator {
  readonly address: Locator;
  readonly priority: number;
  readonly weight: number;
}

/** Locators of the two ends; those that are not named come behind. */
export interface ContextWish {
  readonly local: readonly WishedLocator[];
  readonly peer: readonly WishedLocator[];
}

/** Contexts with a wish at most: it is for a few that matter. */
export const WISHES = 4_096;
/** Before whatever the site says of providers. */
const WISHED = 10_000;

const NOTHING: ContextWish = { local: [], peer: [] };

/** The wishes of one box. For the control thread. */
export class Wishes {
  readonly #wishes = new Map<string, ContextWish>();

  /** What is wished for `pair`; empty lists where nothing is. */
  of(pair: UlidPair): ContextWish {
    return this.#wishes.size === 0 ? NOTHING : (this.#wishes.get(keyOf(pair)) ?? NOTHING);
  }

  /** Takes a wish up in place of the one before; one that names nothing is forgotten. @returns `false` when there are {@link WISHES} already */
  set(pair: UlidPair, wish: ContextWish): boolean {
    const key = keyOf(pair);
    if (wish.local.length + wish.peer.length === 0) {
      this.#wishes.delete(key);
      return true;
    }
    if (!this.#wishes.has(key) && this.#wishes.size >= WISHES) return false;
    this.#wishes.set(key, wish);
    return true;
  }

  /** The context of `pair` is gone. */
  forget(pair: UlidPair): void {
    if (this.#wishes.size > 0) this.#wishes.delete(keyOf(pair));
  }

  /** The rank of our locator `address` for `pair`, before all that have none; `undefined` = it is not named. */
  rankOf(pair: UlidPair, address: Address): { readonly priority: number; readonly weight: number } | undefined {
    const wished = this.of(pair).local.find((each) => each.address === address);
    return wished && { priority: wished.priority - WISHED, weight: wished.weight };
  }

  /**
   * What the peer says of its locators, under the wish: named ones have the rank that is wished, the others the worst, so that the context leaves
   * them. RFC 6316 §11.1: the application's word goes over the peer's. BROKEN stays BROKEN.
   */
  overPeer<Listed extends { readonly address: Address; readonly preference: { readonly flags: number } }>(
    pair: UlidPair,
    listed: readonly Listed[],
  ): readonly Listed[] {
    const { peer } = this.of(pair);
    if (peer.length === 0) return listed;
    return listed.map((each) => {
      const wished = peer.find(({ address }) => address === each.address);
      const { flags } = each.preference;
      const preference =
        wished === undefined
          ? { flags, priority: WORST_PRIORITY, weight: 0 }
          : { flags, priority: Math.min(WORST_PRIORITY - 1, wished.priority), weight: Math.min(WORST_PRIORITY, wished.weight) };
      return { ...each, preference };
    });
  }
}

function keyOf({ local, peer, fork }: UlidPair): string {
  return `${local} ${peer} ${fork}`;
}
