/**
 * Keeps many contexts from speaking in the same millisecond: a budget of probes per window, and walks over siblings that go on
 * where the budget ended. Answers to received probes are not counted: the peer paces those.
 */
import { type Millis, NEVER } from "../value/time.ts";

/** Chosen: 50,000 probes a second, about 60 Mb/s of them, from a box where every context fails at once. */
export const PROBE_BURST = 500;
export const PROBE_WINDOW: Millis = 10;

/** The budget of probes: windows follow one another, the next begins with its first probe. */
export class Pacer {
  readonly #burst: number;
  readonly #window: Millis;
  #since: Millis = -NEVER;
  #used = 0;

  /** At most `burst` probes in `window` milliseconds. */
  constructor(burst: number, window: Millis) {
    this.#burst = burst;
    this.#window = window;
  }

  free(now: Millis): boolean {
    return this.#used < this.#burst || now >= this.#since + this.#window;
  }

  /** Takes room for one probe. @returns `false` if there is none before {@link readyAt} */
  take(now: Millis): boolean {
    if (!this.free(now)) return false;
    if (now >= this.#since + this.#window) {
      this.#since = now;
      this.#used = 0;
    }
    this.#used++;
    return true;
  }

  /** When there is room: in the past if there is room now. */
  get readyAt(): Millis {
    return this.#used < this.#burst ? -NEVER : this.#since + this.#window;
  }
}

/** Whether a walk goes on to the next item or has lost its reason. */
export type Visit = "next" | "stop";

interface Walk<T, C> {
  readonly items: Iterator<T>;
  readonly visit: (item: T, context: C) => Visit;
}

/** Items looked at in one run, for each probe that the budget allows: passing over costs little, but not nothing. */
const LOOKS = 4 * PROBE_BURST;
/** More walks at a time than there are paths to lose; a further one is not begun. */
const WALKS = 256;

/** Walks over `T`s; each run hands its own context `C` to the visits. */
export class Walks<T, C> {
  readonly #walks: Walk<T, C>[] = [];

  get pending(): boolean {
    return this.#walks.length > 0;
  }

  /** Items that join or leave the set behind `items` during the walk are seen or not, as a Set's iterator has it. */
  begin(items: Iterable<T>, visit: (item: T, context: C) => Visit): void {
    if (this.#walks.length < WALKS) this.#walks.push({ items: items[Symbol.iterator](), visit });
  }

  /** Goes on with the oldest walk while `room` says so. */
  run(context: C, room: () => boolean): void {
    for (let looks = 0; looks < LOOKS && this.#walks.length > 0 && room(); looks++) {
      const walk = this.#walks[0];
      const next = walk.items.next();
      if (next.done === true || walk.visit(next.value, context) === "stop") this.#walks.shift();
    }
  }
}
