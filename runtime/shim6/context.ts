/** The record of one context (RFC 5533 §6.1). Lists in it are replaced, never changed, so that a view may share them. */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Capabilities, LocatorList, Preference } from "../wire/message.ts";
import type { ContextState, ContextView, LocatorPair, PeerLocator, UlidPair } from "./contract.ts";
import type { Waiting } from "./deadlines.ts";
import type { ReceiverContext } from "./receive.ts";
import type { Update } from "./update.ts";
import type { Challenge } from "./validator.ts";

/** What a peer told of itself in I2, I2bis, R2 or Update Request. */
export interface PeerData {
  readonly tag: ContextTag;
  /** Ls(peer), in the order of its list. */
  readonly locators: readonly PeerLocator[];
  /** Generation of that list; `undefined` when it sent none. */
  readonly generation: number | undefined;
  readonly pds: Uint8Array | undefined;
  readonly box: string | undefined;
  readonly keepaliveSeconds: number | undefined;
  readonly capabilities: Capabilities | undefined;
}

/** A pair that this set-up has sent on; `count` and `at` are of I1 alone: an answer on a pair used once measures the round trip (Karn). */
export interface SentOn {
  readonly pair: LocatorPair;
  count: number;
  at: Millis;
}

/** What only a context in I1-SENT, I2-SENT or I2BIS-SENT has. */
export interface Setup {
  readonly initiatorNonce: number;
  candidates: readonly LocatorPair[];
  /** Place in `candidates` of the pair that the next I1 goes out on. */
  next: number;
  /** Pairs that I1 and I2, or I2bis, went out on: where an R2 may come from. */
  readonly sent: SentOn[];
  /** Peer locators that answered with ICMPv6 "unrecognised Next Header". */
  readonly unsupported: Set<Locator>;
  /** Pairs that brought R1 or R1bis, and no R2: tried last. */
  readonly mute: LocatorPair[];
  /** The ULID pair, if it is a candidate and nothing was established before: packets go that way without a context. */
  direct: LocatorPair | undefined;
  /** From R1 or R1bis, with the pair it came on, which the validator is bound to. */
  challenge: Answerable | undefined;
  /** Whether early retries are worth it: the peer is ours, or we do not know. */
  eager: boolean;
  /** An I1 of the peer crossed ours: an R2 may answer either of our messages, so it measures nothing. */
  crossed: boolean;
  /** First message of this round, and the last I2 or I2bis. */
  startedAt: Millis;
  answeredAt: Millis;
  /** I2 or I2bis sent in this round. */
  answers: number;
  /** Early repetitions so far, when the next is due, and the gap after it (I2, I2bis). */
  early: number;
  earlyAt: Millis;
  earlyGap: Millis;
  /** Retransmissions so far (RFC 5533 §7.8, §7.12, §7.19), the nominal interval, and when the next is due. */
  retries: number;
  nominal: Millis;
  retryAt: Millis;
  /** Times that I2 or I2bis fell back to I1. */
  rounds: number;
}

/** What an R1 or R1bis asks to be given back, and where it came. */
export interface Answerable extends Omit<Challenge, "validator"> {
  readonly validator: Uint8Array | undefined;
  readonly pair: LocatorPair;
  /** Of an R1bis. */
  readonly packetTag: ContextTag | undefined;
}

/** What the latest message that described us said. */
export interface Told {
  readonly locators: readonly Locator[];
  readonly generation: number;
  /** `undefined` = none. */
  readonly preferences: readonly Preference[] | undefined;
  /** Send Timeout as in the Keepalive Timeout option; 15 when there was none. */
  readonly seconds: number;
  readonly capabilities: Capabilities | undefined;
}

export type FailureReason = "no-answer" | "no-support" | "refused";

/** One context, in any state but IDLE. Changed in place by the machine, shown to others as a {@link viewOf}. */
export interface Context extends Waiting {
  readonly id: number;
  readonly pair: UlidPair;
  state: ContextState;
  localTag: ContextTag;
  /** Locators that may be sources: those that the peer knows for certain and the site still has. */
  localLocators: readonly Locator[];
  /** Ls(local) for membership checks: locators that the peer may send to, as it knows the latest list or the one before. */
  accepted: readonly Locator[];
  /** Removed by changes of ours, the latest first: a peer that has not heard of it may still send there. */
  retired: readonly Locator[];
  peer: PeerData | undefined;
  current: LocatorPair;
  setup: Setup | undefined;
  /** Why it is in E-FAILED or NO-SUPPORT. */
  failure: FailureReason | undefined;
  roundTrip: Millis | undefined;
  told: Told | undefined;
  /** Capabilities that the peer last heard of, in I1 or with the rest. */
  offered: Capabilities | undefined;
  /** Update Request that waits for its turn or its Acknowledgement. */
  update: Update | undefined;
  /** /48 of the peer, when the peer initiated the context. */
  readonly site: string | undefined;
  establishedAt: Millis | undefined;
}

/** A record in I1-SENT that is in no index yet. `list` is the one of the local identity. */
export function newContext(
  id: number,
  pair: UlidPair,
  localTag: ContextTag,
  list: LocatorList,
  current: LocatorPair,
  site: string | undefined,
): Context {
  const locators = addressesOf(list);
  return {
    id,
    pair,
    state: "I1-SENT",
    localTag,
    localLocators: locators,
    accepted: locators,
    retired: [],
    peer: undefined,
    current,
    setup: undefined,
    failure: undefined,
    roundTrip: undefined,
    told: undefined,
    offered: undefined,
    update: undefined,
    site,
    establishedAt: undefined,
    dueAt: NEVER,
    heapAt: -1,
  };
}

/** The locators of a list, in its order. */
export function addressesOf({ locators }: LocatorList): readonly Locator[] {
  return locators.map(({ address }) => address);
}

/** Whether the context can carry payload: CT(peer) is known and in use. */
export function isUsable(context: Context): boolean {
  return context.state === "ESTABLISHED" || context.state === "I2BIS-SENT";
}

/** E-FAILED and NO-SUPPORT: nothing but a memory of failure, treated as IDLE by everything that arrives. */
export function isNegative(context: Context): boolean {
  return context.state === "E-FAILED" || context.state === "NO-SUPPORT";
}

/** A snapshot of `context`; what the peer told shows only while it is usable. */
export function viewOf(context: Context): ContextView {
  const { peer } = context;
  const known = isUsable(context) ? peer : undefined;
  return {
    id: context.id,
    pair: context.pair,
    state: context.state,
    localTag: context.localTag,
    peerTag: known?.tag,
    localLocators: context.localLocators,
    peerLocators: known?.locators ?? [],
    current: context.current,
    peerBox: peer?.box,
    peerKeepaliveSeconds: peer?.keepaliveSeconds,
    peerCapabilities: peer?.capabilities,
    localCapabilities: known && context.offered,
    roundTrip: context.roundTrip,
    establishedAt: context.establishedAt,
  };
}

/** Ls(peer) for membership checks: before the peer has told its own, the candidates that set-up tries. */
export function peerLocatorsOf(context: Context): readonly Locator[] {
  const told = context.peer?.locators.map(({ address }) => address) ?? [];
  if (isUsable(context)) return told;
  return [...told, ...(context.setup?.candidates.map(({ peer }) => peer) ?? [])];
}

/** What the receive checks need to know of `context`. */
export function receiverContext(context: Context): ReceiverContext {
  return {
    peerUlid: context.pair.peer,
    localLocators: context.accepted,
    peerLocators: peerLocatorsOf(context),
    peerGeneration: context.peer?.generation,
    peerPds: context.peer?.pds,
  };
}

/** Whether `peer` at `locator` is proved: it is the ULID itself, or a verified member of the list in use. */
export function isBound(context: Context | undefined, ulid: Locator, locator: Locator): boolean {
  if (locator === ulid) return true;
  return context?.peer?.locators.some(({ address, verified }) => verified && address === locator) ?? false;
}

/** Whether both ends are the same. */
export function samePair(a: LocatorPair, b: LocatorPair): boolean {
  return a.local === b.local && a.peer === b.peer;
}
