/**
 * Has the kernel ask the providers' gateways again and again whether they are there: neighbour discovery by itself asks only when packets go
 * there, and then believes for half a minute what it was told (RFC 4861 §7.3.2).
 */
import type { Clock } from "../port/clock.ts";
import type { LinkMonitor } from "../port/links.ts";
import type { Millis } from "../value/time.ts";
import type { Lines } from "./lines.ts";

/** What it works with. */
export interface GatewayParts {
  readonly monitor: Pick<LinkMonitor, "solicit">;
  readonly lines: Pick<Lines, "gateways">;
  readonly interval: () => Millis;
  readonly clock: Pick<Clock, "now">;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
}

/** Begins to ask. @returns how to stop */
export function askGateways({ monitor, lines, interval, clock, later }: GatewayParts): () => void {
  let stopped = false;
  const turn = (): void => {
    if (stopped) return;
    monitor.solicit(lines.gateways);
    later(clock.now() + interval(), turn);
  };
  turn();
  return () => {
    stopped = true;
  };
}
