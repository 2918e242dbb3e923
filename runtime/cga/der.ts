/**
 * The little DER (X.690) that CGA parameters need: an RSA SubjectPublicKeyInfo, read strictly (RFC 3972 §3, RFC 3279 §2.3.1).
 *
 *     SEQUENCE { SEQUENCE { OID rsaEncryption, NULL }, BIT STRING { SEQUENCE { INTEGER modulus, INTEGER exponent } } }
 */
import { concat, sameBytes } from "../value/bytes.ts";

const TAG_INTEGER = 0x02;
const TAG_BIT_STRING = 0x03;
const TAG_SEQUENCE = 0x30;

/** AlgorithmIdentifier of rsaEncryption with NULL parameters (1.2.840.113549.1.1.1). */
const RSA_ENCRYPTION = Uint8Array.of(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00);

/** One element: its contents are `bytes[start..end)`. */
interface Element {
  readonly start: number;
  readonly end: number;
}

/** An RSA public key, as its SubjectPublicKeyInfo holds it (RFC 8017 §3.1). */
export interface RsaPublicKey {
  /** Big-endian, no leading zero octet. */
  readonly modulus: Uint8Array;
  readonly exponent: number;
  /** Bits of the modulus. */
  readonly bits: number;
}

/**
 * Octets of the SubjectPublicKeyInfo that starts at `at`, header included; `undefined` unless it is one of rsaEncryption.
 * What is inside the BIT STRING is not looked at: in an HBA-only set it need not be a key.
 */
export function spkiLength(bytes: Uint8Array, at: number): number | undefined {
  const outer = readElement(bytes, at, bytes.length, TAG_SEQUENCE);
  return outer !== undefined && readBitString(bytes, outer) !== undefined ? outer.end - at : undefined;
}

/** The RSA key in a whole SubjectPublicKeyInfo; `undefined` unless every octet is as DER wants it and the exponent is odd, over 1, and below 2^32. */
export function readRsaKey(spki: Uint8Array): RsaPublicKey | undefined {
  const outer = readElement(spki, 0, spki.length, TAG_SEQUENCE);
  if (outer === undefined || outer.end !== spki.length) return undefined;
  const bits = readBitString(spki, outer);
  if (bits === undefined) return undefined;
  const key = readElement(spki, bits.start, bits.end, TAG_SEQUENCE);
  if (key === undefined || key.end !== bits.end) return undefined;
  const first = readElement(spki, key.start, key.end, TAG_INTEGER);
  if (first === undefined) return undefined;
  const second = readElement(spki, first.end, key.end, TAG_INTEGER);
  if (second === undefined || second.end !== key.end) return undefined;
  const modulus = readPositive(spki.subarray(first.start, first.end));
  const exponentOctets = readPositive(spki.subarray(second.start, second.end));
  // A huge exponent would make every verification slow; some runtimes take none over 33 bits.
  if (modulus === undefined || exponentOctets === undefined || exponentOctets.length > 4) return undefined;
  const exponent = exponentOctets.reduce((sum, octet) => sum * 256 + octet, 0);
  if (exponent <= 1 || exponent % 2 === 0) return undefined;
  return { modulus: modulus.slice(), exponent, bits: 8 * modulus.length - Math.clz32(modulus[0]) + 24 };
}

/** SubjectPublicKeyInfo of an RSA key. `modulus` is big-endian with no leading zero octet; exponent 65537. */
export function emitRsaKey(modulus: Uint8Array): Uint8Array {
  const integer = modulus[0] >= 0x80 ? concat(Uint8Array.of(0), modulus) : modulus;
  const key = element(TAG_SEQUENCE, concat(element(TAG_INTEGER, integer), element(TAG_INTEGER, Uint8Array.of(1, 0, 1))));
  return element(TAG_SEQUENCE, concat(RSA_ENCRYPTION, element(TAG_BIT_STRING, concat(Uint8Array.of(0), key))));
}

/** The BIT STRING's octets in the SubjectPublicKeyInfo with contents `outer`: no unused bits, nothing behind it. */
function readBitString(bytes: Uint8Array, outer: Element): Element | undefined {
  const at = outer.start + RSA_ENCRYPTION.length;
  if (at > outer.end || !sameBytes(bytes.subarray(outer.start, at), RSA_ENCRYPTION)) return undefined;
  const bits = readElement(bytes, at, outer.end, TAG_BIT_STRING);
  if (bits === undefined || bits.end !== outer.end || bits.start === bits.end || bytes[bits.start] !== 0) return undefined;
  return { start: bits.start + 1, end: bits.end };
}

/** The element with `tag` at `at`, wholly before `end`; its length in the shortest form. */
function readElement(bytes: Uint8Array, at: number, end: number, tag: number): Element | undefined {
  if (at + 2 > end || bytes[at] !== tag) return undefined;
  const first = bytes[at + 1];
  if (first < 0x80) return within(at + 2, first, end);
  const octets = first & 0x7f;
  // 64 KiB is more than any option holds.
  if (octets === 0 || octets > 2 || at + 2 + octets > end) return undefined;
  const length = octets === 1 ? bytes[at + 2] : (bytes[at + 2] << 8) | bytes[at + 3];
  if (length < (octets === 1 ? 0x80 : 0x100)) return undefined;
  return within(at + 2 + octets, length, end);
}

function within(start: number, length: number, end: number): Element | undefined {
  return start + length <= end ? { start, end: start + length } : undefined;
}

/** A positive INTEGER in its shortest form, without the zero octet for the sign. */
function readPositive(octets: Uint8Array): Uint8Array | undefined {
  if (octets.length === 0 || octets[0] >= 0x80) return undefined;
  if (octets[0] !== 0) return octets;
  return octets.length > 1 && octets[1] >= 0x80 ? octets.subarray(1) : undefined;
}

function element(tag: number, contents: Uint8Array): Uint8Array {
  const { length } = contents;
  if (length < 0x80) return concat(Uint8Array.of(tag, length), contents);
  if (length < 0x100) return concat(Uint8Array.of(tag, 0x81, length), contents);
  return concat(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), contents);
}
