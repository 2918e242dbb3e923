import { Buffer } from "node:buffer";
import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, timingSafeEqual, verify } from "node:crypto";
import type { CryptoPort } from "../../runtime/port/crypto.ts";

/** {@link CryptoPort} on node:crypto, which Node, Deno and Bun all have. */
export function createCrypto(): CryptoPort {
  return {
    sha1: (...parts) => digest("sha1", parts),
    sha256: (...parts) => digest("sha256", parts),
    hmacSha256: (key, octets) => plain(createHmac("sha256", key).update(octets).digest()),
    hmac: (algorithm, key, octets) => plain(createHmac(algorithm, key).update(octets).digest()),
    hmacMd5: (key, octets) => plain(createHmac("md5", key).update(octets).digest()),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
    rsaVerify,
    rsaSign: (pkcs8, octets) => plain(sign("sha1", octets, privateKey(pkcs8))),
    rsaGenerate,
    rsaPublic: (pkcs8) => plain(createPublicKey(privateKey(pkcs8)).export({ format: "der", type: "spki" })),
  };
}

function rsaVerify(spki: Uint8Array, octets: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    return key.asymmetricKeyType === "rsa" && verify("sha1", octets, key, signature);
  } catch {
    // The runtimes throw different errors for keys and signatures that they cannot read: to the caller all are "no".
    return false;
  }
}

function rsaGenerate(bits: number): Uint8Array {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: 0x10001 });
  return plain(key.export({ format: "der", type: "pkcs8" }));
}

function privateKey(pkcs8: Uint8Array) {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
}

function digest(algorithm: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}

/** A Buffer may be a window on a shared pool: what leaves here is an array of its own. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
