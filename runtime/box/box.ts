/**
 * The one place that connects: what the core punts goes to the Shim6 and REAP machines, what they want done goes to the
 * core's table and to the wire. The box owns the one timer; the machines own no clock.
 *
 * A packet's way here: `punt` → hold or parse → `shim6.step` / `reap.step` → effects → table writes, packets, releases.
 */
import * as due from "../../core-as/layout/due.ts";
import type { LocalIdentity, UlidPair } from "../shim6/contract.ts";
import type { LeaveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import { contains } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { Agenda } from "./agenda.ts";
import { Census } from "./census.ts";
import { Control } from "./control.ts";
import { ControlCounters } from "./counters.ts";
import type { Transport } from "./fork-policy.ts";
import { Intake } from "./intake.ts";
import { type BoxEvent, Journal } from "./journal.ts";
import { PathKeeper } from "./keeper.ts";
import { Machines } from "./machines.ts";
import { FAILBACK, Moves } from "./moves.ts";
import type { BoxParts, BoxSettings } from "./parts.ts";
import { Sender } from "./sender.ts";
import { Waiting } from "./waiting.ts";
import type { ContextWish } from "./wishes.ts";

const PUNTS_AT_ONCE = 512;
const DUE_AT_ONCE = 4096;
/** While more packets wait than one turn takes, timers are this late at most. */
const WHEEL_PATIENCE: Millis = 50;

/** One running box. Every method belongs to the control thread and returns without waiting. */
export class Box {
  readonly counters = new ControlCounters();
  /** Who carries what, by id. */
  readonly census: Census;
  readonly parts: BoxParts;
  readonly #waiting: Waiting;
  readonly #paths: PathKeeper;
  readonly #journal: Journal;
  readonly #agenda = new Agenda();
  /** Who follows what the site wants. */
  readonly moves: Moves;
  readonly #machines: Machines;
  readonly #control: Control;
  readonly #intake: Intake;
  #settings: BoxSettings;
  #full: ReadonlySet<string> = new Set();
  /** When the core's timers were looked at last. */
  #turnedAt: Millis = -NEVER;

  constructor(settings: BoxSettings, parts: BoxParts) {
    const { counters } = this;
    this.#settings = settings;
    this.parts = parts;
    this.#journal = new Journal(parts.log, parts.heard);
    const waiting = new Waiting(settings.hold);
    const sender = new Sender(counters, parts.send);
    const paths = new PathKeeper({
      ...parts,
      mtu: settings.mtu,
      probe: () => this.settings.probePaths ?? true,
      pass: () => this.settings.icmp ?? "auto",
      isRoutable: (address) => (this.settings.routable ?? []).some((prefix) => contains(prefix, address)),
      count: (name, by) => counters.count(name, by),
      transmit: (packet) => sender.transmit(packet),
      tellReap: (event, now) => this.#machines.reap(event, now),
      tellShim6: (event, now) => this.#machines.shim6(event, now),
    });
    const providers = () => this.settings.policy?.providers;
    this.census = new Census({
      shim6: parts.shim6,
      currentOf: (id) => parts.reap.currentOf(id),
      providers,
      providerOf: (locator) => providers()?.find(({ prefix }) => contains(prefix, locator))?.name,
    });
    const machines = new Machines({
      ...parts,
      census: this.census,
      wall: () => parts.clock.wall(),
      settings: () => this.settings,
      counters,
      journal: this.#journal,
      paths,
      sender,
      waiting,
      now: () => parts.clock.now(),
      whenIdle: (work) => this.#agenda.whenIdle(work),
      full: () => this.#full,
      moves: {
        moved: (...move) => this.moves.moved(...move),
        pathWorks: (...path) => this.moves.pathWorks(...path),
        outranked: (at) => this.moves.outranked(at),
      },
    });
    machines.forks.configure(parts.clock.now());
    const control = new Control({ ...parts, counters, machines, paths, sender });
    const { locate } = parts;
    this.#intake = new Intake({
      ...parts,
      // An answer comes outside of any turn of ours, and may set a context up.
      locate: locate && ((ulid, done) => locate(ulid, () => this.#afterwards(done))),
      counters,
      waiting,
      machines,
      control,
      reports: paths.reports,
      sender,
    });
    this.#control = control;
    this.#waiting = waiting;
    this.#paths = paths;
    this.#machines = machines;
    const now = (): Millis => parts.clock.now();
    this.moves = new Moves({
      ...parts,
      steering: machines.steering,
      counters,
      journal: this.#journal,
      now,
      wall: () => parts.clock.wall(),
      at: (at, run) => this.at(at, run),
      leave: (id, end, cause) => machines.leave(id, end, cause, now()),
      scout: (id, pair) => machines.reap({ kind: "scout", id, pair }, now()),
      told: () => this.identityChanged(true),
      failback: () => this.settings.failback ?? FAILBACK,
      full: () => this.#full,
    });
  }

  /** Contexts that begin avoid providers with these prefixes, as text, from now on: they have as much to carry as they are meant to. Live ones stay. */
  setFull(full: ReadonlySet<string>): void {
    this.#full = full;
    this.moves.refresh();
  }

  /** What the peer of `pair` is told of our end's locators. */
  told(pair: UlidPair): LocalIdentity | undefined {
    return this.#machines.steering.told(pair, this.parts.clock.now());
  }

  get settings(): BoxSettings {
    return this.#settings;
  }

  /** What the site wants from now on; contexts that there are keep their timing but for the idle time. */
  configure(settings: BoxSettings): void {
    const { core, shim6, clock } = this.parts;
    const idleChanged = settings.idleTimeout !== this.#settings.idleTimeout;
    this.#settings = settings;
    this.#waiting.limits = settings.hold;
    this.#machines.forks.configure(clock.now());
    if (!idleChanged) return this.#plan();
    for (const context of shim6.contexts())
      if (context.peerTag !== undefined) core.update(context.id, { timing: this.#machines.timing(context) }, clock.now());
    this.#plan();
  }

  /** The latest events, oldest first. */
  get events(): readonly BoxEvent[] {
    return this.#journal.events;
  }

  /** Packets and octets that wait now. */
  get held(): { readonly octets: number; readonly keys: number } {
    return { octets: this.#waiting.octets, keys: this.#waiting.keys };
  }

  /** What the path of `pair` is taken to carry, octets on the wire; `undefined` = not known. */
  pathMtu(pair: LocatorPair): number | undefined {
    return this.#settings.mtu === undefined ? undefined : this.#paths.mtus.mtuOn(pair);
  }

  /** Pairs that a context for `pair` would be tried on now, best first; nothing is set up. */
  candidates(pair: UlidPair): readonly LocatorPair[] {
    return this.#machines.candidates(pair, this.parts.clock.now());
  }

  /** Somebody wishes this of context `id`, which is established. @returns `false` when there are too many wishes */
  wish(id: number, wish: ContextWish): boolean {
    const done = this.#machines.wish(id, wish, this.parts.clock.now());
    this.#plan();
    return done;
  }

  /** What is wished for the locators of `pair`. */
  wishOf(pair: UlidPair): ContextWish {
    return this.#machines.wishes.of(pair);
  }

  /** How often each rule of traffic engineering decided, by its name. */
  get decided(): ReadonlyMap<string, number> {
    return this.#machines.decided;
  }

  /** What the core could not decide: the handler of the packet plane. `packet` is not kept. */
  punt(packet: Uint8Array, reason: number, context: number): void {
    this.#intake.punt(packet, reason, context, this.parts.clock.now());
  }

  /** A control message that waited, taken up again. */
  resume(packet: Uint8Array): void {
    this.#afterwards(() => this.#control.message(packet, this.parts.clock.now()));
  }

  /** After punts, and when a lane armed a timer: turns the wheel and plans the next wake-up. */
  activity(): void {
    const before = this.#drain();
    const now = this.parts.clock.now();
    // What has arrived comes before who waited in vain: a Keepalive that still lies in the ring must not look like silence. But
    // a flood must not stop the timers.
    if (before < PUNTS_AT_ONCE || now - this.#turnedAt > WHEEL_PATIENCE) this.#turnWheel(now);
    // Released packets may have been punted again, into the ring of the control thread's own lane, which rings no bell.
    this.#plan(this.#drain() === PUNTS_AT_ONCE || before === PUNTS_AT_ONCE);
  }

  #drain(): number {
    return this.parts.core.drainPunts(PUNTS_AT_ONCE, (packet, reason, context) => this.punt(packet, reason, context));
  }

  /** The one timer came: polls whoever is due. */
  poll(): void {
    const { shim6, reap, clock } = this.parts;
    const now = clock.now();
    if (shim6.wakeAt <= now) this.#machines.shim6({ kind: "poll" }, now);
    if (reap.wakeAt <= now) this.#machines.reap({ kind: "poll" }, now);
    this.#paths.poll(now);
    this.#machines.forks.poll(now);
    this.#agenda.poll(now);
    this.activity();
  }

  /** Work that can wait, and comes in slices of a few milliseconds at most. */
  whenIdle(work: Iterator<unknown>): void {
    this.#agenda.whenIdle(work);
    this.#plan();
  }

  /** Calls `run` once, not before `at`. */
  at(at: Millis, run: () => void): void {
    this.#agenda.at(at, run);
    this.#plan();
  }

  /** The site's locators or preferences are others now: contexts leave what is gone, peers are told (RFC 5533 §10). `gently`: nothing is gone, there is time. */
  identityChanged(gently = false): void {
    this.moves.refresh(true);
    this.#machines.shim6({ kind: "identity", gently }, this.parts.clock.now());
    this.#plan();
  }

  /** Sets `pair` up although no packet asks for it: a forked context (RFC 5533 §7.6), or one in advance. */
  need(pair: UlidPair): void {
    this.#machines.need(pair, this.parts.clock.now());
    this.#plan();
  }

  /** Context `id` is to leave its local locator for one that ranks better, once that one has proved itself. */
  leave(id: number, cause: LeaveCause = "operator"): void {
    this.#machines.leave(id, "local", cause, this.parts.clock.now());
    this.#plan();
  }

  /** Takes a context away, as if it had been idle (§8.1 of RFC 5533). */
  discard(id: number): void {
    this.#machines.discard(id, this.parts.clock.now());
    this.#plan();
  }

  /** The rule whose flows the fork `pair` carries for us; `undefined` for a default context, and for a fork by rules of the peer's alone. */
  ruleOf(pair: UlidPair): string | undefined {
    return this.#machines.ruleOf(pair, this.parts.clock.now())?.name;
  }

  /** The context that `flow` between the ends of `pair`, a default context, goes on now: a fork, or that one. */
  carrierOf(pair: UlidPair, flow: Transport): UlidPair {
    return this.#machines.forks.carrierOf(pair, flow, this.parts.clock.now());
  }

  /** When context `id`, which is in the core, last carried a packet; a default context also when a fork of it did. */
  lastUse(id: number): Millis {
    return this.#machines.lastUse(id);
  }

  #afterwards(run: () => void): void {
    run();
    this.#plan();
  }

  #turnWheel(now: Millis): void {
    this.#turnedAt = now;
    const { core } = this.parts;
    const expired: [number, number][] = [];
    core.advance(now, DUE_AT_ONCE, (id, kind) => expired.push([id, kind]));
    for (const [id, kind] of expired) this.#due(id, kind, now);
  }

  #due(id: number, kind: number, now: Millis): void {
    switch (kind) {
      case due.DUE_SEND_TIMEOUT:
        return this.#machines.reap({ kind: "send-timeout", id }, now);
      case due.DUE_KEEPALIVE:
        return this.#machines.reap({ kind: "keepalive-due", id, last: false }, now);
      case due.DUE_KEEPALIVE_LAST:
        return this.#machines.reap({ kind: "keepalive-due", id, last: true }, now);
      case due.DUE_RECEIVED:
        return this.#machines.reap({ kind: "payload-received", id }, now);
      case due.DUE_IDLE:
        return this.#machines.idle(id, now);
    }
  }

  #plan(atOnce = false): void {
    const { clock, shim6, reap, core, failed } = this.parts;
    const now = clock.now();
    const own = Math.min(this.#paths.wakeAt, this.#machines.forks.wakeAt, this.#agenda.wakeAt(now));
    const at = atOnce ? now : Math.min(shim6.wakeAt, reap.wakeAt, core.wakeAt, own);
    clock.wakeAt(at, () => {
      try {
        this.poll();
      } catch (error) {
        failed(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}
