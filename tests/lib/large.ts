/** Large frames (virtio gso) in plain TypeScript, octet by octet: what the core's cutting and joining is judged by. */
import type { Address } from "../../runtime/value/address.ts";
import { concat, putU16, putU32, u16, u32 } from "../../runtime/value/bytes.ts";
import { packetOf } from "./packet.ts";

export const TCP = 6;
export const UDP = 17;
export const FIN = 0x01;
export const PSH = 0x08;
export const ACK = 0x10;
export const CWR = 0x80;

const GSO_TCP6 = 4;
const GSO_UDP = 5;

/** A TCP segment of a host. */
export interface Segment {
  readonly source: Address;
  readonly destination: Address;
  readonly ports?: readonly [number, number];
  readonly sequence: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly window?: number;
  /** A multiple of 4 octets. */
  readonly options?: Uint8Array;
  readonly payload: Uint8Array;
  readonly trafficClass?: number;
  readonly hopLimit?: number;
}

/** The packet with a whole checksum, or with the pseudo-header's part alone. */
export function tcpPacket(segment: Segment, partial = false): Uint8Array {
  const { source, destination, ports = [40_000, 5201], sequence, acknowledgement = 77, flags = ACK, window = 500, payload } = segment;
  const { options = new Uint8Array(), trafficClass = 0, hopLimit = 61 } = segment;
  const header = new Uint8Array(20);
  putU16(header, 0, ports[0]);
  putU16(header, 2, ports[1]);
  putU32(header, 4, sequence);
  putU32(header, 8, acknowledgement);
  header[12] = (5 + options.length / 4) << 4;
  header[13] = flags;
  putU16(header, 14, window);
  const packet = packetOf(source, destination, TCP, concat(header, options, payload));
  packet[0] = 0x60 | (trafficClass >> 4);
  packet[1] = ((trafficClass & 0xf) << 4) | (packet[1] & 0xf);
  packet[7] = hopLimit;
  putU16(packet, 56, partial ? fold(pseudo(packet, 40, TCP)) : finished(packet, 40, TCP, 16));
  return packet;
}

/** A UDP datagram, or, `partial`, what stands for many. */
export function udpPacket(source: Address, destination: Address, payload: Uint8Array, partial = false): Uint8Array {
  const header = Uint8Array.of(0x9c, 0x40, 0x14, 0x51, 0, 0, 0, 0);
  putU16(header, 4, 8 + payload.length);
  const packet = packetOf(source, destination, UDP, concat(header, payload));
  putU16(packet, 46, partial ? fold(pseudo(packet, 40, UDP)) : finished(packet, 40, UDP, 6));
  return packet;
}

/** The virtio header of a large frame of segments of `size` octets behind an IPv6 header. */
export function largeHeader(size: number, kind: "tcp" | "udp" = "tcp"): Uint8Array {
  const header = new Uint8Array(10);
  const view = new DataView(header.buffer);
  header[0] = 1;
  header[1] = kind === "tcp" ? GSO_TCP6 : GSO_UDP;
  view.setUint16(2, 40 + (kind === "tcp" ? 20 : 8), true);
  view.setUint16(4, size, true);
  view.setUint16(6, 40, true);
  view.setUint16(8, kind === "tcp" ? 16 : 6, true);
  return header;
}

/** What a frame stands for: itself, or the packets that a device would send for it, `most` octets of payload in each at most. */
export function packetsOf(virtio: Uint8Array, packet: Uint8Array, most = 65_535): Uint8Array[] {
  if (virtio[1] === 0) return [packet];
  const tcp = virtio[1] === GSO_TCP6;
  const view = new DataView(virtio.buffer, virtio.byteOffset);
  const start = view.getUint16(6, true);
  const field = view.getUint16(8, true);
  const size = Math.min(view.getUint16(4, true), most);
  const head = start + (tcp ? (packet[start + 12] >> 4) * 4 : 8);
  const found: Uint8Array[] = [];
  for (let at = head; at < packet.length; at += size) {
    const piece = concat(packet.subarray(0, head), packet.subarray(at, at + size));
    putU16(piece, 4, piece.length - 40);
    if (tcp) {
      putU32(piece, start + 4, (u32(packet, start + 4) + at - head) >>> 0);
      if (at > head) piece[start + 13] &= ~CWR;
      if (at + size < packet.length) piece[start + 13] &= ~(FIN | PSH);
    } else putU16(piece, start + 4, piece.length - start);
    putU16(piece, start + field, finished(piece, start, tcp ? TCP : UDP, field));
    found.push(piece);
  }
  return found;
}

/** Whether the checksum at `field` of the transport header at `start` is right. */
export function isSumRight(packet: Uint8Array, start = 40, next = packet[6]): boolean {
  return fold(pseudo(packet, start, next) + add(packet.subarray(start))) === 0xffff;
}

/** Whether a large frame's checksum field holds the pseudo-header's sum. */
export function isPartialRight(packet: Uint8Array): boolean {
  return u16(packet, 56) === fold(pseudo(packet, 40, TCP));
}

function finished(packet: Uint8Array, start: number, next: number, field: number): number {
  const copy = packet.slice();
  putU16(copy, start + field, 0);
  const sum = 0xffff - fold(pseudo(copy, start, next) + add(copy.subarray(start)));
  return sum === 0 && next === UDP ? 0xffff : sum;
}

function pseudo(packet: Uint8Array, start: number, next: number): number {
  return add(packet.subarray(8, 40)) + (packet.length - start) + next;
}

function add(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i++) sum += i % 2 === 0 ? octets[i] * 256 : octets[i];
  return sum;
}

function fold(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest % 0x1_0000) + Math.floor(rest / 0x1_0000);
  return rest;
}
