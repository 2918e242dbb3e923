/** `pshim6 decode`: packets in hexadecimal, one a line, to JSON objects, one a line. */

import { address } from "../value/address.ts";
import { hex, u16, unhex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { MessageCodec } from "../wire/control/codec.ts";
import { tagAt } from "../wire/control/codec.ts";
import { PROBE_REPORT_LENGTH, PROBE_REPORTS_AT, PROBE_STATES, probeCounts, readReports } from "../wire/control/probe.ts";
import { messageCodec } from "../wire/control/table.ts";
import { emitMessage } from "../wire/emit.ts";
import { emitIpv6, parseIpv6, parseQuotedIpv6 } from "../wire/ipv6.ts";
import { findOption, type Message, type ProbeReport } from "../wire/message.ts";
import {
  IPV6_HEADER_LENGTH,
  PROTOCOL_SHIM6,
  SHIM6_CHECKSUM_AT,
  SHIM6_HDR_EXT_LEN_AT,
  SHIM6_MIN_LENGTH,
  SHIM6_P_BIT,
  SHIM6_TYPE_AT,
} from "../wire/number.ts";
import { type Tlv, walkOptions } from "../wire/option/tlv.ts";
import { type ParsedControl, parseControl } from "../wire/parse.ts";
import { parsePayload } from "../wire/payload.ts";
import { Refusal } from "../wire/refusal.ts";
import { findShim6, headersFrom, type Shim6Place } from "../wire/shim6.ts";
import { type Fields, hexNumber, isFields } from "./fields.ts";
import { optionFields } from "./option-fields.ts";

/** Whole text: empty lines and lines that begin with # are passed over. One line of JSON for each other line. */
export function decodeText(text: string): string {
  const decoded = text.split("\n").map((line) => decodeLine(line));
  return decoded
    .filter((fields) => fields !== undefined)
    .map((fields) => `${JSON.stringify(fields)}\n`)
    .join("");
}

/** One line; `undefined` for one without a packet. `all` as in {@link decodePacket}. */
export function decodeLine(line: string, all = false): Fields | undefined {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return undefined;
  const octets = unhex(text);
  if (octets === undefined) return { verdict: "invalid", error: "not hexadecimal" };
  return looksLikeIpv6(octets) ? decodePacket(octets, all) : decodeBare(octets, all);
}

/** Version 6 and a Payload Length that the octets can hold: a Shim6 header seldom looks like that. */
function looksLikeIpv6(octets: Uint8Array): boolean {
  return !(parseIpv6(octets) instanceof Reject) || (octets.length >= IPV6_HEADER_LENGTH && octets[0] >> 4 === 6);
}

/** A Shim6 header without its IPv6 header: no addresses, and places count from its first octet. */
function decodeBare(octets: Uint8Array, all: boolean): Fields {
  if (octets.length > 0xffff) return { verdict: "invalid", error: `${octets.length} octets are no packet` };
  const anywhere = address("::1");
  const fields = decodePacket(emitIpv6(anywhere, anywhere, PROTOCOL_SHIM6, octets, 64), all);
  const { seen } = fields;
  if (!isFields(seen)) return withoutIpv6(fields);
  const moved = Object.entries(fields).map(([name, value]) => [
    name,
    PLACES.has(name) && typeof value === "number" ? behindIpv6(value) : value,
  ]);
  return { ...Object.fromEntries(moved), seen: withoutIpv6(seen) };
}

/** Fields of a verdict that count octets of the packet. */
const PLACES: ReadonlySet<string> = new Set(["pointer", "at"]);

function behindIpv6(place: number): number {
  return Math.max(0, place - IPV6_HEADER_LENGTH);
}

function withoutIpv6({ src, dst, ...rest }: Fields): Fields {
  return typeof rest.shim6_offset === "number" ? { ...rest, shim6_offset: behindIpv6(rest.shim6_offset) } : rest;
}

/**
 * One IPv6 packet. What the receiver would take becomes its fields; anything else becomes `verdict` (drop, error, or
 * not-shim6), `error`, for an Error message `error_code` and `pointer`, and in `seen` what can still be read.
 * @param all also what a receiver passes over: reserved bits, padding, octets behind the message
 */
export function decodePacket(packet: Uint8Array, all = false): Fields {
  const payload = parsePayload(packet);
  if (!(payload instanceof Reject)) return readFields(packet);
  const parsed = parseControl(packet);
  if (parsed instanceof Reject) {
    const verdict = parsed.why === "absent-shim6" ? "not-shim6" : "drop";
    const why = parsed.why === "payload-shim6" ? payload : parsed;
    return { verdict, error: why.why, at: why.at, seen: readFields(packet) };
  }
  if (parsed instanceof Refusal) {
    const { code, pointer } = parsed;
    return { verdict: "error", error: ERROR_NAMES[code] ?? `code ${code}`, error_code: code, pointer, seen: readFields(packet) };
  }
  return {
    ...readFields(packet),
    ...(parsed.ignored.length === 0 ? {} : { ignored_options: parsed.ignored }),
    ...(all ? passedOver(packet, parsed) : {}),
  };
}

/**
 * What a receiver must not look at and a sender should have left zero: reserved bits and padding, as places in the Shim6 header with
 * the bits that stand there, and octets behind the message.
 */
function passedOver(packet: Uint8Array, { message, offset }: ParsedControl): Fields {
  const length = 8 * (packet[offset + SHIM6_HDR_EXT_LEN_AT] + 1);
  const ip = parseIpv6(packet);
  const behind = ip instanceof Reject ? 0 : ip.end - offset - length;
  return { ...reservedBits(packet.subarray(offset, offset + length), message), ...(behind > 0 ? { octets_behind: behind } : {}) };
}

function reservedBits(header: Uint8Array, message: Message): Fields {
  if (message.kind !== "Error" && findOption(message.options, "locator-preferences")?.ragged === true) return {};
  const plain = emitMessage(message);
  const set: Fields[] = [];
  for (let at = SHIM6_TYPE_AT + 1; at < header.length; at++) {
    if (at >= SHIM6_CHECKSUM_AT && at < SHIM6_CHECKSUM_AT + 2) continue;
    const bits = header[at] ^ plain[at];
    if (bits !== 0) set.push({ octet: at, bits: hexNumber(bits, 2) });
  }
  return set.length === 0 ? {} : { reserved_bits: set };
}

/** RFC 5533 §5.14. */
const ERROR_NAMES = [
  "unknown message type",
  "critical option not recognised",
  "locator verification failed",
  "locator list generation out of step",
  "number of elements in locator preferences wrong",
];

/** Every field that the octets show, whether or not the packet would be taken. */
function readFields(packet: Uint8Array): Fields {
  const ip = parseQuotedIpv6(packet);
  if (ip instanceof Reject) return {};
  const end = Math.min(ip.end, packet.length);
  const addresses = { src: ip.source, dst: ip.destination };
  const place = findShim6(packet, end);
  if (place instanceof Reject) return addresses;
  const { at } = place.link;
  const isPayload = (packet[at + SHIM6_TYPE_AT] & SHIM6_P_BIT) !== 0;
  return { ...addresses, ...(isPayload ? payloadFields(packet, place, end) : controlFields(packet.subarray(at, end))) };
}

function payloadFields(packet: Uint8Array, { link, before }: Shim6Place, end: number): Fields {
  const behind = { type: packet[link.at], at: link.at + SHIM6_MIN_LENGTH, typeAt: link.at };
  return {
    msg: "payload",
    receiver_ct: hexNumber(tagAt(packet, link.at + SHIM6_TYPE_AT), 12),
    shim6_next_header: packet[link.at],
    shim6_offset: link.at,
    headers_before_shim6: before,
    headers_after_shim6: headersFrom(packet, behind, end),
  };
}

function controlFields(octets: Uint8Array): Fields {
  const header = octets.subarray(0, 8 * (octets[SHIM6_HDR_EXT_LEN_AT] + 1));
  const codec = messageCodec(header[SHIM6_TYPE_AT]);
  const { fields, options } = codec === undefined ? { fields: {}, options: [] } : fixedFields(codec, header);
  return {
    msg: codec?.kind ?? "unknown",
    type: header[SHIM6_TYPE_AT],
    ...fields,
    hdr_ext_len: header[SHIM6_HDR_EXT_LEN_AT],
    checksum: hexNumber(u16(header, SHIM6_CHECKSUM_AT), 4),
    next_header: header[0],
    options: options.map(optionFields),
  };
}

/** The fixed part, as far as the octets go, and the options behind it. */
function fixedFields(codec: MessageCodec, header: Uint8Array): { readonly fields: Fields; readonly options: readonly Tlv[] } {
  if (codec.kind === "Probe" && header.length >= PROBE_REPORTS_AT) return probeFields(header);
  if (header.length < codec.minLength) return { fields: {}, options: [] };
  const start = codec.optionsAt(header);
  const options = start instanceof Reject ? [] : walkOptions(header, start).options;
  return { fields: messageFields(codec.parse(header, [])), options };
}

function messageFields(message: Message): Fields {
  const tag = (value: number) => hexNumber(value, 12);
  const nonce = (value: number) => hexNumber(value, 8);
  switch (message.kind) {
    case "I1":
      return { initiator_ct: tag(message.initiatorTag), initiator_nonce: nonce(message.initiatorNonce) };
    case "R1":
      return { initiator_nonce: nonce(message.initiatorNonce), responder_nonce: nonce(message.responderNonce) };
    case "I2":
      return {
        initiator_ct: tag(message.initiatorTag),
        initiator_nonce: nonce(message.initiatorNonce),
        responder_nonce: nonce(message.responderNonce),
      };
    case "R2":
      return { responder_ct: tag(message.responderTag), initiator_nonce: nonce(message.initiatorNonce) };
    case "R1bis":
      return { packet_ct: tag(message.packetTag), responder_nonce: nonce(message.responderNonce) };
    case "I2bis":
      return {
        initiator_ct: tag(message.initiatorTag),
        initiator_nonce: nonce(message.initiatorNonce),
        responder_nonce: nonce(message.responderNonce),
        packet_ct: tag(message.packetTag),
      };
    case "UpdateRequest":
    case "UpdateAck":
      return { receiver_ct: tag(message.receiverTag), request_nonce: nonce(message.requestNonce) };
    case "Keepalive":
      return { receiver_ct: tag(message.receiverTag) };
    case "Probe":
      return {};
    case "Error":
      return { error_code: message.code, pointer: message.pointer, packet_in_error: hex(message.packet) };
  }
}

/** Counts and state as they stand there, and as many reports as there are octets for. */
function probeFields(header: Uint8Array): { readonly fields: Fields; readonly options: readonly Tlv[] } {
  const counts = probeCounts(header);
  const sent = readReports(header, PROBE_REPORTS_AT, counts.sent);
  const received = readReports(header, PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * counts.sent, counts.received);
  const fields = {
    receiver_ct: hexNumber(tagAt(header), 12),
    state: counts.state,
    state_name: PROBE_STATES[counts.state] ?? "reserved",
    psent: counts.sent,
    precvd: counts.received,
    probes_sent: sent.map(reportFields),
    probes_received: received.map(reportFields),
  };
  const end = PROBE_REPORTS_AT + PROBE_REPORT_LENGTH * (counts.sent + counts.received);
  return { fields, options: walkOptions(header, Math.min(end, header.length)).options };
}

function reportFields({ source, destination, nonce, data }: ProbeReport): Fields {
  return { src: source, dst: destination, nonce: hexNumber(nonce, 8), data: hexNumber(data, 8) };
}
