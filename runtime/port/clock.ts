import type { Millis } from "../value/time.ts";

/** Time. `now` never goes back and has nothing to do with the calendar. */
export interface Clock {
  /** Milliseconds since some fixed instant, with fractions; CLOCK_MONOTONIC where the core's worker reads it too. */
  now(): Millis;
  /** Milliseconds since 1970-01-01 UTC; may jump. For people and for what is stored. */
  wall(): number;
  /** Calls `run` once, not before `at`. A second call replaces the first. `NEVER` cancels. */
  wakeAt(at: Millis, run: () => void): void;
}
