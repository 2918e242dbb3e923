/** What happened to contexts, for the log and for whoever asks later. */
import type { Log } from "../port/log.ts";
import type { Millis } from "../value/time.ts";
import { Limiter } from "./limiter.ts";

/** Something worth telling an operator. */
export interface BoxEvent {
  readonly at: Millis;
  readonly kind: "established" | "recovering" | "removed" | "failed" | "state" | "moved" | "path" | "told";
  readonly text: string;
}

const EVENTS_KEPT = 256;
/** Lines of log; when ten thousand contexts move at once, writing of each would hold up the others. */
const LINES_PER_SECOND = 50;
const LINES_AT_ONCE = 200;

/** Keeps the latest events and logs them, as many as a person can read; the others are counted. */
export class Journal {
  readonly #log: Log;
  readonly #heard: ((event: BoxEvent) => void) | undefined;
  readonly #lines = new Limiter(LINES_PER_SECOND, LINES_AT_ONCE);
  readonly #events: BoxEvent[] = [];
  #unsaid = 0;

  /** @param heard is told of every event, whether it is logged or not */
  constructor(log: Log, heard?: (event: BoxEvent) => void) {
    this.#log = log;
    this.#heard = heard;
  }

  /** Oldest first. */
  get events(): readonly BoxEvent[] {
    return this.#events;
  }

  /** Kept, and not logged: whoever logs says more, or less. */
  note(kind: BoxEvent["kind"], at: Millis, text: string): void {
    const event: BoxEvent = { at, kind, text };
    this.#heard?.(event);
    this.#events.push(event);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }

  tell(kind: BoxEvent["kind"], at: Millis, text: string): void {
    this.note(kind, at, text);
    if (!this.#lines.allow(at)) {
      this.#unsaid++;
      return;
    }
    const fields = this.#unsaid === 0 ? { event: kind } : { event: kind, unsaid: this.#unsaid };
    this.#unsaid = 0;
    this.#log.info(text, fields);
  }
}
