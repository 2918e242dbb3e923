/** The initiator's side of set-up: need → I1 → R1 → I2 → R2, with its retransmissions (RFC 5533 §7.7, §7.8, §7.11, §7.12, §7.16). */
import type { Locator } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { findOption, type I2, type I2bis, type Option, type R1, type R2 } from "../wire/message.ts";
import { composeI1, composeI2, composeI2bis } from "./compose.ts";
import {
  EARLY_I1_AT,
  EARLY_I2_COUNT,
  EARLY_I2_FACTOR,
  EARLY_I2_MARGIN,
  I1_RETRIES_MAX,
  I1_TIMEOUT,
  I2_RETRIES_MAX,
  I2_TIMEOUT,
  I2bis_RETRIES_MAX,
  I2bis_TIMEOUT,
  MAX_CANDIDATES,
  ROUNDS_MAX,
  TRIGGERED_I2_GAP,
} from "./constants.ts";
import { type Context, isBound, isNegative, receiverContext, type Setup, samePair } from "./context.ts";
import type { LocalIdentity, LocatorPair, UlidPair } from "./contract.ts";
import { describe } from "./describe.ts";
import type { Engine } from "./engine.ts";
import type { PeerNature } from "./peers.ts";
import type { Received } from "./receive.ts";
import { listHolds, recordPeer } from "./record.ts";

/** A host's packet needs `pair` (§7.7). During a hold-down, or with nothing to try, it is refused at once. */
export function need(engine: Engine, pair: UlidPair, candidates: readonly LocatorPair[]): void {
  const known = engine.table.byPair(pair);
  if (known !== undefined) {
    if (isNegative(known)) engine.effects.push({ kind: "failed", pair, why: known.failure ?? "no-answer" });
    return;
  }
  const identity = engine.world.local(pair.local, pair);
  const usable = identity === undefined ? [] : candidates.filter(({ local }) => isListed(identity, local)).slice(0, MAX_CANDIDATES);
  const context = identity === undefined || usable.length === 0 ? undefined : engine.create(pair, identity, usable[0]);
  if (context === undefined) {
    engine.effects.push({ kind: "failed", pair, why: "refused" });
    return;
  }
  const direct = usable.find(({ local, peer }) => local === pair.local && peer === pair.peer);
  beginI1(engine, context, usable, { rounds: 0, mute: [], direct });
}

/** Whether the box may send and be reached at `locator` on behalf of this ULID. */
export function isListed(identity: LocalIdentity, locator: Locator): boolean {
  return identity.list.locators.some(({ address }) => address === locator);
}

/** → I1-SENT with a fresh nonce and the first I1. @param after what was tried before */
export function beginI1(
  engine: Engine,
  context: Context,
  candidates: readonly LocatorPair[],
  after: Pick<Setup, "rounds" | "mute" | "direct">,
): void {
  const nature = engine.peers.nature(
    candidates.map(({ peer }) => peer),
    undefined,
  );
  context.setup = newSetup(engine, context, candidates, nature);
  context.setup.rounds = after.rounds;
  context.setup.mute.push(...after.mute);
  context.setup.direct = after.direct;
  startI1(engine, context, context.setup);
}

/** A set-up with a fresh Initiator Nonce, indexed by it. */
export function newSetup(engine: Engine, context: Context, candidates: readonly LocatorPair[], nature: PeerNature): Setup {
  const initiatorNonce = engine.table.freeNonce(engine.draw);
  engine.table.awaitNonce(initiatorNonce, context);
  return {
    initiatorNonce,
    candidates,
    next: 0,
    sent: [],
    unsupported: new Set(),
    mute: [],
    direct: undefined,
    challenge: undefined,
    eager: nature !== "other",
    crossed: false,
    startedAt: engine.now,
    answeredAt: engine.now,
    answers: 0,
    early: 0,
    earlyAt: NEVER,
    earlyGap: 0,
    retries: 0,
    nominal: 0,
    retryAt: NEVER,
    rounds: 0,
  };
}

/** First I1 of a round. */
export function startI1(engine: Engine, context: Context, setup: Setup): void {
  context.state = "I1-SENT";
  setup.startedAt = engine.now;
  setup.challenge = undefined;
  setup.retries = 0;
  setup.nominal = I1_TIMEOUT;
  setup.retryAt = engine.now + engine.draw.around(I1_TIMEOUT);
  setup.early = 0;
  setup.earlyAt = setup.eager ? engine.now + EARLY_I1_AT[0] : NEVER;
  sendI1(engine, context, setup);
  wait(engine, context, setup);
}

/**
 * Sends I1 on the next candidate pair whose peer has not said that it knows no Shim6. Where hosts talk without a context that is the ULID pair
 * until it was repeated twice, and for good once it brought R1: if a translator of addresses is on that way (RFC 6629 §7.7), a context made on another
 * one would show the peer's host an address that it does not talk with.
 */
function sendI1(engine: Engine, context: Context, setup: Setup): void {
  const { direct, unsupported } = setup;
  const isOnlyWay =
    direct !== undefined &&
    !unsupported.has(direct.peer) &&
    ((setup.retries === 0 && setup.early < EARLY_I1_AT.length) || isMute(setup, direct));
  if (isOnlyWay) setup.next = setup.candidates.indexOf(direct);
  const pair = nextCandidate(setup);
  context.current = pair;
  noteI1(setup, pair, engine.now);
  context.offered = engine.options.capabilities?.(engine.peers.roundTrip(pair.peer, undefined));
  engine.send(pair, composeI1(context, setup.initiatorNonce, context.offered));
}

function nextCandidate(setup: Setup): LocatorPair {
  const { candidates, unsupported } = setup;
  let place = setup.next % candidates.length;
  for (let i = 1; i < candidates.length && unsupported.has(candidates[place].peer); i++) place = (place + 1) % candidates.length;
  setup.next = place + 1;
  return candidates[place];
}

/** Sends I2, or I2bis when the context recovers, on the pair that its validator is bound to. */
export function sendAnswer(engine: Engine, context: Context, setup: Setup): void {
  const { challenge } = setup;
  const identity = engine.world.local(context.pair.local, context.pair);
  if (challenge === undefined || identity === undefined) {
    engine.fail(context, "refused");
    return;
  }
  const { initiatorNonce } = setup;
  const { packetTag } = challenge;
  const described = describe<I2 | I2bis>(
    packetTag === undefined ? composeI2(context, initiatorNonce, challenge) : composeI2bis(context, initiatorNonce, challenge, packetTag),
    context,
    identity,
    challenge.pair.local,
    engine.options,
    engine.world.shorten,
  );
  if (described === undefined) {
    engine.drop("oversize-i2");
    engine.fail(context, "refused");
    return;
  }
  setup.answeredAt = engine.now;
  setup.answers++;
  if (!setup.sent.some(({ pair }) => samePair(pair, challenge.pair))) setup.sent.push({ pair: challenge.pair, count: 0, at: engine.now });
  context.told = described.told;
  context.offered = described.told.capabilities;
  engine.send(challenge.pair, described.message);
}

/** A packet on our tag shows that the peer has the context and waits for us: repeat I2 or I2bis (§10.4, §12.2), within reason. */
export function repeatAnswer(engine: Engine, context: Context): void {
  const { setup } = context;
  if (setup === undefined) return;
  if (engine.now - setup.answeredAt < TRIGGERED_I2_GAP) engine.drop("paced-i2");
  else sendAnswer(engine, context, setup);
}

/** Notes an I1 on `pair`: where answers may come from, and what they measure. */
function noteI1(setup: Setup, pair: LocatorPair, now: Millis): void {
  const before = setup.sent.find((sent) => samePair(sent.pair, pair));
  if (before === undefined) setup.sent.push({ pair, count: 1, at: now });
  else {
    before.count++;
    before.at = now;
  }
}

/** R1 (§7.11): matched by nonce, on any pair of candidates; that pair is the one I2 goes out on. */
export function receiveR1(engine: Engine, { source, destination }: Received, message: R1): void {
  const context = engine.table.byNonce(message.initiatorNonce);
  const setup = context?.setup;
  const validator = findOption(message.options, "responder-validator")?.validator;
  if (context === undefined || setup === undefined) {
    engine.drop("no-context-r1");
    return;
  }
  const pair = { local: destination, peer: source };
  const isAnswer = setup.candidates.some(({ peer }) => peer === source) && context.accepted.includes(destination);
  // Others get one I1_TIMEOUT to answer before a mute pair is tried again.
  const isDirect = setup.direct !== undefined && samePair(setup.direct, pair);
  const isEarly = setup.retries === 0 && isMute(setup, pair) && hasOthers(setup) && !isDirect;
  if (!isAnswer || isEarly) {
    engine.drop("locators-r1");
    return;
  }
  if (context.state !== "I1-SENT") {
    engine.drop("late-r1");
    return;
  }
  if (validator === undefined) {
    engine.drop("no-validator-r1");
    return;
  }
  context.roundTrip = measureI1(setup, pair, engine.now) ?? context.roundTrip;
  setup.eager = natureOf(message.options) === "ours";
  engine.peers.learn(source, undefined, natureOf(message.options), context.roundTrip);
  setup.challenge = { responderNonce: message.responderNonce, validator: validator.slice(), pair, packetTag: undefined };
  context.current = pair;
  context.state = "I2-SENT";
  // If it is not clear which I1 was answered, the first one bounds the round trip from above.
  beginAnswer(engine, context, setup, context.roundTrip ?? engine.now - setup.startedAt);
}

/** First I2 or I2bis of a round; the caller has set state and challenge. */
export function beginAnswer(engine: Engine, context: Context, setup: Setup, roundTrip: Millis): void {
  const nominal = context.state === "I2-SENT" ? I2_TIMEOUT : I2bis_TIMEOUT;
  setup.retries = 0;
  setup.nominal = nominal;
  setup.retryAt = engine.now + engine.draw.around(nominal);
  setup.early = 0;
  setup.earlyGap = Math.max(EARLY_I2_FACTOR * roundTrip, roundTrip + EARLY_I2_MARGIN);
  setup.earlyAt = setup.eager ? engine.now + setup.earlyGap : NEVER;
  setup.answers = 0;
  sendAnswer(engine, context, setup);
  wait(engine, context, setup);
}

/** R2 (§7.16): matched by nonce, on a pair that this set-up has sent on. */
export function receiveR2(engine: Engine, received: Received, message: R2): void {
  const { source, destination } = received;
  const context = engine.table.byNonce(message.initiatorNonce);
  const setup = context?.setup;
  if (context === undefined || setup === undefined) {
    engine.drop("no-context-r2");
    return;
  }
  const pair = { local: destination, peer: source };
  if (!setup.sent.some((sent) => samePair(sent.pair, pair))) {
    engine.drop("locators-r2");
    return;
  }
  const options = listHolds(engine, received, message, receiverContext(context));
  if (options === undefined) return;
  const listed = findOption(options, "locator-list")?.locators.some(({ address }) => address === source) ?? false;
  if (!listed && !isBound(context, context.pair.peer, source)) {
    engine.drop("unbound-r2");
    return;
  }
  context.roundTrip ??= context.state === "I1-SENT" ? measureI1(setup, pair, engine.now) : measureAnswer(setup, pair, engine.now);
  recordPeer(engine, context, options, message.responderTag, source);
  engine.peers.learn(source, context.peer?.box, natureOf(message.options), context.roundTrip);
  engine.establish(context, "R2", pair);
}

/** Round-trip time of I1 if only one went out on `pair`: Karn's rule, for each pair. */
function measureI1(setup: Setup, pair: LocatorPair, now: Millis): Millis | undefined {
  const sent = setup.sent.find((each) => samePair(each.pair, pair));
  return sent?.count === 1 && setup.rounds === 0 ? now - sent.at : undefined;
}

/** Round-trip time of I2 or I2bis if only one went out, and the R2 cannot be an answer to an I1 of ours: that may have gone out on another pair. */
function measureAnswer(setup: Setup, pair: LocatorPair, now: Millis): Millis | undefined {
  const isAnswer = setup.challenge !== undefined && samePair(setup.challenge.pair, pair);
  return isAnswer && setup.answers === 1 && !setup.crossed ? now - setup.answeredAt : undefined;
}

/** Whether the sender of these options is one of our boxes. */
export function natureOf(options: readonly Option[]): PeerNature {
  return findOption(options, "capabilities") === undefined ? "other" : "ours";
}

/** The deadline of a context in set-up has come (§7.8, §7.12, §7.19). */
export function retransmit(engine: Engine, context: Context, setup: Setup): void {
  if (engine.now >= setup.retryAt) {
    if (setup.retries >= retriesMax(context, setup)) {
      giveUpRound(engine, context, setup);
      return;
    }
    setup.retries++;
    setup.nominal *= 2;
    setup.retryAt = engine.now + engine.draw.around(setup.nominal);
    setup.earlyAt = NEVER;
  } else {
    planEarly(engine, context, setup);
  }
  if (context.state === "I1-SENT") sendI1(engine, context, setup);
  else sendAnswer(engine, context, setup);
  wait(engine, context, setup);
}

/** Sets when the early repetition after this one is due; those that a late call has missed are not made up for. */
function planEarly(engine: Engine, context: Context, setup: Setup): void {
  setup.early++;
  if (context.state === "I1-SENT") {
    while (setup.early < EARLY_I1_AT.length && setup.startedAt + EARLY_I1_AT[setup.early] <= engine.now) setup.early++;
    setup.earlyAt = setup.early < EARLY_I1_AT.length ? setup.startedAt + EARLY_I1_AT[setup.early] : NEVER;
  } else {
    setup.earlyGap *= 2;
    setup.earlyAt = setup.early < EARLY_I2_COUNT ? engine.now + setup.earlyGap : NEVER;
  }
}

/**
 * A pair that brings R1 or R1bis and no R2 may lead through a translator of addresses (RFC 6629 §7.7): while there are others, one timeout is
 * enough for it. An R2 that was only lost comes again for the next I1 (§7.9).
 */
function retriesMax({ state }: Context, setup: Setup): number {
  if (state === "I1-SENT") return I1_RETRIES_MAX;
  if (hasOthers(setup)) return 0;
  return state === "I2-SENT" ? I2_RETRIES_MAX : I2bis_RETRIES_MAX;
}

function isMute({ mute }: Setup, pair: LocatorPair): boolean {
  return mute.some((each) => samePair(each, pair));
}

/** Whether a pair is left that was not answered on in vain. */
function hasOthers(setup: Setup): boolean {
  const { candidates, challenge, direct } = setup;
  if (direct !== undefined && challenge !== undefined && samePair(direct, challenge.pair)) return false;
  return candidates.some((pair) => !isMute(setup, pair) && !(challenge !== undefined && samePair(pair, challenge.pair)));
}

/** I1 unanswered: E-FAILED. I2 or I2bis unanswered: back to I1, at most {@link ROUNDS_MAX} times. */
function giveUpRound(engine: Engine, context: Context, setup: Setup): void {
  setup.rounds++;
  if (context.state === "I1-SENT" || setup.rounds >= ROUNDS_MAX) {
    engine.fail(context, "no-answer");
    return;
  }
  if (setup.challenge !== undefined) avoid(setup, setup.challenge.pair);
  if (context.state === "I2-SENT") {
    startI1(engine, context, setup);
    return;
  }
  const fresh = engine.restart(context);
  if (fresh === undefined) engine.effects.push({ kind: "failed", pair: context.pair, why: "refused" });
  else beginI1(engine, fresh, setup.candidates, setup);
}

/** `pair` brought no R2: from now on pairs go first that share no locator with such ones. */
function avoid(setup: Setup, pair: LocatorPair): void {
  setup.mute.push(pair);
  const shared = ({ local, peer }: LocatorPair): number =>
    setup.mute.reduce((sum, mute) => sum + Number(mute.local === local) + Number(mute.peer === peer), 0);
  setup.candidates = [...setup.candidates].sort((a, b) => shared(a) - shared(b));
  setup.next = 0;
}

function wait(engine: Engine, context: Context, setup: Setup): void {
  if (context.setup === setup) engine.deadlines.set(context, Math.min(setup.earlyAt, setup.retryAt));
}

/** ICMPv6 Parameter Problem code 1 quoted our I1 (§7.8): NO-SUPPORT once every peer locator has said so. */
export function unsupported(engine: Engine, context: Context | undefined, pair: LocatorPair): void {
  const setup = context?.setup;
  if (context === undefined || setup === undefined || context.state !== "I1-SENT") {
    engine.drop("late-unsupported");
    return;
  }
  if (!setup.sent.some((sent) => samePair(sent.pair, pair))) {
    engine.drop("locators-unsupported");
    return;
  }
  if (setup.unsupported.has(pair.peer)) return;
  setup.unsupported.add(pair.peer);
  if (setup.candidates.every(({ peer }) => setup.unsupported.has(peer))) {
    engine.fail(context, "no-support");
    return;
  }
  sendI1(engine, context, setup);
}
