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
import { RANK_RANDOM_OCTETS, rankPairs } from "../locator/rank.ts";
import type { Clock } from "../port/clock.ts";
import type { Entropy } from "../port/entropy.ts";
import type { Log } from "../port/log.ts";
import { REAP_RANDOM_OCTETS, type Reap, type ReapContext, type ReapEffect, type ReapEvent, type ReapTiming } from "../reap/contract.ts";
import { type ContextView, type Shim6, type Shim6Effect, type Shim6Event, STEP_RANDOM_OCTETS, type UlidPair } from "../shim6/contract.ts";
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
  parseIcmpError,
  parsePayload,
  Refusal,
  removePayloadHeader,
} from "../wire/index.ts";
import { ICMP6_ADDRESS_UNREACHABLE, ICMP6_PARAMETER_PROBLEM, ICMP6_UNRECOGNISED_NEXT_HEADER, PROTOCOL_ICMPV6 } from "../wire/number.ts";
import { ControlCounters } from "./counters.ts";
import { Hold, type HoldLimits } from "./hold.ts";
import type { Identities } from "./identity.ts";
import { Limiter } from "./limiter.ts";

/** What the site wants of its contexts. */
export interface BoxSettings {
  readonly idleTimeout: Millis;
  readonly hold: HoldLimits;
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
}

/** Something worth telling an operator, for the log and for `show`. */
export interface BoxEvent {
  readonly at: Millis;
  readonly kind: "established" | "recovering" | "removed" | "failed" | "state" | "moved";
  readonly text: string;
}

const PUNTS_AT_ONCE = 512;
const DUE_AT_ONCE = 4096;
const EVENTS_KEPT = 256;
/** Between slices of work that can wait, so that packets come first. */
const CHORE_GAP: Millis = 2;
/** ICMPv6 errors and Shim6 Errors that the box itself originates (RFC 4443 §2.4 f). */
const ERRORS_PER_SECOND = 100;
const ERRORS_AT_ONCE = 20;

/** One running box. Every method belongs to the control thread and returns without waiting. */
export class Box {
  readonly counters = new ControlCounters();
  readonly settings: BoxSettings;
  readonly parts: BoxParts;
  readonly #waiting: Hold;
  readonly #exploring: Hold;
  readonly #errors = new Limiter(ERRORS_PER_SECOND, ERRORS_AT_ONCE);
  readonly #events: BoxEvent[] = [];
  readonly #chores: Iterator<unknown>[] = [];

  constructor(settings: BoxSettings, parts: BoxParts) {
    this.settings = settings;
    this.parts = parts;
    this.#waiting = new Hold(settings.hold, "keep-oldest");
    this.#exploring = new Hold(settings.hold, "keep-newest");
  }

  /** The latest events, oldest first. */
  get events(): readonly BoxEvent[] {
    return this.#events;
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
    this.#turnWheel(this.parts.clock.now());
    // Released packets may have been punted again, into the ring of the control thread's own lane, which rings no bell.
    const taken = this.parts.core.drainPunts(PUNTS_AT_ONCE, (packet, reason, context) => this.punt(packet, reason, context));
    this.#plan(taken === PUNTS_AT_ONCE);
  }

  /** The one timer came: polls whoever is due. */
  poll(): void {
    const { shim6, reap, clock } = this.parts;
    const now = clock.now();
    if (shim6.wakeAt <= now) this.#shim6({ kind: "poll" }, now);
    if (reap.wakeAt <= now) this.#reap({ kind: "poll" }, now);
    if (this.#chores[0]?.next().done) this.#chores.shift();
    this.activity();
  }

  /** Work that can wait, and comes in slices of a few milliseconds at most. */
  whenIdle(work: Iterator<unknown>): void {
    this.#chores.push(work);
    this.#plan();
  }

  /** Takes a context away, as if it had been idle (§8.1 of RFC 5533). */
  discard(id: number): void {
    this.#shim6({ kind: "discard", id }, this.parts.clock.now());
    this.#plan();
  }

  #turnWheel(now: Millis): void {
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
    const chore = this.#chores.length > 0 ? clock.now() + CHORE_GAP : NEVER;
    const at = atOnce ? clock.now() : Math.min(shim6.wakeAt, reap.wakeAt, core.wakeAt, chore);
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
        return this.counters.count("drop-hold-exploring", this.#exploring.push(String(context), packet));
      case verdict.PUNT_CONTROL:
        return this.#control(packet, now);
      case verdict.PUNT_NO_TAG:
        return this.#strayPayload(packet, now);
      case verdict.PUNT_ICMP6:
        return this.#icmp6(packet, now);
      default:
        this.counters.count("drop-unexpected-punt");
    }
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
      if (identities.of(local) === undefined) return this.#refuse(packet, "drop-no-cga", now);
      if (bindings.locatorsOf(peer, now).length === 0) return this.#refuse(packet, "drop-no-binding", now);
    }
    this.counters.count("drop-hold-full", this.#waiting.push(pairKey(pair), packet));
    // The clock is read again: what went before may have signed, and the machine measures round trips from this instant on.
    if (known === undefined) this.#shim6({ kind: "need", pair, candidates: this.#candidates(pair, now) }, this.parts.clock.now());
  }

  #candidates(pair: UlidPair, now: Millis): LocatorPair[] {
    const { identities, bindings, entropy } = this.parts;
    const identity = identities.of(pair.local);
    if (identity === undefined) return [];
    const locals = identity.list.locators.map(({ address }, i) => ({
      address,
      priority: identity.preferences[i].priority ?? 0,
      weight: identity.preferences[i].weight ?? 0,
      usable: true,
    }));
    return rankPairs(locals, bindings.locatorsOf(pair.peer, now), entropy.bytes(RANK_RANDOM_OCTETS));
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
    this.#shim6({ kind: "message", source, destination, message: parsed.message, packet }, now);
  }

  #sendError(packet: Uint8Array, refusal: Refusal, now: Millis): void {
    if (!this.#errors.allow(now)) return this.counters.count("drop-error-limit");
    this.#send(addressAt(packet, 24), addressAt(packet, 8), errorFor(packet, refusal.code, refusal.pointer));
  }

  #strayPayload(packet: Uint8Array, now: Millis): void {
    const { shim6 } = this.parts;
    const payload = parsePayload(packet);
    if (payload instanceof Reject) return this.counters.count(`drop-${payload.why}`);
    // The peer's R2 got lost: it is established and sends, we still wait. Its packet is good (RFC 5533 §7.16).
    const context = shim6.findTag(payload.tag);
    const restored = context?.state === "I2-SENT" ? removePayloadHeader(packet, context.pair.peer, context.pair.local) : undefined;
    if (restored instanceof Uint8Array) this.#transmit(restored);
    this.#shim6({ kind: "stray-payload", source: payload.source, destination: payload.destination, tag: payload.tag }, now);
  }

  /** ICMPv6 that came to a locator. Only one kind says something to us so far: "I know no Shim6", about an I1 of ours (§7.8). */
  #icmp6(packet: Uint8Array, now: Millis): void {
    const error = parseIcmpError(packet);
    if (error instanceof Reject) return this.counters.count(`drop-${error.why}`);
    const { type, code, quoted } = error;
    const unknownHeader = type === ICMP6_PARAMETER_PROBLEM && code === ICMP6_UNRECOGNISED_NEXT_HEADER;
    if (!unknownHeader || quoted?.kind !== "control" || quoted.message !== "I1" || quoted.tag === undefined)
      return this.counters.count("drop-locator-icmp6");
    this.#shim6({ kind: "unsupported", localTag: quoted.tag, source: quoted.source, destination: quoted.destination }, now);
  }

  /** Tells the host that its packet goes nowhere. The error comes from the address that the host wanted to reach: the box has none of its own. */
  #refuse(packet: Uint8Array, counter: string, now: Millis): void {
    this.counters.count(counter);
    if (!this.#errors.allow(now) || isIcmpError(packet)) return;
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
        return this.#send(effect.source, effect.destination, effect.message);
      case "established":
        return this.#established(effect.context, effect.cause, now);
      case "recovering":
        core.sendTimer(effect.id, "stop", now);
        core.keepaliveTimer(effect.id, "stop", now);
        return this.#tell("recovering", now, `context ${effect.id}: the peer lost its state`);
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
        return this.#tell("failed", now, `${effect.pair.local} → ${effect.pair.peer}: ${effect.why}, ${waiting.length} packets refused`);
      }
      case "removed":
        this.#waiting.take(pairKey(effect.pair));
        this.#exploring.take(String(effect.id));
        if (core.findPair(effect.pair.local, effect.pair.peer, effect.pair.fork) === effect.id) core.remove(effect.id);
        this.#reap({ kind: "removed", id: effect.id }, now);
        return this.#tell("removed", now, `context ${effect.id} ${effect.pair.local} → ${effect.pair.peer}: ${effect.why}`);
      case "drop":
        return this.counters.count(`drop-${effect.why}`);
    }
  }

  #established(context: ContextView, cause: string, now: Millis): void {
    const { core, reap, release } = this.parts;
    if (context.peerTag === undefined) return;
    const { id, pair } = context;
    const timing = this.settings.timing(context);
    const fresh = cause !== "update";
    const current = fresh ? context.current : (reap.currentOf(id) ?? context.current);
    const record = {
      peerTag: context.peerTag,
      localLocator: current.local,
      peerLocator: current.peer,
      timing: { ...timing, idleTimeout: this.settings.idleTimeout },
    };
    if (core.findPair(pair.local, pair.peer, pair.fork) === id) core.update(id, record, now);
    else core.add(id, { localUlid: pair.local, peerUlid: pair.peer, fork: pair.fork, localTag: context.localTag, ...record }, now);
    this.#reap({ kind: "context", context: reapContext(context, context.peerTag, current, timing), fresh }, now);
    this.#tell(
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
        core.update(effect.id, { localLocator: effect.pair.local, peerLocator: effect.pair.peer }, now);
        return this.#tell("moved", now, `context ${effect.id}: ${effect.pair.local} → ${effect.pair.peer}`);
      case "state":
        core.hold(effect.id, effect.state !== "Operational");
        this.#tell("state", now, `context ${effect.id}: ${effect.state} (${effect.cause})`);
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

  #tell(kind: BoxEvent["kind"], at: Millis, text: string): void {
    this.#events.push({ at, kind, text });
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
    this.parts.log.info(text, { event: kind });
  }
}

/** ICMPv6 errors are never answered with ICMPv6 errors (RFC 4443 §2.4 e). */
function isIcmpError(packet: Uint8Array): boolean {
  return packet[6] === PROTOCOL_ICMPV6 && packet.length > 40 && packet[40] < 128;
}

function pairKey(pair: UlidPair): string {
  return `${pair.local} ${pair.peer} ${pair.fork}`;
}

function reapContext(
  context: ContextView,
  peerTag: ContextTag,
  current: { local: Locator; peer: Locator },
  timing: ReapTiming,
): ReapContext {
  return {
    id: context.id,
    current,
    localLocators: context.localLocators,
    peerLocators: context.peerLocators.filter(({ verified }) => verified).map(({ address, preference }) => ({ address, preference })),
    peerTag,
    peerBox: context.peerBox,
    timing,
  };
}
