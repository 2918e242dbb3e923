/** Recovery of a context that the peer has lost: R1bis → I2bis (RFC 5533 §7.5, §7.17, §7.18), and packets that name a context by our tag (§10.4, §10.5, §12.2, §12.4). */
import type { Locator } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import { findOption, type Keepalive, type Probe, type R1bis, type UpdateAck, type UpdateRequest } from "../wire/message.ts";
import { composeUpdateAck } from "./compose.ts";
import { EARLY_I2_UNKNOWN_ROUND_TRIP, MAX_CANDIDATES } from "./constants.ts";
import { type Context, peerLocatorsOf, receiverContext } from "./context.ts";
import type { LocatorPair } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { beginAnswer, newSetup, repeatAnswer } from "./initiator.ts";
import { judgeAddressed, type Received } from "./receive.ts";
import { listHolds, recordUpdate } from "./record.ts";
import { receiveUpdateAck } from "./update.ts";

/**
 * R1bis (§7.18): found by CT(peer), its source in Ls(peer), its destination in Ls(local); not only on the current pair, or
 * an answer to a probe on another one could not start the recovery. CT(peer) stays in use meanwhile.
 */
export function receiveR1bis(engine: Engine, { source, destination }: Received, message: R1bis): void {
  const context = engine.table.byPeer(message.packetTag, source);
  if (context === undefined || !context.accepted.includes(destination)) {
    engine.drop("no-context-r1bis");
    return;
  }
  if (context.state !== "ESTABLISHED") {
    engine.drop("late-r1bis");
    return;
  }
  const box = context.peer?.box;
  const setup = newSetup(engine, context, pairsOf(context), engine.peers.nature(peerLocatorsOf(context), box));
  setup.challenge = {
    responderNonce: message.responderNonce,
    validator: findOption(message.options, "responder-validator")?.validator.slice(),
    pair: { local: destination, peer: source },
    packetTag: message.packetTag,
  };
  // I2bis says all that an Update Request would.
  engine.setUpdate(context, undefined);
  engine.waitlist.delete(context);
  context.setup = setup;
  context.state = "I2BIS-SENT";
  engine.effects.push({ kind: "recovering", id: context.id });
  beginAnswer(engine, context, setup, context.roundTrip ?? engine.peers.roundTrip(source, box) ?? EARLY_I2_UNKNOWN_ROUND_TRIP);
}

/** All pairs of a context, the current one first: what to try if I2bis fails too. */
function pairsOf({ current, localLocators, peer }: Context): LocatorPair[] {
  const proved = (peer?.locators ?? []).filter(({ verified }) => verified);
  const pairs = localLocators.flatMap((local) => proved.map(({ address }) => ({ local, peer: address })));
  const others = pairs.filter((pair) => pair.local !== current.local || pair.peer !== current.peer);
  return [current, ...others].slice(0, MAX_CANDIDATES);
}

/** Payload with a tag that no established context has (§12.2). In I2-SENT the peer is ahead of us: the box delivers, and I2 is repeated. */
export function receiveStrayPayload(engine: Engine, source: Locator, destination: Locator, tag: ContextTag): void {
  const context = engine.table.byTag(tag);
  if (context === undefined) {
    engine.sendR1bis({ local: destination, peer: source }, tag);
    return;
  }
  if (context.state === "I1-SENT") {
    engine.drop("early-payload");
    return;
  }
  repeatAnswer(engine, context);
}

/** Update Request, Update Acknowledgement, Keepalive and Probe: delivered by CT(local), then by locators (§12.4). */
export function receiveTagged(engine: Engine, received: Received, message: UpdateRequest | UpdateAck | Keepalive | Probe): void {
  const { source, destination } = received;
  const arrival = { local: destination, peer: source };
  const context = engine.table.byTag(message.receiverTag);
  if (context === undefined) {
    engine.sendR1bis(arrival, message.receiverTag);
    return;
  }
  if (context.state === "I1-SENT") {
    engine.drop(`early-${message.kind.toLowerCase()}`);
    return;
  }
  const addressed = judgeAddressed(received, message.receiverTag, receiverContext(context));
  if (addressed.action !== "accept") {
    if (context.retired.includes(destination)) {
      // Sent before the peer heard that this locator is gone. R1bis would say that the context is, and from an address that is not ours.
      engine.drop(`retired-${message.kind.toLowerCase()}`);
      return;
    }
    engine.sendR1bis(arrival, message.receiverTag);
    return;
  }
  if (message.kind === "Probe" && !engine.mayProbe(context)) return;
  if (context.state !== "ESTABLISHED") repeatAnswer(engine, context);
  switch (message.kind) {
    case "UpdateRequest":
      receiveUpdate(engine, context, received, message);
      break;
    case "UpdateAck":
      receiveUpdateAck(engine, context, message);
      break;
    default:
      // Only an established context feeds REAP; RFC 5533 App. B would "accept" in I2-SENT.
      if (context.state === "ESTABLISHED") engine.effects.push({ kind: "reap", id: context.id, source, destination, message });
      else engine.drop(`early-${message.kind.toLowerCase()}`);
  }
}

/** Update Request (§10.4). In I2-SENT CT(peer) may be unknown: then it cannot be acknowledged, and the peer will ask again. */
function receiveUpdate(engine: Engine, context: Context, received: Received, message: UpdateRequest): void {
  const { peer } = context;
  if (peer === undefined) {
    engine.drop("early-updaterequest");
    return;
  }
  const options = listHolds(engine, received, message, receiverContext(context));
  if (options === undefined) return;
  if (recordUpdate(engine, context, peer, options) && context.state !== "I2-SENT") engine.publish(context, "update");
  engine.send({ local: received.destination, peer: received.source }, composeUpdateAck(peer.tag, message.requestNonce));
}
