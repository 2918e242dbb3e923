/**
 * Who is to be told what has changed about us, in which order and how fast (RFC 5533 §10.1, §10.3). A change concerns all
 * contexts of a box at once: their requests go out so many in a window, not in one burst.
 */
import { type Millis, NEVER } from "../value/time.ts";
import type { Preference } from "../wire/message.ts";
import { SIGNATURE_COST, UPDATE_WINDOW, UPDATES_PER_WINDOW } from "./constants.ts";
import type { Context } from "./context.ts";
import type { LocalIdentity, Shim6Options } from "./contract.ts";
import { hasPreferences } from "./describe.ts";

/** What the peer of a context does not know yet. */
export interface Owed {
  readonly list: boolean;
  readonly preferences: boolean;
  readonly seconds: boolean;
}

/** What the peer is not sure to know of `identity` and the options; `undefined` = nothing. `complete` = list and preferences whatever it knows. */
export function owedTo({ told }: Context, identity: LocalIdentity, options: Shim6Options, complete = false): Owed | undefined {
  const list = complete || told === undefined || told.generation !== identity.list.generation;
  const preferences = hasPreferences(identity) && (list || !samePreferences(told?.preferences, identity.preferences));
  const seconds = told !== undefined && told.seconds !== options.sendTimeoutSeconds;
  return list || preferences || seconds ? { list, preferences, seconds } : undefined;
}

/** Whether a peer that was told `a` would learn nothing from `b`. */
export function samePreferences(a: readonly Preference[] | undefined, b: readonly Preference[]): boolean {
  if (a === b) return true;
  if (a?.length !== b.length) return false;
  return a.every((p, i) => p.flags === b[i].flags && p.priority === b[i].priority && p.weight === b[i].weight);
}

/** Contexts that wait for their Update Request, in the order they are to have it, and the pace. */
export class Waitlist {
  /** Whether the request is to be complete, by context. */
  readonly #waiting = new Map<Context, boolean>();
  #windowAt: Millis = Number.NEGATIVE_INFINITY;
  #used = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** When the next may have its turn; NEVER if nobody waits. */
  get wakeAt(): Millis {
    return this.#waiting.size === 0 ? NEVER : this.readyAt;
  }

  /** End of the window in hand. */
  get readyAt(): Millis {
    return this.#windowAt + UPDATE_WINDOW;
  }

  /** Puts `context` at the end; one that waits already loses its place. */
  add(context: Context, complete = false): void {
    this.#waiting.delete(context);
    this.#waiting.set(context, complete);
  }

  delete(context: Context): void {
    this.#waiting.delete(context);
  }

  /** The next one, if the window has room for it; `cost` is asked what it takes, {@link requestCost}. */
  take(now: Millis, cost: (context: Context) => number): { readonly context: Context; readonly complete: boolean } | undefined {
    const first = this.#waiting.entries().next();
    if (first.done || !this.mayStart(now, cost(first.value[0]))) return undefined;
    const [context, complete] = first.value;
    this.#waiting.delete(context);
    return { context, complete };
  }

  /** Takes `cost` from the window; the first one of a window may cost anything. */
  mayStart(now: Millis, cost = 1): boolean {
    if (now >= this.readyAt) {
      this.#windowAt = now;
      this.#used = 0;
    }
    if (this.#used > 0 && this.#used + cost > UPDATES_PER_WINDOW) return false;
    this.#used += cost;
    return true;
  }
}

/** What a request takes from the window: more when a list must be signed first. */
export function requestCost(identity: LocalIdentity | undefined): number {
  return identity?.isSigned === false ? SIGNATURE_COST : 1;
}
