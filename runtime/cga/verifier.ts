/** CGA and HBA as the Shim6 machine asks for them. */
import type { CryptoPort } from "../port/crypto.ts";
import type { Locator, Ulid } from "../value/address.ts";
import { addressOctets } from "../value/address.ts";
import { concat, hex, putU32 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { LocatorList } from "../wire/message.ts";
import { EXTENSION_PUBLIC_KEY, parsePds } from "./pds.ts";
import { verifyLocatorList } from "./signature.ts";
import { verifyCga, verifyHba } from "./verify.ts";

/** The part of `Shim6World` (runtime/shim6/contract.ts) that CGA answers. */
export interface Verifier {
  verifyCga(address: Ulid, pds: Uint8Array): boolean;
  verifyHba(locator: Locator, pds: Uint8Array): boolean;
  /** Costs an RSA operation the first time, a SHA-256 later. */
  verifyList(list: LocatorList, pds: Uint8Array, signature: Uint8Array): boolean;
  boxOf(pds: Uint8Array): string;
}

/** Results of {@link Verifier.verifyList} kept, a hundred octets each. */
export const VERIFIER_CAPACITY = 4096;

/** A verifier that remembers the last `capacity` lists it verified, right ones and wrong ones. */
export function createVerifier(crypto: CryptoPort, capacity: number = VERIFIER_CAPACITY): Verifier {
  const known = new Map<string, boolean>();
  return {
    verifyCga: (address, pds) => !(verifyCga(crypto, address, pds) instanceof Reject),
    verifyHba: (locator, pds) => !(verifyHba(crypto, locator, pds) instanceof Reject),
    verifyList(list, pds, signature) {
      const key = fingerprint(crypto, list, pds, signature);
      const remembered = known.get(key);
      // What is asked for again goes to the end: the first entry is the one unused for longest.
      known.delete(key);
      const valid = remembered ?? verifyLocatorList(crypto, list, pds, signature);
      known.set(key, valid);
      const oldest = known.keys().next();
      if (known.size > capacity && !oldest.done) known.delete(oldest.value);
      return valid;
    },
    boxOf: (pds) => boxOf(crypto, pds),
  };
}

/**
 * Hexadecimal SHA-256 of the public key in `pds`, with all further keys that may sign for it: who adds a key of its own to
 * another's gets another name. Of all its octets when it cannot be read.
 */
export function boxOf(crypto: CryptoPort, pds: Uint8Array): string {
  const parsed = parsePds(pds);
  if (parsed instanceof Reject) return hex(crypto.sha256(pds));
  const further = parsed.extensions.filter(({ type }) => type === EXTENSION_PUBLIC_KEY).map(({ data }) => data);
  return hex(crypto.sha256(parsed.publicKey, ...further));
}

/** Of everything the result depends on. Lengths stand before what varies, so that no two inputs run together. */
function fingerprint(crypto: CryptoPort, list: LocatorList, pds: Uint8Array, signature: Uint8Array): string {
  const head = new Uint8Array(16);
  putU32(head, 0, list.generation);
  putU32(head, 4, list.locators.length);
  putU32(head, 8, pds.length);
  putU32(head, 12, signature.length);
  const locators = list.locators.map(({ address, method }) => concat(Uint8Array.of(method), addressOctets(address)));
  return hex(crypto.sha256(head, ...locators, pds, signature));
}
