/** The sender's side of updates: Update Request → Update Acknowledgement, with retransmissions (RFC 5533 §10.1 to §10.3, §10.5). */
import type { Locator } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { messageLength, SHIM6_PACKET_LIMIT } from "../wire/emit.ts";
import { type Option, PREFERENCE_BROKEN, type UpdateAck } from "../wire/message.ts";
import { ERROR_GENERATION, ERROR_PREFERENCE_COUNT, IPV6_HEADER_LENGTH } from "../wire/number.ts";
import { composeUpdateRequest } from "./compose.ts";
import {
  ACK_LAG_GAIN,
  EARLY_I2_COUNT,
  EARLY_I2_FACTOR,
  EARLY_I2_MARGIN,
  EARLY_I2_UNKNOWN_ROUND_TRIP,
  EARLY_UPDATE_LAGS,
  MAX_ACK_LAG,
  MAX_CANDIDATES,
  MAX_UPDATE_TIMEOUT,
  UPDATE_TIMEOUT,
} from "./constants.ts";
import { addressesOf, type Context, isUsable, type PeerData, samePair, type Told } from "./context.ts";
import type { LocalIdentity, LocatorPair } from "./contract.ts";
import { listOptions, preferencesOption } from "./describe.ts";
import type { Engine } from "./engine.ts";
import { type Owed, owedTo, requestCost } from "./owed.ts";

/** An Update Request that waits for its Acknowledgement. */
export interface Update {
  readonly nonce: number;
  readonly options: readonly Option[];
  /** What the peer knows once it has acknowledged. */
  readonly told: Told;
  /** It says everything: an answer that something does not fit cannot be mended. */
  readonly complete: boolean;
  /** Pairs it went out on: where an Error may come from. */
  readonly sent: LocatorPair[];
  sends: number;
  /** When it first went out, and the round trip that was expected then. */
  readonly beganAt: Millis;
  readonly roundTrip: Millis;
  /** Early repetitions so far, when the next is due, and the gap after it; towards our own boxes, as in set-up. */
  early: number;
  earlyAt: Millis;
  earlyGap: Millis;
  /** The nominal interval (§10.2), and when the next retransmission is due. */
  nominal: Millis;
  retryAt: Millis;
}

/** Gives those who wait their turn, as far as the window goes. */
export function serveWaiting(engine: Engine): void {
  for (;;) {
    const next = engine.waitlist.take(engine.now, ({ pair }) => requestCost(engine.world.local(pair.local, pair)));
    if (next === undefined) return;
    begin(engine, next.context, next.complete);
  }
}

/** A new request with all that the peer does not know. A context in recovery needs none: I2bis says everything. */
function begin(engine: Engine, context: Context, complete: boolean): void {
  const { peer } = context;
  const identity = engine.world.local(context.pair.local, context.pair);
  if (context.state !== "ESTABLISHED" || peer === undefined || identity === undefined) return;
  const owed = owedTo(context, identity, engine.options, complete);
  if (owed === undefined) return;
  const options = optionsFor(context, identity, owed, engine.options.sendTimeoutSeconds);
  if (IPV6_HEADER_LENGTH + messageLength(composeUpdateRequest(peer.tag, 0, options)) > SHIM6_PACKET_LIMIT) {
    engine.drop("oversize-updaterequest");
    return;
  }
  const roundTrip = context.roundTrip ?? engine.peers.roundTrip(context.current.peer, peer.box) ?? EARLY_I2_UNKNOWN_ROUND_TRIP;
  const gap = Math.max(EARLY_I2_FACTOR * roundTrip, roundTrip + EARLY_I2_MARGIN) + EARLY_UPDATE_LAGS * engine.ackLag;
  const update: Update = {
    nonce: engine.draw.u32(),
    options,
    told: toldAfter(context, identity, owed, engine.options.sendTimeoutSeconds),
    complete,
    sent: [],
    sends: 0,
    beganAt: engine.now,
    roundTrip,
    early: 0,
    earlyAt: peer.capabilities === undefined ? NEVER : engine.now + gap,
    earlyGap: gap,
    nominal: UPDATE_TIMEOUT,
    retryAt: engine.now + engine.draw.around(UPDATE_TIMEOUT),
  };
  engine.setUpdate(context, update);
  send(engine, context, update, peer);
}

/** The deadline of a request has come (§10.2). It is repeated for ever: only the context's end stops it. */
export function retransmitUpdate(engine: Engine, context: Context, update: Update): void {
  const { peer } = context;
  if (peer === undefined) return;
  if (!engine.waitlist.mayStart(engine.now)) {
    engine.deadlines.set(context, engine.waitlist.readyAt);
    return;
  }
  if (engine.now >= update.retryAt) {
    update.nominal = Math.min(2 * update.nominal, MAX_UPDATE_TIMEOUT);
    update.retryAt = engine.now + engine.draw.around(update.nominal);
    update.earlyAt = NEVER;
  } else {
    update.early++;
    update.earlyGap *= 2;
    update.earlyAt = update.early < EARLY_I2_COUNT ? engine.now + update.earlyGap : NEVER;
  }
  send(engine, context, update, peer);
}

function send(engine: Engine, context: Context, update: Update, peer: PeerData): void {
  const pairs = pairsFor(engine, context, peer);
  const pair = pairs[update.sends % pairs.length];
  const first = update.sends === 0;
  update.sends++;
  if (update.sent.length < MAX_CANDIDATES && !update.sent.some((sent) => samePair(sent, pair))) update.sent.push(pair);
  engine.send(pair, composeUpdateRequest(peer.tag, update.nonce, update.options), first ? context.id : undefined);
  engine.deadlines.set(context, Math.min(update.earlyAt, update.retryAt));
}

/**
 * The pair in use first, which each repetition leaves for another: it may be the one that the change is about. Sources are
 * locators that the peer knows, or it would answer R1bis; destinations, verified ones.
 */
function pairsFor(engine: Engine, context: Context, peer: PeerData): LocatorPair[] {
  const current = engine.world.currentPair?.(context.id) ?? context.current;
  const destinations = peer.locators.filter(({ verified }) => verified).map(({ address }) => address);
  const pairs = brokenLast(engine, context, inFront(context.localLocators, current.local)).flatMap((local) =>
    inFront(destinations, current.peer).map((destination) => ({ local, peer: destination })),
  );
  return pairs.length === 0 ? [current] : pairs;
}

function inFront(locators: readonly Locator[], first: Locator): readonly Locator[] {
  return locators.includes(first) ? [first, ...locators.filter((each) => each !== first)] : locators;
}

/** What we are about to call BROKEN carries nothing, though it may be the pair in use. */
function brokenLast(engine: Engine, { pair }: Context, locators: readonly Locator[]): readonly Locator[] {
  const identity = engine.world.local(pair.local, pair);
  const broken = new Set<Locator>();
  identity?.preferences.forEach(({ flags }, place) => {
    if ((flags & PREFERENCE_BROKEN) !== 0) broken.add(identity.list.locators[place].address);
  });
  return [...locators.filter((locator) => !broken.has(locator)), ...locators.filter((locator) => broken.has(locator))];
}

/** Update Acknowledgement (§10.5); any nonce but that of the request in hand is ignored. */
export function receiveUpdateAck(engine: Engine, context: Context, message: UpdateAck): void {
  const { update } = context;
  if (update === undefined || update.nonce !== message.requestNonce) {
    engine.drop("late-updateack");
    return;
  }
  engine.setUpdate(context, undefined);
  context.told = update.told;
  noteLag(engine, update);
  engine.effects.push({ kind: "told", id: context.id, outcome: "acknowledged", code: undefined });
  const before = context.localLocators;
  engine.admitLocators(context);
  if (!sameLocators(before, context.localLocators) && isUsable(context)) engine.publish(context, "update");
}

/** How far boxes are behind: what is late because they have much to do must not be asked for again. */
function noteLag(engine: Engine, { beganAt, roundTrip }: Update): void {
  const lag = Math.min(MAX_ACK_LAG, Math.max(0, engine.now - beganAt - roundTrip));
  engine.ackLag += ACK_LAG_GAIN * (lag - engine.ackLag);
}

/**
 * An Error message answers the request in hand (shim6-state §7): what does not fit what the peer knows is said once more, in
 * full; everything else will not get better by repeating it.
 */
export function updateRefused(engine: Engine, context: Context, update: Update, code: number): void {
  engine.setUpdate(context, undefined);
  if ((code === ERROR_GENERATION || code === ERROR_PREFERENCE_COUNT) && !update.complete) engine.waitlist.add(context, true);
  else engine.effects.push({ kind: "told", id: context.id, outcome: "refused", code });
}

function optionsFor({ told }: Context, identity: LocalIdentity, owed: Owed, seconds: number): Option[] {
  const options = owed.list ? listOptions(identity, told === undefined) : [];
  if (owed.preferences) options.push(preferencesOption(identity.list.generation, identity.preferences));
  if (owed.seconds) options.push({ kind: "keepalive-timeout", seconds });
  return options;
}

function toldAfter({ told }: Context, identity: LocalIdentity, owed: Owed, seconds: number): Told {
  return {
    locators: addressesOf(identity.list),
    generation: identity.list.generation,
    preferences: owed.preferences ? identity.preferences : told?.preferences,
    seconds: owed.seconds ? seconds : (told?.seconds ?? seconds),
    capabilities: told?.capabilities,
  };
}

/** Whether both hold the same locators in the same order. */
export function sameLocators(a: readonly Locator[], b: readonly Locator[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
