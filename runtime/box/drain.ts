/**
 * Providers that the operator drains: their locators stay and work, new contexts avoid them, and the contexts that are on one leave it, so many
 * at a time. Whoever comes to be on one later, because a peer chose it or nothing else worked, leaves it at the next look.
 */
import type { Clock } from "../port/clock.ts";
import type { Millis } from "../value/time.ts";
import type { Box } from "./box.ts";

/** What draining works on. */
export interface DrainParts {
  readonly box: Pick<Box, "parts" | "at" | "leave" | "identityChanged">;
  readonly clock: Pick<Clock, "now">;
}

// Chosen.

/** Contexts that begin to leave in one {@link DRAIN_WINDOW}. */
export const DRAIN_BATCH = 40;
export const DRAIN_WINDOW: Millis = 10;
/** Contexts looked at in one window at most. */
const LOOKS = 2_000;
/** Until the first look at all contexts, and between two: those that are on a drained locator leave it as they hear that it is one. */
export const DRAIN_AGAIN: Millis = 5_000;

/** Takes contexts off drained providers. For the control thread. */
export class Drain {
  readonly #parts: DrainParts;
  #prefixes: ReadonlySet<string> = new Set();
  /** The walk in hand; a later one ends it. */
  #walk = 0;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** The providers with these prefixes, as text, are drained from now on, and no others. */
  set(prefixes: ReadonlySet<string>): void {
    const isMore = [...prefixes].some((prefix) => !this.#prefixes.has(prefix));
    this.#prefixes = prefixes;
    const { box } = this.#parts;
    const { identities, shim6 } = box.parts;
    if (identities.setDrained(prefixes, shim6.untold > 0)) box.identityChanged(true);
    if (prefixes.size === 0) this.#walk++;
    else if (isMore) this.#later(++this.#walk);
  }

  #later(walk: number): void {
    const { box, clock } = this.#parts;
    box.at(clock.now() + DRAIN_AGAIN, () => this.#go(walk, box.parts.shim6.contexts()[Symbol.iterator]()));
  }

  #go(walk: number, contexts: Iterator<{ readonly id: number }>): void {
    if (walk !== this.#walk) return;
    const { box, clock } = this.#parts;
    const { reap, identities } = box.parts;
    let left = 0;
    for (let looks = 0; looks < LOOKS && left < DRAIN_BATCH; looks++) {
      const next = contexts.next();
      if (next.done === true) return this.#later(walk);
      const current = reap.currentOf(next.value.id);
      if (current === undefined || !identities.isDrained(current.local)) continue;
      left++;
      box.leave(next.value.id, "drain");
    }
    box.at(clock.now() + DRAIN_WINDOW, () => this.#go(walk, contexts));
  }
}
