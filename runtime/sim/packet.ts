/**
 * Hosts' packets: TCP segments with a Timestamps option, and UDP datagrams. Both carry the number under which the world knows the
 * packet: TSval of the segment (RFC 7323 §3.2), the first four octets of the datagram's data. Either may be inside a tunnel between the hosts (RFC 2473).
 */
import { putU16, putU32, u32 } from "../value/bytes.ts";
import { sum16 } from "../wire/checksum.ts";
import { IPV6_DESTINATION_AT, IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER_AT, IPV6_PAYLOAD_LENGTH_AT, IPV6_SOURCE_AT } from "../wire/number.ts";
import type { Person } from "./people.ts";

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_IPV6 = 41;
/** TCP header with the Timestamps option and two octets of padding. */
export const TCP_HEADER_LENGTH = 32;
export const TCP_PAYLOAD_AT = IPV6_HEADER_LENGTH + TCP_HEADER_LENGTH;
const TCP_DATA_OFFSET = (TCP_HEADER_LENGTH / 4) << 4;
const TCP_ACK = 0x10;
const TCP_PSH = 0x08;
const TSVAL_AT = IPV6_HEADER_LENGTH + 24;
const TSECR_AT = IPV6_HEADER_LENGTH + 28;
const UDP_HEADER_LENGTH = 8;
const UDP_NUMBER_AT = IPV6_HEADER_LENGTH + UDP_HEADER_LENGTH;
const HOP_LIMIT = 64;
/** Both ports of flow 0; the next flow has the next one. */
export const FIRST_PORT = 5000;

/** What a segment says beside where it goes. */
export interface Segment {
  readonly flow: number;
  readonly sequence: number;
  readonly acknowledged: number;
  /** Number of this packet, and of the one that it answers. */
  readonly number: number;
  readonly echo: number;
}

/** A TCP segment of `flow` with `data`. */
export function emitSegment(from: Person, to: Person, segment: Segment, data: Uint8Array): Uint8Array {
  const packet = startPacket(from, to, PROTOCOL_TCP, TCP_HEADER_LENGTH + data.length);
  const at = IPV6_HEADER_LENGTH;
  putU16(packet, at, FIRST_PORT + segment.flow);
  putU16(packet, at + 2, FIRST_PORT + segment.flow);
  putU32(packet, at + 4, segment.sequence);
  putU32(packet, at + 8, segment.acknowledged);
  packet[at + 12] = TCP_DATA_OFFSET;
  packet[at + 13] = data.length > 0 ? TCP_ACK | TCP_PSH : TCP_ACK;
  putU16(packet, at + 14, 0xffff);
  packet.set(TIMESTAMPS, at + 20);
  putU32(packet, TSVAL_AT, segment.number);
  putU32(packet, TSECR_AT, segment.echo);
  packet.set(data, TCP_PAYLOAD_AT);
  putU16(packet, at + 16, ~upperSum(packet, PROTOCOL_TCP) & 0xffff);
  return packet;
}

/** NOP, NOP, kind 8, length 10. */
const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10);

/** A UDP datagram of `flow` whose data is `octets` long, number included. */
export function emitDatagram(from: Person, to: Person, flow: number, number: number, octets: number): Uint8Array {
  const packet = startPacket(from, to, PROTOCOL_UDP, UDP_HEADER_LENGTH + octets);
  const at = IPV6_HEADER_LENGTH;
  putU16(packet, at, FIRST_PORT + flow);
  putU16(packet, at + 2, FIRST_PORT + flow);
  putU16(packet, at + 4, UDP_HEADER_LENGTH + octets);
  putU32(packet, UDP_NUMBER_AT, number);
  for (let i = UDP_NUMBER_AT + 4; i < packet.length; i++) packet[i] = (i * 7 + number) & 0xff;
  const sum = ~upperSum(packet, PROTOCOL_UDP) & 0xffff;
  putU16(packet, at + 6, sum === 0 ? 0xffff : sum);
  return packet;
}

/** `packet` as one tunnelled by the two hosts, whose networks stand behind them: theirs are the outer addresses, which nothing inside repeats. */
export function wrap(from: Person, to: Person, packet: Uint8Array): Uint8Array {
  const outer = startPacket(from, to, PROTOCOL_IPV6, packet.length);
  outer.set(packet, IPV6_HEADER_LENGTH);
  return outer;
}

/** The packet inside, or the packet itself if it is no tunnel's; a view. */
export function unwrap(packet: Uint8Array): Uint8Array {
  return packet[IPV6_NEXT_HEADER_AT] === PROTOCOL_IPV6 ? packet.subarray(IPV6_HEADER_LENGTH) : packet;
}

/** Reads a segment that came from {@link emitSegment}. */
export function readSegment(whole: Uint8Array): Segment {
  const packet = unwrap(whole);
  const at = IPV6_HEADER_LENGTH;
  return {
    flow: flowOf(packet),
    sequence: u32(packet, at + 4),
    acknowledged: u32(packet, at + 8),
    number: u32(packet, TSVAL_AT),
    echo: u32(packet, TSECR_AT),
  };
}

/** The flow that a host's packet belongs to. */
export function flowOf(whole: Uint8Array): number {
  const packet = unwrap(whole);
  return ((packet[IPV6_HEADER_LENGTH] << 8) | packet[IPV6_HEADER_LENGTH + 1]) - FIRST_PORT;
}

/**
 * Number of a host's packet, or 0. `type` is its upper protocol, `shift` the octets between IPv6 header and upper header: 8
 * for a packet with a payload header.
 */
export function numberOf(packet: Uint8Array, type: number, shift: number): number {
  const inner = IPV6_HEADER_LENGTH + shift;
  if (type === PROTOCOL_IPV6 && packet.length >= inner + IPV6_HEADER_LENGTH)
    return numberOf(packet.subarray(inner), packet[inner + IPV6_NEXT_HEADER_AT], 0);
  if (type === PROTOCOL_TCP && packet.length >= TCP_PAYLOAD_AT + shift) return u32(packet, TSVAL_AT + shift);
  if (type === PROTOCOL_UDP && packet.length >= UDP_NUMBER_AT + 4 + shift) return u32(packet, UDP_NUMBER_AT + shift);
  return 0;
}

function startPacket(from: Person, to: Person, type: number, length: number): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER_LENGTH + length);
  packet[0] = 0x60;
  putU16(packet, IPV6_PAYLOAD_LENGTH_AT, length);
  packet[IPV6_NEXT_HEADER_AT] = type;
  packet[IPV6_NEXT_HEADER_AT + 1] = HOP_LIMIT;
  packet.set(from.octets, IPV6_SOURCE_AT);
  packet.set(to.octets, IPV6_DESTINATION_AT);
  return packet;
}

/** Sum over pseudo-header and upper layer: the addresses stand before it in one row. */
function upperSum(packet: Uint8Array, type: number): number {
  return sum16(packet.subarray(IPV6_SOURCE_AT), packet.length - IPV6_HEADER_LENGTH + type);
}
