/**
 * What the contexts with one peer box learn from one another. Locators belong to hosts, but a failure mostly concerns a provider:
 * pairs whose ends have the same provider prefixes share a {@link Path}. Evidence is a probe of ours that the peer reported
 * (alive), or a current pair that fell silent (lost, a suspicion until another pair is proved).
 *
 * `M` is what the machine keeps per context; here it is only counted and listed.
 */
import { addressAt, addressOctets, type Locator } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { PathView } from "./contract.ts";
import type { PathQuality } from "./quality.ts";

/** Evidence that is older says nothing about now. */
export const FRESH: Millis = 1_000;
/** Suspicion this old no longer moves a pair back in the order. */
const SUSPECT: Millis = 60_000;
/** What was learnt outlives the last context with the box by so much. */
export const LINGER: Millis = 300_000;
const PATHS_PER_BOX = 64;
const BOXES = 65_536;
const REACHABLE_PER_BOX = 65_536;
/** New samples count for an eighth, as in TCP (RFC 6298 §2.3). */
const ROUND_TRIP_GAIN = 1 / 8;

/** What is known of one path to a peer box, our direction. */
export interface Path<M> {
  readonly local: string;
  readonly peer: string;
  pair: LocatorPair;
  aliveAt: Millis | undefined;
  lostAt: Millis | undefined;
  roundTrip: Millis | undefined;
  /** `undefined` = nobody has measured it. */
  quality: PathQuality | undefined;
  /** Contexts whose current pair is on this path, in the order they came. */
  readonly members: Set<M>;
  /** When siblings were last told that this path is lost, and when that it is alive. */
  toldLostAt: Millis;
  toldAliveAt: Millis;
  /** When a context was last made to check it because the peer had complained. */
  checkedAt: Millis;
  /** The first context that looked for another path when this one fell silent: those after it wait for what it finds. */
  leader: M | undefined;
  /** Contexts that have waited for the leader, and when a context last probed this path in vain and found another. */
  waited: number;
  deadAt: Millis;
  /** Its siblings were leaving it when the path that they took fell silent too: the next path proved takes the rest. */
  left: boolean;
}

/** A locator that is being asked: by whom, and who waits for the answer. */
export interface Asked<M> {
  readonly by: M;
  readonly waiting: Set<M>;
}

/** One peer box: its paths and its contexts. */
export interface PeerBox<M> {
  readonly name: string;
  readonly paths: Map<string, Path<M>>;
  /** Contexts with this box, and those of them that explore. */
  contexts: number;
  readonly exploring: Set<M>;
  /** The path proved last. */
  proved: Path<M> | undefined;
  /**
   * Locators that answered a probe, or with which a context was established: packets may go there (RFC 5533 §16, third-party
   * flooding: a probe and its reply before a locator becomes a destination). The oldest go first.
   */
  readonly reachable: Set<Locator>;
  /** Locators that a context is just asking. */
  readonly asked: Map<Locator, Asked<M>>;
}

/** All peer boxes. Bounded; a box is forgotten some time after its last context. */
export class PathTable<M> {
  readonly #boxes = new Map<string, PeerBox<M>>();
  /** Boxes without contexts and when they are forgotten, earliest first. */
  readonly #leaving = new Map<string, Millis>();

  /** A context with box `name` exists. @returns `undefined` when the table is full: it shares with nobody */
  enter(name: string): PeerBox<M> | undefined {
    let box = this.#boxes.get(name);
    if (box === undefined) {
      if (this.#boxes.size >= BOXES && !this.#forgetEarliest()) return undefined;
      box = { name, paths: new Map(), contexts: 0, exploring: new Set(), proved: undefined, reachable: new Set(), asked: new Map() };
      this.#boxes.set(name, box);
    }
    this.#leaving.delete(name);
    box.contexts++;
    return box;
  }

  leave(box: PeerBox<M>, now: Millis): void {
    box.contexts--;
    if (box.contexts === 0) this.#leaving.set(box.name, now + LINGER);
  }

  /** The path with these ends, made if need be. @returns `undefined` when the box has too many paths that are in use */
  path(box: PeerBox<M>, local: string, peer: string, pair: LocatorPair): Path<M> | undefined {
    const key = pathName(local, peer);
    const known = box.paths.get(key);
    if (known !== undefined) return known;
    if (box.paths.size >= PATHS_PER_BOX && !forgetUnused(box)) return undefined;
    const path: Path<M> = {
      local,
      peer,
      pair,
      aliveAt: undefined,
      lostAt: undefined,
      roundTrip: undefined,
      quality: undefined,
      members: new Set(),
      toldLostAt: -NEVER,
      toldAliveAt: -NEVER,
      checkedAt: -NEVER,
      leader: undefined,
      waited: 0,
      deadAt: -NEVER,
      left: false,
    };
    box.paths.set(key, path);
    return path;
  }

  get wakeAt(): Millis {
    const first = this.#leaving.values().next();
    return first.done === true ? NEVER : first.value;
  }

  expire(now: Millis): void {
    for (const [name, at] of this.#leaving) {
      if (at > now) return;
      this.#leaving.delete(name);
      this.#boxes.delete(name);
    }
  }

  *views(): Iterable<PathView> {
    for (const box of this.#boxes.values()) {
      for (const path of box.paths.values()) {
        const state = stateOf(path);
        yield {
          peerBox: box.name,
          local: path.local,
          peer: path.peer,
          pair: path.pair,
          state,
          since: state === "lost" ? path.lostAt : path.aliveAt,
          roundTrip: path.roundTrip,
          loss: path.quality?.loss,
          brown: path.quality?.brown === true,
          contexts: path.members.size,
        };
      }
    }
  }

  #forgetEarliest(): boolean {
    const first = this.#leaving.keys().next();
    if (first.done === true) return false;
    this.#leaving.delete(first.value);
    return this.#boxes.delete(first.value);
  }
}

/** The path with these ends, if anything was ever heard of it. */
export function knownPath<M>(box: PeerBox<M>, local: string, peer: string): Path<M> | undefined {
  return box.paths.get(pathName(local, peer));
}

function pathName(local: string, peer: string): string {
  return `${local} ${peer}`;
}

/** A probe that left at `sentAt` on `pair` arrived. */
export function proveAlive<M>(box: PeerBox<M>, path: Path<M>, pair: LocatorPair, sentAt: Millis): void {
  path.pair = pair;
  path.aliveAt = Math.max(path.aliveAt ?? sentAt, sentAt);
  if (!isLost(path)) box.proved = path;
}

/**
 * A question that left at `sentAt` on `pair` was answered the same way. A path that was lost before that, or never heard of, is alive; for another
 * one it is no news, and no reason for anybody to go there.
 */
export function proveSampled<M>(path: Path<M>, pair: LocatorPair, sentAt: Millis): void {
  if (path.aliveAt !== undefined && !isLost(path)) return;
  path.pair = pair;
  path.aliveAt = Math.max(path.aliveAt ?? sentAt, sentAt);
}

/** `locator` of `box` answered. @returns whether that is news */
export function proveReachable<M>({ reachable }: PeerBox<M>, locator: Locator): boolean {
  if (reachable.has(locator)) return false;
  reachable.add(locator);
  if (reachable.size > REACHABLE_PER_BOX) for (const oldest of reachable) return reachable.delete(oldest);
  return true;
}

/** The current pair of a context on `path` fell silent, or is said to be dead. */
export function suspectLost<M>(path: Path<M>, pair: LocatorPair, now: Millis): void {
  if (!isLost(path)) path.lostAt = now;
  path.pair = pair;
}

/** A probe on `path` was answered straight after `sample` ms. */
export function sampleRoundTrip<M>(path: Path<M>, sample: Millis): void {
  path.roundTrip = path.roundTrip === undefined ? sample : path.roundTrip + ROUND_TRIP_GAIN * (sample - path.roundTrip);
}

/** Evidence of the same instant counts as alive: the probe that proved it left when the suspicion arose. */
export function isLost<M>({ aliveAt, lostAt }: Path<M>): boolean {
  return lostAt !== undefined && (aliveAt === undefined || lostAt > aliveAt);
}

/** Whether `path` is lost and the suspicion recent enough to move its pairs back in the order. */
export function isSuspect<M>(path: Path<M>, now: Millis): boolean {
  return isLost(path) && path.lostAt !== undefined && now - path.lostAt < SUSPECT;
}

/** The path that some context of `box` proved within {@link FRESH}, if there is one. */
export function freshPath<M>({ proved }: PeerBox<M>, now: Millis): Path<M> | undefined {
  if (proved?.aliveAt === undefined || isLost(proved) || now - proved.aliveAt > FRESH) return undefined;
  return proved;
}

/**
 * Name of the path end that `locator` belongs to: its /48. Prefix lengths of the peer are not known; a /48 is what sites have
 * (RFC 6177), a longer one shares with its neighbours, which costs a probe and no more.
 */
export function sitePrefix(locator: Locator): string {
  const octets = addressOctets(locator).fill(0, 6);
  return `${addressAt(octets)}/48`;
}

function stateOf<M>(path: Path<M>): PathView["state"] {
  if (isLost(path)) return "lost";
  return path.aliveAt === undefined ? "unknown" : "alive";
}

function forgetUnused<M>(box: PeerBox<M>): boolean {
  for (const [key, path] of box.paths) {
    if (path.members.size > 0) continue;
    if (box.proved === path) box.proved = undefined;
    return box.paths.delete(key);
  }
  return false;
}
