/** Which rule decides about a pair or a flow without Shim6: layout/steer.ts. Asked for what is new, never for each packet. */
import {
  CLASS_OCTETS,
  DSCP_UNKNOWN,
  LIST_ANY,
  LOOKS_DSCP,
  LOOKS_PROTOCOL,
  PROTOCOL_UNKNOWN,
  STEER_CLASSES,
  STEER_COUNT,
  STEER_PORTS,
  STEER_PREFIX_MASK,
  STEER_PREFIX_OCTETS,
  STEER_PREFIXES,
  STEER_TERMS,
  TERM_CLASS,
  TERM_DSCPS,
  TERM_FROM,
  TERM_LOOKS,
  TERM_NAMED,
  TERM_OCTETS,
  TERM_PORTS,
  TERM_PROTOCOLS,
  TERM_TO,
} from "../layout/steer.ts";

/**
 * The class of the first rule that matches, 0 = none does. `pair` is the host's address and the peer's, 32 octets; `protocol` and `dscp`
 * may be PROTOCOL_UNKNOWN and DSCP_UNKNOWN; `ports` are as in the header, and mean something if `hasPorts`.
 */
export function classOf(steer: usize, pair: usize, protocol: u32, hasPorts: bool, ports: u32, dscp: u32): usize {
  let term = steer + STEER_TERMS;
  const end = term + load<u32>(steer, STEER_COUNT) * TERM_OCTETS;
  for (; term < end; term += TERM_OCTETS) {
    const looks = load<u32>(term, TERM_LOOKS);
    if (looks & LOOKS_PROTOCOL && !isIn(term + TERM_PROTOCOLS, protocol, PROTOCOL_UNKNOWN)) continue;
    if (looks & LOOKS_DSCP && !isIn(term + TERM_DSCPS, dscp, DSCP_UNKNOWN)) continue;
    if (!inPorts(steer, load<u32>(term, TERM_PORTS), hasPorts, ports)) continue;
    if (!inList(steer, load<u32>(term, TERM_FROM), pair) || !inList(steer, load<u32>(term, TERM_TO), pair + 16)) continue;
    if (inList(steer, load<u32>(term, TERM_NAMED), pair + 16)) return steer + STEER_CLASSES + load<u32>(term, TERM_CLASS) * CLASS_OCTETS;
  }
  return 0;
}

function isIn(bits: usize, number: u32, unknown: u32): bool {
  return number < unknown && ((<u32>load<u8>(bits + (number >> 3)) >> (number & 7)) & 1) != 0;
}

function inList(steer: usize, list: u32, address: usize): bool {
  if (list == <u32>LIST_ANY) return true;
  const what = v128.load(address);
  let prefix = steer + STEER_PREFIXES + (list & 0xffff) * STEER_PREFIX_OCTETS;
  const end = prefix + (list >> 16) * STEER_PREFIX_OCTETS;
  for (; prefix < end; prefix += STEER_PREFIX_OCTETS) {
    if (!v128.any_true(v128.and(v128.xor(what, v128.load(prefix)), v128.load(prefix, STEER_PREFIX_MASK)))) return true;
  }
  return false;
}

/** Either port. */
function inPorts(steer: usize, list: u32, hasPorts: bool, ports: u32): bool {
  if (list == <u32>LIST_ANY) return true;
  if (!hasPorts) return false;
  const one = <u32>bswap<u16>(<u16>ports);
  const other = <u32>bswap<u16>(<u16>(ports >> 16));
  let range = steer + STEER_PORTS + ((list & 0xffff) << 2);
  const end = range + ((list >> 16) << 2);
  for (; range < end; range += 4) {
    const first = <u32>load<u16>(range);
    const last = <u32>load<u16>(range, 2);
    if ((first <= one && one <= last) || (first <= other && other <= last)) return true;
  }
  return false;
}
