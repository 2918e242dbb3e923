/** What is said of contexts that change their pair: one by one to who wants to know exactly, a line for each cause to everybody. */
import type { Log } from "../port/log.ts";
import type { MoveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { ControlCounters } from "./counters.ts";
import type { Journal } from "./journal.ts";

/** What it writes to. */
export interface MoveLogParts {
  readonly counters: ControlCounters;
  readonly journal: Journal;
  readonly log: Log;
  readonly now: () => Millis;
  readonly at: (at: Millis, run: () => void) => void;
}

/** Moves of one cause within so long are one line. */
const GATHER: Millis = 1_000;

/** Counts, keeps and logs moves. */
export class MoveLog {
  readonly #parts: MoveLogParts;
  readonly #unsaid = new Map<MoveCause, number>();

  constructor(parts: MoveLogParts) {
    this.#parts = parts;
  }

  /** Context `id` sends on `to` from now on. */
  moved(context: number, from: LocatorPair, to: LocatorPair, cause: MoveCause, now: Millis): void {
    const { at, counters, journal, log } = this.#parts;
    counters.count(`move-${cause}`);
    journal.note("moved", now, `context ${context}: ${to.local} → ${to.peer} (${cause})`);
    log.debug("a context moved", {
      context,
      from: `${from.local} → ${from.peer}`,
      to: `${to.local} → ${to.peer}`,
      cause,
    });
    const count = this.#unsaid.get(cause) ?? 0;
    this.#unsaid.set(cause, count + 1);
    if (count === 0) at(now + GATHER, () => this.#say(cause));
  }

  #say(cause: MoveCause): void {
    const count = this.#unsaid.get(cause) ?? 0;
    this.#unsaid.delete(cause);
    this.#parts.log.info("contexts moved", { cause, count });
  }
}
