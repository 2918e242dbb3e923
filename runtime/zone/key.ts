/** The secret of a TSIG key, out of its file. */

/** Octets of a secret at least: half of the shortest hash, below which a key can be guessed (RFC 8945 §8). */
const SECRET_LEAST = 16;

/**
 * The secret in the text of a key file: base64 alone, or a `key` clause as `tsig-keygen` and `rndc-confgen` print it.
 * @returns `undefined` if there is none, or one shorter than 16 octets
 */
export function tsigSecret(text: string): Uint8Array | undefined {
  const base64 = (/\bsecret\s+"([^"]*)"/.exec(text)?.[1] ?? text).replace(/\s+/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const secret = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return secret.length < SECRET_LEAST ? undefined : secret;
}
