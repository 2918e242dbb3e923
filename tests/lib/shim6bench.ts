/** One Shim6 machine and a scripted peer: brings the machine into any state and says in one line what an event did. */

import type { ContextState, LocatorPair, Shim6, Shim6Effect, Shim6Event, Shim6Options, UlidPair } from "../../runtime/shim6/contract.ts";
import { createShim6 } from "../../runtime/shim6/machine.ts";
import type { Locator, Ulid } from "../../runtime/value/address.ts";
import { type ContextTag, contextTag } from "../../runtime/value/tag.ts";
import { emitPacket } from "../../runtime/wire/emit.ts";
import {
  findOption,
  type I1,
  type I2,
  type I2bis,
  type Message,
  type Option,
  type R1,
  type R1bis,
  type R2,
} from "../../runtime/wire/message.ts";
import { at, type FakeWorld, fakeIdentity, fakeOptions, fakeWorld, Seeded } from "./shim6world.ts";

export const [US, PEER, STRANGER] = at("fc00:a::1", "fc00:b::1", "fc00:c::1");
export const [A1, A2] = at("2001:db8:a1::1", "2001:db8:a2::1");
export const [B1, B2, B3] = at("2001:db8:b1::1", "2001:db8:b2::1", "2001:db8:b3::1");
export const PAIR: UlidPair = { local: US, peer: PEER, fork: 0 };
export const PEER_TAG = contextTag(0x123456789abc);
export const OTHER_TAG = contextTag(0x5555);
export const LOST_TAG = contextTag(0x7777);
export const STATES: readonly (ContextState | "IDLE")[] = [
  "IDLE",
  "I1-SENT",
  "I2-SENT",
  "ESTABLISHED",
  "I2BIS-SENT",
  "E-FAILED",
  "NO-SUPPORT",
];

const CANDIDATES: readonly LocatorPair[] = [
  { local: A1, peer: B1 },
  { local: A2, peer: B2 },
];

export class Bench {
  readonly shim: Shim6;
  readonly world: FakeWorld;
  readonly options: Shim6Options & { sendTimeoutSeconds: number };
  readonly random: Seeded;
  /** What the machine may say for the ULIDs of its site. */
  readonly identities = new Map([US, STRANGER].map((ulid) => [ulid, fakeIdentity("boxA", ulid, [A1, A2])]));
  now = 1_000_000;
  /** All effects of the last event. */
  effects: Shim6Effect[] = [];
  /** What the scripted peer is and says of itself. */
  peerIdentity = fakeIdentity("boxB", PEER, [B1, B2]);
  peerCapabilities: Option[] = [{ kind: "capabilities", version: 1, sendTimeout: 300 }];

  constructor(change: Partial<Shim6Options> = {}, seed = 1) {
    this.world = fakeWorld(this.identities);
    this.random = new Seeded(seed);
    this.options = fakeOptions(change);
    this.shim = createShim6(this.options, this.world);
  }

  event(event: Shim6Event): Shim6Effect[] {
    this.effects = this.shim.step(event, this.now, this.random.octets(32));
    return this.effects;
  }

  /** A message of the peer. */
  hear(message: Message, source: Locator = B1, destination: Locator = A1): Shim6Effect[] {
    return this.event({ kind: "message", source, destination, message, packet: emitPacket(source, destination, message) });
  }

  need(pair: UlidPair = PAIR, candidates: readonly LocatorPair[] = CANDIDATES): Shim6Effect[] {
    return this.event({ kind: "need", pair, candidates });
  }

  /** Polls at each deadline up to and with `until`. @returns everything that came out */
  pollUntil(until: number): Shim6Effect[] {
    const all: Shim6Effect[] = [];
    while (this.shim.wakeAt <= until) {
      this.now = Math.max(this.now, this.shim.wakeAt);
      all.push(...this.event({ kind: "poll" }));
    }
    this.now = Math.max(this.now, until);
    this.effects = all;
    return all;
  }

  /** The only message of `kind` among the last effects. */
  sent<K extends Message["kind"]>(kind: K): Extract<Message, { kind: K }> & { readonly on: LocatorPair } {
    for (const effect of this.effects) {
      if (effect.kind === "send" && effect.message.kind === kind) {
        const on = { local: effect.source, peer: effect.destination };
        return { ...(effect.message as Extract<Message, { kind: K }>), on };
      }
    }
    throw new Error(`no ${kind} in ${this.summary()}`);
  }

  /** The last effects and the state after them: `removed:confused established:I2 R2 → ESTABLISHED`. */
  summary(pair: UlidPair = PAIR): string {
    const words = this.effects.map((effect) => {
      if (effect.kind === "send") return effect.message.kind;
      if (effect.kind === "established") return `established:${effect.cause}`;
      if (effect.kind === "reap") return `reap:${effect.message.kind}`;
      return "why" in effect ? `${effect.kind}:${effect.why}` : effect.kind;
    });
    return [...words, "→", this.shim.find(pair)?.state ?? "IDLE"].join(" ");
  }

  /** Options with which the peer describes itself. */
  described(): Option[] {
    const { list, pds, signature } = this.peerIdentity;
    const options: Option[] = [{ kind: "locator-list", ...list }, { kind: "cga-pds", pds }, ...this.peerCapabilities];
    if (signature !== undefined) options.push({ kind: "cga-signature", signature });
    return options;
  }

  i1(tag: ContextTag = PEER_TAG, sender: Ulid = PEER, receiver: Ulid = US): I1 {
    return { kind: "I1", initiatorTag: tag, initiatorNonce: 0x1111, options: [{ kind: "ulid-pair", sender, receiver }] };
  }

  /** An R1 to the I1 that is waiting. */
  r1(nonce: number): R1 {
    const validator: Option = { kind: "responder-validator", validator: new Uint8Array(20).fill(9) };
    return { kind: "R1", initiatorNonce: nonce, responderNonce: 42, options: [validator, ...this.peerCapabilities] };
  }

  r2(nonce: number, tag: ContextTag = PEER_TAG, options: Option[] = this.described()): R2 {
    return { kind: "R2", responderTag: tag, initiatorNonce: nonce, options };
  }

  /** An I2 whose validator a real R1 of the machine supplied: must be asked for while the machine would answer I1 with R1. */
  i2(tag: ContextTag = PEER_TAG, options: Option[] = this.described(), source: Locator = B1, sender: Ulid = PEER): I2 {
    this.hear(this.i1(tag, sender), source);
    return i2For(this.sent("R1"), tag, sender, options);
  }

  /** An I2bis whose validator a real R1bis of the machine supplied. */
  i2bis(tag: ContextTag = PEER_TAG, options: Option[] = this.described(), source: Locator = B1): I2bis {
    this.hear({ kind: "Keepalive", receiverTag: LOST_TAG, options: [] }, source);
    const { responderNonce, options: given } = this.sent("R1bis");
    const named: Option[] = [
      { kind: "ulid-pair", sender: PEER, receiver: US },
      ...given.filter(({ kind }) => kind === "responder-validator"),
    ];
    return {
      kind: "I2bis",
      initiatorTag: tag,
      initiatorNonce: 0x2222,
      responderNonce,
      packetTag: LOST_TAG,
      options: [...named, ...options],
    };
  }

  r1bis(tag: ContextTag = PEER_TAG): R1bis {
    const validator: Option = { kind: "responder-validator", validator: new Uint8Array(20).fill(8) };
    return { kind: "R1bis", packetTag: tag, responderNonce: 43, options: [validator] };
  }

  /** Initiator Nonce of the set-up that waits: as the last I1, I2 or I2bis had it. */
  nonce = 0;

  /** Brings the context {@link PAIR} from IDLE into `state`. */
  enter(state: ContextState | "IDLE"): this {
    if (state === "IDLE") return this;
    this.need();
    this.nonce = this.sent("I1").initiatorNonce;
    if (state === "I1-SENT") return this;
    if (state === "E-FAILED") {
      while (this.view().state !== "E-FAILED") this.pollUntil(this.shim.wakeAt);
      return this;
    }
    if (state === "NO-SUPPORT") {
      const { localTag } = this.view();
      this.event({ kind: "unsupported", localTag, source: A1, destination: B1 });
      this.event({ kind: "unsupported", localTag, source: A2, destination: B2 });
      return this;
    }
    this.now += 10;
    this.hear(this.r1(this.nonce));
    this.now += 50;
    if (state === "I2-SENT") return this;
    this.hear(this.r2(this.nonce));
    this.now += 1000;
    if (state === "ESTABLISHED") return this;
    this.hear(this.r1bis());
    this.nonce = this.sent("I2bis").initiatorNonce;
    this.now += 50;
    return this;
  }

  view(pair: UlidPair = PAIR): NonNullable<ReturnType<Shim6["find"]>> {
    const view = this.shim.find(pair);
    if (view === undefined) throw new Error("no context");
    return view;
  }
}

/** The I2 that answers `r1`. */
export function i2For(r1: R1, tag: ContextTag, sender: Ulid, options: readonly Option[]): I2 {
  const validator = findOption(r1.options, "responder-validator");
  const named: Option[] = [{ kind: "ulid-pair", sender, receiver: US }];
  if (validator !== undefined) named.push(validator);
  return { kind: "I2", initiatorTag: tag, initiatorNonce: 0x1112, responderNonce: r1.responderNonce, options: [...named, ...options] };
}
