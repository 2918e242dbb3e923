import type { Millis } from "../value/time.ts";
import { NEVER } from "../value/time.ts";

/** Whose alarm it is. */
export interface AlarmParts {
  readonly now: () => Millis;
  /** When there is something to do; may change at any time. */
  readonly wakeAt: () => Millis;
  /** Calls `run` once, at `at`; cannot be taken back. */
  readonly later: (at: Millis, run: () => void) => void;
}

/** Wakes somebody who says himself when, through an agenda that forgets nothing: no more than one entry of it is in use at a time. */
export class Alarm {
  readonly #parts: AlarmParts;
  readonly #ring: (now: Millis) => void;
  #setFor: Millis = NEVER;

  constructor(parts: AlarmParts, ring: (now: Millis) => void) {
    this.#parts = parts;
    this.#ring = ring;
  }

  /** The instant may be an earlier one now. */
  set(): void {
    const { wakeAt, later } = this.#parts;
    const at = wakeAt();
    if (at >= this.#setFor) return;
    this.#setFor = at;
    later(at, () => this.#rang(at));
  }

  #rang(at: Millis): void {
    // A later entry that an earlier one overtook.
    if (at !== this.#setFor) return;
    this.#setFor = NEVER;
    const now = this.#parts.now();
    if (this.#parts.wakeAt() <= now) this.#ring(now);
    this.set();
  }
}
