/**
 * Providers that REAP finds nobody by. Traffic without contexts has nobody who would notice that a provider is dead behind a line that is up;
 * contexts to boxes elsewhere notice, and what they find out serves it too.
 */
import type { PathView } from "../reap/contract.ts";
import type { Locator } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** What the judgement rests on. */
export interface EvidenceParts {
  readonly paths: () => Iterable<PathView>;
  /** Name of the provider that a locator of ours is of. */
  readonly providerOf: (locator: Locator) => string | undefined;
  /** Whether a context that is at the provider still has received something since `instant`. */
  readonly hearsBy: (provider: string, instant: Millis) => boolean;
  readonly now: () => Millis;
  /** Calls `run` once, at `at`. */
  readonly later: (at: Millis, run: () => void) => void;
  /** Another set of providers is silent. */
  readonly changed: (silent: ReadonlySet<string>) => void;
}

/** Chosen: as long as REAP itself holds a suspicion against a path (runtime/reap/paths.ts). */
export const SILENT_FOR: Millis = 60_000;
/** Chosen: contexts move in thousands; all paths are looked at no more often. */
export const LOOK_INTERVAL: Millis = 250;

/** For the control thread. */
export class Evidence {
  readonly #parts: EvidenceParts;
  #silent = new Map<string, Millis>();
  #lookedAt: Millis = -NEVER;
  #isDue = false;

  constructor(parts: EvidenceParts) {
    this.#parts = parts;
  }

  /** Names of providers that are taken for dead now. */
  get silent(): ReadonlySet<string> {
    return new Set(this.#silent.keys());
  }

  /** A context moved, or began to look for another path. */
  heard(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { now, later } = this.#parts;
    // What is told of one context is told while the machine is at work: its paths are right in a moment.
    later(Math.max(now(), this.#lookedAt + LOOK_INTERVAL), () => this.#look());
  }

  #look(): void {
    const { paths, providerOf, hearsBy, now, later, changed } = this.#parts;
    this.#isDue = false;
    this.#lookedAt = now();
    const found = [...silentSince(paths(), providerOf, this.#lookedAt)].filter(([name, since]) => !hearsBy(name, since));
    const before = [...this.#silent.keys()].sort().join();
    this.#silent = new Map(found);
    const soonest = Math.min(NEVER, ...this.#silent.values());
    if (soonest < NEVER) later(soonest + SILENT_FOR, () => this.heard());
    if ([...this.#silent.keys()].sort().join() !== before) changed(this.silent);
  }
}

interface Findings {
  aliveAt: Millis;
  lostAt: Millis;
}

/**
 * Providers by which a path was lost lately to a peer box that answers by another provider since, and by which nobody was found later. All that
 * is known of a provider must speak against it.
 * @returns since when, by name
 */
export function silentSince(
  paths: Iterable<PathView>,
  providerOf: (locator: Locator) => string | undefined,
  now: Millis,
): Map<string, Millis> {
  const boxes = new Map<string, Map<string, Findings>>();
  for (const { peerBox, pair, state, since } of paths) {
    const provider = providerOf(pair.local);
    if (provider === undefined || since === undefined) continue;
    const box = boxes.get(peerBox) ?? new Map<string, Findings>();
    boxes.set(peerBox, box);
    const found = box.get(provider) ?? { aliveAt: -NEVER, lostAt: -NEVER };
    box.set(provider, found);
    if (state === "alive") found.aliveAt = Math.max(found.aliveAt, since);
    if (state === "lost") found.lostAt = Math.max(found.lostAt, since);
  }
  const alive = new Map<string, Millis>();
  const lost = new Map<string, Millis>();
  for (const box of boxes.values()) {
    for (const [provider, { aliveAt, lostAt }] of box) {
      alive.set(provider, Math.max(aliveAt, alive.get(provider) ?? -NEVER));
      const answers = [...box].some(([other, found]) => other !== provider && found.aliveAt >= lostAt);
      if (answers && aliveAt < lostAt && now - lostAt < SILENT_FOR) lost.set(provider, Math.max(lostAt, lost.get(provider) ?? -NEVER));
    }
  }
  return new Map([...lost].filter(([provider, at]) => (alive.get(provider) ?? -NEVER) < at));
}
