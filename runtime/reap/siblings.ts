/**
 * A context among those with the same peer box: joins, leaves and changes paths, hands in what it learnt, asks what the others
 * know. Which probes follow is the machine's business.
 */
import type { Locator } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { PathView } from "./contract.ts";
import { type Entry, endsOf, pairOn } from "./entry.ts";
import {
  FRESH,
  freshPath,
  isLost,
  isSuspect,
  knownPath,
  type Path,
  PathTable,
  proveAlive,
  proveReachable,
  proveSampled,
  sampleRoundTrip,
  sitePrefix,
  suspectLost,
} from "./paths.ts";
import type { SentProbe } from "./trail.ts";

/** All contexts of the machine, grouped by peer box and path. */
export class Siblings {
  readonly #paths = new PathTable<Entry>();
  readonly #pathKey: (locator: Locator) => string;

  constructor(pathKey: (locator: Locator) => string = sitePrefix) {
    this.#pathKey = pathKey;
  }

  get wakeAt(): Millis {
    return this.#paths.wakeAt;
  }

  expire(now: Millis): void {
    this.#paths.expire(now);
  }

  views(): Iterable<PathView> {
    return this.#paths.views();
  }

  /** `entry` is one of the contexts with its peer box from now on. */
  join(entry: Entry): void {
    const { peerBox } = entry.context;
    entry.box = peerBox === undefined ? undefined : this.#paths.enter(peerBox);
    if (entry.state !== "Operational") entry.box?.exploring.add(entry);
    // Both sides answered there in the handshake, or a probe was reported from there.
    if (entry.box !== undefined) proveReachable(entry.box, entry.current.peer);
    this.moveTo(entry, entry.current);
  }

  part(entry: Entry, now: Millis): void {
    entry.path?.members.delete(entry);
    if (entry.path?.leader === entry) entry.path.leader = undefined;
    entry.path = undefined;
    entry.box?.exploring.delete(entry);
    if (entry.box !== undefined) this.#paths.leave(entry.box, now);
    entry.box = undefined;
  }

  /** `pair` is the current pair of `entry` from now on. */
  moveTo(entry: Entry, pair: LocatorPair): void {
    entry.path?.members.delete(entry);
    if (entry.path?.leader === entry) entry.path.leader = undefined;
    entry.current = pair;
    entry.path = this.pathOf(entry, pair);
    entry.path?.members.add(entry);
  }

  /** Nothing came back over `pair`, or someone says so. */
  suspect(entry: Entry, pair: LocatorPair, now: Millis): void {
    const path = this.pathOf(entry, pair);
    if (path !== undefined) suspectLost(path, pair, now);
  }

  /**
   * Nothing has come back over the current pair of `entry` for a Send Timeout. If a probe on its path has left since and was reported, it
   * is not our direction that is dead: the peer has no way, or has not found it yet.
   */
  suspectSilent(entry: Entry, now: Millis): void {
    const { path, current, context } = entry;
    if (path !== undefined && (path.aliveAt === undefined || path.aliveAt < now - context.timing.sendTimeout))
      suspectLost(path, current, now);
  }

  isSuspect(entry: Entry, pair: LocatorPair, now: Millis): boolean {
    if (entry.box === undefined) return false;
    const { local, peer } = endsOf(entry, pair, this.#pathKey);
    const path = knownPath(entry.box, local, peer);
    return path !== undefined && isSuspect(path, now);
  }

  /**
   * The peer reported `fresh` for the first time, in a packet that arrived on the reverse of `arrival`.
   * @returns paths of which nobody knew that they are alive
   */
  learn(entry: Entry, fresh: readonly SentProbe[], arrival: LocatorPair, now: Millis): Path<Entry>[] {
    const { box } = entry;
    if (box === undefined) return [];
    const news: Path<Entry>[] = [];
    for (const { pair, at } of fresh) {
      const path = this.pathOf(entry, pair);
      if (path === undefined) continue;
      const isNews = path.aliveAt === undefined || isLost(path) || at - path.aliveAt > FRESH;
      proveAlive(box, path, pair, at);
      // Only an answer that came straight back over the same pair tells the round trip (compare Karn's rule, RFC 6298 §3).
      if (fresh.length === 1 && pair.local === arrival.local && pair.peer === arrival.peer) sampleRoundTrip(path, now - at);
      if (isNews && !isLost(path)) news.push(path);
    }
    return news;
  }

  /**
   * A question that `entry` sent on `pair` at `sentAt` was answered by the same way: the destination is there. That the path works is
   * no news while all is well, and nobody is to be told.
   */
  acknowledged(entry: Entry, pair: LocatorPair, sentAt: Millis, now: Millis): void {
    const path = this.pathOf(entry, pair);
    if (path !== undefined) sampleRoundTrip(path, now - sentAt);
    if (entry.box !== undefined) proveReachable(entry.box, pair.peer);
  }

  /** A question that `entry` sent on `pair` at `sentAt`, to see whether it can go there, was answered by the same way. */
  answers(entry: Entry, pair: LocatorPair, sentAt: Millis, now: Millis): void {
    const path = this.pathOf(entry, pair);
    if (entry.box !== undefined && path !== undefined) proveAlive(entry.box, path, pair, sentAt);
    this.acknowledged(entry, pair, sentAt, now);
  }

  /** A question that `entry` sent on `pair`, which is on `path`, at `sentAt` to measure it was answered by the same way. */
  sampled(entry: Entry, path: Path<Entry>, pair: LocatorPair, sentAt: Millis, now: Millis): void {
    proveSampled(path, pair, sentAt);
    sampleRoundTrip(path, now - sentAt);
    if (entry.box !== undefined) proveReachable(entry.box, pair.peer);
  }

  /** Whether the path of `pair` works so badly that another one is better. */
  isBrown(entry: Entry, pair: LocatorPair): boolean {
    if (entry.box === undefined) return false;
    const { local, peer } = endsOf(entry, pair, this.#pathKey);
    return knownPath(entry.box, local, peer)?.quality?.brown === true;
  }

  /** Whether the path of `pair` was proved alive after `since`, and not lost since then. */
  isProved(entry: Entry, pair: LocatorPair, since: Millis): boolean {
    if (entry.box === undefined) return false;
    const { local, peer } = endsOf(entry, pair, this.#pathKey);
    const path = knownPath(entry.box, local, peer);
    return path?.aliveAt !== undefined && !isLost(path) && path.aliveAt > since;
  }

  /** The pair of an exploring `entry` on the path that a sibling has just proved; each proof is named once. */
  proved(entry: Entry, now: Millis): LocatorPair | undefined {
    const { box, search } = entry;
    if (box === undefined || search === undefined) return undefined;
    const path = freshPath(box, now);
    if (path?.aliveAt === undefined || (path === entry.path && path.aliveAt < search.since)) return undefined;
    return this.onPath(entry, path, now);
  }

  /** Like {@link proved}, for a given path. */
  onPath(entry: Entry, path: Path<Entry>, now: Millis): LocatorPair | undefined {
    const { search } = entry;
    if (search === undefined || (search.hinted?.path === path && now - search.hinted.at < FRESH)) return undefined;
    search.hinted = { path, at: now };
    return this.pairOn(entry, path);
  }

  /** The context's own pair on `path`; `undefined` if it has none. */
  pairOn(entry: Entry, path: Path<Entry>): LocatorPair | undefined {
    return pairOn(entry, path, this.#pathKey);
  }

  /** Whether the destination of `pair` needs no probe of its own any more: a probe or a handshake proved it. */
  isReachable({ box, current }: Entry, { peer }: LocatorPair): boolean {
    return peer === current.peer || box?.reachable.has(peer) === true;
  }

  /** @returns whether `entry` is to ask the destination of `pair`; else a sibling does so and {@link answered} names who waited */
  asks(entry: Entry, { peer }: LocatorPair): boolean {
    const asked = entry.box?.asked.get(peer);
    if (asked !== undefined && asked.by !== entry && asked.by.box === entry.box && asked.by.search !== undefined) {
      asked.waiting.add(entry);
      return false;
    }
    // Who asked is gone, or has other worries: those who waited for it wait for this one.
    entry.box?.asked.set(peer, { by: entry, waiting: asked?.waiting ?? new Set() });
    return true;
  }

  /** The destinations of `fresh` answered `entry`. @returns contexts that waited for that */
  answered({ box }: Entry, fresh: readonly SentProbe[]): Entry[] {
    if (box === undefined) return [];
    return fresh.flatMap(({ pair: { peer } }) => {
      proveReachable(box, peer);
      const asked = box.asked.get(peer);
      box.asked.delete(peer);
      return [...(asked?.waiting ?? [])].filter((waits) => waits.box === box);
    });
  }

  /** Whether a sibling is looking for a way around the current path of `entry`. */
  isLed(entry: Entry, now: Millis): boolean {
    const leader = entry.path?.leader;
    return leader !== undefined && leader !== entry && leader.search !== undefined && now - leader.search.since < FRESH;
  }

  /** `entry` probes: its siblings on the same path wait for what it finds, unless another one leads already. */
  lead(entry: Entry, now: Millis): void {
    const { path } = entry;
    if (path === undefined || path.leader === entry || this.isLed(entry, now)) return;
    path.leader = entry;
    path.waited = 0;
  }

  /**
   * The pair of `entry` on the path that siblings just took because the current one is dead; `undefined` when there is no such
   * path, or `entry` came from it a short while ago: then it works for them and not for `entry`, which must see for itself.
   */
  detour(entry: Entry, now: Millis, lately: Millis): LocatorPair | undefined {
    const { box, path, left } = entry;
    if (box === undefined || path === undefined || !isLost(path) || now - path.deadAt >= FRESH) return undefined;
    const found = freshPath(box, now);
    if (found === undefined || found === path || (found === left?.path && now - left.at < lately)) return undefined;
    return this.pairOn(entry, found);
  }

  /** The path of `pair`; `undefined` if `entry` shares with nobody, or there are too many. */
  pathOf(entry: Entry, pair: LocatorPair): Path<Entry> | undefined {
    if (entry.box === undefined) return undefined;
    const { local, peer } = endsOf(entry, pair, this.#pathKey);
    return this.#paths.path(entry.box, local, peer, pair);
  }
}
