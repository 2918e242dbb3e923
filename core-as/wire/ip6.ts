/** IPv6 header and extension headers: getters that trust a length checked before. */
import { EXTENSION_LENGTH, IP6_NEXT, IP6_PAYLOAD_LENGTH, NEXT_DESTINATION, NEXT_HOP_BY_HOP, NEXT_ROUTING } from "../layout/ip6.ts";

/** Payload Length, octets. */
export function payloadLength(packet: usize): u32 {
  return <u32>bswap<u16>(load<u16>(packet, IP6_PAYLOAD_LENGTH));
}

/** Writes Payload Length. */
export function setPayloadLength(packet: usize, octets: u32): void {
  store<u16>(packet, bswap<u16>(<u16>octets), IP6_PAYLOAD_LENGTH);
}

/** Whether Shim6 may stand behind a header of this kind (RFC 5533 §4.6): Hop-by-Hop Options, Routing, Destination Options. */
export function isExtension(next: u32): bool {
  const kinds = ((<u64>1) << NEXT_HOP_BY_HOP) | ((<u64>1) << NEXT_ROUTING) | ((<u64>1) << NEXT_DESTINATION);
  return next <= <u32>NEXT_DESTINATION && ((kinds >> <u64>next) & 1) != 0;
}

/** Octets of the extension header at `header`. */
export function extensionOctets(header: usize): u32 {
  return (<u32>load<u8>(header, EXTENSION_LENGTH) + 1) << 3;
}

/** First 8 octets of an IPv6 header, as loaded, with another Next Header and Payload Length. */
export function withNextAndLength(head: u64, next: u32, octets: u32): u64 {
  return (head & 0xff00_0000_ffff_ffff) | ((<u64>bswap<u16>(<u16>octets)) << (8 * IP6_PAYLOAD_LENGTH)) | ((<u64>next) << (8 * IP6_NEXT));
}
