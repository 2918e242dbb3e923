/** The responder's side of set-up and recovery: I1 → R1 or R2, I2 and I2bis → R2 (RFC 5533 §7.9 to §7.14, §7.20). A stranger costs no state before its I2 has proved where it is. */
import type { Locator } from "../value/address.ts";
import { findOption, type I1, type I2, type I2bis, type Option, type R2 } from "../wire/message.ts";
import { composeR1, composeR2 } from "./compose.ts";
import { type Context, isBound, isNegative, isUsable, receiverContext } from "./context.ts";
import type { LocalIdentity, LocatorPair, UlidPair } from "./contract.ts";
import { describe } from "./describe.ts";
import type { Engine } from "./engine.ts";
import { isListed, natureOf } from "./initiator.ts";
import { siteOf } from "./limiter.ts";
import type { Received } from "./receive.ts";
import { listHolds, recordPeer } from "./record.ts";

/** I1 (§7.9). Changes no state whatever it says. */
export function receiveI1(engine: Engine, { source, destination }: Received, message: I1): void {
  const pair = pairOf(message.options, source, destination);
  const identity = identityFor(engine, pair, { local: destination, peer: source }, "i1");
  if (identity === undefined) return;
  const arrival = { local: destination, peer: source };
  const context = engine.findLive(pair);
  if (context === undefined || (context.state === "ESTABLISHED" && !asksAgain(context, message, source))) {
    sendR1(engine, arrival, pair, message);
    return;
  }
  if (context.setup !== undefined) context.setup.crossed = true;
  if (!engine.mayAnswer("r2", source)) return;
  const r2 = describeR2(engine, context, arrival, message.initiatorNonce, identity);
  if (r2 !== undefined) engine.send(arrival, r2);
}

/** Whether an I1 for an established context only shows that our R2 was lost: same tag, from a locator of the peer. */
function asksAgain(context: Context, message: I1, source: Locator): boolean {
  const named = findOption(message.options, "ulid-pair") !== undefined;
  const known = context.peer?.locators.some(({ address }) => address === source) ?? false;
  return (!named || known) && context.peer?.tag === message.initiatorTag;
}

function sendR1(engine: Engine, arrival: LocatorPair, pair: UlidPair, message: I1): void {
  if (!engine.mayAnswer("r1", arrival.peer)) return;
  const challenge = engine.validators.forR1(attemptOf(pair, message, arrival), engine.now);
  engine.send(arrival, composeR1(message.initiatorNonce, challenge, engine.options.capabilities?.(undefined)));
}

/** R2 as it will be sent; composed before the context is used, because it decides which of our locators the peer knows. */
function describeR2(
  engine: Engine,
  context: Context,
  { local }: LocatorPair,
  initiatorNonce: number,
  identity: LocalIdentity,
): R2 | undefined {
  const described = describe(composeR2(context, initiatorNonce), context, identity, local, engine.options, engine.world.shorten);
  if (described === undefined) engine.drop("oversize-r2");
  else {
    context.told = described.told;
    context.offered = described.told.capabilities;
  }
  return described?.message;
}

/** I2 (§7.13) and I2bis (§7.20). Dearest checks last: validator, then the PDS's hash, then the list's signature. */
export function receiveI2(engine: Engine, received: Received, message: I2 | I2bis): void {
  const { source, destination } = received;
  const name = message.kind === "I2" ? "i2" : "i2bis";
  const pair = pairOf(message.options, source, destination);
  const identity = identityFor(engine, pair, { local: destination, peer: source }, name);
  if (identity === undefined) return;
  const arrival = { local: destination, peer: source };
  if (!provesArrival(engine, message, pair, arrival)) {
    engine.drop(`validator-${name}`);
    return;
  }
  const live = engine.findLive(pair);
  const options = listHolds(engine, received, message, live && receiverContext(live));
  if (options === undefined) return;
  const listed = findOption(options, "locator-list")?.locators.some(({ address }) => address === source) ?? false;
  if (!listed && !isBound(live, pair.peer, source)) {
    engine.drop(`unbound-${name}`);
    return;
  }
  const context = live ?? createFor(engine, pair, identity, arrival);
  if (context === undefined) return;
  const r2 = describeR2(engine, context, arrival, message.initiatorNonce, identity);
  if (r2 === undefined) return;
  take(engine, context, { ...message, options }, arrival);
  engine.send(arrival, r2);
}

/** Whether `message` gives back a validator that we made for it, and lately (§7.13, §7.20). */
function provesArrival(engine: Engine, message: I2 | I2bis, pair: UlidPair, arrival: LocatorPair): boolean {
  const validator = findOption(message.options, "responder-validator")?.validator;
  if (validator === undefined) return false;
  const challenge = { responderNonce: message.responderNonce, validator };
  if (message.kind === "I2") return engine.validators.acceptsI2(attemptOf(pair, message, arrival), challenge, engine.now);
  const loss = { packetTag: message.packetTag, initiatorLocator: arrival.peer, responderLocator: arrival.local };
  return engine.validators.acceptsI2bis(loss, challenge, engine.now);
}

function createFor(engine: Engine, pair: UlidPair, identity: LocalIdentity, arrival: LocatorPair): Context | undefined {
  const negative = engine.table.byPair(pair);
  if (negative !== undefined && isNegative(negative)) engine.remove(negative, "expired");
  return engine.create(pair, identity, arrival, siteOf(arrival.peer));
}

/** Records what an accepted I2 or I2bis says; the state moves only from IDLE and I1-SENT (§7.13). */
function take(engine: Engine, context: Context, message: I2 | I2bis, arrival: LocatorPair): void {
  const before = context.peer?.tag;
  if (context.setup !== undefined) context.setup.crossed = true;
  const changed = recordPeer(engine, context, message.options, message.initiatorTag, arrival.peer);
  engine.peers.learn(arrival.peer, context.peer?.box, natureOf(message.options), undefined);
  if (context.state === "I1-SENT") {
    engine.establish(context, message.kind, arrival);
    return;
  }
  if (!isUsable(context)) {
    engine.resolveConfusion(context);
    return;
  }
  if (!changed) return;
  // A new tag means that the peer started anew: the pair that its I2 came on is the one known to work.
  if (before !== context.peer?.tag) context.current = arrival;
  engine.publish(context, message.kind);
}

/** The ULID pair of a message, as seen from here: its sender is our peer (§7.9). */
function pairOf(options: readonly Option[], source: Locator, destination: Locator): UlidPair {
  const named = findOption(options, "ulid-pair");
  const fork = findOption(options, "forked-instance")?.identifier ?? 0;
  return { local: named?.receiver ?? destination, peer: named?.sender ?? source, fork };
}

/** What we may say for `pair.local`, provided that the packet came to a locator of it, and that the site lets this peer begin. */
function identityFor(engine: Engine, pair: UlidPair, arrival: LocatorPair, name: string): LocalIdentity | undefined {
  const identity = engine.world.local(pair.local, pair);
  if (identity === undefined) engine.drop(`foreign-ulid-${name}`);
  else if (!isListed(identity, arrival.local)) engine.drop(`foreign-locator-${name}`);
  else if (engine.world.admits?.(pair, arrival.peer) === false && engine.findLive(pair) === undefined) engine.drop(`admission-${name}`);
  else return identity;
  return undefined;
}

function attemptOf(pair: UlidPair, message: I1 | I2, arrival: LocatorPair): Parameters<Engine["validators"]["forR1"]>[0] {
  return {
    initiatorTag: message.initiatorTag,
    initiator: pair.peer,
    responder: pair.local,
    initiatorLocator: arrival.peer,
    responderLocator: arrival.local,
    fork: pair.fork,
  };
}
