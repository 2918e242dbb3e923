/** Who breaks and mends providers: the lab's own round, or somebody at the dashboard. One change after another, so that the world is what the model says. */

import { linesTo, type ProviderState } from "./events.ts";
import type { Ground } from "./ground.ts";
import type { LabModel } from "./model.ts";
import type { Provider } from "./world.ts";

/** What controls work on. */
export interface ControlsParts {
  readonly ground: Pick<Ground, "ip">;
  readonly model: LabModel;
  readonly providers: readonly Provider[];
  /** For people, at once. */
  readonly note: (text: string) => void;
}

/** Switches for the providers of a world that stands. */
export class Controls {
  readonly #parts: ControlsParts;
  #hand = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ControlsParts) {
    this.#parts = parts;
  }

  /** Aborted when somebody takes over; another one when the round goes on. */
  get taken(): AbortSignal {
    return this.#hand.signal;
  }

  get isByHand(): boolean {
    return this.#hand.signal.aborted;
  }

  /** Makes the provider `name` what `to` says; nothing when it is. @throws {LabError} when there is none of that name, or `ip` refuses */
  turn(name: string, to: ProviderState): Promise<void> {
    const done = this.#last.then(() => this.#turn(name, to));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** The same by hand: the lab's own round rests from now on. @throws {LabError} */
  async turnByHand(name: string, to: ProviderState): Promise<void> {
    this.#hand.abort();
    this.#parts.note(`by hand: ${name} ${SAYS[to]}`);
    await this.turn(name, to);
  }

  /** All providers come back, and the round goes on. @throws {LabError} */
  async goOn(): Promise<void> {
    if (!this.isByHand) return;
    for (const { name } of this.#parts.providers) await this.turn(name, "up");
    this.#parts.note("the round goes on");
    this.#hand = new AbortController();
  }

  async #turn(name: string, to: ProviderState): Promise<void> {
    const { ground, model, providers } = this.#parts;
    const provider = providers.find((one) => one.name === name);
    const from = model.providers.get(name) ?? "up";
    if (provider === undefined || from === to) return;
    // From dead to unplugged it comes back in between: each state has its own way out.
    const lines = from === "up" || to === "up" ? linesTo(provider, from, to) : linesTo(provider, from, "up") + linesTo(provider, "up", to);
    await ground.ip(name, lines);
    model.providers.set(name, to);
  }
}

const SAYS: Readonly<Record<ProviderState, string>> = { up: "comes back", dead: "dies silently", unplugged: "loses its link" };
