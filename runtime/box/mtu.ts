/**
 * What each path to a peer carries: told by Packet Too Big (RFC 8201), found out where nobody tells (in the manner of RFC 8899). A
 * path is a provider's prefix here and there, so that all contexts on it learn at once. A pure machine; docs/path-mtu.md tells why.
 *
 * A path that is new, or was not looked at for {@link CONFIRM_INTERVAL}, is taken to carry `mtu` or what was last known. If the peer is
 * one of our boxes, a padded Update Request of that size goes along; together with its repetitions go small ones. When
 * only the small ones are acknowledged, large packets vanish there: the path is taken for {@link MTU_MIN}, and searched upwards.
 */
import type { Draw } from "../reap/draw.ts";
import { DeadlineHeap } from "../reap/heap.ts";
import { sitePrefix } from "../reap/paths.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { ContextTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** RFC 8200 §5: every path carries this much. */
export const MTU_MIN = 1280;

// RFC 8201 §4, RFC 8899 §5.1.1 and §5.1.2, under their names.

/** A path that carries less may carry more again: tried after so long. */
export const PMTU_RAISE_TIMER: Millis = 600_000;
export const PROBE_TIMER: Millis = 1_000;
export const MAX_PROBES = 3;

// Chosen values.

/** A path that carries traffic is proved again after so long: nobody acknowledges large packets to us otherwise. */
export const CONFIRM_INTERVAL: Millis = 15_000;
const JITTER = 0.2;
/** The search ends when it knows so exactly, octets. */
const SEARCH_GRAIN = 8;
const PATHS_MAX = 16_384;
/** Members told of a new MTU, paths looked at, and members asked whether they send, at a time. */
const TELLS_A_POLL = 4_096;
const PATHS_A_POLL = 16;
const ASKED = 8;

/** What the box must do. */
export type MtuEffect =
  /** Packets of context `id` may have so many octets on the wire. */
  | { readonly kind: "mtu"; readonly id: number; readonly mtu: number }
  /** A padded Update Request of so many octets, to `tag`, the peer's of context `id`; {@link PathMtus.acknowledged} hears of its nonce. */
  | {
      readonly kind: "probe";
      readonly id: number;
      readonly pair: LocatorPair;
      readonly tag: ContextTag;
      readonly octets: number;
      readonly nonce: number;
    };

/** A context, and where it sends. */
interface Member {
  readonly id: number;
  readonly path: Path;
  readonly pair: LocatorPair;
  readonly tag: ContextTag | undefined;
}

/** One size that is being tried. */
interface Trial {
  readonly member: Member;
  readonly octets: number;
  /** Whether more than what is known is tried. */
  readonly upwards: boolean;
  /** Largest that is known to pass, smallest that is known not to. */
  readonly low: number;
  readonly high: number;
  readonly nonces: number[];
  readonly smallNonces: number[];
  sends: number;
  smallPassed: boolean;
}

interface Path {
  readonly key: string;
  mtu: number;
  readonly members: Set<Member>;
  /** Members whose peer answers. */
  readonly probers: Set<Member>;
  /** Has just come: asked first, and without having sent. */
  newcomer: Member | undefined;
  trial: Trial | undefined;
  /** When it was last begun to prove the path, and when to look whether it wants it again. */
  lookedAt: Millis;
  lookAt: Millis;
  raiseAt: Millis;
  deadline: Millis;
  heapIndex: number;
}

/** Path MTUs of one box. Instants are those of its clock. */
export class PathMtus {
  readonly #most: number;
  readonly #isSending: (id: number, now: Millis) => boolean;
  readonly #paths = new Map<string, Path>();
  readonly #members = new Map<number, Member>();
  /** Next looks, timeouts of trials, and when a path without members is forgotten. */
  readonly #heap = new DeadlineHeap<Path>();
  readonly #telling = new Map<Path, IterableIterator<Member>>();

  /** @param mtu what a path is taken to carry until something else is known; @param isSending whether context `id` has lately sent */
  constructor(mtu: number, isSending: (id: number, now: Millis) => boolean) {
    this.#most = mtu;
    this.#isSending = isSending;
  }

  /** When {@link poll} is due. */
  get wakeAt(): Millis {
    return this.#telling.size > 0 ? 0 : this.#heap.wakeAt;
  }

  /**
   * Context `id` sends on `pair` from now on. @param answers the tag of its peer, if that is one of our boxes
   * @returns what the path carries, octets on the wire
   */
  enter(id: number, pair: LocatorPair, answers: ContextTag | undefined, now: Millis): number {
    const key = keyOf(pair);
    const known = this.#members.get(id);
    if (known?.path.key === key && known.tag === answers && samePair(known.pair, pair)) return known.path.mtu;
    const path = this.#paths.get(key) ?? this.#newPath(key);
    this.leave(id, now);
    if (path === undefined) return this.#most;
    const member: Member = { id, path, pair, tag: answers };
    this.#members.set(id, member);
    path.members.add(member);
    if (answers !== undefined) {
      path.probers.add(member);
      if (now - path.lookedAt >= CONFIRM_INTERVAL) {
        path.newcomer = member;
        path.lookAt = now;
      }
    }
    this.#plan(path, now);
    return path.mtu;
  }

  /** Context `id` has moved to another pair, with the same peer. @returns as {@link enter} */
  move(id: number, pair: LocatorPair, now: Millis): number {
    return this.enter(id, pair, this.#members.get(id)?.tag, now);
  }

  /** Context `id` is no more. */
  leave(id: number, now: Millis): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    const { path } = member;
    this.#members.delete(id);
    path.members.delete(member);
    path.probers.delete(member);
    if (path.newcomer === member) path.newcomer = undefined;
    if (path.trial?.member === member) path.trial = undefined;
    this.#plan(path, now);
  }

  /** What packets of context `id` may have on the wire. */
  mtuOf(id: number): number {
    return this.#members.get(id)?.path.mtu ?? this.#most;
  }

  /**
   * A router says that the path of `pair` carries `mtu`; the caller has made sure that it speaks of a packet of ours that was larger.
   * @returns whether it was news
   */
  told(pair: LocatorPair, mtu: number, now: Millis): boolean {
    const path = this.#paths.get(keyOf(pair));
    // An estimate is never made larger by such a message, and never smaller than 1280 (RFC 8201 §4).
    if (path === undefined || path.members.size === 0 || mtu < MTU_MIN) return false;
    const { trial } = path;
    if (mtu < path.mtu) {
      path.trial = undefined;
      path.raiseAt = now + PMTU_RAISE_TIMER;
      // Proved soon: what a router says is a claim.
      path.lookAt = now;
      this.#setMtu(path, mtu);
    } else if (trial?.upwards === true && mtu > trial.low && mtu < trial.octets) {
      path.trial = newTrial(trial.member, true, mtu, trial.low, Math.min(trial.high, mtu + 1));
    } else return false;
    this.#plan(path, now);
    return true;
  }

  /** An Update Acknowledgement came. @returns whether it answers a request of ours: nobody else needs to see it then */
  acknowledged(id: number, nonce: number, now: Millis): boolean {
    const path = this.#members.get(id)?.path;
    const trial = path?.trial;
    if (path === undefined || trial?.member.id !== id) return false;
    if (trial.smallNonces.includes(nonce)) {
      trial.smallPassed = true;
      return true;
    }
    if (!trial.nonces.includes(nonce)) return false;
    if (trial.upwards) {
      this.#setMtu(path, trial.octets);
      this.#search(path, trial, trial.octets, trial.high, now);
    } else this.#settle(path, now);
    return true;
  }

  /** Does what is due, as far as one turn goes. `draw` gives jitter and nonces. */
  poll(now: Millis, draw: Draw): MtuEffect[] {
    const effects: MtuEffect[] = [];
    for (let i = 0; i < PATHS_A_POLL; i++) {
      const path = this.#heap.top;
      if (path === undefined || path.deadline > now) break;
      this.#due(path, now, draw, effects);
    }
    this.#tell(effects);
    return effects;
  }

  /** What the path of `pair` is taken to carry, octets on the wire, for `show paths`; `undefined` = no context was ever there. */
  mtuOn(pair: LocatorPair): number | undefined {
    return this.#paths.get(keyOf(pair))?.mtu;
  }

  #newPath(key: string): Path | undefined {
    if (this.#paths.size >= PATHS_MAX && !this.#forgetOne()) return undefined;
    const path: Path = {
      key,
      mtu: this.#most,
      members: new Set(),
      probers: new Set(),
      newcomer: undefined,
      trial: undefined,
      lookedAt: -NEVER,
      lookAt: NEVER,
      raiseAt: NEVER,
      deadline: NEVER,
      heapIndex: -1,
    };
    this.#paths.set(key, path);
    return path;
  }

  /** Makes room. Looks at the oldest few only: this is for floods, not for order. */
  #forgetOne(): boolean {
    let asked = 0;
    for (const path of this.#paths.values()) {
      if (path.members.size === 0) {
        this.#forget(path);
        return true;
      }
      if (++asked === ASKED) return false;
    }
    return false;
  }

  #forget(path: Path): void {
    this.#paths.delete(path.key);
    this.#heap.delete(path);
    this.#telling.delete(path);
  }

  #plan(path: Path, now: Millis): void {
    if (path.members.size === 0) this.#heap.set(path, now + PMTU_RAISE_TIMER);
    else if (path.trial !== undefined) this.#heap.set(path, path.trial.sends === 0 ? now : path.deadline);
    else this.#heap.set(path, path.probers.size > 0 ? path.lookAt : path.raiseAt);
  }

  #due(path: Path, now: Millis, draw: Draw, effects: MtuEffect[]): void {
    const { trial } = path;
    if (path.members.size === 0) this.#forget(path);
    else if (trial !== undefined) this.#goOn(path, trial, now, draw, effects);
    else if (path.probers.size > 0) this.#look(path, now, draw, effects);
    else {
      // Nobody there answers: as RFC 8201 has it, what all paths are taken for is simply tried again.
      path.raiseAt = NEVER;
      this.#setMtu(path, this.#most);
      this.#plan(path, now);
    }
  }

  #look(path: Path, now: Millis, draw: Draw, effects: MtuEffect[]): void {
    path.lookAt = now + draw.around(CONFIRM_INTERVAL, JITTER);
    const upwards = now >= path.raiseAt && path.mtu < this.#most;
    // 1280 needs no proof, and what nobody uses neither.
    const member = upwards || path.mtu > MTU_MIN ? this.#prober(path, now) : undefined;
    if (member === undefined) {
      this.#plan(path, now);
      return;
    }
    path.lookedAt = now;
    path.trial = upwards
      ? newTrial(member, true, this.#most, path.mtu, this.#most + 1)
      : newTrial(member, false, path.mtu, MTU_MIN, path.mtu);
    this.#try(path, path.trial, now, draw, effects);
  }

  /** A context of the path that sends, or has just come; those asked in vain go to the end of the queue. */
  #prober(path: Path, now: Millis): Member | undefined {
    const { newcomer, probers } = path;
    path.newcomer = undefined;
    if (newcomer !== undefined) return newcomer;
    const asked = [...take(probers, ASKED)];
    for (const member of asked) {
      if (this.#isSending(member.id, now)) return member;
      probers.delete(member);
      probers.add(member);
    }
    return undefined;
  }

  #try(path: Path, trial: Trial, now: Millis, draw: Draw, effects: MtuEffect[]): void {
    const { member, octets } = trial;
    const { id, pair, tag } = member;
    if (tag === undefined) return;
    const probe = (size: number, nonces: number[]): void => {
      const nonce = draw.u32();
      nonces.push(nonce);
      effects.push({ kind: "probe", id, pair, tag, octets: size, nonce });
    };
    probe(octets, trial.nonces);
    // Beside a repetition: does anything pass at all?
    if (trial.sends > 0) probe(MTU_MIN, trial.smallNonces);
    trial.sends++;
    this.#heap.set(path, now + PROBE_TIMER);
  }

  #goOn(path: Path, trial: Trial, now: Millis, draw: Draw, effects: MtuEffect[]): void {
    if (trial.sends < MAX_PROBES) this.#try(path, trial, now, draw, effects);
    else if (!trial.smallPassed) this.#settle(path, now);
    else {
      if (!trial.upwards) this.#setMtu(path, MTU_MIN);
      this.#search(path, trial, trial.low, trial.octets, now);
    }
  }

  /** Something between `low`, which passes, and `high`, which does not. */
  #search(path: Path, { member }: Trial, low: number, high: number, now: Millis): void {
    if (high - low <= SEARCH_GRAIN) {
      this.#settle(path, now);
      return;
    }
    path.trial = newTrial(member, true, (low + high) >> 1, low, high);
    this.#plan(path, now);
  }

  #settle(path: Path, now: Millis): void {
    path.trial = undefined;
    if (path.mtu >= this.#most) path.raiseAt = NEVER;
    else if (path.raiseAt <= now || path.raiseAt === NEVER) path.raiseAt = now + PMTU_RAISE_TIMER;
    path.lookAt = Math.max(path.lookAt, now + CONFIRM_INTERVAL * (1 - JITTER));
    this.#plan(path, now);
  }

  #setMtu(path: Path, mtu: number): void {
    if (path.mtu === mtu) return;
    path.mtu = mtu;
    this.#telling.set(path, path.members.values());
  }

  #tell(effects: MtuEffect[]): void {
    let left = TELLS_A_POLL;
    for (const [path, members] of this.#telling) {
      for (; left > 0; left--) {
        const next = members.next();
        if (next.done === true) {
          this.#telling.delete(path);
          break;
        }
        effects.push({ kind: "mtu", id: next.value.id, mtu: path.mtu });
      }
    }
  }
}

function newTrial(member: Member, upwards: boolean, octets: number, low: number, high: number): Trial {
  return { member, octets, upwards, low, high, nonces: [], smallNonces: [], sends: 0, smallPassed: false };
}

function keyOf(pair: LocatorPair): string {
  return `${sitePrefix(pair.local)} ${sitePrefix(pair.peer)}`;
}

function* take<T>(from: Iterable<T>, count: number): Iterable<T> {
  let left = count;
  for (const each of from) {
    if (left-- <= 0) return;
    yield each;
  }
}
