/**
 * REAP for all contexts of a box (RFC 5534 §6, reap.md): the cells of {@link ./table.ts} carried out, probes sent on schedule, and
 * contexts with the same peer box told what their siblings found out. Heads up: read RFC 5534 §4 and §6 before you work here.
 */
import type { Locator } from "../value/address.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { ReapState } from "../wire/message.ts";
import { answerPair } from "./answer.ts";
import type { PathView, Reap, ReapContext, ReapEffect, ReapEvent, ReapPair } from "./contract.ts";
import { Draw } from "./draw.ts";
import { bestOf, type Entry, isBroken, isCandidate, newEntry, rankedPairs } from "./entry.ts";
import { DeadlineHeap } from "./heap.ts";
import { Pacer, PROBE_BURST, PROBE_WINDOW, type Visit, Walks } from "./pace.ts";
import { FRESH, isLost, type Path } from "./paths.ts";
import { INITIAL_PROBE_TIMEOUT } from "./profile.ts";
import { explorationOrder, Search, type Standing } from "./search.ts";
import { Siblings } from "./siblings.ts";
import { type Cell, type TableEvent, transition } from "./table.ts";
import { type SentProbe, Trail } from "./trail.ts";

/** Sizes and pace of a machine; every one has a default that fits a box. */
export interface ReapOptions {
  /** Contexts at most; one more is refused (`drop-full-reap`). */
  readonly capacity?: number;
  /** Probes that the box starts by itself, at most so many in `probeWindow` milliseconds. */
  readonly probeBurst?: number;
  readonly probeWindow?: Millis;
  /** Names the end of a path that a locator belongs to; the same name = the same fate. Default: its /48. */
  readonly pathKey?: (locator: Locator) => string;
}

const CAPACITY = 1_048_576;
/** Probe gaps vary by ±20 % so that contexts that failed together drift apart (RFC 5534 §4.1: timeouts SHOULD be randomised). */
const JITTER = 0.2;
/** What was sent and heard is remembered after the exploration, for late probes of the peer. */
const TRAIL_LINGER: Millis = 10_000;
/** Reports of probes older than the newest reported one by so much no longer speak for their pair. */
const STALE_REPORT: Millis = 2_000;
/** Siblings are moved off a lost path at most once in this time: two bad paths must not throw all contexts to and fro. */
const LOST_AGAIN: Millis = 5_000;
/** Probes of a sibling's first round that a context waits for, in gaps: the current pair, and two others. */
const WAIT_GAPS = 3;

const PROBE_EVENT: Readonly<Record<ReapState, TableEvent>> = {
  Operational: "probe-operational",
  Exploring: "probe-exploring",
  InboundOk: "probe-inboundok",
};

/** One step: its instant, its random numbers, its effects so far. */
interface Turn {
  readonly now: Millis;
  readonly draw: Draw;
  readonly effects: ReapEffect[];
}

type EventOf<K extends ReapEvent["kind"]> = Extract<ReapEvent, { kind: K }>;

/** A REAP machine without contexts. */
export function createReap(options: ReapOptions = {}): Reap {
  return new Machine(options);
}

class Machine implements Reap {
  readonly #entries = new Map<number, Entry>();
  /** Exploring and InboundOk: the next probe of the schedule. Operational: when the trail is forgotten. */
  readonly #heap = new DeadlineHeap<Entry>();
  readonly #siblings: Siblings;
  readonly #walks = new Walks<Entry, Turn>();
  readonly #pacer: Pacer;
  readonly #capacity: number;
  readonly #window: Millis;

  constructor({ capacity = CAPACITY, probeBurst = PROBE_BURST, probeWindow = PROBE_WINDOW, pathKey }: ReapOptions) {
    this.#capacity = capacity;
    this.#pacer = new Pacer(probeBurst, probeWindow);
    this.#window = probeWindow;
    this.#siblings = new Siblings(pathKey);
  }

  step(event: ReapEvent, now: Millis, random: Uint8Array): ReapEffect[] {
    const turn: Turn = { now, draw: new Draw(random), effects: [] };
    if (event.kind === "poll") this.#poll(turn);
    else if (event.kind === "context") this.#context(event.context, event.fresh, turn);
    else {
      const entry = this.#entries.get(event.id);
      if (entry !== undefined) this.#take(entry, event, turn);
      else if (event.kind === "probe" || event.kind === "keepalive") turn.effects.push({ kind: "drop", why: "no-context-reap" });
    }
    return turn.effects;
  }

  get wakeAt(): Millis {
    const top = this.#heap.top;
    const probes = top === undefined || top.state === "Operational" ? this.#heap.wakeAt : Math.max(top.deadline, this.#pacer.readyAt);
    return Math.min(probes, this.#walks.pending ? this.#pacer.readyAt : NEVER, this.#siblings.wakeAt);
  }

  stateOf(id: number): ReapState | undefined {
    return this.#entries.get(id)?.state;
  }

  currentOf(id: number): ReapPair | undefined {
    return this.#entries.get(id)?.current;
  }

  paths(): Iterable<PathView> {
    return this.#siblings.views();
  }

  #take(entry: Entry, event: Exclude<ReapEvent, { kind: "poll" | "context" }>, turn: Turn): void {
    switch (event.kind) {
      case "removed":
        return this.#remove(entry, turn);
      case "send-timeout":
        if (entry.state === "Operational") {
          this.#siblings.suspect(entry, entry.current, turn.now);
          if (this.#siblings.isLed(entry, turn.now) && this.#wait(entry, turn)) return;
        }
        return this.#apply(entry, transition(entry.state, "send-timeout"), "send-timeout", turn);
      case "keepalive-due":
        return this.#keepaliveDue(entry, event.last, turn);
      case "payload-received":
      case "payload-sent":
        return this.#apply(entry, transition(entry.state, event.kind), event.kind, turn);
      case "keepalive":
        return this.#apply(entry, transition(entry.state, "keepalive-received"), "keepalive", turn);
      case "probe":
        return this.#probe(entry, event, turn);
      case "lost":
        return this.#lost(entry, event.pair, turn);
    }
  }

  #context(context: ReapContext, fresh: boolean, turn: Turn): void {
    const known = this.#entries.get(context.id);
    if (known === undefined) {
      if (this.#entries.size >= this.#capacity) {
        turn.effects.push({ kind: "drop", why: "full-reap" });
        return;
      }
      const entry = newEntry(context);
      this.#entries.set(context.id, entry);
      this.#siblings.join(entry);
    } else if (fresh) this.#restart(known, context, turn);
    else this.#amend(known, context, turn);
  }

  /** The context was established anew, after the peer lost it: Operational with both timers stopped. */
  #restart(entry: Entry, context: ReapContext, turn: Turn): void {
    if (entry.state !== "Operational") this.#enter(entry, "Operational", "established", turn);
    this.#heap.delete(entry);
    entry.trail = undefined;
    this.#adopt(entry, context, context.current, turn);
    this.#timers(entry, { send: "stop", keepalive: "stop" }, turn);
  }

  /** Locators or timing changed. A current pair that is no candidate any more, or whose peer end has become BROKEN, is lost. */
  #amend(entry: Entry, context: ReapContext, turn: Turn): void {
    const wasBroken = isBroken(entry.context, entry.current);
    this.#adopt(entry, context, entry.current, turn);
    const gone = !isCandidate(entry, entry.current);
    entry.search?.reorder(this.#order(entry, turn));
    if (gone || (!wasBroken && isBroken(context, entry.current))) this.#lost(entry, entry.current, turn);
  }

  #adopt(entry: Entry, context: ReapContext, current: LocatorPair, turn: Turn): void {
    this.#siblings.part(entry, turn.now);
    entry.context = context;
    entry.current = current;
    entry.ends = undefined;
    this.#siblings.join(entry);
  }

  #remove(entry: Entry, turn: Turn): void {
    this.#heap.delete(entry);
    this.#siblings.part(entry, turn.now);
    this.#entries.delete(entry.context.id);
  }

  #keepaliveDue(entry: Entry, last: boolean, turn: Turn): void {
    // The core knows no REAP states and may have started the timer outside Operational, where it must not run (§6).
    if (entry.state !== "Operational") this.#timers(entry, { keepalive: "stop" }, turn);
    this.#apply(entry, transition(entry.state, last ? "keepalive-timeout" : "keepalive-interval"), "keepalive", turn);
  }

  /** A hint, never proof (reap.md §9): explore early when it concerns the current pair, else only try the pair later. */
  #lost(entry: Entry, pair: LocatorPair, turn: Turn): void {
    this.#siblings.suspect(entry, pair, turn.now);
    entry.search?.demote(pair);
    if (entry.state === "Operational" && samePair(pair, entry.current)) {
      this.#begin(entry, undefined, turn);
      this.#apply(entry, transition("Operational", "lost"), "lost", turn);
    }
  }

  #probe(entry: Entry, event: EventOf<"probe">, turn: Turn): void {
    const { message } = event;
    const [first] = message.sent;
    if (first === undefined) {
      turn.effects.push({ kind: "drop", why: "empty-probe" });
      return;
    }
    const cell = transition(entry.state, PROBE_EVENT[message.state]);
    if (entry.state === "Operational" && cell.goto === "InboundOk") this.#begin(entry, undefined, turn);
    const trail = this.#trail(entry, turn);
    trail.hear(first);
    const fresh = trail.confirm(message.received);
    const arrival = { local: event.destination, peer: event.source };
    for (const path of this.#siblings.learn(entry, fresh, arrival, turn.now)) this.#tellAlive(entry, path, turn);
    this.#tellReachable(entry, fresh);
    if (cell.choose === true) this.#choose(entry, fresh, event, turn);
    // A current pair that is no candidate any more must not carry payload again: until another is proved the search goes on.
    const homeless = cell.goto === "Operational" && !isCandidate(entry, entry.current);
    const done = homeless ? transition(entry.state, "probe-exploring") : cell;
    const answer = done.probe === undefined ? undefined : answerPair(entry, trail, event);
    this.#apply(entry, done, PROBE_EVENT[message.state], turn, answer);
  }

  /** Carries out one cell. `answer` = the pair for its Probe, which then answers a message; without it the next pair in turn. */
  #apply(entry: Entry, cell: Cell, cause: string, turn: Turn, answer?: LocatorPair): void {
    const to = cell.goto ?? entry.state;
    const entered = to !== entry.state;
    if (entered) this.#enter(entry, to, cause, turn);
    this.#timers(entry, cell, turn);
    if (cell.sendKeepalive === true) this.#sendKeepalive(entry, turn);
    if (cell.probe === undefined) return;
    if (answer !== undefined) this.#sendProbe(entry, answer, turn);
    else if (!this.#pacer.take(turn.now)) {
      this.#heap.set(entry, turn.now);
      return;
    } else this.#sendNext(entry, turn);
    if (entered) this.#schedule(entry, turn);
  }

  #enter(entry: Entry, to: ReapState, cause: string, turn: Turn): void {
    const { id } = entry.context;
    const from = entry.state;
    if (from === "Operational" && entry.search === undefined) this.#begin(entry, entry.current, turn);
    entry.state = to;
    turn.effects.push({ kind: "state", id, state: to, cause });
    if (to === "Exploring") {
      entry.trail?.forgetReceived();
      turn.effects.push({ kind: "watch", id, on: true });
    } else if (from === "Exploring") turn.effects.push({ kind: "watch", id, on: false });
    if (to === "Operational") {
      entry.search = undefined;
      entry.box?.exploring.delete(entry);
      this.#heap.set(entry, turn.now + TRAIL_LINGER);
    } else {
      entry.box?.exploring.add(entry);
      // A sign of life is news: the schedule starts again, so that the peer learns soon what we heard. Sending both ways over
      // different pairs needs it: a peer that is heard only for one Send Timeout must get a report within that time.
      if (from === "Exploring") entry.search?.restart();
    }
  }

  /** Leaves Operational: the lists of the previous exploration are cleared before anything of this one is recorded. */
  #begin(entry: Entry, first: LocatorPair | undefined, turn: Turn): void {
    entry.trail = new Trail();
    entry.search = new Search(turn.now, this.#order(entry, turn), first !== undefined && isCandidate(entry, first) ? first : undefined);
  }

  #order(entry: Entry, turn: Turn): LocatorPair[] {
    const standing = (pair: LocatorPair): Standing => {
      if (isBroken(entry.context, pair)) return 2;
      return this.#siblings.isSuspect(entry, pair, turn.now) ? 1 : 0;
    };
    return explorationOrder(rankedPairs(entry.context, turn.draw.octets()), entry.current, standing);
  }

  #trail(entry: Entry, turn: Turn): Trail {
    entry.trail ??= new Trail();
    if (entry.state === "Operational" && entry.search === undefined) this.#heap.set(entry, turn.now + TRAIL_LINGER);
    return entry.trail;
  }

  #timers(entry: Entry, { send, keepalive }: Cell, turn: Turn): void {
    const { id } = entry.context;
    if (send !== undefined) turn.effects.push({ kind: "send-timer", id, action: send });
    if (keepalive !== undefined) turn.effects.push({ kind: "keepalive-timer", id, action: keepalive });
  }

  #sendKeepalive({ context, current }: Entry, turn: Turn): void {
    turn.effects.push({
      kind: "send",
      id: context.id,
      pair: current,
      message: { kind: "Keepalive", receiverTag: context.peerTag, options: [] },
    });
  }

  #sendProbe(entry: Entry, pair: LocatorPair, turn: Turn): void {
    const { context, state } = entry;
    const trail = this.#trail(entry, turn);
    const sent = trail.send(pair, turn.draw.u32(), turn.now);
    entry.search?.sent(pair);
    const message = { kind: "Probe", receiverTag: context.peerTag, state, sent, received: trail.received, options: [] } as const;
    turn.effects.push({ kind: "send", id: context.id, pair, message });
  }

  /** Probes the pair that a sibling has just proved, else the next one in turn. */
  #sendNext(entry: Entry, turn: Turn): void {
    const pair = this.#siblings.proved(entry, turn.now) ?? entry.search?.next();
    if (pair !== undefined) this.#sendProbe(entry, pair, turn);
  }

  #schedule(entry: Entry, turn: Turn): void {
    const { search, context } = entry;
    if (search !== undefined) this.#heap.set(entry, turn.now + turn.draw.around(search.gap(context.timing), JITTER));
  }

  #poll(turn: Turn): void {
    const { now } = turn;
    for (let top = this.#heap.top; top !== undefined && top.deadline <= now; top = this.#heap.top) {
      if (top.state === "Operational") {
        this.#heap.delete(top);
        top.trail = undefined;
      } else if (!this.#pacer.take(now)) break;
      else this.#retransmit(top, turn);
    }
    this.#walks.run(turn, () => this.#pacer.free(now));
    this.#siblings.expire(now);
  }

  /** §6.5; room for the probe was taken. */
  #retransmit(entry: Entry, turn: Turn): void {
    this.#timers(entry, transition(entry.state, "retransmit"), turn);
    this.#sendNext(entry, turn);
    this.#schedule(entry, turn);
  }

  /**
   * A sibling already looks for a way around the silent path: Exploring as the RFC has it, but the first probe waits for what the
   * sibling finds, so that a path's death costs one exploration, not one for each context. Only with the profile `fast`.
   * @returns `false` when the timing has no first round to wait for
   */
  #wait(entry: Entry, turn: Turn): boolean {
    const { firstRoundGap } = entry.context.timing;
    if (firstRoundGap === undefined) return false;
    const { probe: _, ...rest } = transition(entry.state, "send-timeout");
    this.#apply(entry, rest, "send-timeout", turn);
    const patience = WAIT_GAPS * firstRoundGap + 2 * (entry.path?.roundTrip ?? firstRoundGap);
    this.#heap.set(entry, turn.now + turn.draw.around(patience, JITTER));
    return true;
  }

  /** Siblings that explore try the proved path next, instead of waiting for their back-off. */
  #tellAlive(entry: Entry, path: Path<Entry>, turn: Turn): void {
    const { box } = entry;
    if (box === undefined) return;
    for (const lost of box.paths.values()) if (lost.left && lost !== path) this.#tellLost(lost, path, turn);
    if (turn.now - path.toldAliveAt < FRESH || box.exploring.size === 0) return;
    path.toldAliveAt = turn.now;
    this.#walks.begin(box.exploring, (sibling, later) => this.#pull(sibling, path, later));
  }

  /** Siblings that send on a path that is proved lost go where this context found a way. */
  #tellLost(lost: Path<Entry>, found: Path<Entry>, turn: Turn): void {
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
  #tellReachable(entry: Entry, fresh: readonly SentProbe[]): void {
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
  #check(doubted: Path<Entry>, turn: Turn): void {
    if (turn.now - doubted.checkedAt < LOST_AGAIN) return;
    for (const sibling of doubted.members) {
      if (sibling.state !== "Operational") continue;
      doubted.checkedAt = turn.now;
      this.#begin(sibling, sibling.current, turn);
      const proved = sibling.box?.proved;
      // The doubted pair itself is to be probed, before the one that is proved already.
      if (sibling.search !== undefined && proved !== undefined) sibling.search.hinted = { path: proved, at: turn.now };
      this.#apply(sibling, transition("Operational", "lost"), "path-doubted", turn);
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
    this.#timers(sibling, transition(state, "retransmit"), turn);
    this.#sendProbe(sibling, pair, turn);
    this.#schedule(sibling, turn);
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
    this.#begin(sibling, pair, turn);
    this.#apply(sibling, transition("Operational", "lost"), "path-lost", turn);
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
    this.#timers(entry, { send: "stop" }, turn);
    if (entry.state !== "Operational") this.#enter(entry, "Operational", "path-proved", turn);
  }

  /** §6.8 and reap.md §7: among the pairs that the peer reports the current one stays, else the best becomes it. */
  #choose(entry: Entry, fresh: readonly SentProbe[], { message }: EventOf<"probe">, turn: Turn): void {
    const { trail } = entry;
    if (fresh.length === 0 || trail === undefined) return;
    // All that this message reports, not only what is new: a late report of a second probe must not undo the choice of the first.
    const reported = trail.reported(message.received).filter(({ pair }) => isCandidate(entry, pair));
    const recent = reported.filter(({ at }) => reported[0].at - at <= STALE_REPORT).map(({ pair }) => pair);
    if (recent.length === 0 || recent.some((pair) => samePair(pair, entry.current))) return;
    const pair = recent.length === 1 ? recent[0] : bestOf(recent, rankedPairs(entry.context, turn.draw.octets()));
    const before = entry.path;
    // Only a current pair that was probed in vain is proved lost; the peer's complaint alone may concern the other direction.
    const inVain = trail.latest(entry.current)?.confirmed === false;
    if (inVain) this.#siblings.suspect(entry, entry.current, turn.now);
    this.#siblings.moveTo(entry, pair);
    turn.effects.push({ kind: "use-pair", id: entry.context.id, pair });
    if (inVain && before !== undefined && entry.path !== undefined && isLost(before) && !isLost(entry.path))
      this.#tellLost(before, entry.path, turn);
    else if (before !== undefined && before !== entry.path && !inVain) this.#check(before, turn);
  }
}
