/** What `pshim6 cga` and `pshim6 hba` share: keys out of files, and the search for a modifier with a word about how it goes. */
import { InvalidArgumentError } from "commander";
import {
  emitPds,
  expectedTries,
  MODIFIER_OCTETS,
  type ModifierSearch,
  type Pds,
  RSA_BITS_DEFAULT,
  RSA_BITS_LIMIT,
  RSA_BITS_MINIMUM,
  readRsaKey,
} from "../cga/index.ts";
import { nameField } from "../config/fields.ts";
import type { Site } from "../config/site.ts";
import { PortError } from "../port/error.ts";
import { VALIDATOR_OCTETS } from "../shim6/constants.ts";
import { UNSPECIFIED } from "../value/address.ts";
import { unhex } from "../value/bytes.ts";
import { PRIVATE_KEY, PUBLIC_KEY, pemOctets, showPem } from "../value/pem.ts";
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { contextTag } from "../value/tag.ts";
import { messageLength, SHIM6_PACKET_LIMIT } from "../wire/emit.ts";
import { type I2bis, METHOD_CGA, type Option } from "../wire/message.ts";
import { IPV6_HEADER_LENGTH } from "../wire/number.ts";
import { Failure, type Session } from "./session.ts";
import { showCount, showMillis } from "./table.ts";

/** Length of a subnet that a CGA fits into (RFC 3972 §3). */
export const SUBNET_LENGTH = 64;
/** Sec that takes seconds at most: no threads, no word. */
const SEC_QUICK = 1;
const PRIVATE_MODE = 0o600;
const OTHERS = 0o077;
/** How often the progress is shown, ms. */
const TELL_EVERY = 500;

/** The /64 for the new host. */
export function subnetOf(site: Site, asked: Prefix | undefined): Prefix {
  const { subnets } = site.lan;
  if (asked !== undefined) {
    if (asked.length !== SUBNET_LENGTH)
      throw new Failure(`--subnet must be a /64, not ${showPrefix(asked)}: an identifier takes the other 64 bits`);
    if (subnets.some((subnet) => covers(subnet, asked))) return asked;
    throw new Failure(`--subnet ${showPrefix(asked)} is in no LAN subnet: there is ${subnets.map(showPrefix).join(", ")}`);
  }
  if (subnets.length === 1 && subnets[0].length === SUBNET_LENGTH) return subnets[0];
  throw new Failure(`the LAN has more than one /64: choose one with --subnet out of ${subnets.map(showPrefix).join(", ")}`);
}

/** The private key in a PEM file, which is made if it is not there. */
export function privateKeyIn(file: string, { host }: Session): Uint8Array {
  const text = host.files.readText(file);
  if (text === undefined) {
    const made = host.crypto.rsaGenerate(RSA_BITS_DEFAULT);
    host.files.writeText(file, showPem(PRIVATE_KEY, made), PRIVATE_MODE);
    return made;
  }
  if (((host.files.mode(file) ?? 0) & OTHERS) !== 0) throw new Failure(`${file} can be read by other users: run "chmod 600 ${file}"`);
  const key = pemOctets(PRIVATE_KEY, text);
  if (key === undefined)
    throw new Failure(
      `${file} holds no private key in PEM form (PKCS#8): make one with "openssl genpkey -algorithm RSA", or name a new file`,
    );
  return key;
}

/** The public half of a private key. */
export function publicHalf({ host }: Session, privateKey: Uint8Array): Uint8Array {
  try {
    return host.crypto.rsaPublic(privateKey);
  } catch (error) {
    // Only that it failed may be said: what the system says could quote the key.
    if (error instanceof PortError) throw error;
    throw new Failure("the private key cannot be read: it must be an RSA key");
  }
}

/** The public key in a PEM file (SubjectPublicKeyInfo), one that a peer takes signatures of. */
export function publicKeyIn(file: string, session: Session): Uint8Array {
  const key = pemOctets(PUBLIC_KEY, session.text(file));
  if (key === undefined)
    throw new Failure(
      `${file} holds no public key in PEM form: "pshim6 cga key" prints that of a site, "openssl rsa -pubout" that of a private key`,
    );
  const bits = readRsaKey(key)?.bits;
  if (bits === undefined) throw new Failure(`${file} holds a public key that is no RSA key: others cannot sign for an identifier`);
  if (bits < RSA_BITS_MINIMUM || bits > RSA_BITS_LIMIT)
    throw new Failure(`${file} holds a key of ${bits} bits: peers take ${RSA_BITS_MINIMUM} to ${RSA_BITS_LIMIT}`);
  return key;
}

/** A modifier to begin with: random, or for a high Sec one that holds, searched in threads. What was not found is not kept anywhere. */
export async function modifierFor(session: Session, search: Omit<ModifierSearch, "start">): Promise<Uint8Array> {
  const { host } = session;
  const start = host.entropy.bytes(MODIFIER_OCTETS);
  if (search.sec <= SEC_QUICK) return start;
  const expected = expectedTries(search.sec);
  const isShown = host.host.isTerminal("stderr");
  session.note(`searching a modifier: ${showCount(expected)} tries on average; Ctrl-C stops it, and nothing is kept\n`);
  const began = host.wall();
  let told = began;
  const found = await host.searchModifier({ ...search, start }, (tries) => {
    const now = host.wall();
    if (!isShown || now - told < TELL_EVERY) return;
    told = now;
    const rate = (1_000 * tries) / Math.max(1, now - began);
    // The search has no memory: what is left on average is always the same.
    session.note(
      `\r${showCount(tries)} tried, ${showCount(Math.round(rate))} a second: about ${showMillis((1_000 * expected) / rate)} more  `,
    );
  });
  session.note(`${isShown ? "\r" : ""}found after ${showMillis(host.wall() - began)}${" ".repeat(isShown ? 40 : 0)}\n`);
  return found;
}

/**
 * Refuses parameters that leave no room in a handshake's messages, which are never longer than 1,280 octets (RFC 5533 §5): the host could
 * not have a context with anybody. @param keys that sign; none in a set without one
 */
export function refuseLarge(pds: Pick<Pds, "publicKey" | "extensions">, keys: readonly Uint8Array[]): void {
  const octets = emitPds({ ...pds, modifier: new Uint8Array(MODIFIER_OCTETS), subnetPrefix: new Uint8Array(8), collisionCount: 0 });
  const signatureOctets = Math.max(0, ...keys.map((key) => readRsaKey(key)?.modulus.length ?? 0));
  const signature: Option[] = signatureOctets > 0 ? [{ kind: "cga-signature", signature: new Uint8Array(signatureOctets) }] : [];
  const least: I2bis = {
    kind: "I2bis",
    initiatorTag: contextTag(0),
    initiatorNonce: 0,
    responderNonce: 0,
    packetTag: contextTag(0),
    options: [
      { kind: "responder-validator", validator: new Uint8Array(VALIDATOR_OCTETS) },
      { kind: "ulid-pair", sender: UNSPECIFIED, receiver: UNSPECIFIED },
      { kind: "forked-instance", identifier: 1 },
      { kind: "locator-list", generation: 0, locators: [{ address: UNSPECIFIED, method: METHOD_CGA }] },
      { kind: "cga-pds", pds: octets },
      ...signature,
    ],
  };
  const over = IPV6_HEADER_LENGTH + messageLength(least) - SHIM6_PACKET_LIMIT;
  if (over > 0)
    throw new Failure(
      `the parameters have ${octets.length} octets, ${over} too many for a handshake: take fewer keys or prefixes, or keys of 1024 bits`,
    );
}

/** Reads a host's name, for an option's value. */
export function hostName(text: string): string {
  const read = nameField.safeParse(text);
  if (!read.success) throw new InvalidArgumentError("It must be made of lower-case letters, digits and hyphens.");
  return read.data;
}

/** Reads octets in hexadecimal, for an option's value. */
export function octetsArgument(text: string): Uint8Array {
  const octets = unhex(text);
  if (octets === undefined || octets.length === 0) throw new InvalidArgumentError("It must be hexadecimal digits, two for each octet.");
  return octets;
}

/** What a {@link Reject} of `verifyCga` and `verifyHba` means. */
export const WHY: Readonly<Record<string, string>> = {
  "short-pds": "they are too short",
  "bad-key-pds": "their public key cannot be read",
  "bad-extension-pds": "an extension is cut short",
  "collision-count-cga": "their collision count is above 2",
  "prefix-cga": "they are for another subnet",
  "hash1-cga": "their hash is not that of the address",
  "hash2-cga": "they do not have the strength that the address claims (Sec)",
  "no-multi-prefix-hba": "they are no parameters of a set (no Multi-Prefix extension, or more than one)",
};
