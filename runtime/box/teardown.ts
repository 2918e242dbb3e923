import type { Log } from "../port/log.ts";
import type { Millis } from "../value/time.ts";

/** What ends may need so long; then the next one's turn comes: routes and rules must go even if a thread does not answer. */
const PATIENCE: Millis = 5_000;

/** What a box has opened, to be closed in the opposite order. */
export class Teardown {
  readonly #steps: { readonly name: string; readonly close: () => void | Promise<void> }[] = [];
  readonly #log: Log;
  readonly #patience: Millis;

  constructor(log: Log, patience = PATIENCE) {
    this.#log = log;
    this.#patience = patience;
  }

  /** `close` is called once, before those that were pushed earlier. */
  push(name: string, close: () => void | Promise<void>): void {
    this.#steps.push({ name, close });
  }

  /** Closes everything. What does not end within its time is named in the log and left behind; what fails is, too, and the first such error is thrown at the end. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (const { name, close } of this.#steps.splice(0).reverse()) {
      try {
        const closed = await within(this.#patience, close());
        if (!closed) this.#log.error("a part of the box did not end when it was told to", { part: name, milliseconds: this.#patience });
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/** @returns whether `work` ended in time */
async function within(time: Millis, work: void | Promise<void>): Promise<boolean> {
  if (!(work instanceof Promise)) return true;
  let stop: () => void = () => undefined;
  // A timer that keeps the process alive: what comes after must still be done.
  const late = new Promise<false>((resolve) => {
    const timer = setTimeout(() => resolve(false), time);
    stop = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    stop();
  }
}
