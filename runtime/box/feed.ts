/** What happened in the box, for those who listen over the API: the latest events, numbered, and who wants to hear of the next. */
import type { EventFeed, FeedListener } from "../api/facade.ts";
import type { EventRow } from "../api/rows.ts";
import type { Millis } from "../value/time.ts";
import type { BoxEvent } from "./journal.ts";

/** What a feed needs. */
export interface FeedParts {
  /** Another one in each run of the box. */
  readonly run: string;
  readonly now: () => Millis;
  /** Calendar milliseconds. */
  readonly wall: () => number;
  /** Calls `run` once, not before `at`. */
  readonly later: (at: Millis, run: () => void) => void;
}

/** Events kept: a mass move of a thousand contexts, or some days of quiet. */
export const FEED_EVENTS = 2_048;
export const FEED_LISTENERS = 16;
const BEAT: Millis = 15_000;

/** A ring of events. For the control thread. */
export class Feed implements EventFeed {
  readonly beatMs = BEAT;
  readonly run: string;
  readonly #parts: FeedParts;
  readonly #ring: EventRow[] = [];
  readonly #listeners = new Set<FeedListener>();
  #latest = 0;
  #beats = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.run = parts.run;
  }

  get latest(): number {
    return this.#latest;
  }

  get oldest(): number {
    return this.#latest - this.#ring.length + 1;
  }

  /** Takes an event up and wakes the listeners. */
  heard({ kind, at, text }: BoxEvent): void {
    const { wall, now } = this.#parts;
    const number = this.#latest + 1;
    const instant = new Date(Math.round(wall() - (now() - at))).toISOString();
    this.#ring[(number - 1) % FEED_EVENTS] = { id: `${this.run}-${number}`, at: instant, kind, text };
    this.#latest = number;
    for (const listener of this.#listeners) listener.news();
  }

  after(seen: number, most: number): readonly EventRow[] {
    const first = Math.max(seen + 1, this.oldest);
    const count = Math.max(0, Math.min(most, this.#latest - first + 1));
    return Array.from({ length: count }, (_, i) => this.#ring[(first + i - 1) % FEED_EVENTS]);
  }

  listen(listener: FeedListener): (() => void) | undefined {
    if (this.#listeners.size >= FEED_LISTENERS) return undefined;
    this.#listeners.add(listener);
    this.#keepBeating();
    return () => this.#listeners.delete(listener);
  }

  #keepBeating(): void {
    if (this.#beats || this.#listeners.size === 0) return;
    this.#beats = true;
    this.#parts.later(this.#parts.now() + BEAT, () => {
      this.#beats = false;
      for (const listener of this.#listeners) listener.beat();
      this.#keepBeating();
    });
  }
}
