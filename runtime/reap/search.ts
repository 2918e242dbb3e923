/**
 * The exploration of one context: which pair next and when (RFC 5534 §4.3). One sequence, never two probes at a time.
 */
import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { ReapTiming } from "./contract.ts";

/** Probes of the first round over the pairs (profile `fast`); what is more waits for the back-off. */
export const FIRST_ROUND_PROBES = 8;

/** How a pair stands: as good as any, suspected dead by what siblings saw, or said to be BROKEN. */
export type Standing = 0 | 1 | 2;

/**
 * The order to try pairs in, after a first look at the current one: those that differ from it at both ends, those that differ at
 * one, the current pair; each class in the order of `ranked`; suspects behind their betters, BROKEN ones behind everything.
 */
export function explorationOrder(
  ranked: readonly LocatorPair[],
  current: LocatorPair,
  standing: (pair: LocatorPair) => Standing,
): LocatorPair[] {
  const classes: LocatorPair[][] = [[], [], [], [], [], [], [], []];
  for (const pair of ranked) {
    const common = (pair.local === current.local ? 1 : 0) + (pair.peer === current.peer ? 1 : 0);
    const worse = standing(pair);
    if (worse === 2) classes[5 + common].push(pair);
    else classes[common === 2 ? 4 : 2 * worse + common].push(pair);
  }
  return classes.flat();
}

/** The exploration of one context, from leaving Operational to coming back. */
export class Search {
  /** When the context left Operational. */
  readonly since: Millis;
  /** Path that a sibling proved and that this context has tried, and when. */
  hinted: { readonly path: object; readonly at: Millis } | undefined;
  /** Why no probe leaves yet: a sibling looks for a way, or asks the locator that this context would go to. */
  waits: "leader" | "answer" | undefined;
  #order: readonly LocatorPair[];
  #first: LocatorPair | undefined;
  #cursor = 0;
  #last: LocatorPair | undefined;
  /** Probes of the present schedule, the one that started it included. */
  #probes = 0;

  /** `first` is tried once before `order` is walked round and round. */
  constructor(since: Millis, order: readonly LocatorPair[], first: LocatorPair | undefined) {
    this.since = since;
    this.#order = order;
    this.#first = first;
  }

  get pairs(): number {
    return this.#order.length;
  }

  /** The next pair in turn, or `undefined` if there is none at all. The pair that the last probe took is passed over. */
  next(): LocatorPair | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !this.#justSent(first)) return first;
    for (let tried = 0; tried < this.#order.length; tried++) {
      const pair = this.#order[this.#cursor];
      this.#cursor = (this.#cursor + 1) % this.#order.length;
      if (!this.#justSent(pair)) return pair;
    }
    return this.#order[0];
  }

  /** A probe left on `pair`, be it in turn or as an answer. */
  sent(pair: LocatorPair): void {
    this.#last = pair;
  }

  /** New candidates; the walk begins again. */
  reorder(order: readonly LocatorPair[]): void {
    this.#order = order;
    this.#first = undefined;
    this.#cursor = 0;
  }

  /** `pair` is said to be dead: to the end of the round. */
  demote(pair: LocatorPair): void {
    if (this.#first !== undefined && samePair(this.#first, pair)) this.#first = undefined;
    const rest = this.#order.filter((other) => !samePair(other, pair));
    if (rest.length === this.#order.length) return;
    this.#order = [...rest, pair];
    this.#cursor = Math.min(this.#cursor, rest.length);
  }

  /** The schedule starts anew; the walk over the pairs goes on where it is, so that every pair gets its turn. */
  restart(): void {
    this.#probes = 0;
  }

  /** A probe of the schedule has left: nominal time to the next one. */
  gap(timing: ReapTiming): Millis {
    this.#probes++;
    return gapAfter(this.#probes, timing, this.#order.length);
  }

  #justSent(pair: LocatorPair): boolean {
    return this.#last !== undefined && samePair(this.#last, pair);
  }
}

/**
 * Nominal milliseconds between probe number `count` (from 1) of a schedule and the next, with `pairs` pairs to try. Doubling is
 * what RFC 5534 §4.3 calls typical.
 */
export function gapAfter(count: number, timing: ReapTiming, pairs: number): Millis {
  const round = timing.firstRoundGap === undefined ? 1 : Math.min(FIRST_ROUND_PROBES, pairs + 1);
  if (timing.firstRoundGap !== undefined && count < round) return timing.firstRoundGap;
  const gaps = timing.initialProbeGaps;
  const index = count - round;
  if (index < gaps.length) return gaps[index];
  const last = gaps.at(-1) ?? timing.maxProbeTimeout;
  return Math.min(timing.maxProbeTimeout, last * 2 ** (index - gaps.length + 1));
}
