/** An address for its locator, or back, and the sums that cover it: layout/mapping.ts. */
import {
  ADDRESS_LENGTH,
  DCCP_SUM,
  ICMP6_SUM,
  NEXT_DCCP,
  NEXT_ICMP6,
  NEXT_TCP,
  NEXT_UDP,
  NEXT_UDP_LITE,
  TCP_SUM,
  UDP_SUM,
} from "../layout/ip6.ts";
import {
  MAPPED_BASE,
  MAPPED_DELTA,
  MAPPED_HEAD,
  MAPPED_MASK,
  MAPPED_MORE_IN,
  MAPPED_MORE_OUT,
  MAPPED_OCTETS,
  MAPPED_STATE,
  MAPPED_WORD,
  MAPPING_PLACES,
  SHARE_NONE,
} from "../layout/mapping.ts";

/** Where the provider at `place` stands. */
export function providerAt(mapping: usize, place: u32): usize {
  return mapping + place * MAPPED_OCTETS;
}

/** Place of the provider whose locator the address is, or SHARE_NONE. */
export function placeOf(address: usize, mapping: usize): u32 {
  const places = load<u32>(mapping, MAPPING_PLACES);
  for (let place: u32 = 0; place < places; place++) {
    const provider = providerAt(mapping, place);
    if (load<u32>(provider, MAPPED_STATE) != 0 && matches(v128.load(address), provider, MAPPED_BASE)) return place;
  }
  return SHARE_NONE;
}

/** The ULID at `address` becomes a locator. @returns `false` when it has none there; nothing is changed then */
export function leave(address: usize, provider: usize, neutral: bool): bool {
  if (!matches(v128.load(address), provider, MAPPED_HEAD)) return false;
  if (neutral && !shift(address, provider, load<u32>(provider, MAPPED_MORE_IN))) return false;
  v128.store(address, v128.xor(v128.load(address), v128.load(provider, MAPPED_DELTA)));
  return true;
}

/** The locator of {@link placeOf} at `address` becomes a ULID. @returns `false` when it stands for none; nothing is changed then */
export function arrive(address: usize, provider: usize, neutral: bool): bool {
  if (neutral && !shift(address, provider, load<u32>(provider, MAPPED_MORE_OUT))) return false;
  v128.store(address, v128.xor(v128.load(address), v128.load(provider, MAPPED_DELTA)));
  return true;
}

function matches(address: v128, provider: usize, place: usize): bool {
  return !v128.any_true(v128.and(v128.xor(address, v128.load(provider + place)), v128.load(provider, MAPPED_MASK)));
}

/** Puts into one word of the address what the exchanged bits take from its sum (RFC 6296 §3.2 to §3.5). */
function shift(address: usize, provider: usize, more: u32): bool {
  let at = load<u32>(provider, MAPPED_WORD);
  if (at < <u32>(ADDRESS_LENGTH / 2)) {
    if (load<u16>(address + at) == 0xffff) return false;
  } else {
    if (load<u64>(address, ADDRESS_LENGTH / 2) == 0) return false;
    while (at < <u32>ADDRESS_LENGTH && load<u16>(address + at) == 0xffff) at += 2;
    if (at >= <u32>ADDRESS_LENGTH) return false;
  }
  let word = <u32>load<u16>(address + at) + more;
  word = (word >> 16) + (word & 0xffff);
  store<u16>(address + at, <u16>(word == 0xffff ? 0 : word));
  return true;
}

/** Where the transport's checksum stands, if it covers addresses and is of the internet's kind; else 0. */
export function sumField(protocol: u32): u32 {
  if (protocol == NEXT_TCP) return TCP_SUM;
  if (protocol == NEXT_UDP || protocol == NEXT_UDP_LITE) return UDP_SUM;
  if (protocol == NEXT_ICMP6) return ICMP6_SUM;
  return protocol == NEXT_DCCP ? DCCP_SUM : 0;
}

/**
 * Mends the checksum of the header at `header`, of which `octets` octets are there, after what it covers has grown by `more` (RFC 1624 §3,
 * equation 3). @returns how much the field itself has grown, 0 = it is as it was
 */
export function mendSum(header: usize, octets: u32, protocol: u32, more: u32): u32 {
  const at = sumField(protocol);
  if (at == 0 || at + 2 > octets) return 0;
  const was = <u32>load<u16>(header + at);
  const isUdp = protocol == NEXT_UDP;
  // UDP in tunnels may have none (RFC 6935).
  if (was == 0 && isUdp) return 0;
  let now = grown(~was & 0xffff, more) ^ 0xffff;
  if (now == 0 && (isUdp || protocol == NEXT_UDP_LITE)) now = 0xffff;
  store<u16>(header + at, <u16>now);
  return grown(now, ~was & 0xffff);
}

/** The same for the field at `field` of a large frame, which holds the pseudo-header's sum itself. */
export function mendPartial(field: usize, more: u32): void {
  store<u16>(field, <u16>grown(load<u16>(field), more));
}

/** `sum` and `more` in ones-complement arithmetic. */
export function grown(sum: u32, more: u32): u32 {
  const total = sum + more;
  return (total >> 16) + (total & 0xffff);
}
