/** Hours of the week: when a rule holds, and when that changes next. */
import type { PolicyHours } from "./rule.ts";

export const MINUTES_A_DAY = 1_440;
export const MINUTES_A_WEEK = 7 * MINUTES_A_DAY;

/** Minutes since Monday 00:00 local time, for calendar milliseconds. */
export function minuteOfWeek(wall: number): number {
  const date = new Date(wall);
  return ((date.getDay() + 6) % 7) * MINUTES_A_DAY + date.getHours() * 60 + date.getMinutes();
}

/** Whether one of `hours` holds at `minute` of the week, counted from Monday 00:00 local time. */
export function holdsAt(hours: readonly PolicyHours[], minute: number): boolean {
  return spans(hours).some(([from, to]) => (from <= minute && minute < to) || minute < to - MINUTES_A_WEEK);
}

/** Minutes from `minute` until a span of `hours` begins or ends: 1 … a week; a week when nothing ever changes. */
export function untilChange(hours: readonly PolicyHours[], minute: number): number {
  const edges = spans(hours).flat();
  const waits = edges.map((edge) => (((edge - minute) % MINUTES_A_WEEK) + MINUTES_A_WEEK) % MINUTES_A_WEEK || MINUTES_A_WEEK);
  return Math.min(MINUTES_A_WEEK, ...waits);
}

/** From and to in minutes of the week; one over Sunday's midnight ends behind the week. */
function spans(hours: readonly PolicyHours[]): [from: number, to: number][] {
  return hours.flatMap(({ days, from, to }) =>
    days.map((day): [number, number] => {
      const start = day * MINUTES_A_DAY + from;
      return [start, day * MINUTES_A_DAY + to + (to <= from ? MINUTES_A_DAY : 0)];
    }),
  );
}
