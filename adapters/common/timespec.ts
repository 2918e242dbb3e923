import type { Millis } from "../../runtime/value/time.ts";
import { TIMESPEC_NSEC, TIMESPEC_OCTETS, TIMESPEC_SEC } from "../linux/file.ts";

/** A struct timespec for clock_gettime(2), as words of the machine's order. */
export function newTimespec(): Uint32Array<ArrayBuffer> {
  return new Uint32Array(TIMESPEC_OCTETS / 4);
}

/** The instant in a struct timespec. Its seconds stay below 2^32 for 136 years after boot. */
export function timespecMillis(timespec: Uint32Array): Millis {
  return timespec[TIMESPEC_SEC / 4] * 1000 + timespec[TIMESPEC_NSEC / 4] / 1e6;
}
