/** A world for Shim6 machines without real cryptography: CGA parameters and signatures are readable text that is compared. */
import { createHmac } from "node:crypto";
import type { LocalIdentity, Shim6Options, Shim6World } from "../../runtime/shim6/contract.ts";
import { type Address, address, type Locator, type Ulid } from "../../runtime/value/address.ts";
import { type LocatorList, METHOD_CGA, METHOD_HBA } from "../../runtime/wire/message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Locators written as text. */
export function at(...texts: string[]): Address[] {
  return texts.map(address);
}

/** Parameters that "hash" to `ulid`, with the key of `box`; `hba` locators belong to its multi-prefix set. */
export function fakePds(box: string, ulid: Ulid, hba: readonly Locator[] = []): Uint8Array {
  return encoder.encode(`${box} ${ulid} ${hba.join(",")}`);
}

export function fakeSignature(box: string, list: LocatorList): Uint8Array {
  const signed = list.locators.filter(({ method }) => method === METHOD_CGA).map((locator) => locator.address);
  return encoder.encode(`signed ${box} ${list.generation} ${signed.join(",")}`);
}

export function fakeList(locators: readonly Locator[], generation = 1, method = METHOD_CGA): LocatorList {
  return { generation, locators: locators.map((each) => ({ address: each, method })) };
}

export function fakeIdentity(box: string, ulid: Ulid, locators: readonly Locator[], generation = 1, method = METHOD_CGA): LocalIdentity {
  const list = fakeList(locators, generation, method);
  return {
    ulid,
    list,
    preferences: [],
    pds: fakePds(box, ulid, method === METHOD_HBA ? locators : []),
    signature: method === METHOD_CGA ? fakeSignature(box, list) : undefined,
  };
}

/** Counts what the machine asks of it. */
export interface FakeWorld extends Shim6World {
  readonly asked: { cga: number; rsa: number; hmac: number };
}

export function fakeWorld(identities: ReadonlyMap<Ulid, LocalIdentity>): FakeWorld {
  const asked = { cga: 0, rsa: 0, hmac: 0 };
  return {
    asked,
    local: (ulid) => identities.get(ulid),
    verifyCga(ulid, pds) {
      asked.cga++;
      return decoder.decode(pds).split(" ")[1] === ulid;
    },
    verifyHba: (locator, pds) => (decoder.decode(pds).split(" ")[2] ?? "").split(",").includes(locator),
    verifyList(list, pds, signature) {
      asked.rsa++;
      const box = decoder.decode(pds).split(" ")[0];
      return decoder.decode(signature) === decoder.decode(fakeSignature(box, list));
    },
    boxOf: (pds) => decoder.decode(pds).split(" ")[0],
    hmac(key, octets) {
      asked.hmac++;
      return new Uint8Array(createHmac("sha256", key).update(octets).digest());
    },
  };
}

export function fakeOptions(change: Partial<Shim6Options> = {}): Shim6Options {
  return {
    capacity: 1000,
    capabilities: () => ({ version: 1, sendTimeout: 300 }),
    sendTimeoutSeconds: 15,
    tagBits: 47,
    secret: new Uint8Array(32).fill(7),
    ...change,
  };
}

/** xorshift32: the same octets for the same seed on every runtime. */
export class Seeded {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }
  /** 0 … 2^32 − 1. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state;
  }
  /** In [0, 1). */
  fraction(): number {
    return this.next() / 2 ** 32;
  }
  octets(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.next() >>> 11);
  }
}
