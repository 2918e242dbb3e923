/**
 * The one place that connects: what the core punts goes to the Shim6 and REAP machines, what they want done goes to the
 * core's table and to the wire. The box owns the one timer; the machines own no clock.
 *
 * A packet's way here: `punt` → hold or parse → `shim6.step` / `reap.step` → effects → table writes, packets, releases.
 */
import * as due from "../../core-as/layout/due.ts";
import * as verdict from "../../core-as/layout/verdict.ts";
import type { Core } from "../fast/contract.ts";
import type { Bindings } from "../locator/bindings.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import { REAP_RANDOM_OCTETS, type Reap, type ReapContext, type ReapEffect, type ReapEvent, type ReapTiming } from "../reap/contract.ts";
import type { ReapProfile } from "../reap/profile.ts";
import {
  type ContextState,
  type ContextView,
  type RemovalReason,
  type Shim6,
  type Shim6Effect,
  type Shim6Event,
  STEP_RANDOM_OCTETS,
  type UlidPair,
} from "../shim6/contract.ts";
import { Limiter, siteOf } from "../shim6/limiter.ts";
import { addressAt, type Locator } from "../value/address.ts";
import type { LocatorPair } from "../value/pair.ts";
import { Reject } from "../value/reject.ts";
import { type ContextTag, showTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import {
  emitPacket,
  emitUnreachable,
  errorFor,
  type Message,
  parseControlHeader,
  parseControlOptions,
  parsePayload,
  Refusal,
  removePayloadHeader,
} from "../wire/index.ts";
import { ICMP6_ADDRESS_UNREACHABLE } from "../wire/number.ts";
import { Agenda } from "./agenda.ts";
import { ControlCounters } from "./counters.ts";
import { Hold, type HoldLimits } from "./hold.ts";
import { type IcmpPass, isIcmpError } from "./icmp.ts";
import type { Identities } from "./identity.ts";
import { type BoxEvent, Journal } from "./journal.ts";
import { PathKeeper } from "./keeper.ts";
import { Steering } from "./steer.ts";

/** What the site wants of its contexts. */
export interface BoxSettings {
  readonly idleTimeout: Millis;
  readonly hold: HoldLimits;
  /** Octets of the largest packet that the lines carry. Fixed for the life of the box; absent = not known. */
  readonly mtu?: number | undefined;
  /** Whether paths to boxes of our kind are probed with large packets, if `mtu` is known; default true. */
  readonly probePaths?: boolean | undefined;
  /** Which ICMPv6 errors from the net hosts get to see; default `auto`. */
  readonly icmp?: IcmpPass | undefined;
  /** What peers are told of it, from the next handshake on. */
  readonly profile: ReapProfile;
  /** REAP's timing towards the peer of a context. */
  readonly timing: (context: ContextView) => ReapTiming;
}

/** Everything the box works with. */
export interface BoxParts {
  readonly core: Core;
  readonly shim6: Shim6;
  readonly reap: Reap;
  readonly identities: Identities;
  readonly bindings: Bindings;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Sends one IPv6 packet; copies it. */
  readonly send: (packet: Uint8Array) => boolean;
  /** Sends hosts' packets that waited through the core. */
  readonly release: (packets: readonly Uint8Array[], now: Millis) => void;
  /** A fault of our own came up in the timer: the box must be taken down in good order. */
  readonly failed: (error: Error) => void;
  /** Hears of every change of a context when it has been made; for simulations. */
  readonly heard?: ((event: BoxEvent) => void) | undefined;
}

/** States in which payload with our tag is delivered (RFC 5533 §7.16, §12.2). */
const TAKES_PAYLOAD: ReadonlySet<ContextState> = new Set(["I2-SENT", "ESTABLISHED", "I2BIS-SENT"]);

const PUNTS_AT_ONCE = 512;
const DUE_AT_ONCE = 4096;
/** While more packets wait than one turn takes, timers are this late at most. */
const WHEEL_PATIENCE: Millis = 50;
/** A context with a packet so lately is wanted again when it had to go (RFC 5533 §7.15). */
const RECENT_USE: Millis = 10_000;

/** One running box. Every method belongs to the control thread and returns without waiting. */
export class Box {
  readonly counters = new ControlCounters();
  readonly parts: BoxParts;
  readonly #waiting: Hold;
  readonly #exploring: Hold;
  readonly #paths: PathKeeper;
  /** Errors to the outside and to hosts: neither side uses up the other's. */
  readonly #errors = new Limiter();
  readonly #refusals = new Limiter();
  readonly #journal: Journal;
  readonly #agenda = new Agenda();
  readonly #steering: Steering;
  #settings: BoxSettings;
  /** When the core's timers were looked at last. */
  #turnedAt: Millis = -NEVER;

  constructor(settings: BoxSettings, parts: BoxParts) {
    this.#settings = settings;
    this.parts = parts;
    this.#journal = new Journal(parts.log, parts.heard);
    this.#steering = new Steering(parts);
    this.#waiting = new Hold(settings.hold, "keep-oldest");
    this.#exploring = new Hold(settings.hold, "keep-newest");
    this.#paths = new PathKeeper({
      ...parts,
      mtu: settings.mtu,
      probe: () => this.settings.probePaths ?? true,
      pass: () => this.settings.icmp ?? "auto",
      count: (name, by) => this.counters.count(name, by),
      transmit: (packet) => this.#transmit(packet),
      tellReap: (event, now) => this.#reap(event, now),
      tellShim6: (event, now) => this.#shim6(event, now),
    });
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
    this.#exploring.limits = settings.hold;
    if (!idleChanged) return;
    for (const context of shim6.contexts())
      if (context.peerTag !== undefined) core.update(context.id, { timing: this.#timing(context) }, clock.now());
    this.#plan();
  }

  /** The latest events, oldest first. */
  get events(): readonly BoxEvent[] {
    return this.#journal.events;
  }

  /** Packets and octets that wait now. */
  get held(): { readonly octets: number; readonly keys: number } {
    return { octets: this.#waiting.octets + this.#exploring.octets, keys: this.#waiting.keys + this.#exploring.keys };
  }

  /** What the core could not decide: the handler of the packet plane. `packet` is not kept. */
  punt(packet: Uint8Array, reason: number, context: number): void {
    this.#punt(packet, reason, context, this.parts.clock.now());
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
    if (shim6.wakeAt <= now) this.#shim6({ kind: "poll" }, now);
    if (reap.wakeAt <= now) this.#reap({ kind: "poll" }, now);
    this.#paths.poll(now);
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

  /** The site's locators or preferences are others now: contexts leave what is gone, peers are told (RFC 5533 §10). */
  identityChanged(): void {
    this.#shim6({ kind: "identity" }, this.parts.clock.now());
    this.#plan();
  }

  /** Sets `pair` up although no packet asks for it: a forked context (RFC 5533 §7.6), or one in advance. */
  need(pair: UlidPair): void {
    const now = this.parts.clock.now();
    this.#shim6({ kind: "need", pair, candidates: this.#steering.candidates(pair, now) }, now);
    this.#plan();
  }

  /** Takes a context away, as if it had been idle (§8.1 of RFC 5533). */
  discard(id: number): void {
    this.#shim6({ kind: "discard", id }, this.parts.clock.now());
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
        return this.#reap({ kind: "send-timeout", id }, now);
      case due.DUE_KEEPALIVE:
        return this.#reap({ kind: "keepalive-due", id, last: false }, now);
      case due.DUE_KEEPALIVE_LAST:
        return this.#reap({ kind: "keepalive-due", id, last: true }, now);
      case due.DUE_RECEIVED:
        return this.#reap({ kind: "payload-received", id }, now);
      case due.DUE_IDLE:
        return this.#shim6({ kind: "discard", id }, now);
    }
  }

  #plan(atOnce = false): void {
    const { clock, shim6, reap, core, failed } = this.parts;
    const now = clock.now();
    const at = atOnce ? now : Math.min(shim6.wakeAt, reap.wakeAt, core.wakeAt, this.#paths.wakeAt, this.#agenda.wakeAt(now));
    clock.wakeAt(at, () => {
      try {
        this.poll();
      } catch (error) {
        failed(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #punt(packet: Uint8Array, reason: number, context: number, now: Millis): void {
    switch (reason) {
      case verdict.PUNT_NO_CONTEXT:
        return this.#needContext(packet, now);
      case verdict.PUNT_HOLD:
        return this.#hold(packet, context, now);
      case verdict.PUNT_CONTROL:
        return this.#control(packet, now);
      case verdict.PUNT_NO_TAG:
        return this.#strayPayload(packet, now);
      case verdict.PUNT_ICMP6:
        return this.#paths.reports.fromNet(packet, now);
      case verdict.PUNT_BIG:
        return this.#paths.reports.tooBig(packet, context, now);
      case verdict.PUNT_ROUTER:
        if (!this.#paths.reports.fromRouter(packet, now)) this.counters.count("drop-router-icmp6");
        return;
      default:
        this.counters.count("drop-unexpected-punt");
    }
  }

  #hold(packet: Uint8Array, context: number, now: Millis): void {
    const { reap, release } = this.parts;
    // What the lane punted just before the exploration ended: nobody would let it go any more.
    if (reap.stateOf(context) === "Operational") return release([packet.slice()], now);
    this.counters.count("drop-hold-exploring", this.#exploring.push(String(context), packet));
  }

  #needContext(packet: Uint8Array, now: Millis): void {
    const { shim6, identities, bindings, release } = this.parts;
    const local = addressAt(packet, 8);
    const peer = addressAt(packet, 24);
    const pair: UlidPair = { local, peer, fork: 0 };
    const known = shim6.find(pair);
    if (known?.state === "ESTABLISHED" || known?.state === "I2BIS-SENT") return release([packet.slice()], now);
    if (known?.state === "E-FAILED" || known?.state === "NO-SUPPORT") return this.#refuse(packet, "drop-unreachable-peer", now);
    if (known === undefined) {
      if (identities.of(local) === undefined) {
        if (!this.#paths.reports.fromRouter(packet, now)) this.#refuse(packet, "drop-no-cga", now);
        return;
      }
      if (bindings.locatorsOf(peer, now).length === 0) return this.#refuse(packet, "drop-no-binding", now);
    }
    this.counters.count("drop-hold-full", this.#waiting.push(pairKey(pair), packet));
    // The clock is read again: what went before may have signed, and the machine measures round trips from this instant on.
    if (known === undefined) this.#shim6({ kind: "need", pair, candidates: this.#steering.candidates(pair, now) }, this.parts.clock.now());
  }

  #timing(context: ContextView): ReapTiming & { readonly idleTimeout: Millis } {
    return { ...this.#settings.timing(context), idleTimeout: this.#settings.idleTimeout };
  }

  #control(packet: Uint8Array, now: Millis): void {
    const header = parseControlHeader(packet);
    if (header instanceof Reject) return this.counters.count(`drop-${header.why}`);
    if (header instanceof Refusal) return this.#sendError(packet, header, now);
    const { source, destination, receiverTag } = header;
    // A tag that nobody has is answered with R1bis before anyone looks at the options (receive table, steps 8 and 10).
    if (receiverTag !== undefined && this.parts.shim6.findTag(receiverTag) === undefined)
      return this.#shim6({ kind: "stray-payload", source, destination, tag: receiverTag }, now);
    const parsed = parseControlOptions(header);
    if (parsed instanceof Reject) return this.counters.count(`drop-${parsed.why}`);
    if (parsed instanceof Refusal) return this.#sendError(packet, parsed, now);
    this.counters.count(`in-${parsed.message.kind}`);
    const answered = parsed.message.kind === "UpdateAck" && this.#paths.acknowledged(parsed.message, now);
    if (!answered) this.#shim6({ kind: "message", source, destination, message: parsed.message, packet }, now);
    const { kind } = parsed.message;
    if (receiverTag !== undefined && (kind === "UpdateRequest" || kind === "UpdateAck")) this.#heard(kind, receiverTag, now);
  }

  /**
   * A control message but Keepalive and Probe counts as payload for REAP (reap.md §1). Not so the acknowledgement: it came back the way the
   * request went, which says nothing about the pair that the peer sends on, and would hide the death of that pair for as long as requests
   * are acknowledged. Our own boxes do not count it as sent either; others do, and wait for a sign of life then.
   */
  #heard(kind: "UpdateRequest" | "UpdateAck", tag: ContextTag, now: Millis): void {
    const { core, shim6 } = this.parts;
    const context = shim6.findTag(tag);
    if (context?.state !== "ESTABLISHED") return;
    if (kind === "UpdateRequest") core.touch(context.id, "received", now);
    else if (context.peerCapabilities === undefined) core.keepaliveTimer(context.id, "start", now);
  }

  #sendError(packet: Uint8Array, refusal: Refusal, now: Millis): void {
    const peer = addressAt(packet, 8);
    if (!this.#errors.allow("error", siteOf(peer), now)) return this.counters.count("drop-error-limit");
    this.#send(addressAt(packet, 24), peer, errorFor(packet, refusal.code, refusal.pointer));
  }

  #strayPayload(packet: Uint8Array, now: Millis): void {
    const { shim6 } = this.parts;
    const payload = parsePayload(packet);
    if (payload instanceof Reject) return this.counters.count(`drop-${payload.why}`);
    // The peer's R2 got lost: it is established and sends, we still wait. Its packet is good (RFC 5533 §7.16).
    // Or the core's search gave up because this thread was held up in the middle of a change: then the context is there.
    const context = shim6.findTag(payload.tag);
    const isGood = context !== undefined && TAKES_PAYLOAD.has(context.state);
    const restored = isGood ? removePayloadHeader(packet, context.pair.peer, context.pair.local) : undefined;
    if (restored instanceof Uint8Array) this.#transmit(restored);
    if (context?.peerTag !== undefined) return;
    this.#shim6({ kind: "stray-payload", source: payload.source, destination: payload.destination, tag: payload.tag }, now);
  }

  /** Tells the host that its packet goes nowhere. The error comes from the address that the host wanted to reach: the box has none of its own. */
  #refuse(packet: Uint8Array, counter: string, now: Millis): void {
    this.counters.count(counter);
    if (isIcmpError(packet) || !this.#refusals.allow("error", addressAt(packet, 8), now)) return;
    this.#transmit(emitUnreachable(addressAt(packet, 24), addressAt(packet, 8), ICMP6_ADDRESS_UNREACHABLE, packet));
  }

  #send(source: Locator, destination: Locator, message: Message): void {
    this.counters.count(`out-${message.kind}`);
    this.#transmit(emitPacket(source, destination, message));
  }

  #transmit(packet: Uint8Array): void {
    if (!this.parts.send(packet)) this.counters.count("drop-send");
  }

  #shim6(event: Shim6Event, now: Millis): void {
    const { shim6, entropy } = this.parts;
    for (const effect of shim6.step(event, now, entropy.bytes(STEP_RANDOM_OCTETS))) this.#applyShim6(effect, now);
  }

  #applyShim6(effect: Shim6Effect, now: Millis): void {
    const { core } = this.parts;
    switch (effect.kind) {
      case "send":
        if (effect.id !== undefined) core.touch(effect.id, "sent", now);
        return this.#send(effect.source, effect.destination, effect.message);
      case "told":
        if (effect.outcome === "acknowledged") return this.counters.count("in-acknowledged-update");
        return this.#journal.tell("told", now, `context ${effect.id}: the peer refused our locators, Error code ${effect.code}`);
      case "established":
        return this.#established(effect.context, effect.cause, now);
      case "recovering":
        core.sendTimer(effect.id, "stop", now);
        core.keepaliveTimer(effect.id, "stop", now);
        return this.#journal.tell("recovering", now, `context ${effect.id}: the peer lost its state`);
      case "reap":
        if (effect.message.kind === "Keepalive") return this.#reap({ kind: "keepalive", id: effect.id, message: effect.message }, now);
        if (effect.message.kind === "Probe")
          return this.#reap(
            { kind: "probe", id: effect.id, source: effect.source, destination: effect.destination, message: effect.message },
            now,
          );
        return;
      case "failed": {
        const waiting = this.#waiting.take(pairKey(effect.pair));
        for (const packet of waiting) this.#refuse(packet, "drop-unreachable-peer", now);
        return this.#journal.tell(
          "failed",
          now,
          `${effect.pair.local} → ${effect.pair.peer}: ${effect.why}, ${waiting.length} packets refused`,
        );
      }
      case "removed":
        return this.#removed(effect.id, effect.pair, effect.why, now);
      case "drop":
        return this.counters.count(`drop-${effect.why}`);
    }
  }

  #removed(id: number, pair: UlidPair, why: RemovalReason, now: Millis): void {
    const { core } = this.parts;
    const inCore = core.findPair(pair.local, pair.peer, pair.fork) === id;
    const wantedAgain = why === "confused" && inCore && now - lastUse(core, id) <= RECENT_USE;
    this.#waiting.take(pairKey(pair));
    this.#exploring.take(String(id));
    if (inCore) core.remove(id);
    this.#paths.mtus.leave(id, now);
    this.#reap({ kind: "removed", id }, now);
    this.#journal.tell("removed", now, `context ${id} ${pair.local} → ${pair.peer}: ${why}`);
    if (wantedAgain) this.#shim6({ kind: "need", pair, candidates: this.#steering.candidates(pair, now) }, now);
  }

  #established(context: ContextView, cause: string, now: Millis): void {
    const { core, reap, release } = this.parts;
    if (context.peerTag === undefined) return;
    const { id, pair } = context;
    const timing = this.#timing(context);
    const fresh = cause !== "update";
    const current = fresh ? context.current : (reap.currentOf(id) ?? context.current);
    const record = {
      peerTag: context.peerTag,
      localLocator: current.local,
      peerLocator: current.peer,
      timing,
      mtu: this.#paths.enter(context, current, now),
    };
    if (core.findPair(pair.local, pair.peer, pair.fork) === id) core.update(id, record, now);
    else core.add(id, { localUlid: pair.local, peerUlid: pair.peer, fork: pair.fork, localTag: context.localTag, ...record }, now);
    this.#reap(
      { kind: "context", context: reapContext(context, context.peerTag, current, this.#steering.rankedLocals(context), timing), fresh },
      now,
    );
    this.#steering.learn(context, now);
    this.#journal.tell(
      "established",
      now,
      `context ${id} ${pair.local} → ${pair.peer} by ${cause}, tag ${showTag(context.localTag)}, ${current.local} → ${current.peer}`,
    );
    release(this.#waiting.take(pairKey(pair)), now);
  }

  #reap(event: ReapEvent, now: Millis): void {
    const { reap, entropy } = this.parts;
    for (const effect of reap.step(event, now, entropy.bytes(REAP_RANDOM_OCTETS))) this.#applyReap(effect, now);
  }

  #applyReap(effect: ReapEffect, now: Millis): void {
    const { core, release } = this.parts;
    switch (effect.kind) {
      case "send":
        return this.#send(effect.pair.local, effect.pair.peer, effect.message);
      case "use-pair":
        this.#usePair(effect.id, effect.pair, now);
        return this.#journal.tell("moved", now, `context ${effect.id}: ${effect.pair.local} → ${effect.pair.peer}`);
      case "state":
        core.hold(effect.id, effect.state !== "Operational");
        this.#journal.tell("state", now, `context ${effect.id}: ${effect.state} (${effect.cause})`);
        if (effect.state === "Operational") release(this.#exploring.take(String(effect.id)), now);
        return;
      case "send-timer":
        return core.sendTimer(effect.id, effect.action, now);
      case "keepalive-timer":
        return core.keepaliveTimer(effect.id, effect.action, now);
      case "watch":
        return core.watch(effect.id, effect.on);
      case "drop":
        return this.counters.count(`drop-${effect.why}`);
    }
  }

  /** The new path's MTU holds from its first packet on. */
  #usePair(id: number, { local, peer }: LocatorPair, now: Millis): void {
    const mtu = this.#paths.mtus.move(id, { local, peer }, now);
    this.parts.core.update(id, { localLocator: local, peerLocator: peer, mtu }, now);
  }
}

/** When context `id`, which is in the core, last carried a packet; long ago if never. */
export function lastUse(core: Core, id: number): Millis {
  const { lastSent, lastReceived } = core.counters(id);
  return Math.max(lastSent ?? -NEVER, lastReceived ?? -NEVER);
}

function pairKey(pair: UlidPair): string {
  return `${pair.local} ${pair.peer} ${pair.fork}`;
}

function reapContext(
  context: ContextView,
  peerTag: ContextTag,
  current: { local: Locator; peer: Locator },
  localLocators: readonly Locator[],
  timing: ReapTiming,
): ReapContext {
  return {
    id: context.id,
    current,
    localLocators,
    peerLocators: context.peerLocators.filter(({ verified }) => verified).map(({ address, preference }) => ({ address, preference })),
    peerTag,
    peerBox: context.peerBox,
    timing,
  };
}
