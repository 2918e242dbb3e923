import { type Millis, NEVER } from "../value/time.ts";

/** Between slices of work that can wait, so that packets come first. */
const CHORE_GAP: Millis = 2;

/** What the box means to do by itself: at an instant, or when nothing else is to be done. It has no timer of its own. */
export class Agenda {
  readonly #chores: Iterator<unknown>[] = [];
  /** The earliest first. */
  readonly #later: { readonly at: Millis; readonly run: () => void }[] = [];

  /** Work that can wait, and comes in slices of a few milliseconds at most. */
  whenIdle(work: Iterator<unknown>): void {
    this.#chores.push(work);
  }

  /** `run` is called once, not before `at`. */
  at(at: Millis, run: () => void): void {
    const after = this.#later.findIndex((other) => other.at > at);
    this.#later.splice(after < 0 ? this.#later.length : after, 0, { at, run });
  }

  /** When {@link poll} has something to do, as seen from `now`. */
  wakeAt(now: Millis): Millis {
    const chore = this.#chores.length > 0 ? now + CHORE_GAP : NEVER;
    return Math.min(chore, this.#later[0]?.at ?? NEVER);
  }

  /** One slice of work that can wait, and all that is due. */
  poll(now: Millis): void {
    if (this.#chores[0]?.next().done) this.#chores.shift();
    while (this.#later.length > 0 && this.#later[0].at <= now) this.#later.shift()?.run();
  }
}
