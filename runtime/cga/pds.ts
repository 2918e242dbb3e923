/**
 * CGA Parameters data structure, "PDS" (RFC 3972 §3, extensions RFC 4581 §2).
 *
 *     |                        Modifier (16)                          |
 *     |                      Subnet Prefix (8)                        |
 *     | Collision C.  |                                               |
 *     ~           Public Key: DER SubjectPublicKeyInfo                ~
 *     ~           Extension fields: type (2), length (2), data        ~
 */
import { addressAt, addressOctets } from "../value/address.ts";
import { concat, putU16, putU32, u16 } from "../value/bytes.ts";
import type { Prefix } from "../value/prefix.ts";
import { type Reject, reject } from "../value/reject.ts";
import { spkiLength } from "./der.ts";

export const MODIFIER_OCTETS = 16;
export const SUBNET_PREFIX_AT = 16;
export const SUBNET_PREFIX_OCTETS = 8;
export const COLLISION_COUNT_AT = 24;
export const PUBLIC_KEY_AT = 25;
/** Addresses that collide oftener than this are an error (RFC 3972 §4, step 6). */
export const COLLISION_COUNT_LIMIT = 2;

/** Multi-Prefix extension (RFC 5535 §4). */
export const EXTENSION_MULTI_PREFIX = 0x0012;
/** Additional public key, our own: out of the experimental values of RFC 4581 §3; see {@link publicKeyExtension}. */
export const EXTENSION_PUBLIC_KEY = 0xfffd;

/** An extension field (RFC 4581 §2). Unknown types are kept: they are hashed with the rest. */
export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** CGA parameters as a value; {@link emitPds} gives back the octets they were read from. */
export interface Pds {
  /** 16 octets. */
  readonly modifier: Uint8Array;
  /** 8 octets: the first half of the address. */
  readonly subnetPrefix: Uint8Array;
  readonly collisionCount: number;
  /** DER SubjectPublicKeyInfo, as received. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** Multi-Prefix extension as a value. */
export interface MultiPrefix {
  /** P: the key field is a real key (CGA/HBA hybrid), not a random filler. */
  readonly hasKey: boolean;
  /** /64 each, in order. */
  readonly prefixes: readonly Prefix[];
}

/**
 * Reads a whole PDS; what is returned shares no memory with it. Never throws.
 * @returns it, or a Reject: `short-pds`, `bad-key-pds`, `bad-extension-pds`. A Collision Count over 2 is for the verifier.
 */
export function parsePds(bytes: Uint8Array): Pds | Reject {
  if (bytes.length < PUBLIC_KEY_AT) return reject("short-pds", bytes.length);
  const keyLength = spkiLength(bytes, PUBLIC_KEY_AT);
  if (keyLength === undefined) return reject("bad-key-pds", PUBLIC_KEY_AT);
  const extensions: Extension[] = [];
  let at = PUBLIC_KEY_AT + keyLength;
  while (at < bytes.length) {
    const end = at + 4 + (at + 4 <= bytes.length ? u16(bytes, at + 2) : bytes.length);
    if (end > bytes.length) return reject("bad-extension-pds", at);
    extensions.push({ type: u16(bytes, at), data: bytes.slice(at + 4, end) });
    at = end;
  }
  return {
    modifier: bytes.slice(0, MODIFIER_OCTETS),
    subnetPrefix: bytes.slice(SUBNET_PREFIX_AT, COLLISION_COUNT_AT),
    collisionCount: bytes[COLLISION_COUNT_AT],
    publicKey: bytes.slice(PUBLIC_KEY_AT, PUBLIC_KEY_AT + keyLength),
    extensions,
  };
}

/** The octets of `pds`, in a new array. @throws {RangeError} if a part has the wrong length */
export function emitPds(pds: Pds): Uint8Array {
  if (pds.modifier.length !== MODIFIER_OCTETS) throw new RangeError(`modifier of ${pds.modifier.length} octets`);
  if (pds.subnetPrefix.length !== SUBNET_PREFIX_OCTETS) throw new RangeError(`subnet prefix of ${pds.subnetPrefix.length} octets`);
  if (pds.collisionCount < 0 || pds.collisionCount > 0xff) throw new RangeError(`collision count ${pds.collisionCount}`);
  const count = Uint8Array.of(pds.collisionCount);
  return concat(pds.modifier, pds.subnetPrefix, count, pds.publicKey, ...pds.extensions.map(emitExtension));
}

function emitExtension({ type, data }: Extension): Uint8Array {
  if (data.length > 0xffff) throw new RangeError(`extension of ${data.length} octets`);
  const octets = new Uint8Array(4 + data.length);
  putU16(octets, 0, type);
  putU16(octets, 2, data.length);
  octets.set(data, 4);
  return octets;
}

/** First eight octets of a /64 prefix. @throws {RangeError} for another length */
export function subnetPrefixOf(prefix: Prefix): Uint8Array {
  if (prefix.length !== 64) throw new RangeError(`CGA wants a /64, not /${prefix.length}`);
  return addressOctets(prefix.base).slice(0, SUBNET_PREFIX_OCTETS);
}

/** The /64 in eight octets. */
export function prefixOf(subnetPrefix: Uint8Array): Prefix {
  return { base: addressAt(concat(subnetPrefix, new Uint8Array(16 - SUBNET_PREFIX_OCTETS))), length: 64 };
}

/**
 * The set of prefixes that `pds` speaks for; `undefined` if it has no Multi-Prefix extension, two, or one of a length
 * that is not 4 + 8 n.
 */
export function multiPrefixOf(pds: Pds): MultiPrefix | undefined {
  const found = pds.extensions.filter(({ type }) => type === EXTENSION_MULTI_PREFIX);
  if (found.length !== 1) return undefined;
  return readMultiPrefix(found[0].data);
}

/** Data of a Multi-Prefix extension (RFC 5535 §4): P and 31 reserved bits, then prefixes of 8 octets. */
export function readMultiPrefix(data: Uint8Array): MultiPrefix | undefined {
  if (data.length < 4 || data.length % 8 !== 4) return undefined;
  const prefixes: Prefix[] = [];
  for (let at = 4; at < data.length; at += 8) prefixes.push(prefixOf(data.subarray(at, at + 8)));
  return { hasKey: (data[0] & 0x80) !== 0, prefixes };
}

/** Multi-Prefix extension of an HBA set (RFC 5535 §4). @throws {RangeError} for a prefix that is no /64 */
export function multiPrefixExtension({ hasKey, prefixes }: MultiPrefix): Extension {
  const data = new Uint8Array(4 + SUBNET_PREFIX_OCTETS * prefixes.length);
  putU32(data, 0, hasKey ? 0x8000_0000 : 0);
  prefixes.forEach((prefix, i) => {
    data.set(subnetPrefixOf(prefix), 4 + SUBNET_PREFIX_OCTETS * i);
  });
  return { type: EXTENSION_MULTI_PREFIX, data };
}

/** Extension that binds one more public key to the address: u16 length and the DER. */
export function publicKeyExtension(spki: Uint8Array): Extension {
  const data = new Uint8Array(2 + spki.length);
  putU16(data, 0, spki.length);
  data.set(spki, 2);
  return { type: EXTENSION_PUBLIC_KEY, data };
}

/** Keys tried for one signature at most: each costs an RSA operation. */
export const SIGNING_KEYS_LIMIT = 4;

/**
 * The keys that may sign for the address, first the key field, then the extensions in order, at most
 * {@link SIGNING_KEYS_LIMIT}. None in an HBA-only set, whose key field is a filler.
 */
export function signingKeys(pds: Pds): Uint8Array[] {
  if (multiPrefixOf(pds)?.hasKey === false) return [];
  const more = pds.extensions.filter(({ type }) => type === EXTENSION_PUBLIC_KEY).map(({ data }) => readPublicKey(data));
  return [pds.publicKey, ...more.filter((key) => key !== undefined)].slice(0, SIGNING_KEYS_LIMIT);
}

function readPublicKey(data: Uint8Array): Uint8Array | undefined {
  if (data.length < 2 || u16(data, 0) !== data.length - 2 || spkiLength(data, 2) !== data.length - 2) return undefined;
  return data.slice(2);
}
