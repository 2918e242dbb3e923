import type { Clock } from "../../runtime/port/clock.ts";
import { type Millis, NEVER } from "../../runtime/value/time.ts";

/** A clock that moves only when it is told to. */
export interface VirtualClock extends Clock {
  /** When the waiting `wakeAt` is due, or `NEVER`. */
  due(): Millis;
  /** Moves to `at` (not backwards), firing what is due on the way, each at its own instant. @throws {RangeError} for an instant in the past */
  advanceTo(at: Millis): void;
  /** The same for a process that was stopped meanwhile: what fell due fires late, at `at`. @throws {RangeError} for an instant in the past */
  leapTo(at: Millis): void;
}

/** A clock at `start`; `wall` says what the calendar shows then. */
export function virtualClock(start: Millis = 0, wall = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = start;
  let at: Millis = NEVER;
  let wake: () => void = () => undefined;
  const forward = (to: Millis): void => {
    if (to < now) throw new RangeError(`the clock is at ${now} and does not go back to ${to}`);
  };
  const fire = (): void => {
    at = NEVER;
    wake();
  };
  return {
    now: () => now,
    wall: () => wall + now - start,
    wakeAt(when, run) {
      at = when;
      wake = run;
    },
    due: () => at,
    advanceTo(to) {
      forward(to);
      while (at <= to) {
        now = Math.max(now, at);
        fire();
      }
      now = to;
    },
    leapTo(to) {
      forward(to);
      now = to;
      while (at <= to) fire();
    },
  };
}
