/**
 * What one context does: cells of {@link ./table.ts} carried out, probes sent and scheduled. It knows of its siblings only what they
 * have proved; what they are told is {@link ./news.ts}.
 */
import type { LocatorPair } from "../value/pair.ts";
import type { Millis } from "../value/time.ts";
import type { ReapState } from "../wire/message.ts";
import { type Entry, isBroken, isCandidate, rankedPairs } from "./entry.ts";
import type { DeadlineHeap } from "./heap.ts";
import type { Pacer } from "./pace.ts";
import { explorationOrder, Search, type Standing } from "./search.ts";
import type { Siblings } from "./siblings.ts";
import { type Cell, transition } from "./table.ts";
import { Trail } from "./trail.ts";
import type { Turn } from "./turn.ts";

/** Probe gaps vary by ±20 % so that contexts that failed together drift apart (RFC 5534 §4.1: timeouts SHOULD be randomised). */
export const JITTER = 0.2;
/** What was sent and heard is remembered after the exploration, for late probes of the peer. */
const TRAIL_LINGER: Millis = 10_000;

/** What all contexts of a machine explore with. */
export interface ExplorerParts {
  readonly siblings: Siblings;
  /** Exploring and InboundOk: the next probe of the schedule. Operational: when the trail is forgotten. */
  readonly heap: DeadlineHeap<Entry>;
  readonly pacer: Pacer;
}

/** Carries out the table for one context at a time. */
export class Explorer {
  readonly #siblings: Siblings;
  readonly #heap: DeadlineHeap<Entry>;
  readonly #pacer: Pacer;

  constructor({ siblings, heap, pacer }: ExplorerParts) {
    this.#siblings = siblings;
    this.#heap = heap;
    this.#pacer = pacer;
  }

  /** Carries out one cell. `answer` = the pair for its Probe, which then answers a message; without it the next pair in turn. */
  apply(entry: Entry, cell: Cell, cause: string, turn: Turn, answer?: LocatorPair): void {
    const to = cell.goto ?? entry.state;
    const entered = to !== entry.state;
    if (entered) this.enter(entry, to, cause, turn);
    this.timers(entry, cell, turn);
    if (cell.sendKeepalive === true) this.#sendKeepalive(entry, turn);
    if (cell.probe === undefined) return;
    if (answer !== undefined) this.sendProbe(entry, answer, turn);
    else if (!this.#pacer.take(turn.now)) {
      this.#heap.set(entry, turn.now);
      return;
    } else this.#sendNext(entry, turn);
    if (entered) this.schedule(entry, turn);
  }

  /** Takes the context to another state. */
  enter(entry: Entry, to: ReapState, cause: string, turn: Turn): void {
    const { id } = entry.context;
    const from = entry.state;
    if (from === "Operational" && entry.search === undefined) this.begin(entry, entry.current, turn);
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
  begin(entry: Entry, first: LocatorPair | undefined, turn: Turn): void {
    entry.trail = new Trail();
    entry.search = new Search(turn.now, this.order(entry, turn), first !== undefined && isCandidate(entry, first) ? first : undefined);
  }

  /** Pairs of the context, in the order to try them now. */
  order(entry: Entry, turn: Turn): LocatorPair[] {
    const standing = (pair: LocatorPair): Standing => {
      if (isBroken(entry.context, pair)) return 2;
      return this.#siblings.isSuspect(entry, pair, turn.now) || this.#siblings.isBrown(entry, pair) ? 1 : 0;
    };
    return explorationOrder(rankedPairs(entry.context, turn.draw.octets()), entry.current, standing);
  }

  /** The context's trail, begun if there is none. */
  trail(entry: Entry, turn: Turn): Trail {
    entry.trail ??= new Trail();
    if (entry.state === "Operational" && entry.search === undefined) this.#heap.set(entry, turn.now + TRAIL_LINGER);
    return entry.trail;
  }

  /** What a cell says of the timers. */
  timers(entry: Entry, { send, keepalive }: Cell, turn: Turn): void {
    const { id } = entry.context;
    if (send !== undefined) turn.effects.push({ kind: "send-timer", id, action: send });
    if (keepalive !== undefined) turn.effects.push({ kind: "keepalive-timer", id, action: keepalive });
  }

  /** A Probe on `pair` that names the context's state. */
  sendProbe(entry: Entry, pair: LocatorPair, turn: Turn): void {
    const { context, state } = entry;
    const trail = this.trail(entry, turn);
    const sent = trail.send(pair, turn.draw.u32(), turn.now);
    if (entry.search !== undefined) {
      entry.search.sent(pair);
      entry.search.waits = undefined;
      this.#siblings.lead(entry, turn.now);
    }
    const message = { kind: "Probe", receiverTag: context.peerTag, state, sent, received: trail.received, options: [] } as const;
    turn.effects.push({ kind: "send", id: context.id, pair, message });
  }

  /** Probes the pair that a sibling has just proved, else the next one in turn. */
  #sendNext(entry: Entry, turn: Turn): void {
    const pair = this.#siblings.proved(entry, turn.now) ?? entry.search?.next();
    if (pair !== undefined) this.sendProbe(entry, pair, turn);
  }

  /** §6.5; room for the probe was taken. */
  retransmit(entry: Entry, turn: Turn): void {
    this.timers(entry, transition(entry.state, "retransmit"), turn);
    this.#sendNext(entry, turn);
    this.schedule(entry, turn);
  }

  /** A probe of the schedule has left: when the next one does. */
  schedule(entry: Entry, turn: Turn): void {
    const { search, context } = entry;
    if (search !== undefined) this.#heap.set(entry, turn.now + turn.draw.around(search.gap(context.timing), JITTER));
  }

  /** Nothing is done for the context any more, until it is established anew. */
  rest(entry: Entry, turn: Turn): void {
    entry.rests = true;
    entry.search = undefined;
    entry.trail = undefined;
    entry.box?.exploring.delete(entry);
    this.#heap.delete(entry);
    this.timers(entry, transition(entry.state, "recovering"), turn);
  }

  #sendKeepalive({ context, current }: Entry, turn: Turn): void {
    turn.effects.push({
      kind: "send",
      id: context.id,
      pair: current,
      message: { kind: "Keepalive", receiverTag: context.peerTag, options: [] },
    });
  }
}
