/** Hosts' addresses towards peers without Shim6, as the core reads them: core-as/layout/mapping.ts. */
import { ADDRESS_LENGTH } from "../../core-as/layout/ip6.ts";
import { MAPPING_FIRST } from "../../core-as/layout/map.ts";
import * as layout from "../../core-as/layout/mapping.ts";
import { STEER_OCTETS } from "../../core-as/layout/steer.ts";
import { putAddress } from "../value/address.ts";
import type { CoreMapping, MappedProvider } from "./contract.ts";
import { writeSteering } from "./steering.ts";

/**
 * Writes `mapping` into the block behind `used`, the place of the one that is valid, 0 = none. Lanes in the middle of a batch keep theirs. `steer` is where
 * the blocks of rules begin.
 * @returns the block's place
 * @throws {RangeError} for more peers than are spared, a place out of range, shares of another number, or too many rules
 */
export function writeMapping(
  { providers, shares, limitIn, spared, rules }: CoreMapping,
  used: number,
  steer: number,
  words: Uint32Array,
  octets: Uint8Array,
): number {
  if (spared.length > layout.SPARED_MAX) throw new RangeError(`spared: ${spared.length} addresses, more than ${layout.SPARED_MAX}`);
  if (shares.length !== layout.SHARES) throw new RangeError(`shares: ${shares.length}, not ${layout.SHARES}`);
  const index = used === 0 ? 0 : ((used - MAPPING_FIRST) / layout.MAPPING_BLOCK_OCTETS + 1) % layout.MAPPING_BLOCKS;
  const block = MAPPING_FIRST + index * layout.MAPPING_BLOCK_OCTETS;
  octets.fill(0, block, block + layout.MAPPING_BLOCK_OCTETS);
  for (const provider of providers) writeProvider(provider, block, words, octets);
  words[(block + layout.MAPPING_PLACES) >>> 2] = Math.max(0, ...providers.map(({ place }) => place + 1));
  words[(block + layout.MAPPING_LIMIT_IN) >>> 2] = limitIn;
  words[(block + layout.MAPPING_SPARED) >>> 2] = spared.length;
  spared.forEach((address, i) => {
    putAddress(address, octets, block + layout.MAPPING_SPARED_FIRST + i * ADDRESS_LENGTH);
  });
  octets.set(shares, block + layout.MAPPING_SHARES);
  const at = steer + index * STEER_OCTETS;
  if (rules !== undefined) writeSteering(rules, at, words, octets);
  words[(block + layout.MAPPING_STEER) >>> 2] = rules === undefined ? 0 : at;
  return block;
}

function writeProvider(provider: MappedProvider, block: number, words: Uint32Array, octets: Uint8Array): void {
  const { place, mask, head, base, usable, drained } = provider;
  if (!Number.isInteger(place) || place < 0 || place >= layout.MAPPED_MAX) throw new RangeError(`place: ${place} is not in 0 … 15`);
  const at = block + place * layout.MAPPED_OCTETS;
  const [from, to] = [masked(head, mask), masked(base, mask)];
  octets.set(mask, at + layout.MAPPED_MASK);
  octets.set(from, at + layout.MAPPED_HEAD);
  octets.set(to, at + layout.MAPPED_BASE);
  octets.set(
    from.map((octet, i) => octet ^ to[i]),
    at + layout.MAPPED_DELTA,
  );
  words[(at + layout.MAPPED_MORE_OUT) >>> 2] = difference(to, from);
  words[(at + layout.MAPPED_MORE_IN) >>> 2] = difference(from, to);
  words[(at + layout.MAPPED_STATE) >>> 2] =
    layout.PROVIDER_THERE | (usable ? layout.PROVIDER_USABLE : 0) | (drained ? layout.PROVIDER_DRAINED : 0);
  words[(at + layout.MAPPED_WORD) >>> 2] = mask[6] === 0 && mask[7] === 0 ? 6 : 8;
}

function masked(address: Uint8Array, mask: Uint8Array): Uint8Array {
  return address.map((octet, i) => octet & mask[i]);
}

/** Ones-complement difference of the sums of 16-bit words, little-endian as the core loads them; 1 … 0xffff. */
function difference(more: Uint8Array, less: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < ADDRESS_LENGTH; i++) sum += (more[i] - less[i]) * (i % 2 === 0 ? 1 : 256);
  const rest = ((sum % 0xffff) + 0xffff) % 0xffff;
  return rest === 0 ? 0xffff : rest;
}
