/** Second step: which way does it go? Told by addresses alone: hosts speak ULIDs, the wire speaks locators. */
import { ADDRESS_LENGTH, IP6_DESTINATION, IP6_SOURCE } from "../layout/ip6.ts";
import {
  MAP_MAPPING,
  PREFIX_COUNT,
  PREFIX_GENERIC,
  PREFIX_LOCATORS,
  PREFIX_MASK,
  PREFIX_OCTETS,
  PREFIX_OWN,
  PREFIX_ROUTABLE,
  PREFIX_ROUTABLE_COUNT,
} from "../layout/map.ts";
import { MAPPING_SPARED, MAPPING_SPARED_FIRST } from "../layout/mapping.ts";
import { DROP_DESTINATION_IP6, DROP_MARTIAN_IP6, DROP_SOURCE_IP6, FORWARD_IN, FORWARD_OUT } from "../layout/verdict.ts";

/** 2000::/3 (RFC 4291 §2.4 as IANA uses it). */
const GLOBAL_UNICAST: u32 = 0x20;
const GLOBAL_UNICAST_MASK: u32 = 0xe0;

/** First 32 bits of 64:ff9b::/96 and 64:ff9b:1::/48 (RFC 6052, RFC 8215), as loaded: the IPv4 internet, behind somebody's NAT64. */
const IPV4_EMBEDDED: u32 = 0x9bff_6400;

/** @returns FORWARD_OUT, FORWARD_IN (not yet final), or a DROP_* */
export function classify(packet: usize, prefixes: usize): u32 {
  const source = v128.load(packet, IP6_SOURCE);
  const destination = v128.load(packet, IP6_DESTINATION);
  const ours = inPrefix(source, prefixes + PREFIX_OWN);
  if (ours && inPrefix(destination, prefixes + PREFIX_GENERIC) && !inPrefix(destination, prefixes + PREFIX_OWN)) return FORWARD_OUT;
  let locator = prefixes + PREFIX_LOCATORS;
  const end = locator + load<u32>(prefixes, PREFIX_COUNT) * PREFIX_OCTETS;
  for (; locator < end; locator += PREFIX_OCTETS) {
    if (!inPrefix(destination, locator)) continue;
    const martian = inPrefix(source, prefixes + PREFIX_GENERIC) || i8x16.extract_lane_u(source, 0) == 0xff || !v128.any_true(source);
    if (!martian) return FORWARD_IN;
    // A host may call its neighbour by a locator (RFC 6296 §4.3).
    return ours && load<u32>(MAP_MAPPING) != 0 ? FORWARD_OUT : DROP_MARTIAN_IP6;
  }
  if (!ours) {
    if (!inRoutable(source, prefixes)) return DROP_SOURCE_IP6;
    if (isOutside(packet, prefixes)) return FORWARD_OUT;
  }
  // A host that speaks Shim6 itself has a ULID that is routed (P-Shim6 draft §8). Without a context the control thread decides.
  if ((load<u8>(packet, IP6_DESTINATION) & GLOBAL_UNICAST_MASK) == GLOBAL_UNICAST) return FORWARD_OUT;
  return ours && load<u32>(MAP_MAPPING) != 0 && load<u32>(packet, IP6_DESTINATION) == IPV4_EMBEDDED ? FORWARD_OUT : DROP_DESTINATION_IP6;
}

/** Whether the packet of a host is for a peer that is taken to know no Shim6, so that its source is to be mapped; `mapping` is the block. */
export function mayMap(packet: usize, prefixes: usize, mapping: usize): bool {
  const destination = v128.load(packet, IP6_DESTINATION);
  if (!inPrefix(v128.load(packet, IP6_SOURCE), prefixes + PREFIX_OWN) || inPrefix(destination, prefixes + PREFIX_GENERIC)) return false;
  let spared = mapping + MAPPING_SPARED_FIRST;
  const end = spared + load<u32>(mapping, MAPPING_SPARED) * ADDRESS_LENGTH;
  for (; spared < end; spared += ADDRESS_LENGTH) if (!v128.any_true(v128.xor(destination, v128.load(spared)))) return false;
  return true;
}

/** Whether the packet is for a locator of the site. */
export function isForLocator(packet: usize, prefixes: usize): bool {
  const destination = v128.load(packet, IP6_DESTINATION);
  let locator = prefixes + PREFIX_LOCATORS;
  const end = locator + load<u32>(prefixes, PREFIX_COUNT) * PREFIX_OCTETS;
  for (; locator < end; locator += PREFIX_OCTETS) if (inPrefix(destination, locator)) return true;
  return false;
}

/** Whether both ends are addresses that the internet routes, so that the packet of a host may go out as it is. */
export function mayPass(packet: usize, prefixes: usize): bool {
  return inRoutable(v128.load(packet, IP6_SOURCE), prefixes) && !inPrefix(v128.load(packet, IP6_DESTINATION), prefixes + PREFIX_GENERIC);
}

/** Whether the packet is for a host that the internet reaches at its ULID. */
export function isForHost(packet: usize, prefixes: usize): bool {
  return inRoutable(v128.load(packet, IP6_DESTINATION), prefixes);
}

function inRoutable(address: v128, prefixes: usize): bool {
  let prefix = prefixes + PREFIX_ROUTABLE;
  const end = prefix + load<u32>(prefixes, PREFIX_ROUTABLE_COUNT) * PREFIX_OCTETS;
  for (; prefix < end; prefix += PREFIX_OCTETS) if (inPrefix(address, prefix)) return true;
  return false;
}

/** Whether the packet goes to a ULID outside the site. */
export function isOutside(packet: usize, prefixes: usize): bool {
  const destination = v128.load(packet, IP6_DESTINATION);
  return inPrefix(destination, prefixes + PREFIX_GENERIC) && !inPrefix(destination, prefixes + PREFIX_OWN);
}

function inPrefix(address: v128, prefix: usize): bool {
  return !v128.any_true(v128.and(v128.xor(address, v128.load(prefix)), v128.load(prefix, PREFIX_MASK)));
}
