/** Milliseconds: an instant on the clock that only goes forward ({@link ../port/clock.ts}), or a duration. */
export type Millis = number;

/** The instant that never comes. */
export const NEVER: Millis = Number.POSITIVE_INFINITY;
