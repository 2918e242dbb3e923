import { type LocatorPair, samePair } from "../value/pair.ts";
import type { ReapEvent } from "./contract.ts";
import { type Entry, isCandidate } from "./entry.ts";
import type { Trail } from "./trail.ts";

/**
 * The pair for an answer. Towards a peer that hears nothing of us: back the way its probe came. Towards one that does: a pair
 * that it reports, which is proof, where the way back is only a guess; without a report in turn the current pair, which it may
 * have heard payload on, and the way back, so that one dead pair cannot swallow all answers.
 */
export function answerPair(
  entry: Entry,
  trail: Trail,
  { message, source, destination }: Extract<ReapEvent, { kind: "probe" }>,
): LocatorPair | undefined {
  const back = { local: destination, peer: source };
  if (message.state === "Exploring") return isCandidate(entry, back) ? back : entry.search?.next();
  const reported = trail
    .reported(message.received)
    .map(({ pair }) => pair)
    .filter((pair) => isCandidate(entry, pair));
  if (reported.length > 0) return [back, entry.current].find((pair) => reported.some((other) => samePair(other, pair))) ?? reported[0];
  const ways = [entry.current, back].filter((pair) => isCandidate(entry, pair));
  if (ways.length < 2) return ways[0] ?? entry.search?.next();
  entry.answeredOnCurrent = !entry.answeredOnCurrent;
  return ways[entry.answeredOnCurrent ? 0 : 1];
}
