import type { Locator } from "./address.ts";

/** Both ends of one direction: packets leave with source `local` and destination `peer`. */
export interface LocatorPair {
  readonly local: Locator;
  readonly peer: Locator;
}

/** Whether both have the same ends. */
export function samePair(a: LocatorPair, b: LocatorPair): boolean {
  return a.local === b.local && a.peer === b.peer;
}
