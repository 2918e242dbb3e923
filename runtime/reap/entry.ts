/** What the machine keeps of one context. */
import { rankPairs } from "../locator/rank.ts";
import type { Locator } from "../value/address.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { PREFERENCE_BROKEN, type ReapState } from "../wire/message.ts";
import type { ReapContext } from "./contract.ts";
import type { Path, PeerBox } from "./paths.ts";
import type { Search } from "./search.ts";
import type { Trail } from "./trail.ts";

/** One context in the machine. */
export interface Entry {
  context: ReapContext;
  state: ReapState;
  current: LocatorPair;
  box: PeerBox<Entry> | undefined;
  /** Path of the current pair; a member of it while `box` is there. */
  path: Path<Entry> | undefined;
  trail: Trail | undefined;
  /** While not Operational. */
  search: Search | undefined;
  /** The peer has lost the context, which is being set up anew: nothing is done for it until it is. */
  rests: boolean;
  /** Path that it was taken from without a probe of its own, and when: it does not come back the same way. */
  left: { readonly path: Path<Entry>; readonly at: Millis } | undefined;
  /** Send Timeouts since then that the peer's side was forgiven: it has to move, too. */
  forgiven: number;
  /** Ends of paths, by the place of a locator in the context's lists. Made when first needed. */
  ends: { readonly local: readonly string[]; readonly peer: readonly string[] } | undefined;
  /** An answer that had nothing to go by took the current pair; the next one takes the other. */
  answeredOnCurrent: boolean;
  deadline: Millis;
  heapIndex: number;
}

/** Pairs of a context at most; a peer may list as many locators as fit a packet. */
const PAIRS = 256;

/** A context just established: Operational, nothing sent or heard. */
export function newEntry(context: ReapContext): Entry {
  return {
    context,
    state: "Operational",
    current: context.current,
    box: undefined,
    path: undefined,
    trail: undefined,
    search: undefined,
    rests: false,
    left: undefined,
    forgiven: 0,
    ends: undefined,
    answeredOnCurrent: false,
    deadline: 0,
    heapIndex: -1,
  };
}

/**
 * Whether the peer is one of our boxes and the profile is `fast`: then its contexts share what they find out. Towards anyone else each
 * context explores for itself, as RFC 5534 has it.
 */
export function shares({ context }: Entry): boolean {
  return context.timing.firstRoundGap !== undefined;
}

/** Whether both ends of `pair` are still among the locators of the context. */
export function isCandidate({ context }: Entry, pair: LocatorPair): boolean {
  return context.localLocators.includes(pair.local) && context.peerLocators.some(({ address }) => address === pair.peer);
}

/** Whether the peer says that its end of `pair` is BROKEN (RFC 5533 §5.15.3). */
export function isBroken({ peerLocators }: ReapContext, pair: LocatorPair): boolean {
  return peerLocators.some(({ address, preference }) => address === pair.peer && (preference.flags & PREFERENCE_BROKEN) !== 0);
}

/** The context's pairs, best first. The site has already judged its own locators: their place is their rank. */
export function rankedPairs({ localLocators, peerLocators }: ReapContext, random: Uint8Array): LocatorPair[] {
  const locals = localLocators.map((address, place) => ({ address, priority: place, weight: 1, usable: true }));
  return rankPairs(locals, peerLocators, random, { uniqueLocal: true }).slice(0, PAIRS);
}

/** Names of the ends of `pair`'s path. */
export function endsOf(entry: Entry, pair: LocatorPair, pathKey: (locator: Locator) => string): { local: string; peer: string } {
  const { local, peer } = allEnds(entry, pathKey);
  const { localLocators, peerLocators } = entry.context;
  const localAt = localLocators.indexOf(pair.local);
  const peerAt = peerLocators.findIndex(({ address }) => address === pair.peer);
  return {
    local: localAt < 0 ? pathKey(pair.local) : local[localAt],
    peer: peerAt < 0 ? pathKey(pair.peer) : peer[peerAt],
  };
}

/** The context's own pair on `path`, which a sibling knows something about; `undefined` if it has none. */
export function pairOn(entry: Entry, path: Path<Entry>, pathKey: (locator: Locator) => string): LocatorPair | undefined {
  const { local, peer } = allEnds(entry, pathKey);
  const localAt = local.indexOf(path.local);
  const peerAt = peer.indexOf(path.peer);
  if (localAt < 0 || peerAt < 0) return undefined;
  return { local: entry.context.localLocators[localAt], peer: entry.context.peerLocators[peerAt].address };
}

/** The best of `pairs` by `ranked`; the first of them when none is ranked. */
export function bestOf(pairs: readonly LocatorPair[], ranked: readonly LocatorPair[]): LocatorPair {
  return ranked.find((pair) => pairs.some((other) => samePair(pair, other))) ?? pairs[0];
}

function allEnds(
  entry: Entry,
  pathKey: (locator: Locator) => string,
): { readonly local: readonly string[]; readonly peer: readonly string[] } {
  entry.ends ??= {
    local: entry.context.localLocators.map(pathKey),
    peer: entry.context.peerLocators.map(({ address }) => pathKey(address)),
  };
  return entry.ends;
}
