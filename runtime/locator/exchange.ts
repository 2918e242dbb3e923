/**
 * The rule of {@link ./map.ts} as bits to exchange, for whoever maps packet by packet; and which provider takes what share of what is new.
 */
import { ADDRESS_OCTETS, addressOctets, type Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { locatorFor, type MappingFill, ulidFor } from "./map.ts";

/** Leading bits of an address, and what stands there in every ULID and in every locator: 16 octets each, network order. */
export interface Exchange {
  readonly mask: Uint8Array;
  readonly head: Uint8Array;
  readonly base: Uint8Array;
}

/** What {@link locatorFor} and {@link ulidFor} exchange between the site's prefix and a provider's, both at most 64 bits long. */
export function exchangeFor(provider: Prefix, ulidPrefix: Prefix, fill: MappingFill): Exchange {
  const length = Math.max(provider.length, ulidPrefix.length);
  const mask = Uint8Array.from({ length: ADDRESS_OCTETS }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff);
  // The ULID of the provider's first locator shows how ULIDs begin.
  const first: Ulid = ulidFor(provider, ulidPrefix, provider.base, fill) ?? ulidPrefix.base;
  return { mask, head: addressOctets(first), base: addressOctets(locatorFor(provider, ulidPrefix, first) ?? provider.base) };
}

/** Somebody who takes a share. */
export interface ShareTaker {
  /** 0 … 254, the same as long as it is there. */
  readonly place: number;
  /** Lower first: only those with the lowest take anything. */
  readonly priority: number;
  /** Shares are in proportion to it; 0 = only when no other is left. */
  readonly weight: number;
  readonly usable: boolean;
}

/** A share that nobody takes. */
export const NOBODY = 0xff;

/**
 * Who takes each of `count` shares. A taker that goes leaves its shares to the others, whose own stay where they are; when none is usable all are as
 * good as before. Equal takers give equal shares.
 */
export function sharesOf(takers: readonly ShareTaker[], count: number): Uint8Array {
  const usable = takers.filter((taker) => taker.usable);
  const left = usable.length > 0 ? usable : takers;
  const best = left.filter(({ priority }) => priority === Math.min(...left.map((taker) => taker.priority)));
  const weighted = best.filter(({ weight }) => weight > 0);
  const chosen = weighted.length > 0 ? weighted : best.map((taker) => ({ ...taker, weight: 1 }));
  return Uint8Array.from({ length: count }, (_, share) => winner(chosen, share));
}

/** Exponential clocks, as for contexts (rank.ts): the earliest of them is each taker's with the probability of its weight. */
function winner(takers: readonly ShareTaker[], share: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  let place = NOBODY;
  for (const taker of takers) {
    const at = -Math.log(1 - fraction(share, taker.place)) / taker.weight;
    if (at >= earliest) continue;
    earliest = at;
    place = taker.place;
  }
  return place;
}

/** A number in [0, 1) for a share and a place. */
function fraction(share: number, place: number): number {
  let mixed = Math.imul(share + 1, 0x9e37_79b1) ^ Math.imul(place + 1, 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a_2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}
