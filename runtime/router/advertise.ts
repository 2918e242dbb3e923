/**
 * When a router advertises itself (RFC 4861 §6.2): now and then, soon after it came up, in answer to solicitations, and once more when it
 * goes. Always to all nodes, so that one answer serves a whole link that has just come up. A pure machine.
 */
import { type Millis, NEVER } from "../value/time.ts";

// RFC 4861 §6.2.1 and §10, under their names. The defaults of a router's variables are used.

export const MAX_RTR_ADV_INTERVAL: Millis = 600_000;
export const MIN_RTR_ADV_INTERVAL: Millis = 0.33 * MAX_RTR_ADV_INTERVAL;
export const MAX_INITIAL_RTR_ADVERT_INTERVAL: Millis = 16_000;
export const MAX_INITIAL_RTR_ADVERTISEMENTS = 3;
export const MIN_DELAY_BETWEEN_RAS: Millis = 3_000;
export const MAX_RA_DELAY_TIME: Millis = 500;

/** The schedule of one interface. `random` is a number in [0, 1), fresh for each call. */
export class Advertiser {
  #due: Millis;
  #last: Millis = -NEVER;
  #sent = 0;

  /** The first one goes out at once. */
  constructor(now: Millis) {
    this.#due = now;
  }

  /** When {@link poll} is due. */
  get wakeAt(): Millis {
    return this.#due;
  }

  /** A valid solicitation came: answered within half a second, but not sooner after the last than the rate allows (§6.2.6). */
  solicited(now: Millis, random: number): void {
    const soon = now + random * MAX_RA_DELAY_TIME;
    this.#due = Math.min(this.#due, Math.max(soon, this.#last + MIN_DELAY_BETWEEN_RAS));
  }

  /** What is advertised has changed: said at once, as far as the rate allows, and as often as when the router came up (§6.2.4). */
  changed(now: Millis): void {
    this.#sent = 0;
    this.#due = Math.min(this.#due, Math.max(now, this.#last + MIN_DELAY_BETWEEN_RAS));
  }

  /** @returns whether an advertisement goes out at `now`; the next one is then planned (§6.2.4) */
  poll(now: Millis, random: number): boolean {
    if (now < this.#due) return false;
    this.#last = now;
    this.#sent++;
    const gap = MIN_RTR_ADV_INTERVAL + random * (MAX_RTR_ADV_INTERVAL - MIN_RTR_ADV_INTERVAL);
    this.#due = now + (this.#sent < MAX_INITIAL_RTR_ADVERTISEMENTS ? Math.min(gap, MAX_INITIAL_RTR_ADVERT_INTERVAL) : gap);
    return true;
  }
}
