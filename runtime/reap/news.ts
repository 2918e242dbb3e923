/**
 * What one context found out, told to the others with the same peer box: a path's death costs one exploration, not one for each
 * context. Walks over many siblings are cut into slices, so that no turn of the machine takes long.
 */

import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { Entry } from "./entry.ts";
import { type Explorer, JITTER } from "./explorer.ts";
import type { DeadlineHeap } from "./heap.ts";
import { type Pacer, type Visit, Walks } from "./pace.ts";
import { FRESH, isLost, type Path } from "./paths.ts";
import { INITIAL_PROBE_TIMEOUT } from "./profile.ts";
import type { Siblings } from "./siblings.ts";
import { transition } from "./table.ts";
import type { SentProbe } from "./trail.ts";
import type { Turn } from "./turn.ts";

/** Siblings are moved off a lost path at most once in this time: two bad paths must not throw all contexts to and fro. */
const LOST_AGAIN: Millis = 5_000;
/** Probes of a sibling's first round that a context waits for, in gaps: the current pair, and two others. */
const WAIT_GAPS = 3;

/** What spreads news. */
export interface NewsParts {
  readonly explorer: Explorer;
  readonly siblings: Siblings;
  readonly heap: DeadlineHeap<Entry>;
  readonly pacer: Pacer;
  /** Length of the pacer's window. */
  readonly window: Millis;
}

/** Spreads news among siblings. */
export class News {
  readonly #explorer: Explorer;
  readonly #siblings: Siblings;
  readonly #heap: DeadlineHeap<Entry>;
  readonly #pacer: Pacer;
  readonly #window: Millis;
  readonly #walks = new Walks<Entry, Turn>();

  constructor({ explorer, siblings, heap, pacer, window }: NewsParts) {
    this.#explorer = explorer;
    this.#siblings = siblings;
    this.#heap = heap;
    this.#pacer = pacer;
    this.#window = window;
  }

  /** Whether somebody is still to be told. */
  get pending(): boolean {
    return this.#walks.pending;
  }

  /** Goes on telling, for as long as probes may be sent. */
  spread(turn: Turn): void {
    this.#walks.run(turn, () => this.#pacer.free(turn.now));
  }

  /**
   * A sibling already looks for a way around the silent path: Exploring as the RFC has it, but the first probe waits for what the
   * sibling finds, so that a path's death costs one exploration, not one for each context. Only with the profile `fast`.
   * @returns `false` when the timing has no first round to wait for
   */
  wait(entry: Entry, turn: Turn): boolean {
    const { firstRoundGap } = entry.context.timing;
    if (firstRoundGap === undefined) return false;
    const { probe: _, ...rest } = transition(entry.state, "send-timeout");
    this.#explorer.apply(entry, rest, "send-timeout", turn);
    const patience = WAIT_GAPS * firstRoundGap + 2 * (entry.path?.roundTrip ?? firstRoundGap);
    this.#heap.set(entry, turn.now + turn.draw.around(patience, JITTER));
    return true;
  }

  /** Siblings that explore try the proved path next, instead of waiting for their back-off. */
  tellAlive(entry: Entry, path: Path<Entry>, turn: Turn): void {
    const { box } = entry;
    if (box === undefined) return;
    for (const lost of box.paths.values()) if (lost.left && lost !== path) this.tellLost(lost, path, turn);
    if (turn.now - path.toldAliveAt < FRESH || box.exploring.size === 0) return;
    path.toldAliveAt = turn.now;
    this.#walks.begin(box.exploring, (sibling, later) => this.#pull(sibling, path, later));
  }

  /** Siblings that send on a path that is proved lost go where this context found a way. */
  tellLost(lost: Path<Entry>, found: Path<Entry>, turn: Turn): void {
    if ((turn.now - lost.toldLostAt < LOST_AGAIN && !lost.left) || lost.members.size === 0 || !isLost(lost)) return;
    lost.toldLostAt = turn.now;
    lost.left = false;
    // Who did not get an answer last time asks again.
    for (const { box } of lost.members) {
      box?.asked.clear();
      break;
    }
    this.#walks.begin(lost.members, (sibling, later) => this.#push(sibling, lost, found, later));
  }

  /** Siblings that waited for an answer of the same locator need not ask it themselves. */
  tellReachable(entry: Entry, fresh: readonly SentProbe[]): void {
    const waited = this.#siblings.answered(entry, fresh);
    const found = entry.box?.proved;
    if (waited.length === 0 || found === undefined) return;
    this.#walks.begin(waited, (sibling, later) => {
      const { state, path } = sibling;
      if (state !== "Operational") this.#pull(sibling, found, later);
      else if (path !== undefined) this.#push(sibling, path, found, later);
      // What ends the walk for one of them says nothing about the others: each may be on a path of its own by now.
      return "next";
    });
  }

  /** The peer's complaint moved a context off `doubted` unproved: one of its siblings looks whether the path is lost for all. */
  check(doubted: Path<Entry>, turn: Turn): void {
    if (turn.now - doubted.checkedAt < LOST_AGAIN) return;
    for (const sibling of doubted.members) {
      if (sibling.state !== "Operational") continue;
      doubted.checkedAt = turn.now;
      this.#explorer.begin(sibling, sibling.current, turn);
      const proved = sibling.box?.proved;
      // The doubted pair itself is to be probed, before the one that is proved already.
      if (sibling.search !== undefined && proved !== undefined) sibling.search.hinted = { path: proved, at: turn.now };
      this.#explorer.apply(sibling, transition("Operational", "lost"), "path-doubted", turn);
      return;
    }
  }

  #pull(sibling: Entry, path: Path<Entry>, turn: Turn): Visit {
    if (isLost(path)) return "stop";
    const { search, trail, state } = sibling;
    if (search === undefined) return "next";
    const pair = this.#siblings.pairOn(sibling, path);
    const silent = state === "Exploring" && !(trail?.hasSent === true);
    if (pair !== undefined && silent && sibling.path !== path && sibling.path !== undefined && isLost(sibling.path)) {
      if (this.#siblings.isReachable(sibling, pair)) {
        this.#follow(sibling, pair, turn);
        return "next";
      }
      if (!this.#siblings.asks(sibling, pair)) return "next";
    }
    // Due within one window: it will see for itself, and the others must not wait for it.
    if (sibling.deadline <= turn.now + this.#window) return "next";
    if (this.#siblings.onPath(sibling, path, turn.now) === undefined || pair === undefined || !this.#pacer.take(turn.now)) return "next";
    search.restart();
    this.#explorer.timers(sibling, transition(state, "retransmit"), turn);
    this.#explorer.sendProbe(sibling, pair, turn);
    this.#explorer.schedule(sibling, turn);
    return "next";
  }

  #push(sibling: Entry, lost: Path<Entry>, found: Path<Entry>, turn: Turn): Visit {
    if (!isLost(lost)) return "stop";
    if (isLost(found)) {
      lost.left = true;
      return "stop";
    }
    if (sibling.state !== "Operational" || sibling.path !== lost) return "next";
    const pair = this.#siblings.pairOn(sibling, found);
    if (pair === undefined) return "next";
    if (this.#siblings.isReachable(sibling, pair)) {
      this.#follow(sibling, pair, turn);
      return "next";
    }
    if (!this.#siblings.asks(sibling, pair)) return "next";
    this.#explorer.begin(sibling, pair, turn);
    this.#explorer.apply(sibling, transition("Operational", "lost"), "path-lost", turn);
    // The path is proved: its answer is worth waiting for, a second probe before it would only double the exchange.
    const { sendTimeout } = sibling.context.timing;
    this.#heap.set(sibling, sibling.deadline + (found.roundTrip ?? Math.min(INITIAL_PROBE_TIMEOUT, sendTimeout / 3)));
    return "next";
  }

  /**
   * Takes the context to a path that a sibling proved, with a destination that needs no probe: no message is sent. Where the path
   * works for the sibling only, this context's own Send Timeout tells.
   */
  #follow(entry: Entry, pair: LocatorPair, turn: Turn): void {
    this.#siblings.moveTo(entry, pair);
    turn.effects.push({ kind: "use-pair", id: entry.context.id, pair });
    this.#explorer.timers(entry, { send: "stop" }, turn);
    if (entry.state !== "Operational") this.#explorer.enter(entry, "Operational", "path-proved", turn);
  }
}
