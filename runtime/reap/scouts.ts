/**
 * Questions on a pair that is not the current one, to see whether it works before anybody goes there: the box asks for one context of each path
 * that contexts had to leave. Nothing moves by the answer; it proves the path for all siblings. With our own kind of peer only.
 */
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { type Entry, isCandidate, shares } from "./entry.ts";
import { DeadlineHeap } from "./heap.ts";
import { LEAVE_PATIENCE, LEAVE_QUESTIONS } from "./leaves.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

interface Scout {
  readonly entry: Entry;
  readonly pair: LocatorPair;
  readonly nonce: number;
  readonly at: Millis;
  asked: number;
  deadline: Millis;
  heapIndex: number;
}

/** The open questions of one machine: one for each context at most. */
export class Scouts {
  readonly #siblings: Siblings;
  readonly #heap = new DeadlineHeap<Scout>();
  readonly #scouts = new Map<Entry, Scout>();

  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  get wakeAt(): Millis {
    return this.#heap.wakeAt;
  }

  /** Asks on `pair`, if `entry` may; a question of it that is open on another pair is given up. */
  begin(entry: Entry, pair: LocatorPair, turn: Turn): void {
    const known = this.#scouts.get(entry);
    if (known !== undefined && samePair(known.pair, pair)) return;
    this.stop(entry);
    if (entry.rests || !shares(entry) || !isCandidate(entry, pair) || samePair(pair, entry.current)) return;
    const scout: Scout = { entry, pair, nonce: turn.draw.u32(), at: turn.now, asked: 0, deadline: 0, heapIndex: -1 };
    this.#scouts.set(entry, scout);
    this.#ask(scout, turn);
  }

  /** The question of `entry` is not wanted any more. */
  stop(entry: Entry): void {
    const scout = this.#scouts.get(entry);
    if (scout === undefined) return;
    this.#scouts.delete(entry);
    this.#heap.delete(scout);
  }

  /** Whether `nonce` is that of a question of `entry`. */
  isOpen(entry: Entry, nonce: number): boolean {
    return this.#scouts.get(entry)?.nonce === nonce;
  }

  /** The peer acknowledged the request with `nonce`. */
  hear(entry: Entry, nonce: number, { now, effects }: Turn): void {
    const scout = this.#scouts.get(entry);
    if (scout?.nonce !== nonce) return;
    this.stop(entry);
    this.#siblings.answers(entry, scout.pair, scout.at, now);
    effects.push({ kind: "path-works", id: entry.context.id, pair: scout.pair });
  }

  /** Asks again, or gives up. */
  poll(turn: Turn): void {
    for (let top = this.#heap.top; top !== undefined && top.deadline <= turn.now; top = this.#heap.top) {
      const { entry, pair, asked } = top;
      if (entry.rests || asked >= LEAVE_QUESTIONS || !isCandidate(entry, pair)) this.stop(entry);
      else this.#ask(top, turn);
    }
  }

  #ask(scout: Scout, { now, effects }: Turn): void {
    const { entry, pair, nonce } = scout;
    const { id, peerTag } = entry.context;
    const patience = Math.max(LEAVE_PATIENCE, 2 * (entry.path?.roundTrip ?? 0)) * 2 ** scout.asked;
    scout.asked++;
    this.#heap.set(scout, now + patience);
    effects.push({
      kind: "ask",
      id,
      pair,
      message: { kind: "UpdateRequest", receiverTag: peerTag, requestNonce: nonce, options: [] },
    });
  }
}
