/**
 * Two attackers. One is off the path: knows addresses, sees nothing, guesses tags and nonces. One sees what a provider carries, and
 * repeats packets, changes them, and forges new ones with the tags and nonces it saw.
 */
import type { Locator } from "../value/address.ts";
import { addressAt, putAddress } from "../value/address.ts";
import { putU16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag, contextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import {
  checksum,
  emitIcmpError,
  emitPacket,
  errorFor,
  insertPayloadHeader,
  type Message,
  type Option,
  parseControl,
  parsePayload,
  type ReapState,
  Refusal,
} from "../wire/index.ts";
import {
  ICMP6_DESTINATION_UNREACHABLE,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_SOURCE_AT,
  PROTOCOL_SHIM6,
  SHIM6_CHECKSUM_AT,
} from "../wire/number.ts";
import type { Dice } from "./dice.ts";
import type { Sent } from "./ledger.ts";
import { emitDatagram } from "./packet.ts";
import type { Person } from "./people.ts";

/** What an attacker may do and know. */
export interface AttackWorld {
  readonly dice: Dice;
  readonly persons: readonly Person[];
  locatorsOf(person: Person): readonly Locator[];
  /** Lets `packet` arrive at the box of the site that its destination belongs to, after a while. */
  inject(packet: Uint8Array, after: Millis): void;
  /** Enters a packet that seems to be of the host that sent `like`; `make` is given its number. */
  enter(like: Sent, make: (number: number) => Uint8Array): Uint8Array;
  find(packet: Uint8Array): Sent | undefined;
}

const VALIDATOR_OCTETS = 20;
const STATES: readonly ReapState[] = ["Operational", "Exploring", "InboundOk"];

/** Forges one packet without having seen any. */
export function forgeBlindly(world: AttackWorld): void {
  const { dice, persons } = world;
  const victim = dice.pick(persons);
  const others = persons.filter(({ site }) => site !== victim.site);
  const pretended = dice.pick(others);
  const destination = dice.pick(world.locatorsOf(victim));
  const source = dice.chance(0.8) ? dice.pick(world.locatorsOf(pretended)) : ("2001:db8:dead::1" as Locator);
  const shot = dice.whole([0, 13]);
  if (shot === 0) return world.inject(noise(dice, source, destination), 1);
  if (shot === 1) return world.inject(stray(dice, victim, pretended, source, destination), 1);
  if (shot === 2) return world.inject(falseIcmp(dice, source, destination, randomTag(dice)), 1);
  world.inject(emitPacket(source, destination, blindMessage(dice, shot, victim, pretended, source, destination)), 1);
}

function blindMessage(dice: Dice, shot: number, victim: Person, pretended: Person, source: Locator, destination: Locator): Message {
  const tag = randomTag(dice);
  const nonce = dice.u32();
  const named: Option = { kind: "ulid-pair", sender: pretended.ulid, receiver: victim.ulid };
  const validator: Option = { kind: "responder-validator", validator: dice.octets(VALIDATOR_OCTETS) };
  const list: Option = { kind: "locator-list", generation: dice.u32(), locators: [{ address: source, method: 2 }] };
  const proof: Option[] = [list, { kind: "cga-pds", pds: pretended.pds }, { kind: "cga-signature", signature: dice.octets(128) }];
  switch (shot) {
    case 3:
      return { kind: "I1", initiatorTag: tag, initiatorNonce: nonce, options: [named] };
    case 4:
      return { kind: "R1", initiatorNonce: nonce, responderNonce: dice.u32(), options: [validator] };
    case 5:
      return { kind: "I2", initiatorTag: tag, initiatorNonce: nonce, responderNonce: dice.u32(), options: [validator, named, ...proof] };
    case 6:
      return { kind: "R2", responderTag: tag, initiatorNonce: nonce, options: proof };
    case 7:
      return { kind: "R1bis", packetTag: tag, responderNonce: nonce, options: [validator] };
    case 8:
      return {
        kind: "I2bis",
        initiatorTag: tag,
        initiatorNonce: nonce,
        responderNonce: dice.u32(),
        packetTag: randomTag(dice),
        options: [validator, named, ...proof],
      };
    case 9:
      return { kind: "UpdateRequest", receiverTag: tag, requestNonce: nonce, options: proof };
    case 10:
      return { kind: "UpdateAck", receiverTag: tag, requestNonce: nonce, options: [] };
    case 11:
      return { kind: "Keepalive", receiverTag: tag, options: [] };
    case 12:
      return errorFor(
        emitPacket(destination, source, { kind: "I1", initiatorTag: tag, initiatorNonce: nonce, options: [named] }),
        dice.whole([0, 4]),
        0,
      );
    default:
      return probe(dice, tag, source, destination, []);
  }
}

function probe(dice: Dice, tag: ContextTag, source: Locator, destination: Locator, received: readonly number[]): Message {
  return {
    kind: "Probe",
    receiverTag: tag,
    state: dice.pick(STATES),
    sent: [{ source, destination, nonce: dice.u32(), data: 0 }],
    received: received.map((nonce) => ({ source: destination, destination: source, nonce, data: 0 })),
    options: [],
  };
}

function randomTag(dice: Dice): ContextTag {
  return contextTag((dice.u32() * 0x1_0000_0000 + dice.u32()) % CONTEXT_TAG_LIMIT);
}

/** Octets that say they are Shim6 and are not, or hardly. */
function noise(dice: Dice, source: Locator, destination: Locator): Uint8Array {
  const packet = emitPacket(source, destination, { kind: "Keepalive", receiverTag: randomTag(dice), options: [] });
  const length = IPV6_HEADER_LENGTH + dice.whole([0, 64]);
  const cut = new Uint8Array(length);
  cut.set(packet.subarray(0, Math.min(length, IPV6_HEADER_LENGTH)));
  cut.set(dice.octets(length - IPV6_HEADER_LENGTH), IPV6_HEADER_LENGTH);
  putU16(cut, 4, dice.chance(0.8) ? length - IPV6_HEADER_LENGTH : dice.whole([0, 2000]));
  if (dice.chance(0.3)) cut[6] = dice.whole([0, 255]);
  return cut;
}

/** Payload with a tag that nobody gave out. */
function stray(dice: Dice, victim: Person, pretended: Person, source: Locator, destination: Locator): Uint8Array {
  const grown = insertPayloadHeader(emitDatagram(pretended, victim, 0, 0, 16), source, destination, randomTag(dice));
  return grown instanceof Reject ? noise(dice, source, destination) : grown;
}

function falseIcmp(dice: Dice, source: Locator, destination: Locator, tag: ContextTag): Uint8Array {
  const quoted = emitPacket(destination, source, { kind: "I1", initiatorTag: tag, initiatorNonce: dice.u32(), options: [] });
  const type = dice.pick([ICMP6_DESTINATION_UNREACHABLE, ICMP6_PACKET_TOO_BIG, ICMP6_PARAMETER_PROBLEM]);
  return emitIcmpError(source, destination, { type, code: dice.whole([0, 2]), word: dice.whole([0, 1500]) }, quoted);
}

/** Does something with a packet that was seen on its way. */
export function tamper(world: AttackWorld, seen: Uint8Array): void {
  const { dice } = world;
  if (seen[6] !== PROTOCOL_SHIM6) return;
  const again = dice.whole([0, 3]);
  if (again === 0) return world.inject(seen.slice(), dice.between([0, 2000]));
  const payload = parsePayload(seen);
  if (!(payload instanceof Reject)) return tamperPayload(world, seen, payload.tag);
  if (again === 1) return world.inject(flipped(dice, seen), dice.between([0, 50]));
  const parsed = parseControl(seen);
  if (parsed instanceof Reject || parsed instanceof Refusal) return;
  if (parsed.message.kind === "I2" && dice.chance(0.5)) return moveI2(world, seen);
  tamperControl(world, parsed.message, seen);
}

/** The same I2 from another locator of its sender: only the validator tells that nobody asked for it there. */
function moveI2(world: AttackWorld, seen: Uint8Array): void {
  const { dice, persons } = world;
  const source = addressAt(seen, IPV6_SOURCE_AT);
  const sender = persons.find((person) => world.locatorsOf(person).includes(source));
  if (sender === undefined) return;
  const moved = seen.slice();
  putAddress(dice.pick(world.locatorsOf(sender)), moved, IPV6_SOURCE_AT);
  world.inject(moved, dice.between([0, 90_000]));
}

function tamperPayload(world: AttackWorld, seen: Uint8Array, tag: ContextTag): void {
  const { dice } = world;
  const [source, destination] = [addressAt(seen, IPV6_SOURCE_AT), addressAt(seen, IPV6_DESTINATION_AT)];
  const message = forgeWithTag(dice, tag, source, destination);
  if (message !== undefined) return world.inject(emitPacket(source, destination, message), dice.between([0, 20]));
  const like = world.find(seen);
  if (like === undefined || like.forged) return;
  const forged = world.enter(like, (number) => emitDatagram(like.from, like.to, 0, number, 40));
  const grown = insertPayloadHeader(forged, source, destination, tag);
  if (!(grown instanceof Reject)) world.inject(grown, dice.between([0, 20]));
}

/** What somebody can say to the owner of a tag; `undefined` = payload. */
function forgeWithTag(dice: Dice, tag: ContextTag, source: Locator, destination: Locator): Message | undefined {
  const evil = "2001:db8:dead::1" as Locator;
  const list: Option = {
    kind: "locator-list",
    generation: dice.u32(),
    locators: [{ address: dice.pick([evil, source]), method: dice.pick([1, 2, 7]) }],
  };
  switch (dice.whole([0, 6])) {
    case 0:
      return probe(dice, tag, source, destination, [dice.u32()]);
    case 1:
      return { kind: "Keepalive", receiverTag: tag, options: [] };
    case 2:
      return {
        kind: "UpdateRequest",
        receiverTag: tag,
        requestNonce: dice.u32(),
        options: [list, { kind: "cga-signature", signature: dice.octets(128) }],
      };
    case 3:
      return {
        kind: "UpdateRequest",
        receiverTag: tag,
        requestNonce: dice.u32(),
        options: [{ kind: "keepalive-timeout", seconds: dice.whole([1, 60]) }],
      };
    case 4:
      return { kind: "UpdateAck", receiverTag: tag, requestNonce: dice.u32(), options: [] };
    default:
      return undefined;
  }
}

/** Answers in the place of whom the message went to. */
function tamperControl(world: AttackWorld, message: Message, seen: Uint8Array): void {
  const { dice } = world;
  const [source, destination] = [addressAt(seen, IPV6_SOURCE_AT), addressAt(seen, IPV6_DESTINATION_AT)];
  const answer = (reply: Message): void => world.inject(emitPacket(destination, source, reply), dice.between([0, 20]));
  const validator: Option = { kind: "responder-validator", validator: dice.octets(VALIDATOR_OCTETS) };
  switch (message.kind) {
    case "I1":
      return answer({ kind: "R1", initiatorNonce: message.initiatorNonce, responderNonce: dice.u32(), options: [validator] });
    case "I2":
      return answer({ kind: "R2", responderTag: randomTag(dice), initiatorNonce: message.initiatorNonce, options: [] });
    case "Probe":
      return answer(probe(dice, message.receiverTag, destination, source, [message.sent[0]?.nonce ?? 0]));
    case "UpdateRequest":
    case "UpdateAck":
    case "Keepalive":
      return answer({ kind: "R1bis", packetTag: message.receiverTag, responderNonce: dice.u32(), options: [validator] });
    default:
      return world.inject(seen.slice(), dice.between([0, 60_000]));
  }
}

/** One octet of a control message changed, its checksum made right again. */
function flipped(dice: Dice, seen: Uint8Array): Uint8Array {
  const packet = seen.slice();
  const header = packet.subarray(IPV6_HEADER_LENGTH);
  const at = dice.whole([2, header.length - 1]);
  header[at] ^= dice.whole([1, 255]);
  putU16(header, SHIM6_CHECKSUM_AT, 0);
  putU16(header, SHIM6_CHECKSUM_AT, checksum(header));
  return packet;
}
