import type { Millis } from "../../runtime/value/time.ts";
import { openLibrary } from "../common/libc.ts";
import { newTimespec, timespecMillis } from "../common/timespec.ts";
import { CLOCK_MONOTONIC } from "../linux/file.ts";

/** A reader of CLOCK_MONOTONIC, one clock for all threads and processes; Bun's own clocks start with the process. */
export async function openMonotonic(): Promise<() => Millis> {
  const { dlopen } = await import("bun:ffi");
  const { clock_gettime } = openLibrary((file) => dlopen(file, { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } })).symbols;
  const timespec = newTimespec();
  const octets = new Uint8Array(timespec.buffer);
  return () => {
    clock_gettime(CLOCK_MONOTONIC, octets);
    return timespecMillis(timespec);
  };
}
