/**
 * Making CGAs (RFC 3972 §4); sets of them are in hba.ts. Pure: randomness comes in as octets. The search for a modifier
 * can be long, so it is a generator: every `next` does one slice of work and yields the number of modifiers tried so far.
 */
import type { CryptoPort } from "../port/crypto.ts";
import type { Address } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { formAddress, hash1, SEC_LIMIT } from "./hash.ts";
import { COLLISION_COUNT_AT, COLLISION_COUNT_LIMIT, type Extension, emitPds, SUBNET_PREFIX_AT, subnetPrefixOf } from "./pds.ts";
import { ModifierHash } from "./sha1.ts";

/** An address that proves its owner. */
export interface Cga {
  readonly address: Address;
  /** The PDS that proves it. */
  readonly pds: Uint8Array;
}

/** A third collision (RFC 3972 §4, step 6): the random modifier is no good, or somebody answers for every address. */
export class CollisionError extends Error {
  constructor(address: Address) {
    super(`every collision count up to ${COLLISION_COUNT_LIMIT} leads to an address in use; the last one was ${address}`);
    this.name = "CollisionError";
  }
}

/** What {@link generateCga} makes a CGA of. */
export interface CgaRequest {
  /** /64. */
  readonly prefix: Prefix;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** 0, 1 or 2; expected tries 65,536^sec. */
  readonly sec: number;
  /** 16 fresh random octets, or the modifier of another CGA with this key, these extensions and this sec. */
  readonly modifier: Uint8Array;
  readonly extensions?: readonly Extension[];
  /** Whether an address is in use already. */
  readonly taken?: (address: Address) => boolean;
}

/** Modifiers tried between two yields: a few milliseconds. */
export const SEARCH_SLICE = 2048;

/** Modifiers that a search for `sec` tries on average. */
export function expectedTries(sec: number): number {
  return 65_536 ** sec;
}

/** A CGA and its PDS. @throws {CollisionError}; {RangeError} for a sec or a length that cannot be */
export function* generateCga(crypto: CryptoPort, request: CgaRequest): Generator<number, Cga> {
  const { publicKey, sec, extensions = [], taken = () => false } = request;
  const modifier = yield* searchModifier({ start: request.modifier, publicKey, extensions, sec });
  const pds = emitPds({ modifier, subnetPrefix: subnetPrefixOf(request.prefix), collisionCount: 0, publicKey, extensions });
  const [cga] = settle(crypto, pds, [request.prefix], sec, taken);
  return cga;
}

/** Runs a generator of this file to its end. */
export function finish<T>(work: Generator<number, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** What {@link searchModifier} looks for; plain data, so that it can be handed to another thread. */
export interface ModifierSearch {
  /** 16 octets; searches from different random ones share nothing, so any number of threads may search for one. */
  readonly start: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
  /** 0, 1 or 2. */
  readonly sec: number;
}

/** The first modifier from `start` on, modulo 2^128, whose Hash2 begins with 16 × sec zero bits; `start` itself for sec 0. Yields the tries so far after every slice. */
export function* searchModifier(
  { start, publicKey, extensions, sec }: ModifierSearch,
  slice = SEARCH_SLICE,
): Generator<number, Uint8Array> {
  if (!Number.isInteger(sec) || sec < 0 || sec > SEC_LIMIT) throw new RangeError(`sec ${sec}: RFC 4982 knows 0, 1 and 2`);
  // Subnet Prefix and Collision Count are zero: Hash2 is the hash of just these octets.
  const octets = emitPds({ modifier: start, subnetPrefix: new Uint8Array(8), collisionCount: 0, publicKey, extensions });
  if (sec === 0) return start.slice();
  const search = new ModifierHash(octets);
  const mask = sec === 1 ? 0xffff_0000 : 0xffff_ffff;
  for (let tries = 1; ; tries++) {
    search.run();
    if ((search.hash[0] & mask) === 0) return search.modifier();
    search.increment();
    if (tries % slice === 0) yield tries;
  }
}

/** Counts collisions until no address of the set is in use: one collision redoes them all. */
export function settle(
  crypto: CryptoPort,
  pds: Uint8Array,
  prefixes: readonly Prefix[],
  sec: number,
  taken: (address: Address) => boolean,
): Cga[] {
  let collided: Address | undefined;
  for (let count = 0; count <= COLLISION_COUNT_LIMIT; count++) {
    const set = prefixes.map((prefix) => member(crypto, pds, prefix, count, sec));
    collided = set.find(({ address }) => taken(address))?.address;
    if (collided === undefined) return set;
  }
  throw new CollisionError(collided as Address);
}

function member(crypto: CryptoPort, pds: Uint8Array, prefix: Prefix, collisionCount: number, sec: number): Cga {
  const own = pds.slice();
  const subnetPrefix = subnetPrefixOf(prefix);
  own.set(subnetPrefix, SUBNET_PREFIX_AT);
  own[COLLISION_COUNT_AT] = collisionCount;
  return { address: formAddress(subnetPrefix, hash1(crypto.sha1, own), sec), pds: own };
}
