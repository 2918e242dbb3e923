/**
 * Third step: along the extension headers, to where the Shim6 header goes (outbound) or stands (inbound).
 *
 * RFC 5533 §4.6 puts it behind Hop-by-Hop Options, Destination Options that a Routing header follows, and Routing; before
 * Fragment, ESP, AH, other Destination Options and the upper layer.
 *
 * A header's length may be read a few octets behind the packet, inside the slot's tailroom; it then fails the check of its end.
 */
import {
  EXTENSION_NEXT,
  EXTENSIONS_MAX,
  IP6_LENGTH,
  IP6_NEXT,
  NEXT_HOP_BY_HOP,
  NEXT_ROUTING,
  NEXT_SHIM6,
  ROUTING_SEGMENTS_LEFT,
} from "../layout/ip6.ts";
import { WORK_NEXT, WORK_SHIM6 } from "../layout/lane.ts";
import { SETTING_PASS_ROUTING } from "../layout/map.ts";
import { SHIM6_PAYLOAD_LENGTH } from "../layout/shim6.ts";
import {
  DROP_CHAIN_EXTENSION,
  DROP_SEGMENTS_ROUTING,
  DROP_SHORT_EXTENSION,
  DROP_SHORT_SHIM6,
  FORWARD_ROUTING,
  VERDICT_NONE,
} from "../layout/verdict.ts";
import { extensionOctets, isExtension } from "../wire/ip6.ts";

/** Notes in `work` where a payload header goes. @returns VERDICT_NONE, FORWARD_ROUTING or a DROP_* */
export function walkOut(work: usize, packet: usize, octets: u32, settings: u32): u32 {
  const next = <u32>load<u8>(packet, IP6_NEXT);
  if (isExtension(next)) return walkOutAlong(work, packet, octets, settings, next);
  place(work, IP6_LENGTH, IP6_NEXT);
  return VERDICT_NONE;
}

function walkOutAlong(work: usize, packet: usize, octets: u32, settings: u32, first: u32): u32 {
  let next = first;
  let at: u32 = IP6_LENGTH;
  place(work, IP6_LENGTH, IP6_NEXT);
  for (let walked = 0; walked < EXTENSIONS_MAX; walked++) {
    // Hop-by-Hop Options in a second place are no header of ours to step over (RFC 8200 §4.1).
    if (!isExtension(next) || (next == NEXT_HOP_BY_HOP && at != IP6_LENGTH)) return VERDICT_NONE;
    const header = packet + at;
    const end = at + extensionOctets(header);
    if (end > octets) return DROP_SHORT_EXTENSION;
    if (next == NEXT_ROUTING && load<u8>(header, ROUTING_SEGMENTS_LEFT) != 0) return routed(settings);
    if (next == NEXT_ROUTING || next == NEXT_HOP_BY_HOP) place(work, end, at + EXTENSION_NEXT);
    next = load<u8>(header, EXTENSION_NEXT);
    at = end;
  }
  return isExtension(next) ? DROP_CHAIN_EXTENSION : VERDICT_NONE;
}

/**
 * Notes in `work` where the chain of extension headers ends. Headers are taken in the order found.
 * @returns NEXT_SHIM6 when a Shim6 header stands there, complete, another header's number when the chain leads there, or {@link FAULT} + a verdict
 */
export function walkIn(work: usize, packet: usize, octets: u32, settings: u32): u32 {
  const next = <u32>load<u8>(packet, IP6_NEXT);
  if (isExtension(next)) return walkInAlong(work, packet, octets, settings, next);
  return arrive(work, octets, next, IP6_LENGTH, IP6_NEXT);
}

/** Added to a verdict where a header's number is expected. */
export const FAULT: u32 = 0x100;

function walkInAlong(work: usize, packet: usize, octets: u32, settings: u32, first: u32): u32 {
  let next = first;
  let at: u32 = IP6_LENGTH;
  let field: u32 = IP6_NEXT;
  for (let walked = 0; walked < EXTENSIONS_MAX; walked++) {
    if (!isExtension(next)) return arrive(work, octets, next, at, field);
    const header = packet + at;
    const end = at + extensionOctets(header);
    if (end > octets) return FAULT + DROP_SHORT_EXTENSION;
    if (next == NEXT_ROUTING && load<u8>(header, ROUTING_SEGMENTS_LEFT) != 0) return FAULT + routed(settings);
    next = load<u8>(header, EXTENSION_NEXT);
    field = at + EXTENSION_NEXT;
    at = end;
  }
  return isExtension(next) ? FAULT + DROP_CHAIN_EXTENSION : arrive(work, octets, next, at, field);
}

function arrive(work: usize, octets: u32, next: u32, at: u32, field: u32): u32 {
  if (next == NEXT_SHIM6 && at + SHIM6_PAYLOAD_LENGTH > octets) return FAULT + DROP_SHORT_SHIM6;
  place(work, at, field);
  return next;
}

function place(work: usize, at: u32, field: u32): void {
  store<u32>(work, at, WORK_SHIM6);
  store<u32>(work, field, WORK_NEXT);
}

/** A Routing header with segments left names a destination that is no ULID: outside RFC 5533, so a setting decides. */
function routed(settings: u32): u32 {
  return settings & SETTING_PASS_ROUTING ? FORWARD_ROUTING : DROP_SEGMENTS_ROUTING;
}
