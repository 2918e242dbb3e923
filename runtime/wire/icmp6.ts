/**
 * ICMPv6 errors (RFC 4443 §2.1, §3).
 *
 *     |     Type      |     Code      |          Checksum             |
 *     |        unused, MTU or Pointer, as the type wants              |
 *     ~     as much of the invoking packet as fits 1280 octets        ~
 */
import type { Address } from "../value/address.ts";
import { putU16, putU32, u32 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { checksum, pseudoHeaderSum, sum16 } from "./checksum.ts";
import { emitIpv6, firstLink, nextLink, parseIpv6 } from "./ipv6.ts";
import { ICMP6_DESTINATION_UNREACHABLE, IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU, PROTOCOL_ICMPV6 } from "./number.ts";
import { parseQuoted, type QuotedShim6 } from "./quote.ts";

const CHECKSUM_AT = 2;
const WORD_AT = 4;
const QUOTE_AT = 8;
/** Informational messages have the upper bit of Type set (RFC 4443 §2.1). */
const INFORMATIONAL = 0x80;

/** An ICMPv6 error whose checksum is right. */
export interface IcmpError {
  /** Who reports. */
  readonly source: Address;
  readonly destination: Address;
  readonly type: number;
  readonly code: number;
  /** Second 32-bit word: MTU in Packet Too Big, Pointer in Parameter Problem. */
  readonly word: number;
  /** What is left of the invoking packet: a view of the packet read. */
  readonly quote: Uint8Array;
  /** The quote, when it is a Shim6 packet. */
  readonly quoted: QuotedShim6 | undefined;
}

/**
 * Reads an ICMPv6 error, a whole IPv6 packet. Never throws.
 * @returns it, or a Reject: those of `parseIpv6`, `absent-icmp6`, `short-icmp6`, `bad-sum-icmp6`, `informational-icmp6`
 */
export function parseIcmpError(packet: Uint8Array): IcmpError | Reject {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  let link = firstLink(packet);
  while (link.type !== PROTOCOL_ICMPV6) {
    const next = nextLink(packet, link, ip.end);
    if (next === undefined) return reject("absent-icmp6", link.typeAt);
    link = next;
  }
  const icmp = packet.subarray(link.at, ip.end);
  if (icmp.length < QUOTE_AT) return reject("short-icmp6", link.at);
  if ((icmp[0] & INFORMATIONAL) !== 0) return reject("informational-icmp6", link.at);
  if (sum16(icmp, pseudoHeaderSum(ip.source, ip.destination, icmp.length, PROTOCOL_ICMPV6)) !== 0xffff) {
    return reject("bad-sum-icmp6", link.at);
  }
  const quote = icmp.subarray(QUOTE_AT);
  const quoted = parseQuoted(quote);
  return {
    source: ip.source,
    destination: ip.destination,
    type: icmp[0],
    code: icmp[1],
    word: u32(icmp, WORD_AT),
    quote,
    quoted: quoted instanceof Reject ? undefined : quoted,
  };
}

/** An ICMPv6 error about `invoking`, which is cut so that the whole has at most 1280 octets. In a new array. */
export function emitIcmpError(
  source: Address,
  destination: Address,
  error: { readonly type: number; readonly code: number; readonly word: number },
  invoking: Uint8Array,
  hopLimit = 64,
): Uint8Array {
  const quote = invoking.subarray(0, IPV6_MINIMUM_MTU - IPV6_HEADER_LENGTH - QUOTE_AT);
  const icmp = new Uint8Array(QUOTE_AT + quote.length);
  icmp[0] = error.type;
  icmp[1] = error.code;
  putU32(icmp, WORD_AT, error.word);
  icmp.set(quote, QUOTE_AT);
  putU16(icmp, CHECKSUM_AT, checksum(icmp, pseudoHeaderSum(source, destination, icmp.length, PROTOCOL_ICMPV6)));
  return emitIpv6(source, destination, PROTOCOL_ICMPV6, icmp, hopLimit);
}

/** Destination Unreachable (RFC 4443 §3.1), for a host whose first packet cannot be carried. */
export function emitUnreachable(source: Address, destination: Address, code: number, invoking: Uint8Array, hopLimit = 64): Uint8Array {
  return emitIcmpError(source, destination, { type: ICMP6_DESTINATION_UNREACHABLE, code, word: 0 }, invoking, hopLimit);
}
