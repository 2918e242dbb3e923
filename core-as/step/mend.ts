/**
 * A TCP SYN that names a larger segment than the path takes is corrected (MSS clamping). ICMPv6 gets lost on many ways, and every
 * packet grows by the payload header here: without this each connection would begin with a Packet Too Big.
 */
import {
  EXTENSION_NEXT,
  EXTENSIONS_MAX,
  IP6_LENGTH,
  NEXT_DESTINATION,
  NEXT_TCP,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_LENGTH,
  TCP_OPTION_END,
  TCP_OPTION_MSS,
  TCP_OPTION_MSS_LENGTH,
  TCP_OPTION_NOTHING,
  TCP_SUM,
  TCP_SYN,
} from "../layout/ip6.ts";
import { extensionOctets } from "../wire/ip6.ts";
import { adjust } from "../wire/sum.ts";
import { count } from "./count.ts";

/**
 * `header` is a `next` with `octets` octets to the packet's end, its checksum complete. Afterwards a SYN names at most `most` and
 * what a packet of `limit` octets has room for; counted as `counter`. The flags may be read a few octets behind the packet, inside
 * the slot's tailroom.
 */
export function mend(lane: usize, header: usize, octets: u32, next: u32, limit: u32, most: u32, counter: u32): void {
  if (next == NEXT_TCP) clamp(lane, header, octets, limit, most, counter);
  else mendBehind(lane, header, octets, limit, most, counter);
}

/** Whether `mend` has something to look at: a SYN, or Destination Options. One test for nearly every packet. */
export function mayMend(header: usize, next: u32): bool {
  return next == NEXT_TCP ? (load<u8>(header, TCP_FLAGS) & TCP_SYN) != 0 : next == NEXT_DESTINATION;
}

/** Destination Options that the payload header stands before. */
function mendBehind(lane: usize, first: usize, octets: u32, limit: u32, most: u32, counter: u32): void {
  let header = first;
  let left = octets;
  let next: u32 = NEXT_DESTINATION;
  for (let walked = 0; walked < EXTENSIONS_MAX && next == NEXT_DESTINATION && left >= 8; walked++) {
    const length = extensionOctets(header);
    if (length > left) return;
    next = load<u8>(header, EXTENSION_NEXT);
    header += length;
    left -= length;
  }
  if (next == NEXT_TCP && left >= <u32>TCP_LENGTH && load<u8>(header, TCP_FLAGS) & TCP_SYN) clamp(lane, header, left, limit, most, counter);
}

function clamp(lane: usize, header: usize, octets: u32, limit: u32, most: u32, counter: u32): void {
  const end = (<u32>(load<u8>(header, TCP_DATA_OFFSET) >> 4)) << 2;
  if (end > octets) return;
  const room = limit - (IP6_LENGTH + TCP_LENGTH);
  const value = room < most ? room : most;
  let at: u32 = TCP_LENGTH;
  while (at < end) {
    const kind = <u32>load<u8>(header + at);
    if (kind == TCP_OPTION_END) return;
    if (kind == TCP_OPTION_NOTHING) {
      at++;
      continue;
    }
    if (at + 2 > end) return;
    const length = <u32>load<u8>(header + at, 1);
    if (length < 2 || at + length > end) return;
    if (kind == TCP_OPTION_MSS && length == TCP_OPTION_MSS_LENGTH) {
      const field = header + at + 2;
      const was = <u32>load<u16>(field);
      if (<u32>bswap<u16>(<u16>was) > value) {
        const now = <u32>bswap<u16>(<u16>value);
        store<u16>(field, <u16>now);
        // At an odd octet the value lies across two words of the sum, which then sees it with its halves exchanged (RFC 1071 §2 (B)).
        const odd = ((at + 2) & 1) != 0;
        const sum = <u32>load<u16>(header, TCP_SUM);
        store<u16>(header, <u16>adjust(sum, odd ? halves(was) : was, odd ? halves(now) : now), TCP_SUM);
        count(lane, counter);
      }
      return;
    }
    at += length;
  }
}

function halves(word: u32): u32 {
  return <u32>bswap<u16>(<u16>word);
}
