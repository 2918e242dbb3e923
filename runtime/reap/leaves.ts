/**
 * Contexts that leave an end of their pair although it works: the site drains a provider of its own, or the peer says that it drains one. Make
 * before break: payload goes on as it goes until a question on the new pair came back; where a sibling's has just done so, none is sent.
 */
import type { Locator } from "../value/address.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { WORST_PRIORITY } from "../wire/message.ts";
import type { ReapContext } from "./contract.ts";
import { type Entry, isBroken, isCandidate, rankedPairs, shares } from "./entry.ts";
import { JITTER } from "./explorer.ts";
import { DeadlineHeap } from "./heap.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

// Chosen values.

/** Questions on one pair before another one is tried. */
export const LEAVE_QUESTIONS = 3;
/** Wait for the first answer at least; each further one is twice as long. */
export const LEAVE_PATIENCE: Millis = 200;
/** Where no pair answers, or the context explores, it is tried again after so long. */
export const LEAVE_AGAIN: Millis = 2_000;
/** A path that was proved so lately needs no question: where it has died since, REAP finds out. */
const PROVED_LATELY: Millis = 5_000;

/** Which end of the current pair a context is to leave. */
export type LeftEnd = "local" | "peer";

interface Leave {
  readonly entry: Entry;
  readonly end: LeftEnd;
  readonly from: LocatorPair;
  to: LocatorPair;
  /** The same for all questions on one pair: an answer may be late. */
  nonce: number;
  at: Millis;
  asked: number;
  /** Pairs that did not answer. */
  readonly tried: LocatorPair[];
  deadline: Millis;
  heapIndex: number;
}

/** The contexts of one machine that are about to leave. As many as there are contexts at most. */
export class Leaves {
  readonly #siblings: Siblings;
  readonly #heap = new DeadlineHeap<Leave>();
  readonly #leaves = new Map<Entry, Leave>();

  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  get wakeAt(): Millis {
    return this.#heap.wakeAt;
  }

  /**
   * `entry` is to leave `end` of its current pair, if the other ends that it has rank no worse.
   * @returns the pair to explore, towards a peer that is not to be asked; else what there is to do is done
   */
  begin(entry: Entry, end: LeftEnd, turn: Turn): LocatorPair | undefined {
    if (entry.rests || (entry.state !== "Operational" && !(end === "peer" && shares(entry)))) return undefined;
    const known = this.#leaves.get(entry);
    if (known !== undefined && known.end === end && samePair(known.from, entry.current)) return undefined;
    this.stop(entry);
    const isExploring = entry.state !== "Operational";
    const to = isExploring ? entry.current : this.#choose(entry, end, [], turn);
    if (to === undefined) return undefined;
    if (!shares(entry)) return to;
    const leave: Leave = { entry, end, from: entry.current, to, nonce: 0, at: 0, asked: 0, tried: [], deadline: 0, heapIndex: -1 };
    this.#leaves.set(entry, leave);
    if (isExploring) this.#later(leave, turn);
    else this.#go(leave, to, turn);
    return undefined;
  }

  /** `entry` stays where it is, or is gone. */
  stop(entry: Entry): void {
    const leave = this.#leaves.get(entry);
    if (leave === undefined) return;
    this.#leaves.delete(entry);
    this.#heap.delete(leave);
  }

  /** Whether `nonce` is that of a question of `entry`. */
  isOpen(entry: Entry, nonce: number): boolean {
    return this.#leaves.get(entry)?.nonce === nonce;
  }

  /** The peer acknowledged the request with `nonce`. */
  hear(entry: Entry, nonce: number, turn: Turn): void {
    const leave = this.#leaves.get(entry);
    if (leave?.nonce !== nonce) return;
    this.stop(entry);
    this.#siblings.answers(entry, leave.to, leave.at, turn.now);
    const stands = entry.state === "Operational" && !entry.rests && samePair(entry.current, leave.from);
    if (stands && isCandidate(entry, leave.to)) this.#move(entry, leave.to, turn);
  }

  /** Asks again, or tries another pair. */
  poll(turn: Turn): void {
    for (let top = this.#heap.top; top !== undefined && top.deadline <= turn.now; top = this.#heap.top) {
      const { entry, end, from, to, asked, tried } = top;
      const isDone = end === "peer" ? !isDrained(entry.context, entry.current.peer) : !samePair(entry.current, from);
      if (entry.rests || isDone) this.stop(entry);
      else if (entry.state !== "Operational") this.#later(top, turn);
      else if (!samePair(entry.current, from)) {
        this.stop(entry);
        this.begin(entry, end, turn);
      } else if (asked > 0 && asked < LEAVE_QUESTIONS && isCandidate(entry, to)) this.#ask(top, turn);
      else this.#next(top, asked === 0 ? [] : [...tried, to], turn);
    }
  }

  /** Another pair, or a rest. */
  #next(leave: Leave, tried: readonly LocatorPair[], turn: Turn): void {
    leave.tried.splice(0, leave.tried.length, ...tried);
    const to = this.#choose(leave.entry, leave.end, tried, turn);
    if (to !== undefined) return this.#go(leave, to, turn);
    this.#later(leave, turn);
  }

  #later(leave: Leave, { now, draw }: Turn): void {
    leave.asked = 0;
    this.#heap.set(leave, now + draw.around(LEAVE_AGAIN, JITTER));
  }

  #go(leave: Leave, to: LocatorPair, turn: Turn): void {
    const { entry } = leave;
    if (this.#siblings.isProved(entry, to, turn.now - PROVED_LATELY) && this.#siblings.isReachable(entry, to)) {
      this.stop(entry);
      this.#move(entry, to, turn);
      return;
    }
    leave.to = to;
    leave.asked = 0;
    leave.nonce = turn.draw.u32();
    leave.at = turn.now;
    this.#ask(leave, turn);
  }

  #ask(leave: Leave, { now, effects }: Turn): void {
    const { entry, to } = leave;
    const { id, peerTag } = entry.context;
    const patience = Math.max(LEAVE_PATIENCE, 2 * (entry.path?.roundTrip ?? 0)) * 2 ** leave.asked;
    leave.asked++;
    this.#heap.set(leave, now + patience);
    effects.push({
      kind: "ask",
      id,
      pair: to,
      message: { kind: "UpdateRequest", receiverTag: peerTag, requestNonce: leave.nonce, options: [] },
    });
  }

  #move(entry: Entry, pair: LocatorPair, { effects }: Turn): void {
    this.#siblings.moveTo(entry, pair);
    effects.push({ kind: "use-pair", id: entry.context.id, pair });
  }

  /** The best pair without that end of the current one; with the other end as it is, if that one ranks as well. */
  #choose(entry: Entry, end: LeftEnd, tried: readonly LocatorPair[], { now, draw }: Turn): LocatorPair | undefined {
    const { current, context } = entry;
    const fits = (pair: LocatorPair): boolean =>
      isBetter(context, current, pair, end) && !isBroken(context, pair) && !tried.some((other) => samePair(other, pair));
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

/** Whether the peer drains that locator of its own: the worst rank that there is, but not BROKEN. */
export function isDrained({ peerLocators }: Pick<ReapContext, "peerLocators">, locator: Locator): boolean {
  return peerLocators.some(({ address, preference }) => address === locator && preference.priority === WORST_PRIORITY);
}

function isBetter(context: ReapContext, current: LocatorPair, pair: LocatorPair, end: LeftEnd): boolean {
  if (end === "peer") return pair.peer !== current.peer && !isDrained(context, pair.peer);
  const { localLocators } = context;
  const place = localLocators.indexOf(current.local);
  return place < 0 ? pair.local !== current.local : localLocators.indexOf(pair.local) < place;
}
