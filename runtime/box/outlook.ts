/** What the site wants at one moment and at another: whether it is the same, and when the hour changes it. Pure. */
import { holdsAt, minuteOfWeek, untilChange } from "../policy/hours.ts";
import type { PolicyRule } from "../policy/rule.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Outlook } from "./steer.ts";

const MINUTE: Millis = 60_000;
/** Clocks are set, and summer time begins: what the calendar says is looked at again after so long. */
const LOOK_AGAIN: Millis = 3_600_000;

/** Whether contexts are meant to be at the same places in both. */
export function sameOutlook(a: Outlook, b: Outlook): boolean {
  const sameRanks =
    a.standings.length === b.standings.length &&
    a.standings.every(({ name, priority, weight, metered }, i) => {
      const other = b.standings[i];
      return name === other.name && priority === other.priority && weight === other.weight && metered === other.metered;
    });
  if (!sameRanks) return false;
  const [mine, theirs] = [a, b].map(({ policy }) => policy);
  if (mine.terms === theirs.terms && mine.minute === theirs.minute) return true;
  if (mine.terms !== theirs.terms && textOf(mine.terms) !== textOf(theirs.terms)) return false;
  const active = [mine, theirs].map(({ terms: { rules }, minute }) => rules.map((rule) => holds(rule, minute)));
  return active[0].every((each, i) => each === active[1][i]);
}

/** Milliseconds until the hour may change which of `rules` hold; `NEVER` if it never does. `wall` = calendar milliseconds. */
export function nextHour(rules: readonly PolicyRule[], wall: Millis): Millis {
  const minute = minuteOfWeek(wall);
  const waits = rules.flatMap(({ match: { when } }) => (when === undefined ? [] : [untilChange(when, minute) * MINUTE - (wall % MINUTE)]));
  return waits.length === 0 ? NEVER : Math.min(LOOK_AGAIN, ...new Set(waits));
}

function holds({ match: { when } }: PolicyRule, minute: number): boolean {
  return when === undefined || holdsAt(when, minute);
}

function textOf(terms: Outlook["policy"]["terms"]): string {
  return JSON.stringify(terms, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}
