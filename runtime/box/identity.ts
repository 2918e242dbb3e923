/**
 * What this box can say for the ULIDs of its site: CGA parameters out of the store, locators out of the providers'
 * prefixes, and one signature for each host and locator set, made when it is first needed (RFC 5533 §7.2, §10.1). A host with an HBA
 * set has its members for locators, where the providers' prefixes hold any: those need no signature (RFC 5535 §7).
 */

import type { Proofs } from "../cga/index.ts";
import type { LocalIdentity } from "../shim6/contract.ts";
import type { Locator, Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import { contains, showPrefix, withPrefix } from "../value/prefix.ts";
import {
  type ListedLocator,
  type LocatorList,
  METHOD_CGA,
  METHOD_HBA,
  PREFERENCE_BROKEN,
  type Preference,
  WORST_PRIORITY,
} from "../wire/message.ts";

/** A provider as far as locators are concerned, in the site's order of preference. */
export interface LocatorSource {
  readonly prefix: Prefix;
  readonly priority: number;
  readonly weight: number;
  /** Among sources of one priority the lowest first; absent = 0. */
  readonly cost?: number | undefined;
  /** Behind all that are not. */
  readonly metered?: boolean | undefined;
}

/** How a source stands now. */
export interface Standing {
  /** Its prefix, as text. */
  readonly name: string;
  /** As the settings have it, with cost and metering: lower is better. */
  readonly priority: number;
  readonly weight: number;
  readonly metered: boolean;
  readonly broken: boolean;
  readonly drained: boolean;
  readonly preferred: boolean;
}

/** Each set has two generations: of its whole lists, and before it, of lists cut short. */
const GENERATION_STEP = 2;
/** Lists cut short that are remembered; then they are signed again. */
const SHORT_LISTS = 4_096;

/** Parameters that nobody looked into: a key that signs. */
const SIGNED: Proofs = { members: [], signs: true };

/** Makes identities. `sign` costs an RSA private operation and is called once for each ULID and list. */
export class Identities {
  readonly #pdsOf: (ulid: Ulid) => Uint8Array | undefined;
  readonly #sign: (list: LocatorList) => Uint8Array;
  readonly #proofsOf: (ulid: Ulid, pds: Uint8Array) => Proofs;
  readonly #made = new Map<Ulid, SignedIdentity>();
  /** Lists cut short, by ULID, length and the locator kept. */
  readonly #short = new Map<string, LocalIdentity>();
  #sources: readonly LocatorSource[];
  #preferences: readonly Preference[];
  #standings: readonly Standing[] = [];
  #broken: ReadonlySet<string> = new Set();
  #drained: ReadonlySet<string> = new Set();
  #preferred: ReadonlySet<string> = new Set();
  #generation: number;

  /**
   * @param generation where the Locator List Generation starts: the calendar's seconds (see runtime/shim6/generations.ts)
   * @param proofsOf what the parameters of a ULID can prove with our key; by default everything, by signature
   */
  constructor(
    sources: readonly LocatorSource[],
    generation: number,
    pdsOf: (ulid: Ulid) => Uint8Array | undefined,
    sign: (list: LocatorList) => Uint8Array,
    proofsOf: (ulid: Ulid, pds: Uint8Array) => Proofs = () => SIGNED,
  ) {
    this.#sources = sources;
    this.#preferences = this.#ranked(sources);
    this.#generation = generation;
    this.#pdsOf = pdsOf;
    this.#sign = sign;
    this.#proofsOf = proofsOf;
  }

  /**
   * The site's providers are these from now on. Locators that stay keep their places; the same set keeps its lists, generation
   * and signatures, whatever priorities say, unless `anew`: some peer may still hear of what was said before. What {@link of} gave
   * before is out of date when anything changed.
   * @returns whether anything changed
   */
  setSources(sources: readonly LocatorSource[], anew = false): boolean {
    const names = new Set(sources.map(nameOf));
    const before = this.#sources.map(nameOf);
    const kept = before.filter((name) => names.has(name));
    const places = new Map(kept.map((name, place) => [name, place]));
    const placeOf = (source: LocatorSource) => places.get(nameOf(source)) ?? kept.length;
    const ordered = [...sources].sort((a, b) => placeOf(a) - placeOf(b));
    const same = before.length === ordered.length && kept.length === before.length;
    const preferences = this.#ranked(ordered);
    if (same && preferences.every((preference, i) => isSame(preference, this.#preferences[i]))) return false;
    this.#sources = ordered;
    this.#preferences = preferences;
    this.#short.clear();
    if (!same || anew) {
      this.#generation = (this.#generation + GENERATION_STEP) >>> 0;
      this.#made.clear();
      return true;
    }
    for (const [ulid, identity] of this.#made) this.#made.set(ulid, identity.withPreferences(preferences));
    return true;
  }

  /**
   * Prefixes of providers whose lines are down, as text: their locators are BROKEN (RFC 5533 §5.15.3) until a later call leaves them out.
   * `anew` as in {@link setSources}. @returns whether anything changed
   */
  setBroken(broken: ReadonlySet<string>, anew = false): boolean {
    this.#broken = broken;
    return this.setSources(this.#sources, anew);
  }

  /**
   * Prefixes of providers that are drained, as text: their locators work, and rank behind all others until a later call leaves them out. When
   * all are drained, none is. `anew` as in {@link setSources}. @returns whether anything changed
   */
  setDrained(drained: ReadonlySet<string>, anew = false): boolean {
    this.#drained = drained;
    return this.setSources(this.#sources, anew);
  }

  /**
   * Prefixes of providers that come before all others, as text, until a later call leaves them out; one that is drained does not. `anew` as in
   * {@link setSources}. @returns whether anything changed
   */
  setPreferred(preferred: ReadonlySet<string>, anew = false): boolean {
    this.#preferred = preferred;
    return this.setSources(this.#sources, anew);
  }

  /** Whether `locator` is one of a provider that comes before all others. */
  isPreferred(locator: Locator): boolean {
    return this.#sources.some((source) => this.#preferred.has(nameOf(source)) && contains(source.prefix, locator));
  }

  /** Whether a context on `locator` has reason to look for another: its provider is drained, or another one is preferred. */
  isUnwanted(locator: Locator): boolean {
    if (this.isDrained(locator)) return true;
    return this.#sources.some((source) => this.#preferred.has(nameOf(source))) && !this.isPreferred(locator);
  }

  /** Whether `locator` is one of a drained provider. */
  isDrained(locator: Locator): boolean {
    const drained = this.#sources.filter((source) => this.#drained.has(nameOf(source)));
    return drained.length < this.#sources.length && drained.some(({ prefix }) => contains(prefix, locator));
  }

  /** How the site's sources stand, in their order. What it gives is another object when something has changed. */
  get standings(): readonly Standing[] {
    return this.#standings;
  }

  /** How the source of `locator` stands; `undefined` if it is none of ours any more. */
  standingOf(locator: Locator): Standing | undefined {
    const place = this.#sources.findIndex(({ prefix }) => contains(prefix, locator));
    return this.#standings[place];
  }

  /** The identity of `ulid` with other preferences, one for each of its locators. */
  saying(ulid: Ulid, preferences: readonly Preference[]): LocalIdentity | undefined {
    this.of(ulid);
    return this.#made.get(ulid)?.saying(preferences);
  }

  /** Peers may still hear of what was said before: what is said from now on is another generation. */
  renew(): void {
    this.#generation = (this.#generation + GENERATION_STEP) >>> 0;
    this.#made.clear();
    this.#short.clear();
  }

  #ranked(sources: readonly LocatorSource[]): readonly Preference[] {
    const plain = plainPriorities(sources);
    const isAll = sources.every((source) => this.#drained.has(nameOf(source)));
    const isAnyPreferred = sources.some((source) => this.#preferred.has(nameOf(source)));
    const standings = sources.map((source, place): Standing => {
      const name = nameOf(source);
      return {
        name,
        priority: plain[place],
        weight: source.weight,
        metered: source.metered === true,
        broken: this.#broken.has(name),
        drained: !isAll && this.#drained.has(name),
        preferred: this.#preferred.has(name),
      };
    });
    this.#standings = standings;
    // Peers' contexts leave what ranks worst (runtime/reap/leaves.ts): all but the preferred ones.
    const rankOf = ({ priority, preferred }: Standing): number => (!isAnyPreferred ? priority : preferred ? 0 : WORST_PRIORITY);
    return standings.map((standing) => ({
      flags: standing.broken ? PREFERENCE_BROKEN : 0,
      priority: standing.broken || standing.drained ? WORST_PRIORITY : rankOf(standing),
      weight: standing.drained ? 0 : standing.weight,
    }));
  }

  /** The identity of `ulid`, or `undefined` when the site has no CGA parameters for it, or none that prove a locator of its providers. */
  of(ulid: Ulid): LocalIdentity | undefined {
    const known = this.#made.get(ulid);
    if (known !== undefined) return known;
    const pds = this.#pdsOf(ulid);
    if (pds === undefined) return undefined;
    const { members, signs } = this.#proofsOf(ulid, pds);
    const locators: ListedLocator[] = [];
    const places: number[] = [];
    this.#sources.forEach(({ prefix }, place) => {
      const member = members.find((each) => contains(prefix, each));
      // Interface identifiers of a set differ: what is no member needs the signature.
      if (member === undefined && !signs) return;
      locators.push(
        member === undefined ? { address: withPrefix(prefix, ulid), method: METHOD_CGA } : { address: member, method: METHOD_HBA },
      );
      places.push(place);
    });
    if (locators.length === 0) return undefined;
    const list: LocatorList = { generation: this.#generation, locators };
    const identity = this.#identity(ulid, list, pds, choose(this.#preferences, places), places);
    this.#made.set(ulid, identity);
    return identity;
  }

  #identity(ulid: Ulid, list: LocatorList, pds: Uint8Array, preferences: readonly Preference[], places: readonly number[]): SignedIdentity {
    const proof = list.locators.some(({ method }) => method === METHOD_CGA) ? new Proof(() => this.#sign(list)) : undefined;
    return new SignedIdentity(ulid, list, pds, preferences, places, proof);
  }

  /** `identity` with its first `count` locators, `keep` in place of the last of them if need be, signed as a list of its own. */
  shorten({ ulid, list, preferences, pds }: LocalIdentity, count: number, keep: Locator): LocalIdentity {
    const name = `${ulid} ${count} ${keep}`;
    const known = this.#short.get(name);
    if (known !== undefined) return known;
    const first = list.locators.slice(0, count);
    const places = first.map((_, i) => i);
    const kept = list.locators.findIndex(({ address }) => address === keep);
    if (kept >= count) places[count - 1] = kept;
    const cut: LocatorList = { generation: (list.generation - 1) >>> 0, locators: places.map((place) => list.locators[place]) };
    const chosen = places.map((place) => preferences[place]);
    const identity = this.#identity(ulid, cut, pds, chosen, places);
    if (this.#short.size >= SHORT_LISTS) this.#short.clear();
    this.#short.set(name, identity);
    return identity;
  }

  /** Signs for `ulids` one at a time: their first packets need not wait for a signature then. */
  *prepare(ulids: Iterable<Ulid>): Generator<void> {
    for (const ulid of ulids) if (this.of(ulid)?.signature !== undefined) yield;
  }
}

/** Signed when somebody first asks: a change of providers concerns all hosts at once, and not all of them talk. */
class Proof {
  readonly #sign: () => Uint8Array;
  #signature: Uint8Array | undefined;

  constructor(sign: () => Uint8Array) {
    this.#sign = sign;
  }

  get signature(): Uint8Array {
    this.#signature ??= this.#sign();
    return this.#signature;
  }

  get isMade(): boolean {
    return this.#signature !== undefined;
  }
}

class SignedIdentity implements LocalIdentity {
  readonly ulid: Ulid;
  readonly list: LocatorList;
  readonly preferences: readonly Preference[];
  readonly pds: Uint8Array;
  /** Of each locator: the place of its provider among the site's. */
  readonly #places: readonly number[];
  /** Absent where no locator needs one. */
  readonly #proof: Proof | undefined;

  constructor(
    ulid: Ulid,
    list: LocatorList,
    pds: Uint8Array,
    preferences: readonly Preference[],
    places: readonly number[],
    proof: Proof | undefined,
  ) {
    this.ulid = ulid;
    this.list = list;
    this.pds = pds;
    this.preferences = preferences;
    this.#places = places;
    this.#proof = proof;
  }

  get signature(): Uint8Array | undefined {
    return this.#proof?.signature;
  }

  get isSigned(): boolean {
    return this.#proof?.isMade ?? true;
  }

  /** The same list with preferences of its own, in the order of its locators. */
  saying(preferences: readonly Preference[]): SignedIdentity {
    return new SignedIdentity(this.ulid, this.list, this.pds, preferences, this.#places, this.#proof);
  }

  /** The same list with other preferences of the site's providers: a signature does not cover them. */
  withPreferences(preferences: readonly Preference[]): SignedIdentity {
    return new SignedIdentity(this.ulid, this.list, this.pds, choose(preferences, this.#places), this.#places, this.#proof);
  }
}

/** Priorities as peers are told them: those of the settings, or places in the order where costs or meters make more of them than there are. */
function plainPriorities(sources: readonly LocatorSource[]): number[] {
  const isPlain = sources.every(({ cost = 0, metered = false }) => cost === 0 && !metered);
  if (isPlain) return sources.map(({ priority }) => priority);
  const keyOf = ({ metered = false, priority, cost = 0 }: LocatorSource) => [metered ? 1 : 0, priority, cost];
  const before = (a: LocatorSource, b: LocatorSource) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    const at = x.findIndex((value, i) => value !== y[i]);
    return at >= 0 && x[at] < y[at];
  };
  return sources.map((source) => {
    const better = sources.filter((other) => before(other, source));
    return better.filter((other, i) => !better.slice(0, i).some((same) => !before(same, other) && !before(other, same))).length;
  });
}

function isSame(a: Preference, b: Preference): boolean {
  return a.flags === b.flags && a.priority === b.priority && a.weight === b.weight;
}

/** The elements at `places`, which ascend. */
function choose<T>(all: readonly T[], places: readonly number[]): readonly T[] {
  return places.length === all.length ? all : places.map((place) => all[place]);
}

function nameOf({ prefix }: LocatorSource): string {
  return showPrefix(prefix);
}
