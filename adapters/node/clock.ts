import type { Millis } from "../../runtime/value/time.ts";

/** A reader of CLOCK_MONOTONIC, one clock for all threads and processes. On Node libuv's high-resolution time is just that. */
export function openMonotonic(): () => Millis {
  return () => Number(process.hrtime.bigint()) / 1e6;
}
