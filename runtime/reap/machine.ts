/**
 * REAP for all contexts of a box (RFC 5534 §6, reap.md): events become cells of {@link ./table.ts}, which {@link ./explorer.ts} carries
 * out, and {@link ./news.ts} tells contexts with the same peer box what their siblings found out. Heads up: read RFC 5534 §4 and §6 before you work here.
 */
import type { Locator } from "../value/address.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { ReapState } from "../wire/message.ts";
import { answerPair } from "./answer.ts";
import { Asks } from "./asks.ts";
import { Brownouts } from "./brownouts.ts";
import type { PathView, Reap, ReapContext, ReapEffect, ReapEvent, ReapPair } from "./contract.ts";
import { Draw } from "./draw.ts";
import { bestOf, type Entry, isBroken, isCandidate, newEntry, rankedPairs, shares } from "./entry.ts";
import { Explorer } from "./explorer.ts";
import { DeadlineHeap } from "./heap.ts";
import { isDrained, isOvertaken, Leaves } from "./leaves.ts";
import { News } from "./news.ts";
import { Pacer, PROBE_BURST, PROBE_WINDOW } from "./pace.ts";
import { isLost } from "./paths.ts";
import type { QualitySettings } from "./quality.ts";
import { Sampler } from "./sampler.ts";
import { Scouts } from "./scouts.ts";
import { Siblings } from "./siblings.ts";
import { type TableEvent, transition } from "./table.ts";
import type { SentProbe } from "./trail.ts";
import type { Turn } from "./turn.ts";

/** Sizes and pace of a machine; every one has a default that fits a box. */
export interface ReapOptions {
  /** Contexts at most; one more is refused (`drop-full-reap`). */
  readonly capacity?: number;
  /** Probes that the box starts by itself, at most so many in `probeWindow` milliseconds. */
  readonly probeBurst?: number;
  readonly probeWindow?: Millis;
  /** Whether paths are measured, and when they count as too bad; asked again and again. Absent, or `undefined` = they are not. */
  readonly quality?: () => QualitySettings | undefined;
  /** When a context last carried a packet: paths are measured for those that do. Absent = all do. */
  readonly lastUse?: (id: number) => Millis;
  /** Names the end of a path that a locator belongs to; the same name = the same fate. Default: its /48. */
  readonly pathKey?: (locator: Locator) => string;
}

const CAPACITY = 1_048_576;
/** Reports of probes older than the newest reported one by so much no longer speak for their pair. */
const STALE_REPORT: Millis = 2_000;

const PROBE_EVENT: Readonly<Record<ReapState, TableEvent>> = {
  Operational: "probe-operational",
  Exploring: "probe-exploring",
  InboundOk: "probe-inboundok",
};

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
  readonly #pacer: Pacer;
  readonly #explorer: Explorer;
  readonly #news: News;
  readonly #asks: Asks;
  readonly #leaves: Leaves;
  readonly #scouts: Scouts;
  readonly #sampler: Sampler;
  readonly #brownouts: Brownouts;
  readonly #capacity: number;

  constructor({ capacity = CAPACITY, probeBurst = PROBE_BURST, probeWindow = PROBE_WINDOW, pathKey, quality, lastUse }: ReapOptions) {
    this.#capacity = capacity;
    const pacer = new Pacer(probeBurst, probeWindow);
    const siblings = new Siblings(pathKey);
    const explorer = new Explorer({ siblings, heap: this.#heap, pacer });
    this.#pacer = pacer;
    this.#siblings = siblings;
    this.#explorer = explorer;
    this.#asks = new Asks(siblings);
    this.#leaves = new Leaves(siblings, (entry, pair, turn) => this.#probeTo(entry, pair, turn));
    this.#scouts = new Scouts(siblings);
    this.#news = new News({ explorer, siblings, heap: this.#heap, pacer, window: probeWindow });
    const settings = quality ?? (() => undefined);
    this.#brownouts = new Brownouts({ siblings, settings, leaves: (entry) => this.#leaves.stop(entry) });
    this.#sampler = new Sampler({
      siblings,
      settings,
      lastUse: (id, now) => lastUse?.(id) ?? now,
      changed: (path, box, turn) => this.#brownouts.changed(path, box, turn),
      revived: (entry, path, turn) => this.#news.tellAlive(entry, path, turn),
    });
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
    this.#settle(turn);
    return turn.effects;
  }

  /** Whoever has come to a locator that the peer drains, however that came about, leaves it: in the next step, when this one has been carried out. */
  #settle(turn: Turn): void {
    for (const effect of turn.effects) {
      if (effect.kind !== "use-pair" && !(effect.kind === "state" && effect.state === "Operational")) continue;
      const entry = this.#entries.get(effect.id);
      if (entry !== undefined && isDrained(entry.context, entry.current.peer)) this.#leaves.plan(entry, "peer", "peer", turn);
    }
  }

  get wakeAt(): Millis {
    const top = this.#heap.top;
    const probes = top === undefined || top.state === "Operational" ? this.#heap.wakeAt : Math.max(top.deadline, this.#pacer.readyAt);
    return Math.min(
      probes,
      this.#news.pending ? this.#pacer.readyAt : NEVER,
      this.#siblings.wakeAt,
      this.#asks.wakeAt,
      this.#leaves.wakeAt,
      this.#scouts.wakeAt,
      this.#sampler.wakeAt,
      this.#brownouts.wakeAt,
    );
  }

  stateOf(id: number): ReapState | undefined {
    return this.#entries.get(id)?.state;
  }

  currentOf(id: number): ReapPair | undefined {
    return this.#entries.get(id)?.current;
  }

  isAsking(id: number, nonce: number): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && [this.#asks, this.#leaves, this.#scouts, this.#sampler].some((each) => each.isOpen(entry, nonce));
  }

  paths(): Iterable<PathView> {
    return this.#siblings.views();
  }

  /** What the core or the peer says of a context. The core goes on with its timers for a context that rests. */
  #take(entry: Entry, event: Exclude<ReapEvent, { kind: "poll" | "context" }>, turn: Turn): void {
    if (entry.rests && event.kind !== "removed") return;
    switch (event.kind) {
      case "removed":
        return this.#remove(entry, turn);
      case "recovering":
        return this.#rest(entry, turn);
      case "send-timeout":
        return this.#sendTimeout(entry, turn);
      case "keepalive-due":
        return this.#keepaliveDue(entry, event.last, turn);
      case "payload-received":
      case "payload-sent":
        return this.#table(entry, event.kind, event.kind, turn);
      case "keepalive":
        return this.#table(entry, "keepalive-received", "keepalive", turn);
      case "probe":
        return this.#probe(entry, event, turn);
      case "lost":
        return this.#lost(entry, event.pair, turn);
      case "acknowledged":
        this.#asks.hear(entry, event.nonce, turn.now);
        this.#scouts.hear(entry, event.nonce, turn);
        this.#sampler.hear(entry, event.nonce, turn);
        return this.#leaves.hear(entry, event.nonce, turn);
      case "leave":
        return this.#leaves.begin(entry, event.end, event.cause, turn);
      case "scout":
        return this.#scouts.begin(entry, event.pair, turn);
    }
  }

  #sendTimeout(entry: Entry, turn: Turn): void {
    if (entry.state === "Operational") {
      if (this.#news.forgives(entry, turn)) return;
      this.#siblings.suspectSilent(entry, turn.now);
      if (this.#news.helps(entry, "send-timeout", turn)) return;
    }
    this.#table(entry, "send-timeout", "send-timeout", turn);
  }

  /**
   * Who waits for a sibling has no probe to send: what it hears of the peer, which is one of our boxes and has found its way, does
   * not make it ask for itself.
   */
  #table(entry: Entry, event: TableEvent, cause: string, turn: Turn): void {
    const cell = transition(entry.state, event);
    const { probe: _, ...silent } = cell;
    this.#explorer.apply(entry, entry.search?.waits === undefined ? cell : silent, cause, turn);
  }

  /** The context is set up anew, and its peer knows nothing of an exploration. */
  #rest(entry: Entry, turn: Turn): void {
    const led = entry.path?.leader === entry && entry.search !== undefined;
    this.#explorer.rest(entry, turn);
    if (led) this.#news.tellLostState(entry);
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
      this.#asks.join(entry, turn);
      this.#sampler.join(entry, turn);
      if (isDrained(context, entry.current.peer)) this.#leaves.begin(entry, "peer", "peer", turn);
    } else if (fresh) this.#restart(known, context, turn);
    else this.#amend(known, context, turn);
  }

  /** The context was established anew, after the peer lost it: Operational with both timers stopped. */
  #restart(entry: Entry, context: ReapContext, turn: Turn): void {
    if (entry.state !== "Operational") this.#explorer.enter(entry, "Operational", "established", turn);
    this.#heap.delete(entry);
    this.#leaves.stop(entry);
    this.#scouts.stop(entry);
    entry.trail = undefined;
    entry.rests = false;
    entry.left = undefined;
    this.#adopt(entry, context, context.current, turn);
    this.#explorer.timers(entry, { send: "stop", keepalive: "stop" }, turn);
    if (isDrained(context, entry.current.peer)) this.#leaves.begin(entry, "peer", "peer", turn);
  }

  /** Locators or timing changed. A current pair that is no candidate any more, or whose peer end has become BROKEN, is lost. */
  #amend(entry: Entry, context: ReapContext, turn: Turn): void {
    const wasBroken = isBroken(entry.context, entry.current);
    const overtaken = isOvertaken(entry.context, context, entry.current.peer);
    this.#adopt(entry, context, entry.current, turn);
    if (entry.rests) return;
    const gone = !isCandidate(entry, entry.current);
    entry.search?.reorder(this.#explorer.order(entry, turn));
    if ((gone || (!wasBroken && isBroken(context, entry.current))) && !this.#steppedAside(entry, turn))
      this.#lost(entry, entry.current, turn);
    // What is BROKEN may work all the same, when an operator says it: a context that came back to it leaves then.
    if (overtaken || isDrained(context, entry.current.peer)) this.#leaves.begin(entry, "peer", "peer", turn);
  }

  /**
   * An end of the current pair is gone, for certain: what is sent there is lost, so payload takes the best pair at once whose destination has answered
   * before, without a question. Where that one does not work either the Send Timeout tells, which is short towards our own kind; any other peer's
   * would be seconds, and its contexts explore. @returns whether it did
   */
  #steppedAside(entry: Entry, turn: Turn): boolean {
    const { context, current } = entry;
    if (entry.state !== "Operational" || !shares(entry)) return false;
    const pairs = rankedPairs(context, turn.draw.octets()).filter(
      (pair) => !samePair(pair, current) && !isBroken(context, pair) && this.#siblings.isReachable(entry, pair),
    );
    this.#siblings.suspect(entry, current, turn.now);
    const alive = pairs.filter((pair) => !this.#siblings.isSuspect(entry, pair, turn.now));
    const good = alive.filter((pair) => !this.#siblings.isBrown(entry, pair));
    const trusted = good.length > 0 ? good : alive;
    // With the other end as it is, if that one is not gone: it may be the better one for the peer.
    const pair = trusted.find(({ local, peer }) => local === current.local || peer === current.peer) ?? trusted[0];
    if (pair === undefined) return false;
    this.#leaves.stop(entry);
    this.#siblings.moveTo(entry, pair);
    turn.effects.push({ kind: "use-pair", id: context.id, from: current, pair, cause: "failure" });
    this.#explorer.timers(entry, { send: "stop" }, turn);
    return true;
  }

  /** Where questions are for our own kind only, a Probe asks, and payload waits for its answer. */
  #probeTo(entry: Entry, pair: LocatorPair, turn: Turn): void {
    this.#explorer.begin(entry, pair, turn);
    this.#explorer.apply(entry, transition("Operational", "lost"), "leave", turn);
  }

  #adopt(entry: Entry, context: ReapContext, current: LocatorPair, turn: Turn): void {
    this.#asks.part(entry);
    this.#siblings.part(entry, turn.now);
    entry.context = context;
    entry.current = current;
    entry.ends = undefined;
    this.#siblings.join(entry);
    this.#asks.join(entry, turn);
    this.#sampler.join(entry, turn);
  }

  #remove(entry: Entry, turn: Turn): void {
    this.#heap.delete(entry);
    this.#asks.part(entry);
    this.#leaves.stop(entry);
    this.#scouts.stop(entry);
    this.#siblings.part(entry, turn.now);
    this.#entries.delete(entry.context.id);
  }

  #keepaliveDue(entry: Entry, last: boolean, turn: Turn): void {
    // The core knows no REAP states and may have started the timer outside Operational, where it must not run (§6).
    if (entry.state !== "Operational") this.#explorer.timers(entry, { keepalive: "stop" }, turn);
    this.#explorer.apply(entry, transition(entry.state, last ? "keepalive-timeout" : "keepalive-interval"), "keepalive", turn);
  }

  /** A hint, never proof (reap.md §9): explore early when it concerns the current pair, else only try the pair later. */
  #lost(entry: Entry, pair: LocatorPair, turn: Turn): void {
    this.#siblings.suspect(entry, pair, turn.now);
    entry.search?.demote(pair);
    if (entry.state === "Operational" && samePair(pair, entry.current)) {
      if (this.#news.helps(entry, "lost", turn)) return;
      this.#explorer.begin(entry, undefined, turn);
      this.#explorer.apply(entry, transition("Operational", "lost"), "lost", turn);
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
    if (entry.state === "Operational" && cell.goto === "InboundOk") this.#explorer.begin(entry, undefined, turn);
    const trail = this.#explorer.trail(entry, turn);
    trail.hear(first);
    const fresh = trail.confirm(message.received);
    const arrival = { local: event.destination, peer: event.source };
    for (const path of this.#siblings.learn(entry, fresh, arrival, turn.now)) this.#news.tellAlive(entry, path, turn);
    this.#news.tellReachable(entry, fresh);
    const isAwaited = entry.path?.leader === entry && entry.path.waited > 0;
    if (cell.choose === true) this.#choose(entry, fresh, event, turn);
    // A current pair that is no candidate any more must not carry payload again: until another is proved the search goes on.
    const homeless = cell.goto === "Operational" && !isCandidate(entry, entry.current);
    const done = homeless ? transition(entry.state, "probe-exploring") : cell;
    const answer = done.probe === undefined ? undefined : answerPair(entry, trail, event);
    this.#explorer.apply(entry, done, PROBE_EVENT[message.state], turn, answer);
    if (isAwaited && entry.state === "Operational") this.#news.tellFound(entry);
  }

  #poll(turn: Turn): void {
    const { now } = turn;
    for (let top = this.#heap.top; top !== undefined && top.deadline <= now; top = this.#heap.top) {
      if (top.state === "Operational") {
        this.#heap.delete(top);
        top.trail = undefined;
      } else if (top.search?.waits !== undefined && this.#news.settles(top, turn)) continue;
      else if (!this.#pacer.take(now)) break;
      else this.#explorer.retransmit(top, turn);
    }
    this.#news.spread(turn);
    this.#asks.poll(turn);
    this.#leaves.poll(turn);
    this.#scouts.poll(turn);
    this.#sampler.poll(turn);
    this.#brownouts.poll(turn);
    this.#siblings.expire(now);
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
    if (inVain) {
      this.#siblings.suspect(entry, entry.current, turn.now);
      if (before !== undefined) before.deadAt = turn.now;
    }
    const from = entry.current;
    this.#siblings.moveTo(entry, pair);
    turn.effects.push({ kind: "use-pair", id: entry.context.id, from, pair, cause: "failure" });
    if (inVain && before !== undefined && entry.path !== undefined && isLost(before) && !isLost(entry.path))
      this.#news.tellLost(before, entry.path, turn);
    else if (before !== undefined && before !== entry.path && !inVain) this.#news.check(before, turn);
  }
}
