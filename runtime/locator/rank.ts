/**
 * Which pair of locators first: for the initial contact and for REAP's exploration alike (RFC 5534 §4.3, RFC 6724).
 */
import type { Locator } from "../value/address.ts";
import { putU32, u32 } from "../value/bytes.ts";
import type { LocatorPair } from "../value/pair.ts";
import { PREFERENCE_BROKEN, PREFERENCE_TRANSIENT, type Preference } from "../wire/message.ts";
import { type AddressClass, canBeLocator, classify, commonPrefixLength, isUniqueLocal } from "./policy-table.ts";

/** One of our locators under the site's policy. */
export interface LocalChoice {
  readonly address: Locator;
  /** Lower is better; the site's order of its providers. */
  readonly priority: number;
  /** Share of the contexts among locals of equal priority, 0 or more; 0 = only when no other is left. */
  readonly weight: number;
  /** `false` while its interface or provider is down: leaves the candidates. */
  readonly usable: boolean;
  /** RFC 4862 deprecated: after those that are not. */
  readonly deprecated?: boolean;
}

/** One of the peer's locators with the preference that the peer gave it (RFC 5533 §5.15.3). */
export interface PeerChoice {
  readonly address: Locator;
  readonly preference: Preference;
}

/** What policy adds to the rules. */
export interface RankOptions {
  /** Policy says that unique-local locators are routed between the sites. Default `false`: pairs with one are left out. */
  readonly uniqueLocal?: boolean;
}

/** Octets of `random` that a ranking uses. */
export const RANK_RANDOM_OCTETS = 4;

/**
 * Octets for `random` that belong to `name`, which may be any text: with them the same context shares out the same way whenever it is asked,
 * and another weight moves no more contexts than it must (weighted rendezvous). For sharing load, not for secrets.
 */
export function stableOctets(name: string): Uint8Array {
  const octets = new Uint8Array(RANK_RANDOM_OCTETS);
  putU32(octets, 0, mixed(hashed(name, HASH_START)));
  return octets;
}

/**
 * All usable pairs, best first. Sort key, most significant first: end not BROKEN; local priority; peer's Priority (absent = 0);
 * TRANSIENT after stable; matching scope; source not deprecated; matching label; higher precedence; smaller scope of the
 * destination; then shares by weight, ours before the peer's; where the peer gave no Weight, the longer common prefix.
 *
 * RFC 6724 §6 lets rules 9 and 10 give way to better means: weights are such means, so the common prefix comes behind them.
 * Otherwise the accident of who got which number from a registry would send all traffic to one provider.
 *
 * `random` holds at least {@link RANK_RANDOM_OCTETS} octets; equal octets give an equal order. Not kept.
 */
export function rankPairs(
  locals: readonly LocalChoice[],
  peers: readonly PeerChoice[],
  random: Uint8Array,
  options: RankOptions = {},
): LocatorPair[] {
  const seed = u32(random, 0);
  const ours = locals.filter(({ usable }) => usable).map((choice) => local(choice, seed));
  const theirs = peers.map((choice) => peer(choice, seed));
  const keyed: KeyedPair[] = [];
  for (const a of ours) {
    for (const b of theirs)
      if (possible(a.is, b.is, options)) keyed.push({ pair: { local: a.is.address, peer: b.is.address }, key: keyOf(a, b) });
  }
  return keyed.sort((a, b) => compareKeys(a.key, b.key)).map(({ pair }) => pair);
}

/**
 * Our usable locators alone, best first: priority, then not deprecated, then shares by weight. For REAP, to which a place in
 * this order is a rank. `random` as for {@link rankPairs}.
 */
export function rankLocals(locals: readonly LocalChoice[], random: Uint8Array): Locator[] {
  const seed = u32(random, 0);
  const drawn = locals
    .filter(({ usable }) => usable)
    .map((choice) => ({
      choice,
      key: [choice.priority, choice.deprecated === true ? 1 : 0, draw(choice.weight, fractionOf(seed, choice.address))],
    }));
  return drawn.sort((a, b) => compareKeys(a.key, b.key)).map(({ choice }) => choice.address);
}

interface KeyedPair {
  readonly pair: LocatorPair;
  readonly key: readonly number[];
}

interface Local {
  readonly is: AddressClass;
  readonly choice: LocalChoice;
  readonly draw: number;
}
interface Peer {
  readonly is: AddressClass;
  readonly preference: Preference;
  readonly draw: number;
}

function local(choice: LocalChoice, seed: number): Local {
  return { is: classify(choice.address), choice, draw: draw(choice.weight, fractionOf(seed, choice.address)) };
}

function peer({ address, preference }: PeerChoice, seed: number): Peer {
  const { weight } = preference;
  // No Weight element (RFC 5533 §5.15.3, element length below 3): no shares, rule 9 of RFC 6724 decides.
  return { is: classify(address), preference, draw: weight === undefined ? 0 : draw(weight, fractionOf(seed, address)) };
}

/** Exponential clocks: the earliest of them is number i with probability weight(i) / sum of weights. */
function draw(weight: number, fraction: number): number {
  return weight > 0 ? -Math.log(1 - fraction) / weight : Number.MAX_VALUE;
}

function possible(source: AddressClass, destination: AddressClass, { uniqueLocal = false }: RankOptions): boolean {
  if (!canBeLocator(source) || !canBeLocator(destination) || source.scope !== destination.scope) return false;
  return uniqueLocal || !(isUniqueLocal(source) || isUniqueLocal(destination));
}

function keyOf(a: Local, b: Peer): number[] {
  const flags = b.preference.flags;
  return [
    flags & PREFERENCE_BROKEN ? 1 : 0,
    a.choice.priority,
    b.preference.priority ?? 0,
    flags & PREFERENCE_TRANSIENT ? 1 : 0,
    a.choice.deprecated === true ? 1 : 0,
    a.is.label === b.is.label ? 0 : 1,
    -b.is.precedence,
    b.is.scope,
    a.draw,
    b.draw,
    -commonPrefixLength(a.is.octets, b.is.octets),
  ];
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/** A number in [0, 1) that belongs to the seed and the locator, whatever other locators there are. */
function fractionOf(seed: number, locator: Locator): number {
  return mixed(hashed(locator, seed)) / 0x1_0000_0000;
}

/** Offset basis and prime of FNV-1a. */
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

function hashed(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), HASH_PRIME);
  return hash;
}

/** Every bit of the input changes every bit of the result about every other time (the finisher of MurmurHash3). */
function mixed(hash: number): number {
  let state = hash ^ (hash >>> 16);
  state = Math.imul(state, 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
