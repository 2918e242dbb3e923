/** What the core could not decide, to whoever decides it: hosts' packets wait or ask for a context, messages go to {@link Control}. */
import * as verdict from "../../core-as/layout/verdict.ts";
import type { UlidPair } from "../shim6/contract.ts";
import { addressAt, type Ulid } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import { flowOf } from "../wire/flow.ts";
import type { Control } from "./control.ts";
import type { ControlCounters } from "./counters.ts";
import { Deferral } from "./deferral.ts";
import type { PathReports } from "./icmp.ts";
import { Lookups } from "./lookups.ts";
import type { Machines } from "./machines.ts";
import type { BoxParts } from "./parts.ts";
import type { Sender } from "./sender.ts";
import { pairKey, type Waiting } from "./waiting.ts";

/** What the intake works with. */
export interface IntakeParts
  extends Pick<BoxParts, "shim6" | "reap" | "identities" | "bindings" | "clock" | "release" | "locate" | "excepted"> {
  readonly counters: ControlCounters;
  readonly waiting: Waiting;
  readonly machines: Machines;
  readonly control: Control;
  readonly reports: PathReports;
  readonly sender: Sender;
}

/** Takes punted packets; keeps none of them, {@link Waiting} copies. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #lookups: Lookups;
  readonly #deferral: Deferral;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const { shim6, identities, counters, machines } = parts;
    this.#deferral = new Deferral({
      shim6,
      identities,
      count: (name) => counters.count(name),
      need: (pair, now) => machines.need(pair, now),
      excepted: (peer) => parts.excepted?.(peer, undefined) === "peer",
    });
    this.#lookups = new Lookups(parts.locate ?? (() => false), (pairs) => this.#found(pairs));
  }

  /** One packet that the core punted for `reason`; `context` is 0 where none belongs to it. */
  punt(packet: Uint8Array, reason: number, context: number, now: Millis): void {
    const { control, reports, sender, counters, machines } = this.#parts;
    switch (reason) {
      case verdict.PUNT_NO_CONTEXT:
        return this.#needContext(packet, now);
      case verdict.PUNT_FORK:
        if (!machines.forks.punted(packet, context, now)) this.#needContext(packet, now);
        return;
      case verdict.PUNT_HOLD:
        return this.#hold(packet, context, now);
      case verdict.PUNT_CONTROL:
        return control.message(packet, now);
      case verdict.PUNT_NO_TAG:
        return control.strayPayload(packet, now);
      case verdict.PUNT_ICMP6:
        return reports.fromNet(packet, now);
      case verdict.PUNT_BIG:
        return reports.tooBig(packet, context, now);
      case verdict.COUNT_DUE_PAIR:
        return this.#deferral.due(packet, now);
      case verdict.PUNT_UNMAPPED:
        return sender.refuse(packet, "drop-unmapped-source", now);
      case verdict.PUNT_BIG_IN:
        return sender.refuseBig(packet, context, now);
      case verdict.PUNT_ROUTER:
        if (!reports.fromRouter(packet, now)) counters.count("drop-router-icmp6");
        return;
      default:
        counters.count("drop-unexpected-punt");
    }
  }

  #hold(packet: Uint8Array, context: number, now: Millis): void {
    const { reap, release, counters, waiting } = this.#parts;
    // What the lane punted just before the exploration ended: nobody would let it go any more.
    if (reap.stateOf(context) === "Operational") return release([packet.slice()], now);
    counters.count("drop-hold-exploring", waiting.exploring.push(String(context), packet));
  }

  #needContext(packet: Uint8Array, now: Millis): void {
    const { shim6, identities, bindings, clock, release, reports, sender, counters, waiting, machines } = this.#parts;
    const local = addressAt(packet, 8);
    const peer = addressAt(packet, 24);
    const pair: UlidPair = { local, peer, fork: 0 };
    const known = shim6.find(pair);
    if (known?.state === "ESTABLISHED" || known?.state === "I2BIS-SENT") return release([packet.slice()], now);
    if (known?.state === "E-FAILED" || known?.state === "NO-SUPPORT") return sender.refuse(packet, "drop-unreachable-peer", now);
    if (known === undefined) {
      if (identities.of(local) === undefined) {
        if (!reports.fromRouter(packet, now)) sender.refuse(packet, "drop-no-cga", now);
        return;
      }
      if (this.#isExcepted(packet, peer)) return sender.refuse(packet, "drop-excepted-peer", now);
      if (bindings.locatorsOf(peer, now).length === 0) {
        if (!this.#lookups.want(pair)) return sender.refuse(packet, "drop-no-binding", now);
        return counters.count("drop-hold-full", waiting.forContext.push(pairKey(pair), packet));
      }
    }
    counters.count("drop-hold-full", waiting.forContext.push(pairKey(pair), packet));
    // The clock is read again: what went before may have signed, and the machine measures round trips from this instant on.
    if (known === undefined) machines.need(pair, clock.now());
    machines.forks.opened(packet, pair, now);
  }

  /** Whether Shim6 is switched off for the peer, or for a port of the packet's. */
  #isExcepted(packet: Uint8Array, peer: Ulid): boolean {
    const { excepted } = this.#parts;
    if (excepted === undefined) return false;
    const flow = flowOf(packet);
    const ports = flow instanceof Reject ? [undefined] : [flow.destinationPort, flow.sourcePort];
    return ports.some((port) => excepted(peer, port) !== undefined);
  }

  /** The lookup is over: with locators the context is set up; without, the hosts are told. */
  #found(pairs: Iterable<UlidPair>): void {
    const { shim6, bindings, clock, sender, waiting, machines } = this.#parts;
    for (const pair of pairs) {
      const now = clock.now();
      if (bindings.locatorsOf(pair.peer, now).length > 0) {
        if (shim6.find(pair) === undefined) machines.need(pair, now);
      } else for (const packet of waiting.forContext.take(pairKey(pair))) sender.refuse(packet, "drop-no-binding", now);
    }
  }
}
