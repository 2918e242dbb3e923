/**
 * Payload extension header (RFC 5533 §5.2).
 *
 *     |  Next Header  |       0       |1|                             |
 *     |                    Receiver Context Tag                       |
 *
 * Insertion and removal here are the plain form that the core's fast one is compared with.
 */
import { type Address, putAddress } from "../value/address.ts";
import { concat, putU16, putU48 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag } from "../value/tag.ts";
import { tagAt } from "./control/codec.ts";
import { parseIpv6 } from "./ipv6.ts";
import {
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_PAYLOAD_LENGTH_AT,
  IPV6_SOURCE_AT,
  PROTOCOL_SHIM6,
  SHIM6_HDR_EXT_LEN_AT,
  SHIM6_P_BIT,
  SHIM6_TYPE_AT,
} from "./number.ts";
import { findShim6, placeForShim6 } from "./shim6.ts";

export const PAYLOAD_HEADER_LENGTH = 8;

/** What the payload header of a packet says. */
export interface ParsedPayload {
  readonly source: Address;
  readonly destination: Address;
  readonly tag: ContextTag;
  /** Octet of the packet where the payload header begins. */
  readonly offset: number;
  /** Type of the header behind it. */
  readonly nextHeader: number;
}

/**
 * Finds and reads the payload header of a whole IPv6 packet. Never throws.
 * @returns it, or a Reject: those of `parseIpv6` and `findShim6`, `control-shim6`, `bad-length-shim6`
 */
export function parsePayload(packet: Uint8Array): ParsedPayload | Reject {
  const found = locate(packet);
  if (found instanceof Reject) return found;
  const { source, destination, offset } = found;
  return { source, destination, tag: tagAt(packet, offset + SHIM6_TYPE_AT), offset, nextHeader: packet[offset] };
}

/**
 * `packet` as it goes out between locators: addresses exchanged, payload header inserted where RFC 5533 §4.6 wants it.
 * Upper-layer checksums stay: they cover the ULIDs. In a new array.
 * @returns the packet, or a Reject: those of `parseIpv6` and `placeForShim6`, `long-ipv6` when Payload Length cannot grow
 */
export function insertPayloadHeader(packet: Uint8Array, source: Address, destination: Address, tag: ContextTag): Uint8Array | Reject {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  const place = placeForShim6(packet, ip.end);
  if (place instanceof Reject) return place;
  const payloadLength = ip.end - IPV6_HEADER_LENGTH + PAYLOAD_HEADER_LENGTH;
  if (payloadLength > 0xffff) return reject("long-ipv6", payloadLength);
  const header = new Uint8Array(PAYLOAD_HEADER_LENGTH);
  putU48(header, SHIM6_TYPE_AT, CONTEXT_TAG_LIMIT + tag);
  header[0] = place.type;
  const grown = concat(packet.subarray(0, place.at), header, packet.subarray(place.at, ip.end));
  grown[place.typeAt] = PROTOCOL_SHIM6;
  readdress(grown, source, destination, payloadLength);
  return grown;
}

/** The reverse: payload header removed, addresses exchanged for ULIDs. @returns the packet in a new array, or a Reject as {@link parsePayload} */
export function removePayloadHeader(packet: Uint8Array, source: Address, destination: Address): Uint8Array | Reject {
  const found = locate(packet);
  if (found instanceof Reject) return found;
  const { offset, typeAt, end } = found;
  const shrunk = concat(packet.subarray(0, offset), packet.subarray(offset + PAYLOAD_HEADER_LENGTH, end));
  shrunk[typeAt] = packet[offset];
  readdress(shrunk, source, destination, end - IPV6_HEADER_LENGTH - PAYLOAD_HEADER_LENGTH);
  return shrunk;
}

function locate(packet: Uint8Array) {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  const place = findShim6(packet, ip.end);
  if (place instanceof Reject) return place;
  const { at, typeAt } = place.link;
  if ((packet[at + SHIM6_TYPE_AT] & SHIM6_P_BIT) === 0) return reject("control-shim6", at + SHIM6_TYPE_AT);
  if (packet[at + SHIM6_HDR_EXT_LEN_AT] !== 0) return reject("bad-length-shim6", at + SHIM6_HDR_EXT_LEN_AT);
  return { ...ip, offset: at, typeAt };
}

function readdress(packet: Uint8Array, source: Address, destination: Address, payloadLength: number): void {
  putU16(packet, IPV6_PAYLOAD_LENGTH_AT, payloadLength);
  putAddress(source, packet, IPV6_SOURCE_AT);
  putAddress(destination, packet, IPV6_DESTINATION_AT);
}
