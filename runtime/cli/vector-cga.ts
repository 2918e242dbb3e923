/** Vectors of CGA parameters, HBA sets and signatures. */
import {
  EXTENSION_MULTI_PREFIX,
  type Extension,
  emitPds,
  fillerKey,
  formAddress,
  hash1,
  hash1With,
  hash2,
  type Pds,
  parsePds,
  prefixOf,
  publicKeyExtension,
  readMultiPrefix,
  searchModifier,
  secOf,
  signedOctets,
  subnetPrefixOf,
  verifyCga,
  verifyHba,
} from "../cga/index.ts";
import type { CryptoPort } from "../port/crypto.ts";
import { addressOctets } from "../value/address.ts";
import { hex, sameBytes } from "../value/bytes.ts";
import { showPrefix } from "../value/prefix.ts";
import { Reject } from "../value/reject.ts";
import { difference, FieldReader, type Fields, first, hexNumber, octetDifference } from "./fields.ts";
import type { Bench, Vector } from "./vectors.ts";

/** Prose. */
const NOT_CLAIMS: ReadonlySet<string> = new Set(["note", "reason"]);

/** What the prose of an invalid vector says, and the reason that the verifier gives. Prose that is not here is not judged. */
const REASONS: readonly (readonly [prose: RegExp, why: string])[] = [
  [/subnet prefix differs|prefix absent/, "prefix-cga"],
  [/interface identifier|every hash changes/, "hash1-cga"],
  [/collision count/, "collision-count-cga"],
  [/claims Sec/, "hash2-cga"],
  [/no Multi-Prefix extension/, "no-multi-prefix-hba"],
];

/** A PDS and an address: every part, both hashes, and whether they belong together. */
export function judgeCga(vector: Vector, { crypto }: Bench): string | undefined {
  const { octets, fields } = vector;
  const pds = parsePds(octets);
  if (pds instanceof Reject) return `pds: ${pds.why}`;
  const told = partsOf(crypto, octets, pds, new FieldReader(fields));
  const names = Object.keys(fields).filter((name) => !NOT_CLAIMS.has(name) && !FURTHER.has(name));
  return (
    first(names.map((name) => difference(told[name], fields[name], `fields.${name}`))) ??
    octetDifference(emitPds(pds), octets, "emitted") ??
    judgeReason(crypto, octets, new FieldReader(fields)) ??
    judgeAddress(crypto, octets, pds, new FieldReader(fields)) ??
    judgeFurther(crypto, octets, pds, new FieldReader(fields))
  );
}

function partsOf(crypto: CryptoPort, octets: Uint8Array, pds: Pds, fields: FieldReader): Fields {
  const address = fields.address("address");
  return {
    address,
    sec: secOf(addressOctets(address).subarray(8)),
    modifier: hex(pds.modifier),
    subnet_prefix: showPrefix(prefixOf(pds.subnetPrefix)),
    collision_count: pds.collisionCount,
    hash1: hex(hash1(crypto.sha1, octets)),
    hash2: hex(hash2(crypto.sha1, octets)),
    pds: hex(octets),
    verify_mode: fields.text("verify_mode") === "hba" ? "hba" : "cga",
    valid: !(verified(crypto, octets, fields) instanceof Reject),
    public_key_spki: hex(pds.publicKey),
    extensions: pds.extensions.map(extensionFields),
  };
}

function verified(crypto: CryptoPort, octets: Uint8Array, fields: FieldReader): Pds | Reject {
  const verify = fields.text("verify_mode") === "hba" ? verifyHba : verifyCga;
  return verify(crypto, fields.address("address"), octets);
}

function judgeReason(crypto: CryptoPort, octets: Uint8Array, fields: FieldReader): string | undefined {
  const result = verified(crypto, octets, fields);
  if (!(result instanceof Reject) || !fields.has("reason")) return undefined;
  const expected = REASONS.find(([prose]) => prose.test(fields.text("reason")))?.[1];
  return expected === undefined ? undefined : difference(result.why, expected, "reason");
}

function extensionFields({ type, data }: Extension): Fields {
  const head = { type: hexNumber(type, 4), length: data.length, data: hex(data) };
  const set = type === EXTENSION_MULTI_PREFIX ? readMultiPrefix(data) : undefined;
  return set === undefined ? head : { ...head, p_flag: set.hasKey ? 1 : 0, prefixes: set.prefixes.map(showPrefix) };
}

/** A valid address is, but for u and g, the one that we make of prefix, Hash1 and Sec. */
function judgeAddress(crypto: CryptoPort, octets: Uint8Array, pds: Pds, fields: FieldReader): string | undefined {
  if (!fields.flag("valid")) return undefined;
  const address = addressOctets(fields.address("address"));
  const subnetPrefix = fields.text("verify_mode") === "hba" ? address.slice(0, 8) : pds.subnetPrefix;
  const formed = addressOctets(formAddress(subnetPrefix, hash1With(crypto.sha1, octets, subnetPrefix), fields.number("sec")));
  address[8] &= 0xfc;
  return octetDifference(formed, address, "address formed");
}

/** Claims that only some vectors make. */
const FURTHER: ReadonlySet<string> = new Set([
  "private_key_pkcs8",
  "second_key_spki",
  "second_private_key_pkcs8",
  "initial_modifier",
  "first_hash2",
  "extended_modifier",
  "hba_set",
]);

function judgeFurther(crypto: CryptoPort, octets: Uint8Array, pds: Pds, fields: FieldReader): string | undefined {
  const claims: Readonly<Record<string, () => string | undefined>> = {
    private_key_pkcs8: () =>
      octetDifference(crypto.rsaPublic(keyOf(fields, "private_key_pkcs8", crypto)), pds.publicKey, "private_key_pkcs8"),
    second_key_spki: () => {
      const { type, data } = publicKeyExtension(fields.octets("second_key_spki"));
      const found = pds.extensions.some((extension) => extension.type === type && sameBytes(extension.data, data));
      return found ? undefined : "second_key_spki: not among the extensions";
    },
    second_private_key_pkcs8: () => {
      const key = crypto.rsaPublic(keyOf(fields, "second_private_key_pkcs8", crypto));
      return octetDifference(key, fields.octets("second_key_spki"), "second_private_key_pkcs8");
    },
    initial_modifier: () => judgeSearch(pds, fields),
    first_hash2: () => {
      const start = octets.slice();
      start.set(fields.octets("initial_modifier"));
      return difference(hex(hash2(crypto.sha1, start)), fields.text("first_hash2"), "first_hash2");
    },
    extended_modifier: () => octetDifference(fillerKey(fields.octets("extended_modifier")), pds.publicKey, "extended_modifier"),
    hba_set: () => judgeSet(crypto, octets, pds, fields),
  };
  return first(Object.entries(claims).map(([name, judge]) => (fields.has(name) ? judge() : undefined)));
}

/** A private key, or the vector's fault. */
function keyOf(fields: FieldReader, name: string, crypto: CryptoPort): Uint8Array {
  const pkcs8 = fields.octets(name);
  try {
    crypto.rsaPublic(pkcs8);
  } catch {
    throw fields.error(name, "a PKCS#8 key expected");
  }
  return pkcs8;
}

/** Modifiers that a search of a vector may try: sec 1 needs 65,536 on average. */
const SEARCH_LIMIT = 2_000_000;

function judgeSearch(pds: Pds, fields: FieldReader): string | undefined {
  const work = searchModifier({
    start: fields.octets("initial_modifier"),
    publicKey: pds.publicKey,
    extensions: pds.extensions,
    sec: fields.number("sec"),
  });
  for (;;) {
    const { done, value } = work.next();
    if (done) return octetDifference(value, pds.modifier, "modifier found");
    if (value > SEARCH_LIMIT) return `initial_modifier: nothing found in ${value} tries`;
  }
}

/** The whole set: one address for each prefix, in order. */
function judgeSet(crypto: CryptoPort, octets: Uint8Array, pds: Pds, fields: FieldReader): string | undefined {
  const set = pds.extensions.find(({ type }) => type === EXTENSION_MULTI_PREFIX);
  const prefixes = (set === undefined ? undefined : readMultiPrefix(set.data))?.prefixes ?? [];
  const made = prefixes.map((prefix) => {
    const subnetPrefix = subnetPrefixOf(prefix);
    return formAddress(subnetPrefix, hash1With(crypto.sha1, octets, subnetPrefix), fields.number("sec"));
  });
  return difference(made, fields.addresses("hba_set"), "hba_set");
}

/** A signature over a locator list: what is signed, whether it verifies, and that signing again gives the same octets. */
export function judgeSignature({ octets, fields: claims }: Vector, { crypto }: Bench): string | undefined {
  const fields = new FieldReader(claims);
  const locators = fields.list("locators").map((item) => ({ address: item.address("addr"), method: item.number("method") }));
  const input = signedOctets({ generation: fields.hexNumber("generation"), locators });
  const spki = fields.octets("public_key_spki");
  const pkcs8 = keyOf(fields, "private_key_pkcs8", crypto);
  const valid = fields.flag("valid");
  const again = sameBytes(crypto.rsaSign(pkcs8, input), octets);
  return first([
    octetDifference(input, fields.octets("signed_octets"), "signed_octets"),
    difference(fields.text("algorithm"), "RSASSA-PKCS1-v1_5 with SHA-1", "algorithm"),
    octetDifference(fields.octets("signature"), octets, "signature"),
    octetDifference(crypto.rsaPublic(pkcs8), spki, "public_key_spki"),
    difference(crypto.rsaVerify(spki, input, octets), valid, "valid"),
    again === valid ? undefined : `signed again: ${again ? "the same" : "other"} octets`,
  ]);
}
