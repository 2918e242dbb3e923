/** Every reader of octets that strangers send: runtime/wire and runtime/cga. */

import { createCrypto } from "../../adapters/common/crypto.ts";
import { multiPrefixOf, parsePds, readRsaKey, signingKeys, verifyCga, verifyHba } from "../../runtime/cga/index.ts";
import { decodeLine } from "../../runtime/cli/decode.ts";
import { address, addressAt } from "../../runtime/value/address.ts";
import { hex } from "../../runtime/value/bytes.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import {
  emitMessage,
  errorFor,
  findOption,
  insertPayloadHeader,
  parseControl,
  parseIcmpError,
  parsePayload,
  parseQuoted,
  Refusal,
  removePayloadHeader,
  SHIM6_PACKET_LIMIT,
  showMessage,
  translateIcmpError,
} from "../../runtime/wire/index.ts";
import { corpus } from "./corpus.ts";
import { below, oneOf, spoil, stretch } from "./mutate.ts";
import { type Target, weight } from "./run.ts";

/** Octets of result for each octet of input, and beside that: an option of four octets becomes an object with four properties. */
const GROWTH = 48;
const FIXED = 2048;
const [LOCAL, PEER] = [address("fc00:a::1"), address("fc00:b::1")];
const TAG = contextTag(0x1234_5678_9abc);

/** Each control message, payload header, ICMPv6 error, PDS and key, spoiled. */
export function wireTarget(seed: number): Target {
  const { packets, parameters } = corpus(seed);
  const crypto = createCrypto();
  const isParameters = (index: number) => index % 8 === 7;
  return {
    name: "wire",
    input(random, index) {
      if (isParameters(index)) return stretch(random, oneOf(random, parameters));
      const chosen = oneOf(random, packets);
      return below(random, 50) === 0 ? random.octets(below(random, 300)) : spoil(random, chosen);
    },
    play(octets, index) {
      if (isParameters(index)) readParameters(octets, crypto, index);
      else readPacket(octets, index);
    },
  };
}

function readPacket(octets: Uint8Array, index: number): void {
  const before = index % 16 === 0 ? hex(octets) : undefined;
  const parsed = parseControl(octets);
  if (parsed instanceof Refusal) {
    const answer = errorFor(octets, parsed.code, parsed.pointer);
    if (emitMessage(answer).length + 40 > SHIM6_PACKET_LIMIT) throw new Error("an Error message over 1,280 octets");
  } else if (!(parsed instanceof Reject)) {
    bounded(parsed, octets.length);
    if (index % 4 === 0) showMessage(parsed.message);
    if (index % 4 === 1) sameAgain(octets, parsed.message);
  }
  parsePayload(octets);
  parseQuoted(octets);
  parseQuoted(octets.subarray(Math.min(48, octets.length)));
  parseIcmpError(octets);
  for (const made of [
    removePayloadHeader(octets, LOCAL, PEER),
    insertPayloadHeader(octets, LOCAL, PEER, TAG),
    translateIcmpError(octets, LOCAL, PEER),
  ])
    if (!(made instanceof Reject) && made.length > octets.length + 8) throw new Error(`${octets.length} octets became ${made.length}`);
  if (before === undefined) return;
  decodeLine(before, true);
  if (hex(octets) !== before) throw new Error("a reader changed its input");
}

/** What was taken can be written, and what was written is taken again and is the same. */
function sameAgain(octets: Uint8Array, message: Parameters<typeof emitMessage>[0]): void {
  // Elements that do not divide are kept for the Error that answers them; nobody writes them.
  if (message.kind !== "Error" && findOption(message.options, "locator-preferences")?.ragged) return;
  const written = emitMessage(message);
  const packet = new Uint8Array(40 + written.length);
  packet.set(octets.subarray(0, 40));
  packet[4] = written.length >> 8;
  packet[5] = written.length & 0xff;
  packet[6] = 140;
  packet.set(written, 40);
  const second = parseControl(packet);
  if (second instanceof Reject || second instanceof Refusal) throw new Error(`written anew it is refused: ${JSON.stringify(second)}`);
  if (JSON.stringify(second.message) !== JSON.stringify(message)) throw new Error("written anew it reads differently");
}

function bounded(value: unknown, octets: number): void {
  const held = weight(value);
  if (held > GROWTH * octets + FIXED) throw new Error(`${octets} octets became ${held} in memory`);
}

function readParameters(octets: Uint8Array, crypto: ReturnType<typeof createCrypto>, index: number): void {
  const parsed = parsePds(octets);
  readRsaKey(octets.subarray(Math.min(25, octets.length)));
  if (!(parsed instanceof Reject)) {
    bounded(parsed, octets.length);
    multiPrefixOf(parsed);
    for (const key of signingKeys(parsed)) readRsaKey(key);
    if (index % 64 === 7) crypto.rsaVerify(parsed.publicKey, octets, octets);
  }
  if (index % 32 === 7) {
    verifyCga(crypto, octets.length >= 24 ? addressAt(octets.subarray(8, 24)) : LOCAL, octets);
    verifyHba(crypto, PEER, octets);
  }
}
