/** How long a context may need to find a working pair: what the timers of its profile give. */
import type { ReapTiming } from "../reap/contract.ts";
import { gapAfter } from "../reap/search.ts";
import { I1_RETRIES_MAX, I1_TIMEOUT, JITTER_LOW } from "../shim6/constants.ts";
import type { Millis } from "../value/time.ts";

/** Probe gaps vary by a fifth (runtime/reap/machine.ts). */
const JITTER = 0.2;
/** The walk over the pairs, the current pair tried first, and one that a sibling's hint takes. */
const EXTRA_PROBES = 2;

/** What one side of a context brings along. */
export interface Side {
  readonly timing: ReapTiming;
  /** How long it has been looking already. */
  readonly exploring: Millis;
}

/**
 * Time within which both directions use a working pair, from the first packet that a host sends after the last change of the
 * network: the Send Timeout of the side that notices; its walk over all pairs, from where its back-off has come to; and the walk of the
 * side that hears it, which starts anew and looks for its own direction meanwhile.
 * @param pairs of the side with more of them; @param roundTrip the longest, jitter included
 */
export function recoveryBound(a: Side, b: Side, pairs: number, roundTrip: Millis): Millis {
  const probes = pairs + EXTRA_PROBES;
  const detection = Math.max(a.timing.sendTimeout, b.timing.sendTimeout);
  const walk = Math.max(walkTime(a.timing, a.exploring, probes, pairs), walkTime(b.timing, b.exploring, probes, pairs));
  const fresh = Math.max(walkTime(a.timing, 0, probes, pairs), walkTime(b.timing, 0, probes, pairs));
  return detection + walk + fresh + 4 * roundTrip;
}

/** Longest time that `probes` further probes take of somebody who has been exploring for `elapsed`. */
export function walkTime(timing: ReapTiming, elapsed: Millis, probes: number, pairs: number): Millis {
  let count = 1;
  for (let at = 0; at <= elapsed; count++) {
    const gap = gapAfter(count, timing, pairs);
    at += gap * (1 - JITTER);
    // At the cap nothing grows any more.
    if (gap >= timing.maxProbeTimeout) break;
  }
  let time = 0;
  for (let i = 0; i < probes; i++) time += gapAfter(count + i, timing, pairs) * (1 + JITTER);
  return time + gapAfter(Math.max(1, count - 1), timing, pairs) * (1 + JITTER);
}

/**
 * Time until two boxes have a context, from the first packet of a host when neither has one: I1 and its repetitions walk the pairs, and
 * only `working` of `pairs` bring an answer. Without the early repetitions, which only our own boxes get.
 * @returns `undefined` when set-up may give up before it comes to a working one
 */
export function setupBound(pairs: number, working: number, roundTrip: Millis): Millis | undefined {
  const repetitions = pairs - working;
  if (repetitions > I1_RETRIES_MAX) return undefined;
  let time = 0;
  for (let i = 0; i < repetitions; i++) time += I1_TIMEOUT * 2 ** i * (1 + JITTER_LOW);
  return time + 6 * roundTrip;
}

/**
 * The same when one box has lost its contexts and the other still sends by its own: the first packet that arrives is answered with R1bis;
 * if the pair in use is dead, REAP's walk brings one there.
 */
export function repairBound(side: Side, pairs: number, roundTrip: Millis): Millis {
  return side.timing.sendTimeout + walkTime(side.timing, side.exploring, pairs + EXTRA_PROBES, pairs) + 6 * roundTrip;
}
