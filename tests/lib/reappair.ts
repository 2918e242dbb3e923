/**
 * Two REAP machines over a virtual wire on virtual time. Payload generators and a model of the core's timers stand for the packet
 * path; everything random comes from one seed.
 */
import type { Reap, ReapContext, ReapEffect, ReapEvent, ReapTiming } from "../../runtime/reap/contract.ts";
import { REAP_RANDOM_OCTETS } from "../../runtime/reap/contract.ts";
import { createReap, type ReapOptions } from "../../runtime/reap/machine.ts";
import { type Address, address } from "../../runtime/value/address.ts";
import { type LocatorPair, samePair } from "../../runtime/value/pair.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import type { Millis } from "../../runtime/value/time.ts";
import type { Keepalive, Probe, ReapState } from "../../runtime/wire/message.ts";

export type Side = "A" | "B";

export interface PairOptions {
  readonly seed: number;
  readonly contexts?: number;
  /** Hosts on each side, to which the contexts belong in turn. Default: each context has hosts of its own. */
  readonly hosts?: number;
  /** First 48 bits of the locators of each side, e.g. "2001:db8:a1". */
  readonly a: readonly string[];
  readonly b: readonly string[];
  readonly timing: ReapTiming | { readonly A: ReapTiming; readonly B: ReapTiming };
  /** One way, milliseconds. */
  readonly delay: Millis;
  /** Whether payload waits while a context is not Operational, as the box has it. Default yes. */
  readonly hold?: boolean;
  /**
   * A core that knows no REAP state runs both timers in every state; one that does keeps to RFC 5534 §6. Default: it does not.
   */
  readonly exactCore?: boolean;
  /** Whether questions to locators are answered (`ask`). Default yes. */
  readonly questions?: boolean;
  /** `undefined` = each context has a peer of its own and shares nothing. */
  readonly peerBox?: string | undefined;
  readonly reap?: ReapOptions;
}

export interface Sent {
  readonly at: Millis;
  readonly from: Side;
  readonly id: number;
  readonly pair: LocatorPair;
  readonly message: Keepalive | Probe;
  readonly lost: boolean;
}

interface CoreContext {
  hold: boolean;
  watch: boolean;
  state: ReapState;
  pair: LocatorPair;
  sendSince: Millis | undefined;
  keepaliveSince: Millis | undefined;
  keepalives: number;
  /** Bumped at every timer change: an alarm of an older generation is stale. */
  generation: number;
  waiting: number;
}

interface Alarm {
  readonly at: Millis;
  readonly order: number;
  readonly run: () => void;
}

const OTHER: Readonly<Record<Side, Side>> = { A: "B", B: "A" };
const HELD_AT_MOST = 64;

export class ReapPairWorld {
  now: Millis = 0;
  readonly reap: Readonly<Record<Side, Reap>>;
  readonly sent: Sent[] = [];
  readonly asked: Omit<Sent, "message">[] = [];
  readonly states: { readonly at: Millis; readonly side: Side; readonly id: number; readonly state: ReapState; readonly cause: string }[] =
    [];
  readonly moves: { readonly at: Millis; readonly side: Side; readonly id: number; readonly pair: LocatorPair; readonly cause: string }[] =
    [];
  /** Paths that were browned out, or are no longer. */
  readonly qualities: { readonly at: Millis; readonly side: Side; readonly pair: LocatorPair; readonly brown: boolean }[] = [];
  /** Questions of scouts that were answered. */
  readonly worked: { readonly side: Side; readonly id: number; readonly pair: LocatorPair }[] = [];
  readonly arrived: { readonly at: Millis; readonly side: Side; readonly id: number }[] = [];
  /** What the network does with a packet: `true` = it is lost. */
  dead: (from: Side, pair: LocatorPair, now: Millis) => boolean = () => false;
  /** Milliseconds that a question and its answer take longer than others. */
  slow: (pair: LocatorPair, now: Millis) => Millis = () => 0;
  readonly options: PairOptions;
  readonly #cores: Readonly<Record<Side, Map<number, CoreContext>>> = { A: new Map(), B: new Map() };
  readonly #pollAt: Record<Side, Millis> = { A: Number.POSITIVE_INFINITY, B: Number.POSITIVE_INFINITY };
  readonly #polls: Record<Side, { at: Millis; count: number }> = { A: { at: -1, count: 0 }, B: { at: -1, count: 0 } };
  #alarms: Alarm[] = [];
  #order = 0;
  #stopped = false;
  #seed: number;

  constructor(options: PairOptions) {
    this.options = options;
    this.#seed = options.seed >>> 0;
    this.reap = { A: createReap(options.reap), B: createReap(options.reap) };
    for (let id = 0; id < (options.contexts ?? 1); id++) this.establish(id);
  }

  /** The locator number `which` of host `id` on `side`. */
  locator(side: Side, which: number, id = 0): Address {
    return address(
      `${(side === "A" ? this.options.a : this.options.b)[which]}::${((id % (this.options.hosts ?? Number.POSITIVE_INFINITY)) + 1).toString(16)}`,
    );
  }

  pair(side: Side, local: number, peer: number, id = 0): LocatorPair {
    return { local: this.locator(side, local, id), peer: this.locator(OTHER[side], peer, id) };
  }

  context(side: Side, id: number): ReapContext {
    const { timing, a, b, peerBox } = this.options;
    const [ours, theirs] = side === "A" ? [a, b] : [b, a];
    return {
      id,
      current: this.pair(side, 0, 0, id),
      localLocators: ours.map((_, i) => this.locator(side, i, id)),
      peerLocators: theirs.map((_, i) => ({ address: this.locator(OTHER[side], i, id), preference: { flags: 0 } })),
      peerTag: contextTag(id + 1),
      peerBox,
      timing: "sendTimeout" in timing ? timing : timing[side],
    };
  }

  establish(id: number): void {
    for (const side of ["A", "B"] as const) {
      const context = this.context(side, id);
      this.#cores[side].set(id, {
        hold: false,
        watch: false,
        state: "Operational",
        pair: context.current,
        sendSince: undefined,
        keepaliveSince: undefined,
        keepalives: 0,
        generation: 0,
        waiting: 0,
      });
      this.step(side, { kind: "context", context, fresh: true });
    }
  }

  remove(id: number): void {
    for (const side of ["A", "B"] as const) {
      this.#cores[side].delete(id);
      this.step(side, { kind: "removed", id });
    }
  }

  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) >>> 0;
    let x = this.#seed;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  octets(): Uint8Array {
    return Uint8Array.from({ length: REAP_RANDOM_OCTETS }, () => Math.floor(256 * this.random()));
  }

  at(when: Millis, run: () => void): void {
    this.#push({ at: Math.max(when, this.now), order: this.#order++, run });
  }

  /** Payload of context `id` out of `side`, one packet every `every` ms from `from` to `to`. */
  traffic(id: number, side: Side, every: Millis, from: Millis, to: Millis): void {
    if (from > to || this.#stopped) return;
    this.at(from, () => {
      this.payload(side, id);
      this.traffic(id, side, every, from + every, to);
    });
  }

  /** No more payload: what {@link traffic} still had in mind is dropped. */
  stop(): void {
    this.#stopped = true;
  }

  run(until: Millis): void {
    for (let first = this.#alarms[0]; first !== undefined && first.at <= until; first = this.#alarms[0]) {
      this.#pop();
      this.now = first.at;
      first.run();
    }
    this.now = until;
  }

  /** A host's packet comes to the box of `side`. */
  payload(side: Side, id: number): void {
    const core = this.#cores[side].get(id);
    if (core === undefined) return;
    if (core.hold) {
      core.waiting = Math.min(HELD_AT_MOST, core.waiting + 1);
      return;
    }
    this.#sendPayload(side, id, core);
  }

  waiting(side: Side, id: number): number {
    return this.#cores[side].get(id)?.waiting ?? 0;
  }

  corePair(side: Side, id: number): LocatorPair | undefined {
    return this.#cores[side].get(id)?.pair;
  }

  step(side: Side, event: ReapEvent): ReapEffect[] {
    const effects = this.reap[side].step(event, this.now, this.octets());
    for (const effect of effects) this.#apply(side, effect);
    this.#plan(side);
    return effects;
  }

  /** Delivers `message` to `side` as if it had arrived on the reverse of `pair`. */
  deliver(side: Side, id: number, pair: LocatorPair, message: Keepalive | Probe): void {
    if (message.kind === "Keepalive") this.step(side, { kind: "keepalive", id, message });
    else this.step(side, { kind: "probe", id, source: pair.local, destination: pair.peer, message });
  }

  /** Whether `pair` of `from` works now. */
  works(from: Side, pair: LocatorPair): boolean {
    return !this.dead(from, pair, this.now);
  }

  #plan(side: Side): void {
    const { wakeAt } = this.reap[side];
    if (wakeAt >= this.#pollAt[side]) return;
    this.#pollAt[side] = wakeAt;
    this.at(wakeAt, () => {
      if (this.#pollAt[side] !== wakeAt) return;
      this.#pollAt[side] = Number.POSITIVE_INFINITY;
      this.#countPoll(side);
      this.step(side, { kind: "poll" });
      this.#plan(side);
    });
  }

  /** A machine that is never content would make time stand still. */
  #countPoll(side: Side): void {
    const polls = this.#polls[side];
    polls.count = polls.at === this.now ? polls.count + 1 : 0;
    polls.at = this.now;
    if (polls.count > 1000) throw new Error(`seed ${this.options.seed}: ${side} wants to be polled again and again at ${this.now}`);
  }

  #apply(side: Side, effect: ReapEffect): void {
    if (effect.kind === "drop") return;
    if (effect.kind === "path-quality") {
      this.qualities.push({ at: this.now, side, pair: effect.pair, brown: effect.brown });
      return;
    }
    const core = this.#cores[side].get(effect.id);
    if (core === undefined) return;
    switch (effect.kind) {
      case "ask":
        return this.#ask(side, effect.id, effect.pair, effect.message.requestNonce);
      case "send":
        return this.#sendMessage(side, effect.id, effect.pair, effect.message);
      case "use-pair":
        core.pair = effect.pair;
        this.moves.push({ at: this.now, side, id: effect.id, pair: effect.pair, cause: effect.cause });
        return;
      case "path-works":
        this.worked.push({ side, id: effect.id, pair: effect.pair });
        return;
      case "state":
        core.state = effect.state;
        this.states.push({ at: this.now, side, id: effect.id, state: effect.state, cause: effect.cause });
        core.hold = (this.options.hold ?? true) && effect.state !== "Operational";
        if (!core.hold) this.at(this.now, () => this.#release(side, effect.id, core));
        return;
      case "send-timer":
        return this.#sendTimer(side, effect.id, core, effect.action);
      case "keepalive-timer":
        return this.#keepaliveTimer(side, effect.id, core, effect.action);
      case "watch":
        core.watch = effect.on;
        return;
    }
  }

  #release(side: Side, id: number, core: CoreContext): void {
    const count = core.waiting;
    core.waiting = 0;
    for (let i = 0; i < count; i++) this.payload(side, id);
  }

  #sendPayload(side: Side, id: number, core: CoreContext): void {
    if (!(this.options.exactCore ?? false) || core.state !== "Exploring") {
      this.#sendTimer(side, id, core, "start");
      this.#keepaliveTimer(side, id, core, "stop");
    }
    if (this.dead(side, core.pair, this.now)) return;
    this.at(this.now + this.options.delay, () => this.#receivePayload(OTHER[side], id));
  }

  #receivePayload(side: Side, id: number): void {
    const core = this.#cores[side].get(id);
    if (core === undefined) return;
    this.arrived.push({ at: this.now, side, id });
    if (core.watch) {
      core.watch = false;
      this.step(side, { kind: "payload-received", id });
      return;
    }
    this.#sendTimer(side, id, core, "stop");
    if (!(this.options.exactCore ?? false) || core.state === "Operational") this.#keepaliveTimer(side, id, core, "start");
  }

  #sendMessage(side: Side, id: number, pair: LocatorPair, message: Keepalive | Probe): void {
    const lost = this.dead(side, pair, this.now);
    this.sent.push({ at: this.now, from: side, id, pair, message, lost });
    if (!lost) this.at(this.now + this.options.delay, () => this.deliver(OTHER[side], id, pair, message));
  }

  /** The Acknowledgement comes back the way the question went. */
  #ask(side: Side, id: number, pair: LocatorPair, nonce: number): void {
    const lost = this.options.questions === false || this.dead(side, pair, this.now);
    this.asked.push({ at: this.now, from: side, id, pair, lost });
    if (lost) return;
    this.at(this.now + this.options.delay, () => {
      if (this.dead(OTHER[side], { local: pair.peer, peer: pair.local }, this.now)) return;
      const back = this.now + this.options.delay + this.slow(pair, this.now);
      this.at(back, () => this.step(side, { kind: "acknowledged", id, nonce }));
    });
  }

  #sendTimer(side: Side, id: number, core: CoreContext, action: "start" | "restart" | "stop"): void {
    if (action === "start" && core.sendSince !== undefined) return;
    if (action === "stop" && core.sendSince === undefined) return;
    core.sendSince = action === "stop" ? undefined : this.now;
    this.#rearm(side, id, core);
  }

  #keepaliveTimer(side: Side, id: number, core: CoreContext, action: "start" | "stop"): void {
    if ((action === "start") === (core.keepaliveSince !== undefined)) return;
    core.keepaliveSince = action === "start" ? this.now : undefined;
    core.keepalives = 0;
    this.#rearm(side, id, core);
  }

  #rearm(side: Side, id: number, core: CoreContext): void {
    const generation = ++core.generation;
    const { sendTimeout, keepaliveInterval, keepaliveTimeout } = this.context(side, id).timing;
    const alarm = (at: Millis, run: () => void): void =>
      this.at(at, () => {
        if (core.generation === generation && this.#cores[side].get(id) === core) run();
      });
    if (core.sendSince !== undefined) {
      alarm(core.sendSince + sendTimeout, () => {
        core.sendSince = undefined;
        this.#rearm(side, id, core);
        this.step(side, { kind: "send-timeout", id });
      });
    }
    if (core.keepaliveSince !== undefined) {
      const due = core.keepaliveSince + (core.keepalives + 1) * keepaliveInterval;
      const last = due >= core.keepaliveSince + keepaliveTimeout - 1e-6;
      alarm(due, () => {
        core.keepalives++;
        if (last) core.keepaliveSince = undefined;
        this.#rearm(side, id, core);
        this.step(side, { kind: "keepalive-due", id, last });
      });
    }
  }

  #push(alarm: Alarm): void {
    const alarms = this.#alarms;
    let at = alarms.length;
    alarms.push(alarm);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(alarm, alarms[parent])) break;
      alarms[at] = alarms[parent];
      at = parent;
    }
    alarms[at] = alarm;
  }

  #pop(): void {
    const alarms = this.#alarms;
    const last = alarms.pop();
    if (last === undefined || alarms.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= alarms.length) break;
      if (child + 1 < alarms.length && before(alarms[child + 1], alarms[child])) child++;
      if (!before(alarms[child], last)) break;
      alarms[at] = alarms[child];
      at = child;
    }
    alarms[at] = last;
  }
}

/** A `dead` rule: packets between these prefixes, in the named directions, get lost. */
export function cut(prefixA: string, prefixB: string, direction: "both" | Side = "both"): (from: Side, pair: LocatorPair) => boolean {
  return (from, pair) => {
    if (direction !== "both" && direction !== from) return false;
    const [a, b] = from === "A" ? [pair.local, pair.peer] : [pair.peer, pair.local];
    return a.startsWith(`${prefixA}:`) && b.startsWith(`${prefixB}:`);
  };
}

export function isProbe(sent: Sent): sent is Sent & { readonly message: Probe } {
  return sent.message.kind === "Probe";
}

export { samePair };

function before(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
