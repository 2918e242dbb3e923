/**
 * Contexts that leave an end of their pair although it works: the site wants them on another provider of its own, or the peer says that it drains
 * one. Make before break: payload goes on as it goes until a question on the new pair came back; where a sibling's has just done so, none is
 * sent. Who cannot go now goes later.
 */
import type { Locator } from "../value/address.ts";
import type { MoveCause } from "../value/cause.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { PREFERENCE_BROKEN, WORST_PRIORITY } from "../wire/message.ts";
import type { ReapContext } from "./contract.ts";
import { type Entry, isBroken, isCandidate, rankedPairs, shares } from "./entry.ts";
import { JITTER } from "./explorer.ts";
import { DeadlineHeap } from "./heap.ts";
import type { Path } from "./paths.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

// Chosen values.

/** Questions on one pair before another one is tried. */
export const LEAVE_QUESTIONS = 3;
/** Wait for the first answer at least; each further one is twice as long. */
export const LEAVE_PATIENCE: Millis = 200;
/** Where no pair answers, or the context explores, it is tried again after so long. */
export const LEAVE_AGAIN: Millis = 2_000;
/** The same towards a peer that cannot be asked: payload waits each time. Each further time twice as long, up to the second. */
export const PROBE_AGAIN: Millis = 15_000;
const PROBE_SELDOM: Millis = 600_000;
/** A path that was proved so lately needs no question: where it has died since, REAP finds out. */
const PROVED_LATELY: Millis = 5_000;

/** Which end of the current pair a context is to leave. */
export type LeftEnd = "local" | "peer";

interface Leave {
  readonly entry: Entry;
  readonly end: LeftEnd;
  readonly cause: MoveCause;
  readonly from: LocatorPair;
  to: LocatorPair;
  /** The same for all questions on one pair: an answer may be late. Absent before the first. */
  nonce: number | undefined;
  at: Millis;
  asked: number;
  /** Pairs that did not answer. */
  readonly tried: LocatorPair[];
  /** Explorations of a peer that cannot be asked. */
  probed: number;
  deadline: Millis;
  heapIndex: number;
}

/** Who asks on a path, and when nobody answered there last. */
interface Standing {
  readonly by: Leave | undefined;
  readonly silentAt: Millis;
}

/** Makes `entry` explore, beginning with `pair`. */
export type Explore = (entry: Entry, pair: LocatorPair, turn: Turn) => void;

/** The contexts of one machine that are about to leave. As many as there are contexts at most. */
export class Leaves {
  readonly #siblings: Siblings;
  readonly #explore: Explore;
  readonly #heap = new DeadlineHeap<Leave>();
  readonly #leaves = new Map<Entry, Leave>();
  readonly #standings = new WeakMap<Path<Entry>, Standing>();

  constructor(siblings: Siblings, explore: Explore) {
    this.#siblings = siblings;
    this.#explore = explore;
  }

  get wakeAt(): Millis {
    return this.#heap.wakeAt;
  }

  /** `entry` is to leave `end` of its current pair, if there is another one that ranks better: now, or when it has found its way. */
  begin(entry: Entry, end: LeftEnd, cause: MoveCause, turn: Turn): void {
    const leave = this.#new(entry, end, cause, turn);
    if (leave === undefined) return;
    if (entry.state !== "Operational") return this.#later(leave, turn);
    const to = this.#choose(entry, end, [], turn);
    if (to === undefined) this.stop(entry);
    else this.#go(leave, to, turn);
  }

  /** The same in the next step. */
  plan(entry: Entry, end: LeftEnd, cause: MoveCause, turn: Turn): void {
    const leave = this.#new(entry, end, cause, turn);
    if (leave !== undefined) this.#heap.set(leave, turn.now);
  }

  /** @returns `undefined` if `entry` is about to go already, or rests */
  #new(entry: Entry, end: LeftEnd, cause: MoveCause, turn: Turn): Leave | undefined {
    const known = this.#leaves.get(entry);
    // Our own end comes first: when it is left somebody looks at the other one.
    if (known !== undefined && known.end === "peer" && end === "peer") return undefined;
    if (known !== undefined && known.end === "local" && known.from.local === entry.current.local) return undefined;
    this.stop(entry);
    if (entry.rests) return undefined;
    const leave: Leave = {
      entry,
      end,
      cause,
      from: entry.current,
      to: entry.current,
      nonce: undefined,
      at: turn.now,
      asked: 0,
      tried: [],
      probed: 0,
      deadline: 0,
      heapIndex: -1,
    };
    this.#leaves.set(entry, leave);
    return leave;
  }

  /** `entry` stays where it is, or is gone. */
  stop(entry: Entry): void {
    const leave = this.#leaves.get(entry);
    if (leave === undefined) return;
    this.#leaves.delete(entry);
    this.#heap.delete(leave);
    this.#release(leave);
  }

  /** Whether `nonce` is that of a question of `entry`. */
  isOpen(entry: Entry, nonce: number): boolean {
    return this.#leaves.get(entry)?.nonce === nonce;
  }

  /** The peer acknowledged the request with `nonce`. Who explores, or was taken elsewhere meanwhile, tries again later. */
  hear(entry: Entry, nonce: number, turn: Turn): void {
    const leave = this.#leaves.get(entry);
    if (leave?.nonce !== nonce) return;
    this.#siblings.answers(entry, leave.to, leave.at, turn.now);
    const stands = entry.state === "Operational" && !entry.rests && samePair(entry.current, leave.from);
    if (stands && isCandidate(entry, leave.to)) this.#move(leave, leave.to, turn);
    else this.#later(leave, turn);
  }

  /** Asks again, or tries another pair. */
  poll(turn: Turn): void {
    for (let top = this.#heap.top; top !== undefined && top.deadline <= turn.now; top = this.#heap.top) {
      const { entry, end, cause, from, to, nonce, asked, tried } = top;
      const isDone = end === "peer" ? !isPeerEndLeft(entry, from) : entry.current.local !== from.local;
      if (entry.rests || isDone) this.stop(entry);
      else if (entry.state !== "Operational") this.#later(top, turn);
      else if (!samePair(entry.current, from)) {
        this.stop(entry);
        this.begin(entry, end, cause, turn);
      } else if (nonce !== undefined && asked > 0 && asked < LEAVE_QUESTIONS && isCandidate(entry, to)) this.#ask(top, nonce, turn);
      else this.#next(top, asked === 0 ? [] : [...tried, to], turn);
    }
  }

  /** Another pair, or a rest. */
  #next(leave: Leave, tried: readonly LocatorPair[], turn: Turn): void {
    if (leave.asked > 0) this.#giveUp(leave, turn.now);
    leave.tried.splice(0, leave.tried.length, ...tried);
    const to = this.#choose(leave.entry, leave.end, tried, turn);
    if (to !== undefined) return this.#go(leave, to, turn);
    if (isLasting(leave)) this.#later(leave, turn);
    else this.stop(leave.entry);
  }

  #later(leave: Leave, { now, draw }: Turn): void {
    leave.asked = 0;
    this.#release(leave);
    const wait = shares(leave.entry) ? LEAVE_AGAIN : Math.min(PROBE_SELDOM, PROBE_AGAIN * 2 ** Math.max(0, leave.probed - 1));
    this.#heap.set(leave, now + draw.around(wait, JITTER));
  }

  #go(leave: Leave, to: LocatorPair, turn: Turn): void {
    const { entry } = leave;
    if (!shares(entry)) {
      leave.probed++;
      if (isLasting(leave)) this.#later(leave, turn);
      else this.stop(entry);
      this.#explore(entry, to, turn);
      return;
    }
    if (this.#siblings.isProved(entry, to, turn.now - PROVED_LATELY) && this.#siblings.isReachable(entry, to)) {
      this.#move(leave, to, turn);
      return;
    }
    leave.to = to;
    leave.asked = 0;
    if (!this.#mayAsk(leave)) return this.#heap.set(leave, turn.now + turn.draw.around(LEAVE_PATIENCE, JITTER));
    const nonce = turn.draw.u32();
    leave.nonce = nonce;
    leave.at = turn.now;
    this.#ask(leave, nonce, turn);
  }

  /** One of those who want to go to a path asks there; the others wait for what it hears. */
  #mayAsk(leave: Leave): boolean {
    const path = this.#siblings.pathOf(leave.entry, leave.to);
    if (path === undefined) return true;
    const standing = this.#standings.get(path);
    if (standing?.by !== undefined && standing.by !== leave) return false;
    this.#standings.set(path, { by: leave, silentAt: standing?.silentAt ?? -NEVER });
    return true;
  }

  /** All questions on a pair have been asked in vain. */
  #giveUp(leave: Leave, now: Millis): void {
    const path = this.#siblings.pathOf(leave.entry, leave.to);
    if (path !== undefined) this.#standings.set(path, { by: undefined, silentAt: now });
  }

  /** Somebody else may ask where `leave` has been asking. */
  #release(leave: Leave): void {
    const path = this.#siblings.pathOf(leave.entry, leave.to);
    const standing = path && this.#standings.get(path);
    if (path !== undefined && standing?.by === leave) this.#standings.set(path, { ...standing, by: undefined });
  }

  #isSilent(entry: Entry, pair: LocatorPair, now: Millis): boolean {
    const path = this.#siblings.pathOf(entry, pair);
    return path !== undefined && now - (this.#standings.get(path)?.silentAt ?? -NEVER) < LEAVE_AGAIN;
  }

  #ask(leave: Leave, requestNonce: number, { now, effects }: Turn): void {
    const { entry, to } = leave;
    const { id, peerTag } = entry.context;
    const patience = Math.max(LEAVE_PATIENCE, 2 * (entry.path?.roundTrip ?? 0)) * 2 ** leave.asked;
    leave.asked++;
    this.#heap.set(leave, now + patience);
    effects.push({
      kind: "ask",
      id,
      pair: to,
      message: { kind: "UpdateRequest", receiverTag: peerTag, requestNonce, options: [] },
    });
  }

  #move({ entry, cause }: Leave, pair: LocatorPair, { effects }: Turn): void {
    const from = entry.current;
    this.stop(entry);
    this.#siblings.moveTo(entry, pair);
    effects.push({ kind: "use-pair", id: entry.context.id, from, pair, cause });
  }

  /** The best pair without that end of the current one; with the other end as it is, if that one ranks as well. */
  #choose(entry: Entry, end: LeftEnd, tried: readonly LocatorPair[], { now, draw }: Turn): LocatorPair | undefined {
    const { current, context } = entry;
    const fits = (pair: LocatorPair): boolean =>
      isBetter(context, current, pair, end) &&
      !isBroken(context, pair) &&
      !tried.some((other) => samePair(other, pair)) &&
      !this.#isSilent(entry, pair, now) &&
      !this.#siblings.isBrown(entry, pair);
    const all = rankedPairs(context, draw.octets()).filter(fits);
    // A suspicion may be wrong, and nothing but a question would show it.
    const trusted = all.filter((pair) => !this.#siblings.isSuspect(entry, pair, now));
    const pairs = trusted.length > 0 ? trusted : all;
    const [best] = pairs;
    if (best === undefined || isDrained(context, current.peer)) return best;
    return (
      pairs.find(({ local, peer }) =>
        end === "local" ? local === best.local && peer === current.peer : peer === best.peer && local === current.local,
      ) ?? best
    );
  }
}

/** Whether the peer's end is still to be left. */
function isPeerEndLeft({ context, current }: Entry, from: LocatorPair): boolean {
  return isDrained(context, current.peer) || (current.peer === from.peer && isOutranked(context, current.peer));
}

/** Who only would rather be elsewhere is sent again when the box knows that the way is free. */
function isLasting({ cause }: Leave): boolean {
  return cause === "drain" || cause === "peer";
}

/** Whether the peer drains that locator of its own: the worst rank that there is, but not BROKEN. */
export function isDrained({ peerLocators }: Pick<ReapContext, "peerLocators">, locator: Locator): boolean {
  return peerLocators.some(({ address, preference }) => address === locator && preference.priority === WORST_PRIORITY);
}

/** Whether the peer would rather have packets at another locator, which is not BROKEN. */
export function isOutranked({ peerLocators }: Pick<ReapContext, "peerLocators">, locator: Locator): boolean {
  const rank = rankOf(peerLocators, locator);
  return peerLocators.some(({ preference }) => (preference.flags & PREFERENCE_BROKEN) === 0 && (preference.priority ?? 0) < rank);
}

/**
 * Whether the peer would rather have packets at another locator than at `locator` since it gave other ranks. One that was BROKEN or
 * drained before does not count: it has come back, and there is time (runtime/box/moves.ts).
 */
export function isOvertaken(before: ReapContext, after: ReapContext, locator: Locator): boolean {
  if (before.peerLocators === after.peerLocators) return false;
  const [was, is] = [before, after].map(({ peerLocators }) => rankOf(peerLocators, locator));
  return after.peerLocators.some(({ address, preference }) => {
    const known = before.peerLocators.find((other) => other.address === address);
    if (known === undefined || ((known.preference.flags | preference.flags) & PREFERENCE_BROKEN) !== 0) return false;
    const { priority = 0 } = known.preference;
    return (preference.priority ?? 0) < is && priority >= was && priority !== WORST_PRIORITY;
  });
}

/** As the peer gave it; lower is better. */
function rankOf(peerLocators: ReapContext["peerLocators"], locator: Locator): number {
  return peerLocators.find(({ address }) => address === locator)?.preference.priority ?? 0;
}

function isBetter(context: ReapContext, current: LocatorPair, pair: LocatorPair, end: LeftEnd): boolean {
  if (end === "peer") {
    if (pair.peer === current.peer || isDrained(context, pair.peer)) return false;
    return isDrained(context, current.peer) || rankOf(context.peerLocators, pair.peer) < rankOf(context.peerLocators, current.peer);
  }
  const { localLocators } = context;
  const place = localLocators.indexOf(current.local);
  return place < 0 ? pair.local !== current.local : localLocators.indexOf(pair.local) < place;
}
