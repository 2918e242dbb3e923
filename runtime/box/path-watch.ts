/**
 * Whether contexts may go back to where they had to leave: for how long the provider has been usable, and the path to the peer's box has worked.
 * Nobody uses that path meanwhile, so one context of each path asks now and then; its answer counts for all.
 */
import type { Core } from "../fast/contract.ts";
import type { Failback } from "../policy/rule.ts";
import type { Log } from "../port/log.ts";
import type { Reap } from "../reap/contract.ts";
import { sitePrefix } from "../reap/paths.ts";
import type { ContextView, Shim6 } from "../shim6/contract.ts";
import type { LeaveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { ControlCounters } from "./counters.ts";
import type { Identities } from "./identity.ts";
import type { Journal } from "./journal.ts";
import { lastUse } from "./machines.ts";
import type { Steering } from "./steer.ts";

/** What moving contexts works on. */
export interface MoveParts {
  readonly core: Core;
  readonly shim6: Shim6;
  readonly reap: Reap;
  readonly identities: Identities;
  readonly steering: Steering;
  readonly counters: ControlCounters;
  readonly journal: Journal;
  readonly log: Log;
  readonly now: () => Millis;
  /** Calendar milliseconds. */
  readonly wall: () => number;
  /** Calls `run` once, not before `at`. */
  readonly at: (at: Millis, run: () => void) => void;
  /** Context `id` is to leave an end of its pair for a better one. */
  readonly leave: (id: number, end: "local" | "peer", cause: LeaveCause) => void;
  /** Context `id` is to ask on `pair`. */
  readonly scout: (id: number, pair: LocatorPair) => void;
  /** Peers are to hear of our locators again, one after another. */
  readonly told: () => void;
  /** When contexts go back of which no rule says when. */
  readonly failback: () => Failback;
  /** Prefixes of providers that are full, as text. */
  readonly full: () => ReadonlySet<string>;
}

// Chosen.

/** A context that has carried nothing for so long is idle. */
export const IDLE: Millis = 10_000;
/** Between two questions on a path; it counts as dead when so many in a row are not answered. */
const SCOUT_AGAIN: Millis = 10_000;
const SCOUTS_MISSED = 2;
/** Towards a peer that cannot be asked a context tries for itself, so often at most. */
const TRY_AGAIN: Millis = 60_000;

interface Watched {
  askedAt: Millis;
  answeredAt: Millis;
  /** Since when every question has been answered. */
  since: Millis;
  /** Whether the walk in hand has come by. */
  wanted: boolean;
}

/** Paths that contexts had to leave: as many as there are peer boxes and providers at most, and contexts whose peers cannot be asked. */
export class PathWatch {
  readonly #parts: Pick<MoveParts, "identities" | "scout">;
  readonly #paths = new Map<string, Watched>();

  constructor(parts: Pick<MoveParts, "identities" | "scout">) {
    this.#parts = parts;
  }

  /** Every path that is still of interest is about to be named. */
  beginWalk(): void {
    for (const path of this.#paths.values()) path.wanted = false;
  }

  /** What nobody wants to know any more is forgotten. */
  endWalk(): void {
    for (const [name, { wanted }] of this.#paths) if (!wanted) this.#paths.delete(name);
  }

  /** Whether the context may go now, and then it does: where nobody can ask not too often, because its payload waits each time. */
  mayTry(view: ContextView, now: Millis): boolean {
    if (canAsk(view)) return true;
    const path = this.#want(`context ${view.id}`);
    if (now - path.askedAt < TRY_AGAIN) return false;
    path.askedAt = now;
    return true;
  }

  /**
   * Since when the path of `pair`, which the context would go back to, is known to work; `undefined` = it is not, and is asked. `NEVER` = the peer
   * cannot be asked.
   */
  provedSince(view: ContextView, pair: LocatorPair, now: Millis): Millis | undefined {
    if (!canAsk(view)) return NEVER;
    const path = this.#want(this.#nameOf(view, pair));
    if (now - path.answeredAt > SCOUTS_MISSED * SCOUT_AGAIN) path.since = NEVER;
    if (now - path.askedAt >= SCOUT_AGAIN) {
      path.askedAt = now;
      this.#parts.scout(view.id, pair);
    }
    return path.since === NEVER ? undefined : path.since;
  }

  /** A question was answered. @returns whether that is news */
  works(view: ContextView, pair: LocatorPair, now: Millis): boolean {
    const path = this.#paths.get(this.#nameOf(view, pair));
    if (path === undefined) return false;
    const isNews = path.since === NEVER;
    path.answeredAt = now;
    if (isNews) path.since = now;
    return isNews;
  }

  #want(name: string): Watched {
    const path = this.#paths.get(name) ?? { askedAt: -NEVER, answeredAt: -NEVER, since: NEVER, wanted: true };
    this.#paths.set(name, path);
    path.wanted = true;
    return path;
  }

  #nameOf({ peerBox }: ContextView, { local, peer }: LocatorPair): string {
    return `${peerBox} ${this.#parts.identities.standingOf(local)?.name} ${sitePrefix(peer)}`;
  }
}

/** Whether questions on pairs that carry nothing are answered (`shares` in runtime/reap/entry.ts). */
function canAsk({ localCapabilities, peerCapabilities, peerBox }: ContextView): boolean {
  return localCapabilities !== undefined && peerCapabilities !== undefined && peerBox !== undefined;
}

/**
 * Whether a context goes back now. `known.since` = when the provider became usable, `known.path` as {@link PathWatch.provedSince} says. Where the
 * peer cannot be asked a Probe asks, and payload waits for its answer: such a context goes when it is idle.
 */
export function mayGoBack(
  { core }: Pick<MoveParts, "core">,
  how: Failback,
  { id }: ContextView,
  known: { readonly since: Millis | undefined; readonly path: Millis | undefined },
  now: Millis,
): boolean {
  if (known.path === undefined) return false;
  const mustBeIdle = how.kind === "idle" || known.path === NEVER;
  if (mustBeIdle && now - lastUse(core, id) < IDLE) return false;
  const hold = how.kind === "after" ? how.hold : 0;
  const path = known.path === NEVER ? -NEVER : known.path;
  return now - Math.max(known.since ?? -NEVER, path) >= hold;
}
