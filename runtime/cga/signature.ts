/** CGA signatures over locator lists (RFC 3972 §6, RFC 5533 §5.15.5). */
import type { CryptoPort } from "../port/crypto.ts";
import { addressOctets } from "../value/address.ts";
import { concat, putU32 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { type LocatorList, METHOD_CGA } from "../wire/message.ts";
import { readRsaKey } from "./der.ts";
import { parsePds, signingKeys } from "./pds.ts";

/** CGA Message Type tag of Shim6 (RFC 5533 §17). */
export const SHIM6_TYPE_TAG = Uint8Array.of(0x4a, 0x30, 0x56, 0x62, 0x48, 0x58, 0x57, 0x4b, 0x36, 0x55, 0x41, 0x6f, 0x50, 0x6a, 0x6d, 0x48);

/** Bits of a key that may sign for a list. RFC 5533 §16 wants 1024; the upper bound keeps verification cheap. */
export const RSA_BITS_MINIMUM = 1024;
export const RSA_BITS_LIMIT = 4096;
/** Bits of the keys that we make. */
export const RSA_BITS_DEFAULT = 2048;

/** What a signature signs: type tag, generation, and every locator with method CGA in the order of the list. */
export function signedOctets(list: LocatorList): Uint8Array {
  const generation = new Uint8Array(4);
  putU32(generation, 0, list.generation);
  const locators = list.locators.filter(({ method }) => method === METHOD_CGA).map(({ address }) => addressOctets(address));
  return concat(SHIM6_TYPE_TAG, generation, ...locators);
}

/** Signature of the CGA locators of `list`; as long as the modulus. @throws {Error} if the key cannot be read */
export function signLocatorList(crypto: CryptoPort, list: LocatorList, pkcs8: Uint8Array): Uint8Array {
  return crypto.rsaSign(pkcs8, signedOctets(list));
}

/**
 * Whether `signature` signs the CGA locators of `list` with a key of `pds`. At most {@link SIGNING_KEYS_LIMIT} RSA
 * operations. That `pds` belongs to the ULID is for the caller to check before. Never throws.
 */
export function verifyLocatorList(crypto: CryptoPort, list: LocatorList, pds: Uint8Array, signature: Uint8Array): boolean {
  const parsed = parsePds(pds);
  if (parsed instanceof Reject) return false;
  const octets = signedOctets(list);
  return signingKeys(parsed).some((spki) => {
    const key = readRsaKey(spki);
    const fits = key !== undefined && key.bits >= RSA_BITS_MINIMUM && key.bits <= RSA_BITS_LIMIT && key.modulus.length === signature.length;
    return fits && crypto.rsaVerify(spki, octets, signature);
  });
}
