/** Whether an address belongs to a PDS: as CGA (RFC 3972 §5), as a member of an HBA set (RFC 5535 §7.2). */
import type { CryptoPort } from "../port/crypto.ts";
import { type Address, addressOctets } from "../value/address.ts";
import { sameBytes } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { hash1With, hash2, hash2Holds, matchesHash1, secOf } from "./hash.ts";
import { COLLISION_COUNT_LIMIT, multiPrefixOf, type Pds, parsePds, SUBNET_PREFIX_OCTETS } from "./pds.ts";

/**
 * Verifies `address` against the octets of a PDS as CGA. Two SHA-1 at most. Never throws.
 * @returns the PDS, or why not: those of `parsePds`, `collision-count-cga`, `prefix-cga`, `hash1-cga`, `hash2-cga`
 */
export function verifyCga(crypto: CryptoPort, address: Address, octets: Uint8Array): Pds | Reject {
  const pds = parsePds(octets);
  if (pds instanceof Reject) return pds;
  const subnetPrefix = addressOctets(address).subarray(0, SUBNET_PREFIX_OCTETS);
  return verifyHashes(crypto, address, octets, pds, sameBytes(pds.subnetPrefix, subnetPrefix));
}

/**
 * Verifies that `address` is a member of the HBA set of a PDS, whose own Subnet Prefix is that of any member.
 * @returns the PDS, or why not: as {@link verifyCga}, `no-multi-prefix-hba`; `prefix-cga` = not in the list
 */
export function verifyHba(crypto: CryptoPort, address: Address, octets: Uint8Array): Pds | Reject {
  const pds = parsePds(octets);
  if (pds instanceof Reject) return pds;
  const set = multiPrefixOf(pds);
  if (set === undefined) return reject("no-multi-prefix-hba");
  const subnetPrefix = addressOctets(address).subarray(0, SUBNET_PREFIX_OCTETS);
  const listed = set.prefixes.some(({ base }) => sameBytes(addressOctets(base).subarray(0, SUBNET_PREFIX_OCTETS), subnetPrefix));
  return verifyHashes(crypto, address, octets, pds, listed);
}

function verifyHashes(crypto: CryptoPort, address: Address, octets: Uint8Array, pds: Pds, prefixFits: boolean): Pds | Reject {
  if (pds.collisionCount > COLLISION_COUNT_LIMIT) return reject("collision-count-cga", pds.collisionCount);
  if (!prefixFits) return reject("prefix-cga");
  const whole = addressOctets(address);
  const subnetPrefix = whole.subarray(0, SUBNET_PREFIX_OCTETS);
  const identifier = whole.subarray(SUBNET_PREFIX_OCTETS);
  if (!matchesHash1(identifier, hash1With(crypto.sha1, octets, subnetPrefix))) return reject("hash1-cga");
  const sec = secOf(identifier);
  return sec === 0 || hash2Holds(hash2(crypto.sha1, octets), sec) ? pds : reject("hash2-cga", sec);
}
