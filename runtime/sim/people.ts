/** Who lives in the worlds: prefixes, hosts with their CGAs, keys. The same in every world, so that what is dear is computed once. */
import { finish, generateCga } from "../cga/index.ts";
import type { CryptoPort } from "../port/crypto.ts";
import { addressOctets, type Locator, type Ulid } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { type Prefix, prefix, withPrefix } from "../value/prefix.ts";
import { Dice } from "./dice.ts";
import { testKey } from "./keys.ts";

/** The block that all ULIDs come from. */
export const GENERIC = prefix("fc00::/7");

/** A host of a site. */
export interface Person {
  readonly site: number;
  readonly ulid: Ulid;
  /** The same, 16 octets. */
  readonly octets: Uint8Array;
  readonly pds: Uint8Array;
}

/** The site's own block of ULIDs. */
export function ulidPrefix(site: number): Prefix {
  return prefix(`fc00:${(0xaaa0 + site).toString(16)}:1::/48`);
}

/** What provider number `provider` of a site routes to it. */
export function providerPrefix(site: number, provider: number): Prefix {
  return prefix(`2001:db8:${(0x1000 * (site + 1) + provider + 1).toString(16)}::/48`);
}

const PEOPLE_LABEL = 0x70656f70;
const MODIFIER_OCTETS = 16;

/** All hosts there could be, made when first asked for. */
export class People {
  readonly crypto: CryptoPort;
  readonly #known = new Map<number, Person>();
  readonly #locators = new Map<string, Locator>();
  readonly #keys = new Map<number, Uint8Array>();

  constructor(crypto: CryptoPort) {
    this.crypto = remembering(crypto);
  }

  /** Host `host` of `site`; at most 256 in a site. */
  person(site: number, host: number): Person {
    const number = site * 256 + host;
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    const { base } = ulidPrefix(site);
    const request = {
      prefix: { base, length: 64 },
      publicKey: this.crypto.rsaPublic(this.key(site)),
      sec: 0,
      modifier: new Dice(number, PEOPLE_LABEL).octets(MODIFIER_OCTETS),
    };
    const { address, pds } = finish(generateCga(this.crypto, request));
    const person = { site, ulid: address, octets: addressOctets(address), pds };
    this.#known.set(number, person);
    return person;
  }

  /** The site's key, PKCS#8 DER. */
  key(site: number): Uint8Array {
    const known = this.#keys.get(site) ?? testKey(site);
    this.#keys.set(site, known);
    return known;
  }

  /** Where provider `provider` of the person's site brings its packets. */
  locator(person: Person, provider: number): Locator {
    const key = `${person.ulid} ${provider}`;
    const known = this.#locators.get(key) ?? withPrefix(providerPrefix(person.site, provider), person.ulid);
    this.#locators.set(key, known);
    return known;
  }
}

const REMEMBERED = 20_000;

/** The same hashes and signatures; an RSA operation that was done before is not done again. */
function remembering(crypto: CryptoPort): CryptoPort {
  const signed = new Map<string, Uint8Array>();
  const verified = new Map<string, boolean>();
  const recall = <T>(memory: Map<string, T>, key: string, make: () => T): T => {
    const known = memory.get(key);
    if (known !== undefined) return known;
    if (memory.size >= REMEMBERED) memory.clear();
    const made = make();
    memory.set(key, made);
    return made;
  };
  return {
    sha1: (...parts) => crypto.sha1(...parts),
    sha256: (...parts) => crypto.sha256(...parts),
    hmacSha256: (key, octets) => crypto.hmacSha256(key, octets),
    hmac: (algorithm, key, octets) => crypto.hmac(algorithm, key, octets),
    hmacMd5: (key, octets) => crypto.hmacMd5(key, octets),
    equal: (a, b) => crypto.equal(a, b),
    rsaVerify: (spki, octets, signature) =>
      recall(verified, `${hex(spki)} ${hex(octets)} ${hex(signature)}`, () => crypto.rsaVerify(spki, octets, signature)),
    rsaSign: (pkcs8, octets) => recall(signed, `${hex(pkcs8.subarray(-16))} ${hex(octets)}`, () => crypto.rsaSign(pkcs8, octets)).slice(),
    rsaGenerate: (bits) => crypto.rsaGenerate(bits),
    rsaPublic: (pkcs8) => crypto.rsaPublic(pkcs8),
  };
}
