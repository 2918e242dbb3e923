/** Hash1, Hash2 and the address they make (RFC 3972 §3, §4). Octets of a PDS go in as they stand on the wire: never re-encoded. */

import type { CryptoPort } from "../port/crypto.ts";
import { type Address, addressAt } from "../value/address.ts";
import { concat } from "../value/bytes.ts";
import { COLLISION_COUNT_AT, PUBLIC_KEY_AT, SUBNET_PREFIX_AT, SUBNET_PREFIX_OCTETS } from "./pds.ts";

export type Sha1 = CryptoPort["sha1"];

export const HASH1_OCTETS = 8;
export const HASH2_OCTETS = 14;
/** The values of Sec that RFC 4982 registers; the others are reserved. */
export const SEC_LIMIT = 2;

/** First octet of an interface identifier: Sec in the upper three bits, u and g in the lower two. */
const HASH1_MASK = 0x1c;
const SEC_SHIFT = 5;

/** Hash1: the first 8 octets of SHA-1 over the whole PDS. */
export function hash1(sha1: Sha1, pds: Uint8Array): Uint8Array {
  return sha1(pds).slice(0, HASH1_OCTETS);
}

/** Hash1 of `pds` with another Subnet Prefix: what a member of an HBA set has. */
export function hash1With(sha1: Sha1, pds: Uint8Array, subnetPrefix: Uint8Array): Uint8Array {
  return sha1(pds.subarray(0, SUBNET_PREFIX_AT), subnetPrefix, pds.subarray(COLLISION_COUNT_AT)).slice(0, HASH1_OCTETS);
}

const NINE_ZEROS = new Uint8Array(SUBNET_PREFIX_OCTETS + 1);

/** Hash2: Subnet Prefix and Collision Count count as zeros. */
export function hash2(sha1: Sha1, pds: Uint8Array): Uint8Array {
  return sha1(pds.subarray(0, SUBNET_PREFIX_AT), NINE_ZEROS, pds.subarray(PUBLIC_KEY_AT)).slice(0, HASH2_OCTETS);
}

/** Whether the first 16 × Sec bits of Hash2 are zero. `sec` above {@link SEC_LIMIT} never holds. */
export function hash2Holds(hash: Uint8Array, sec: number): boolean {
  if (sec > SEC_LIMIT) return false;
  for (let i = 0; i < 2 * sec; i++) if (hash[i] !== 0) return false;
  return true;
}

/** The address of Subnet Prefix, Hash1 and Sec; u and g are 0. */
export function formAddress(subnetPrefix: Uint8Array, hash: Uint8Array, sec: number): Address {
  const octets = concat(subnetPrefix, hash);
  octets[SUBNET_PREFIX_OCTETS] = (hash[0] & HASH1_MASK) | (sec << SEC_SHIFT);
  return addressAt(octets);
}

/** Whether an interface identifier is Hash1 but for Sec, u and g. */
export function matchesHash1(identifier: Uint8Array, hash: Uint8Array): boolean {
  if (((identifier[0] ^ hash[0]) & HASH1_MASK) !== 0) return false;
  for (let i = 1; i < HASH1_OCTETS; i++) if (identifier[i] !== hash[i]) return false;
  return true;
}

/** Sec of an interface identifier, 0 … 7. */
export function secOf(identifier: Uint8Array): number {
  return identifier[0] >> SEC_SHIFT;
}
