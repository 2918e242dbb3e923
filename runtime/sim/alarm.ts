import { type Millis, NEVER } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";

/** One timer that is moved often and goes off rarely: putting it off costs nothing. */
export class Alarm {
  readonly #agenda: Agenda;
  readonly #run: () => void;
  #due: Millis = NEVER;
  #planned: Millis = NEVER;

  constructor(agenda: Agenda, run: () => void) {
    this.#agenda = agenda;
    this.#run = run;
  }

  get set(): boolean {
    return this.#due !== NEVER;
  }

  /** Goes off at `at`, and not before; NEVER stops it. */
  to(at: Millis): void {
    this.#due = at;
    if (at < this.#planned) this.#plan(at);
  }

  #plan(at: Millis): void {
    this.#planned = at;
    this.#agenda.at(at, () => {
      // An earlier plan overtook this one.
      if (this.#planned !== at) return;
      this.#planned = NEVER;
      if (this.#due <= at) {
        this.#due = NEVER;
        this.#run();
      } else if (this.#due !== NEVER) this.#plan(this.#due);
    });
  }
}
