/** PKCS#8 private keys as PEM text (RFC 7468 §10). */

const LABEL = "PRIVATE KEY";
const LINE = 64;

/** `der` as PEM, the form that openssl reads. */
export function showKeyText(der: Uint8Array): string {
  let binary = "";
  for (const octet of der) binary += String.fromCharCode(octet);
  const lines = btoa(binary).match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `-----BEGIN ${LABEL}-----\n${lines.join("\n")}\n-----END ${LABEL}-----\n`;
}

/** The key's DER. @returns `undefined` if the text holds none, or one that is encrypted or of an older form */
export function readKeyText(text: string): Uint8Array | undefined {
  const match = new RegExp(`-----BEGIN ${LABEL}-----([A-Za-z0-9+/=\\s]+)-----END ${LABEL}-----`).exec(text);
  if (match === null) return undefined;
  try {
    return Uint8Array.from(atob(match[1].replace(/\s+/g, "")), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
