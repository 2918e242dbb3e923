/**
 * What one context found out, told to the others with the same peer box: a path's death costs one exploration, not one for each
 * context. Walks over many siblings are cut into slices, so that no turn of the machine takes long.
 */

import { type LocatorPair, samePair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import { type Entry, shares } from "./entry.ts";
import { type Explorer, JITTER } from "./explorer.ts";
import type { DeadlineHeap } from "./heap.ts";
import { type Pacer, type Visit, Walks } from "./pace.ts";
import { FRESH, isLost, type Path } from "./paths.ts";
import { INITIAL_PROBE_TIMEOUT } from "./profile.ts";
import type { Search } from "./search.ts";
import type { Siblings } from "./siblings.ts";
import { transition } from "./table.ts";
import type { SentProbe } from "./trail.ts";
import type { Turn } from "./turn.ts";

/** Siblings are moved off a lost path at most once in this time: two bad paths must not throw all contexts to and fro. */
const LOST_AGAIN: Millis = 5_000;
/** Probes of a sibling's first round that a context waits for, in gaps: the current pair, and two others. */
const WAIT_GAPS = 3;
/** Send Timeouts that the peer's side is given to move after us. */
const FORGIVEN = 2;
/** Chosen: a box with ten thousand contexts to move takes longer than the probes. */
const WAIT_LEAST: Millis = 100;

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
   * `entry` fell silent straight after it had followed its siblings to a path that works: the peer's contexts have to find their way, too.
   * @returns whether the Send Timer runs once more
   */
  forgives(entry: Entry, turn: Turn): boolean {
    const { left, path, forgiven } = entry;
    if (left === undefined || path === undefined || isLost(path) || turn.now - left.at >= FRESH || forgiven >= FORGIVEN) return false;
    entry.forgiven++;
    this.#explorer.timers(entry, { send: "restart" }, turn);
    return true;
  }

  /**
   * The current path of `entry`, which is Operational, fell silent. If siblings have just left it `entry` goes where they went; if one
   * looks for a way, or asks the locator that `entry` would go to, it waits: Exploring as the RFC has it, but without a first
   * probe, so that a path's death costs one exploration, not one for each context.
   * @returns `false`: nobody helps, `entry` explores
   */
  helps(entry: Entry, cause: "send-timeout" | "lost", turn: Turn): boolean {
    if (!shares(entry)) return false;
    const helped = this.#goesAlong(entry, turn);
    if (helped === "gone") return true;
    if (helped === "no" && !this.#siblings.isLed(entry, turn.now)) return false;
    const { probe: _, ...rest } = transition("Operational", cause);
    this.#explorer.apply(entry, rest, cause, turn);
    this.#wait(entry, helped === "no" ? "leader" : "answer", turn);
    return true;
  }

  /** `entry` has waited long enough. @returns `false`: in vain, it probes now */
  settles(entry: Entry, turn: Turn): boolean {
    const { search } = entry;
    if (search === undefined) return false;
    const helped = this.#goesAlong(entry, turn);
    if (helped === "gone") return true;
    if (helped === "asked" && search.waits === "leader") {
      this.#wait(entry, "answer", turn);
      return true;
    }
    search.waits = undefined;
    return false;
  }

  /**
   * The peer has lost the context of `entry`, probably with all others: who waits for what `entry` finds asks for itself, which
   * brings its context back.
   */
  tellLostState({ box }: Entry): void {
    if (box === undefined || box.exploring.size === 0) return;
    this.#walks.begin(box.exploring, (sibling, { now }) => {
      if (sibling.search?.waits !== undefined && sibling.deadline > now) {
        sibling.search.waits = undefined;
        this.#heap.set(sibling, now);
      }
      return "next";
    });
  }

  /** The more wait already, the longer: if the leader finds nothing, those who look for themselves double with each patience. */
  #wait(entry: Entry, waits: "leader" | "answer", { now, draw }: Turn): void {
    const { search, path } = entry;
    const { firstRoundGap } = entry.context.timing;
    if (search === undefined || firstRoundGap === undefined) return;
    search.waits = waits;
    const patience = Math.max(WAIT_LEAST, WAIT_GAPS * firstRoundGap + 2 * (path?.roundTrip ?? firstRoundGap));
    const place = path === undefined || waits === "answer" ? 1 : ++path.waited;
    this.#heap.set(entry, now + draw.around(patience * (1 + Math.floor(Math.log2(place))), JITTER));
  }

  /** @returns "gone": `entry` sends where its siblings went; "asked": a sibling asks the locator there; "no": no sibling helps */
  #goesAlong(entry: Entry, turn: Turn): "gone" | "asked" | "no" {
    const pair = this.#siblings.detour(entry, turn.now, LOST_AGAIN);
    if (pair === undefined) return "no";
    if (this.#siblings.isReachable(entry, pair)) {
      this.#follow(entry, pair, turn);
      return "gone";
    }
    return this.#siblings.asks(entry, pair) ? "no" : "asked";
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

  /** Who waited for `entry` learns what it found, be it news to others or not. */
  tellFound({ box, path }: Entry): void {
    if (box === undefined || path === undefined || isLost(path)) return;
    this.#walks.begin(box.exploring, (sibling, later) => (sibling.search?.waits === undefined ? "next" : this.#pull(sibling, path, later)));
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
      if (sibling.state !== "Operational" || sibling.rests) continue;
      // Somebody is looking already.
      if (this.#siblings.isLed(sibling, turn.now)) return;
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
    const { search, state } = sibling;
    if (search === undefined || isAnswerDue(sibling, path, turn.now)) return "next";
    const pair = this.#siblings.pairOn(sibling, path);
    if (pair !== undefined && this.#mayFollow(sibling, search, path)) {
      if (this.#siblings.isReachable(sibling, pair)) {
        this.#follow(sibling, pair, turn);
        return "next";
      }
      if (!this.#siblings.asks(sibling, pair)) return "next";
      search.waits = undefined;
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

  /**
   * Whether the proof of `path` will do for `sibling`, which explores. Who has sent probes already and is heard by the peer finishes that
   * exchange, and the leader finishes its own: it proves for all that the path before is dead.
   */
  #mayFollow(sibling: Entry, search: Search, path: Path<Entry>): boolean {
    const { path: before, state } = sibling;
    if (!shares(sibling) || before === undefined || before.leader === sibling) return false;
    if (search.waits === undefined && state !== "Exploring") return false;
    if (before !== path) return isLost(before);
    // The proof left after what was not answered had left.
    return path.aliveAt !== undefined && path.aliveAt >= search.since - sibling.context.timing.sendTimeout;
  }

  #push(sibling: Entry, lost: Path<Entry>, found: Path<Entry>, turn: Turn): Visit {
    if (!isLost(lost)) return "stop";
    if (isLost(found)) {
      lost.left = true;
      return "stop";
    }
    if (sibling.state !== "Operational" || sibling.path !== lost || sibling.rests) return "next";
    const pair = this.#siblings.pairOn(sibling, found);
    if (pair === undefined) return "next";
    if (shares(sibling)) {
      if (this.#siblings.isReachable(sibling, pair)) {
        this.#follow(sibling, pair, turn);
        return "next";
      }
      if (!this.#siblings.asks(sibling, pair)) return "next";
    }
    this.#explorer.begin(sibling, pair, turn);
    if (sibling.search !== undefined) sibling.search.hinted = { path: found, at: turn.now };
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
    const { path, current } = entry;
    if (!samePair(pair, current)) {
      this.#siblings.moveTo(entry, pair);
      if (path !== undefined) entry.left = { path, at: turn.now };
      entry.forgiven = 0;
      turn.effects.push({ kind: "use-pair", id: entry.context.id, from: current, pair, cause: "failure" });
    }
    this.#explorer.timers(entry, { send: "stop" }, turn);
    if (entry.state !== "Operational") this.#explorer.enter(entry, "Operational", "path-proved", turn);
  }
}

/** It has just probed another path that a sibling had proved: that answer comes first. */
function isAnswerDue({ search, context }: Entry, { roundTrip }: Path<Entry>, now: Millis): boolean {
  const { firstRoundGap } = context.timing;
  if (search?.hinted === undefined || search.waits !== undefined || firstRoundGap === undefined) return false;
  return now - search.hinted.at < 2 * (roundTrip ?? firstRoundGap);
}
