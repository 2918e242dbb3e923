/**
 * An ICMPv6 error about a packet that had a payload header of ours, as the host inside must see it (RFC 5533 §12.5): the
 * quote as the host had sent it, the destination its ULID. The reporting router stays the source.
 */
import { type Address, putAddress } from "../value/address.ts";
import { concat, putU16, u16 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { emitIcmpError, type IcmpError, parseIcmpError } from "./icmp6.ts";
import { parseQuotedIpv6 } from "./ipv6.ts";
import {
  ICMP6_DESTINATION_UNREACHABLE,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TIME_EXCEEDED,
  IPV6_DESTINATION_AT,
  IPV6_PAYLOAD_LENGTH_AT,
  IPV6_SOURCE_AT,
} from "./number.ts";
import { PAYLOAD_HEADER_LENGTH } from "./payload.ts";
import { findShim6 } from "./shim6.ts";

/**
 * Rewrites a whole ICMPv6 error packet for the context that its quote names. In a new array. Never throws.
 * @param leastMtu a Packet Too Big never says less: hosts take no notice of one below 1280 (RFC 8201 §4)
 * @returns the packet, or a Reject: those of {@link parseIcmpError}; `no-payload-icmp6` when the quote is no payload packet;
 * `shim6-icmp6` when the error points into the Shim6 header, which the host knows nothing of
 */
export function translateIcmpError(
  packet: Uint8Array,
  localUlid: Address,
  peerUlid: Address,
  hopLimit = 64,
  leastMtu = 0,
): Uint8Array | Reject {
  const error = parseIcmpError(packet);
  if (error instanceof Reject) return error;
  if (error.quoted?.kind !== "payload") return reject("no-payload-icmp6");
  const word = translateWord(error, error.quoted.offset, leastMtu);
  if (word instanceof Reject) return word;
  const quote = restoreQuote(error.quote, localUlid, peerUlid);
  if (quote instanceof Reject) return quote;
  return emitIcmpError(error.source, localUlid, { type: error.type, code: error.code, word }, quote, hopLimit);
}

function translateWord({ type, word }: IcmpError, offset: number, leastMtu: number): number | Reject {
  switch (type) {
    case ICMP6_PACKET_TOO_BIG:
      return Math.max(leastMtu, word - PAYLOAD_HEADER_LENGTH);
    case ICMP6_PARAMETER_PROBLEM:
      if (word < offset) return word;
      return word < offset + PAYLOAD_HEADER_LENGTH ? reject("shim6-icmp6", word) : word - PAYLOAD_HEADER_LENGTH;
    case ICMP6_DESTINATION_UNREACHABLE:
    case ICMP6_TIME_EXCEEDED: {
      // RFC 4884 §4.1: the first octet is the quote's length in 8-octet units when extensions follow it, else 0.
      const units = word >>> 24;
      return units === 0 ? word : (word & 0x00ff_ffff) + (units - PAYLOAD_HEADER_LENGTH / 8) * 2 ** 24;
    }
    default:
      return word;
  }
}

/** The quoted packet before the header was inserted, cut where the quote is. */
function restoreQuote(quote: Uint8Array, localUlid: Address, peerUlid: Address): Uint8Array | Reject {
  const ip = parseQuotedIpv6(quote);
  if (ip instanceof Reject) return ip;
  const place = findShim6(quote, Math.min(ip.end, quote.length));
  if (place instanceof Reject) return place;
  const { at, typeAt } = place.link;
  const restored = concat(quote.subarray(0, at), quote.subarray(at + PAYLOAD_HEADER_LENGTH));
  restored[typeAt] = quote[at];
  putU16(restored, IPV6_PAYLOAD_LENGTH_AT, u16(quote, IPV6_PAYLOAD_LENGTH_AT) - PAYLOAD_HEADER_LENGTH);
  putAddress(localUlid, restored, IPV6_SOURCE_AT);
  putAddress(peerUlid, restored, IPV6_DESTINATION_AT);
  return restored;
}
