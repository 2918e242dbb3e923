import { setImmediate } from "node:timers";
import type { Clock } from "../../runtime/port/clock.ts";
import type { Millis } from "../../runtime/value/time.ts";

/** Timers of all three runtimes count in 31 bits; a longer wait is made of several. */
const LONGEST_WAIT: Millis = 2 ** 31 - 1;

/** The real time. `monotonic` reads CLOCK_MONOTONIC, as the data threads do. A waiting `wakeAt` keeps the process alive. */
export function systemClock(monotonic: () => Millis): Clock {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let immediate: ReturnType<typeof setImmediate> | undefined;

  const cancel = () => {
    if (timer !== undefined) clearTimeout(timer);
    if (immediate !== undefined) clearImmediate(immediate);
    timer = undefined;
    immediate = undefined;
  };

  const arm = (at: Millis, run: () => void) => {
    const wait = at - monotonic();
    const fire = () => {
      cancel();
      // Runtimes round a wait to whole milliseconds, some of them down: look again instead of firing early.
      if (monotonic() < at) arm(at, run);
      else run();
    };
    if (wait <= 0) immediate = setImmediate(fire);
    else timer = setTimeout(fire, Math.min(Math.ceil(wait), LONGEST_WAIT));
  };

  return {
    now: monotonic,
    wall: () => Date.now(),
    wakeAt(at, run) {
      cancel();
      if (at !== Number.POSITIVE_INFINITY) arm(at, run);
    },
  };
}
