/** Hash-based addresses (RFC 5535): one set of parameters, an address in each of its prefixes; and what parameters can prove. */
import type { CryptoPort } from "../port/crypto.ts";
import { type Address, addressOctets, type Ulid } from "../value/address.ts";
import { sameBytes } from "../value/bytes.ts";
import type { Prefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { emitRsaKey } from "./der.ts";
import { type Cga, searchModifier, settle } from "./generate.ts";
import { formAddress, hash1With, secOf } from "./hash.ts";
import { emitPds, multiPrefixExtension, multiPrefixOf, parsePds, SUBNET_PREFIX_OCTETS, signingKeys, subnetPrefixOf } from "./pds.ts";

/** What {@link generateHba} makes an HBA set of. */
export interface HbaRequest {
  /** /64 each, at least one; their order belongs to the set. */
  readonly prefixes: readonly Prefix[];
  readonly sec: number;
  /** 16 fresh random octets. */
  readonly modifier: Uint8Array;
  /** A real key makes a CGA/HBA hybrid; 48 random octets make an HBA-only set. */
  readonly key: { readonly publicKey: Uint8Array } | { readonly random: Uint8Array };
  readonly taken?: (address: Address) => boolean;
}

/** One address and PDS for each prefix, in order. @throws as {@link generateCga} */
export function* generateHba(crypto: CryptoPort, request: HbaRequest): Generator<number, Cga[]> {
  const { prefixes, sec, key, taken = () => false } = request;
  if (prefixes.length === 0) throw new RangeError("an HBA set has at least one prefix");
  const hasKey = "publicKey" in key;
  const publicKey = hasKey ? key.publicKey : fillerKey(key.random);
  const extensions = [multiPrefixExtension({ hasKey, prefixes })];
  const modifier = yield* searchModifier({ start: request.modifier, publicKey, extensions, sec });
  const pds = emitPds({ modifier, subnetPrefix: subnetPrefixOf(prefixes[0]), collisionCount: 0, publicKey, extensions });
  return settle(crypto, pds, prefixes, sec, taken);
}

/** The extended modifier of an HBA-only set in the place of a key (RFC 5535 §5.1): 384 bits, exponent 65537, which the RFC does not name. */
export function fillerKey(random: Uint8Array): Uint8Array {
  if (random.length !== 48) throw new RangeError(`extended modifier of ${random.length} octets, not 48`);
  const modulus = random.slice();
  modulus[0] |= 0x80;
  return emitRsaKey(modulus);
}

/** The set of the parameters `pds` with the strength of `sec`: an address for each prefix, in order; empty when there is no one Multi-Prefix extension. */
export function hbaMembers(crypto: CryptoPort, pds: Uint8Array, sec: number): Address[] {
  const parsed = parsePds(pds);
  const set = parsed instanceof Reject ? undefined : multiPrefixOf(parsed);
  return (set?.prefixes ?? []).map((prefix) => {
    const subnetPrefix = subnetPrefixOf(prefix);
    return formAddress(subnetPrefix, hash1With(crypto.sha1, pds, subnetPrefix), sec);
  });
}

/** What the parameters of a ULID can prove of its locators (RFC 5533 §7.2). */
export interface Proofs {
  /** Addresses that are locators without a signature (method HBA). */
  readonly members: readonly Address[];
  /** Whether a signature with our key makes any address a locator (method CGA). */
  readonly signs: boolean;
}

/** What `pds` proves for `ulid` in the hands of who has the private half of `publicKey` (SPKI). */
export function proofsOf(crypto: CryptoPort, ulid: Ulid, pds: Uint8Array, publicKey: Uint8Array): Proofs {
  const parsed = parsePds(pds);
  if (parsed instanceof Reject) return { members: [], signs: false };
  const sec = secOf(addressOctets(ulid).subarray(SUBNET_PREFIX_OCTETS));
  return { members: hbaMembers(crypto, pds, sec), signs: signingKeys(parsed).some((key) => sameBytes(key, publicKey)) };
}
