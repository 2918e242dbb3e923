/** Which fork of its pair a host's packet goes on: layout/fork.ts. The terms of the pair are tried in order, the first that matches decides. */
import {
  FORK_BLOCK_OCTETS,
  FORK_RANGES,
  FORKS_BLOCK_SHIFT,
  RANGE_FIRST,
  RANGE_LAST,
  RANGE_OCTETS,
  TERM_CLASSES,
  TERM_FORK,
  TERM_OCTETS,
  TERM_PROTOCOLS,
  TERM_RANGE,
  TERM_RANGES,
} from "../layout/fork.ts";
import { FORK_FIRST } from "../layout/map.ts";
import { chainOf, decidesOf, endOf, tellsFlow } from "./chain.ts";
import { hasPorts } from "./plain.ts";

/** No port: the packet shows none. */
const PORTLESS: u32 = 0xffff_ffff;

/**
 * The fork of the packet by the terms that `forks` (COLD_FORKS) names; 0 = the default context. A fragment has no ports, and the
 * protocol that its Fragment header names: so all fragments of a datagram go the same way, whichever of them holds the transport's header.
 */
export function forkOf(packet: usize, octets: u32, forks: u64): u32 {
  let left = forks & (((<u64>1) << FORKS_BLOCK_SHIFT) - 1);
  if (left == 0) return 0;
  const block: usize = FORK_FIRST + <u32>(forks >> FORKS_BLOCK_SHIFT) * FORK_BLOCK_OCTETS;
  const chain = chainOf(packet, octets);
  const protocol = decidesOf(chain);
  const dscp = (<u64>bswap<u16>(load<u16>(packet)) >> 6) & 0x3f;
  let source = PORTLESS;
  let destination = PORTLESS;
  const at = endOf(chain);
  if (tellsFlow(chain) && hasPorts(protocol) && at + 4 <= octets) {
    source = bswap<u16>(load<u16>(packet + at));
    destination = bswap<u16>(load<u16>(packet + at, 2));
  }
  while (left != 0) {
    const term = block + <usize>ctz(left) * TERM_OCTETS;
    left &= left - 1;
    if (((load<u8>(term + (protocol >> 3), TERM_PROTOCOLS) >> (protocol & 7)) & 1) == 0) continue;
    if (((load<u64>(term, TERM_CLASSES) >> dscp) & 1) == 0) continue;
    const ranges = <u32>load<u16>(term, TERM_RANGES);
    if (ranges == 0) return load<u32>(term, TERM_FORK);
    if (source == PORTLESS) continue;
    const first = block + FORK_RANGES + <usize>load<u16>(term, TERM_RANGE) * RANGE_OCTETS;
    if (isIn(source, first, ranges) || isIn(destination, first, ranges)) return load<u32>(term, TERM_FORK);
  }
  return 0;
}

/** Whether one of the `count` ranges at `ranges` holds `port`. They stand in order: half of what is left goes at each look. */
function isIn(port: u32, ranges: usize, count: u32): bool {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges + middle * RANGE_OCTETS;
    if (port < <u32>load<u16>(range, RANGE_FIRST)) high = middle;
    else if (port > <u32>load<u16>(range, RANGE_LAST)) low = middle + 1;
    else return true;
  }
  return false;
}
