/** PEM texts (RFC 7468). */

/** Label of a PKCS#8 private key (RFC 7468 §10). */
export const PRIVATE_KEY = "PRIVATE KEY";

/** Label of a SubjectPublicKeyInfo (RFC 7468 §13). */
export const PUBLIC_KEY = "PUBLIC KEY";

const LINE = 64;

/** `octets` as PEM text with `label` (RFC 7468 §2). */
export function showPem(label: string, octets: Uint8Array): string {
  const base64 = btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** The octets of the first block with `label` in a PEM text, or `undefined` (RFC 7468 §2). */
export function pemOctets(label: string, text: string): Uint8Array | undefined {
  const match = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text);
  if (match === null) return undefined;
  const digits = match[1].replace(/\s+/g, "");
  if (digits.length === 0 || digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}
