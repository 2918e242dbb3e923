/**
 * Hashes and RSA, as the protocols need them. All functions are synchronous, keep nothing, and return new arrays. Key
 * material is DER, never text; an implementation logs none of it.
 */
export interface CryptoPort {
  /** SHA-1 of the parts, one after the other: 20 octets. */
  sha1(...parts: readonly Uint8Array[]): Uint8Array;
  /** SHA-256 of the parts, one after the other: 32 octets. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104): 32 octets. */
  hmacSha256(key: Uint8Array, octets: Uint8Array): Uint8Array;
  /** HMAC (RFC 2104) with one of the SHA-2 hashes: {@link HMAC_OCTETS} octets. */
  hmac(algorithm: HmacAlgorithm, key: Uint8Array, octets: Uint8Array): Uint8Array;
  /** HMAC-MD5 (RFC 2104): 16 octets. Only for protocols that have nothing else: reconfigure keys of DHCPv6 (RFC 8415 §20.4). */
  hmacMd5(key: Uint8Array, octets: Uint8Array): Uint8Array;
  /** Whether both hold the same octets, in a time that depends on the lengths alone. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /**
   * RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017 §8.2.2).
   * @param spki public key, DER SubjectPublicKeyInfo
   * @returns `false` for a signature that is wrong in any way and for a key that the implementation does not take; never throws
   */
  rsaVerify(spki: Uint8Array, octets: Uint8Array, signature: Uint8Array): boolean;
  /** The same, made with a PKCS#8 private key; as long as the modulus. Deterministic. @throws {Error} if the key cannot be read */
  rsaSign(pkcs8: Uint8Array, octets: Uint8Array): Uint8Array;
  /** A new private key with exponent 65537, PKCS#8 DER. Takes a good part of a second. */
  rsaGenerate(bits: number): Uint8Array;
  /** Public half of a PKCS#8 private key, SubjectPublicKeyInfo DER. @throws {Error} if the key cannot be read */
  rsaPublic(pkcs8: Uint8Array): Uint8Array;
}

export type HmacAlgorithm = "sha256" | "sha384" | "sha512";

/** Octets of a whole MAC. */
export const HMAC_OCTETS: Readonly<Record<HmacAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };
