/** Serial numbers of zones: they grow, in the arithmetic of RFC 1982. */

const HALF = 0x8000_0000;

/** Whether `a` is later than `b`; of two numbers half the circle apart neither is (RFC 1982 §3.2). */
export function laterSerial(a: number, b: number): boolean {
  const ahead = (a - b) >>> 0;
  return ahead > 0 && ahead < HALF;
}

/**
 * The serial of new contents: the calendar's seconds, or one more than `previous` when these are not later. So it goes on growing over a restart without
 * anything stored, as long as contents change no oftener than once a second and the calendar does not go back.
 * @param seconds since 1970-01-01 UTC
 */
export function nextSerial(previous: number | undefined, seconds: number): number {
  const floor = Math.floor(seconds) >>> 0;
  return previous === undefined || laterSerial(floor, previous) ? floor : (previous + 1) >>> 0;
}
