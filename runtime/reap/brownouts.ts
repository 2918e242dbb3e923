/**
 * Contexts that leave a path because it is browned out, for one that is better: that one has been measured, so nobody asks before. Walks over many
 * contexts are cut into slices. Where all paths are browned out they go to one that is at most half as bad, and not back and forth.
 */
import type { LocatorPair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type Entry, isBroken, rankedPairs, shares } from "./entry.ts";
import { isDrained } from "./leaves.ts";
import { Pacer, type Visit, Walks } from "./pace.ts";
import { isLost, type Path, type PeerBox } from "./paths.ts";
import type { QualitySettings } from "./quality.ts";
import type { Siblings } from "./siblings.ts";
import type { Turn } from "./turn.ts";

// Chosen values.

/** Contexts that are moved in one window at most. */
const MOVES = 100;
const WINDOW: Millis = 10;
/** Contexts begin on such a path, or another one becomes better: it is looked at again after so long. */
const LOOK_AGAIN: Millis = 1_000;
/** Where all paths are bad, another one has to be so much better. */
const MUCH_BETTER = 1 / 2;

interface Bad {
  readonly box: PeerBox<Entry>;
  walkAt: Millis;
}

/** What brown-outs work with. */
export interface BrownoutParts {
  readonly siblings: Siblings;
  readonly settings: () => QualitySettings | undefined;
  /** `entry` is about to go somewhere else: what it was about to do there is off. */
  readonly leaves: (entry: Entry) => void;
}

/** The browned-out paths of one machine. */
export class Brownouts {
  readonly #parts: BrownoutParts;
  readonly #bad = new Map<Path<Entry>, Bad>();
  readonly #walks = new Walks<Entry, Turn>();
  readonly #pacer = new Pacer(MOVES, WINDOW);

  constructor(parts: BrownoutParts) {
    this.#parts = parts;
  }

  get wakeAt(): Millis {
    if (this.#walks.pending) return this.#pacer.readyAt;
    return Math.min(NEVER, ...[...this.#bad.values()].map(({ walkAt }) => walkAt));
  }

  /** `path` was browned out, or is no longer. */
  changed(path: Path<Entry>, box: PeerBox<Entry>, { now, effects }: Turn): void {
    const brown = path.quality?.brown === true;
    const { pair, members, quality } = path;
    effects.push({
      kind: "path-quality",
      peerBox: box.name,
      pair,
      brown,
      loss: quality?.loss,
      delay: quality?.delay,
      contexts: members.size,
    });
    if (brown) this.#bad.set(path, { box, walkAt: now });
    else this.#bad.delete(path);
  }

  /** Goes on moving contexts. */
  poll(turn: Turn): void {
    const settings = this.#parts.settings();
    for (const [path, bad] of this.#bad) {
      if (path.quality?.brown !== true || settings === undefined || bad.box.contexts === 0) this.#bad.delete(path);
      else if (bad.walkAt <= turn.now) {
        bad.walkAt = turn.now + LOOK_AGAIN;
        if (path.members.size === 0 || ![...bad.box.paths.values()].some((other) => isBetter(other, path, settings, turn.now))) continue;
        this.#walks.begin(path.members, (entry, later) => this.#visit(entry, path, later));
      }
    }
    this.#walks.run(turn, () => this.#pacer.free(turn.now));
  }

  #visit(entry: Entry, path: Path<Entry>, turn: Turn): Visit {
    const settings = this.#parts.settings();
    if (path.quality?.brown !== true || settings === undefined) return "stop";
    // Who explores has other worries, and finds its way by itself.
    if (entry.path !== path || entry.state !== "Operational" || entry.rests || !shares(entry)) return "next";
    const pair = this.#choose(entry, path, settings, turn);
    if (pair === undefined || !this.#pacer.take(turn.now)) return "next";
    path.quality.leftAt = turn.now;
    this.#parts.leaves(entry);
    const from = entry.current;
    this.#parts.siblings.moveTo(entry, pair);
    turn.effects.push({ kind: "use-pair", id: entry.context.id, from, pair, cause: "brown-out" });
    return "next";
  }

  /** The best pair on a path that is good; else the one on the least bad. */
  #choose(entry: Entry, path: Path<Entry>, settings: QualitySettings, { now, draw }: Turn): LocatorPair | undefined {
    const { siblings } = this.#parts;
    const { context } = entry;
    let least: { readonly pair: LocatorPair; readonly badness: number } | undefined;
    for (const pair of rankedPairs(context, draw.octets())) {
      if (isBroken(context, pair) || isDrained(context, pair.peer) || !siblings.isReachable(entry, pair)) continue;
      const other = siblings.pathOf(entry, pair);
      if (other === undefined || !isBetter(other, path, settings, now)) continue;
      if (other.quality?.brown !== true) return pair;
      const badness = other.quality.badness(settings) ?? NEVER;
      if (least === undefined || badness < least.badness) least = { pair, badness };
    }
    return least?.pair;
  }
}

/** Whether contexts on `path`, which is browned out, would be better off on `other`. */
function isBetter(other: Path<Entry>, path: Path<Entry>, settings: QualitySettings, now: Millis): boolean {
  const { quality } = other;
  const badness = quality?.badness(settings);
  if (other === path || quality === undefined || badness === undefined || isLost(other)) return false;
  if (!quality.brown) return badness < 1;
  return badness <= MUCH_BETTER * (path.quality?.badness(settings) ?? 0) && now - quality.leftAt >= quality.hold;
}
