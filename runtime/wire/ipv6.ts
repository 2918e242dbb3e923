/**
 * IPv6 header and extension headers (RFC 8200 §3, §4).
 *
 *     |Version| Traffic Class |           Flow Label                  |
 *     |         Payload Length        |  Next Header  |   Hop Limit   |
 *     |                    Source Address (16)                        |
 *     |                 Destination Address (16)                      |
 */
import { type Address, addressAt, putAddress } from "../value/address.ts";
import { putU16, u16 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import {
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_HOP_LIMIT_AT,
  IPV6_NEXT_HEADER_AT,
  IPV6_PAYLOAD_LENGTH_AT,
  IPV6_SOURCE_AT,
  PROTOCOL_AH,
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_FRAGMENT,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ROUTING,
} from "./number.ts";

/** An IPv6 header as a value. */
export interface Ipv6 {
  readonly source: Address;
  readonly destination: Address;
  readonly nextHeader: number;
  readonly hopLimit: number;
  /** Where the packet ends: octets behind it do not belong to it. Past the array's end when the array is a cut quote. */
  readonly end: number;
}

/**
 * Reads the header at the start of `packet`. Octets behind Payload Length are allowed.
 * @returns the header, or a Reject: `short-ipv6`, `bad-version-ipv6`
 */
export function parseIpv6(packet: Uint8Array): Ipv6 | Reject {
  const header = parseQuotedIpv6(packet);
  if (header instanceof Reject) return header;
  return header.end > packet.length ? reject("short-ipv6", packet.length) : header;
}

/** Like {@link parseIpv6}, for a packet that an ICMPv6 or Shim6 error quotes and may have cut anywhere behind its header. */
export function parseQuotedIpv6(packet: Uint8Array): Ipv6 | Reject {
  if (packet.length < IPV6_HEADER_LENGTH) return reject("short-ipv6", packet.length);
  if (packet[0] >> 4 !== 6) return reject("bad-version-ipv6", 0);
  return {
    source: addressAt(packet, IPV6_SOURCE_AT),
    destination: addressAt(packet, IPV6_DESTINATION_AT),
    nextHeader: packet[IPV6_NEXT_HEADER_AT],
    hopLimit: packet[IPV6_HOP_LIMIT_AT],
    end: IPV6_HEADER_LENGTH + u16(packet, IPV6_PAYLOAD_LENGTH_AT),
  };
}

/** An IPv6 packet around `payload`, traffic class and flow label 0. @throws {RangeError} if `payload` is longer than 65,535 octets. */
export function emitIpv6(source: Address, destination: Address, nextHeader: number, payload: Uint8Array, hopLimit: number): Uint8Array {
  if (payload.length > 0xffff) throw new RangeError(`IPv6 payload of ${payload.length} octets`);
  const packet = new Uint8Array(IPV6_HEADER_LENGTH + payload.length);
  packet[0] = 0x60;
  putU16(packet, IPV6_PAYLOAD_LENGTH_AT, payload.length);
  packet[IPV6_NEXT_HEADER_AT] = nextHeader;
  packet[IPV6_HOP_LIMIT_AT] = hopLimit;
  putAddress(source, packet, IPV6_SOURCE_AT);
  putAddress(destination, packet, IPV6_DESTINATION_AT);
  packet.set(payload, IPV6_HEADER_LENGTH);
  return packet;
}

/** A place in the chain of headers: the header that stands at `at` is a `type`, as the octet at `typeAt` says. */
export interface Link {
  readonly type: number;
  readonly at: number;
  readonly typeAt: number;
}

export const CHAIN_START = IPV6_HEADER_LENGTH;

/** The place right behind the IPv6 header. */
export function firstLink(packet: Uint8Array): Link {
  return { type: packet[IPV6_NEXT_HEADER_AT], at: CHAIN_START, typeAt: IPV6_NEXT_HEADER_AT };
}

/** The place behind the extension header at `link`; `undefined` if that is none, or does not fit before `end`. */
export function nextLink(packet: Uint8Array, link: Link, end: number): Link | undefined {
  if (link.at + 8 > end) return undefined;
  const length = extensionLength(link.type, packet[link.at + 1]);
  if (length === undefined || link.at + length > end) return undefined;
  return { type: packet[link.at], at: link.at + length, typeAt: link.at };
}

/** Octets of an extension header whose second octet is `field`; `undefined` for what is none of them. */
function extensionLength(type: number, field: number): number | undefined {
  switch (type) {
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION_OPTIONS:
      return 8 * (field + 1);
    case PROTOCOL_FRAGMENT:
      return 8;
    case PROTOCOL_AH:
      return 4 * (field + 2);
    default:
      return undefined;
  }
}

/** Whether `link` is a Routing header that still has a way to go (RFC 8200 §4.4): the destination address is not the last one. */
export function routesOn(packet: Uint8Array, link: Link): boolean {
  return link.type === PROTOCOL_ROUTING && packet[link.at + 3] > 0;
}
