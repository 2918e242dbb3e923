/** What the core cannot decide, copied into the lane's ring to the control thread. */

import { IP6_SOURCE } from "../layout/ip6.ts";
import {
  LANE_BELL,
  LANE_PUNT,
  LANE_PUNT_HEAD,
  LANE_PUNT_TAIL,
  PUNT_CONTEXT,
  PUNT_HEADER,
  PUNT_OCTETS,
  PUNT_REASON,
  PUNT_WRAP,
} from "../layout/lane.ts";
import { MAP_PUNT_OCTETS } from "../layout/map.ts";
import { NO_CONTEXT } from "../layout/record.ts";
import { DROP_PUNT_FULL, PUNT_CONTROL } from "../layout/verdict.ts";
import { hasMet } from "../table/met.ts";

/**
 * Copies the packet. Only control messages may fill the ring's last quarter: a flood of packets without context must not
 * keep contexts from being made or mended. @returns `reason`, or DROP_PUNT_FULL
 */
export function punt(lane: usize, packet: usize, octets: u32, reason: u32, context: u32): u32 {
  const size = load<u32>(MAP_PUNT_OCTETS);
  return copy(lane, packet, octets, reason, context, size, reason == PUNT_CONTROL ? size : size - (size >> 2));
}

/**
 * Copies an I1. Anybody can send one from any address, so they get an eighth of the ring: a flood of them neither keeps out nor
 * delays for long what proves where it comes from. From sites that we have met they get half of it. @returns PUNT_CONTROL, or DROP_PUNT_FULL
 */
export function puntFirst(lane: usize, packet: usize, octets: u32): u32 {
  const size = load<u32>(MAP_PUNT_OCTETS);
  return copy(lane, packet, octets, PUNT_CONTROL, NO_CONTEXT, size, hasMet(packet + IP6_SOURCE) ? size >> 1 : size >> 3);
}

/** Into a ring of `size` octets, unless more than `most` of them would be taken. */
function copy(lane: usize, packet: usize, octets: u32, reason: u32, context: u32, size: u32, most: u32): u32 {
  const ring: usize = load<u32>(lane, LANE_PUNT);
  const head = load<u32>(lane, LANE_PUNT_HEAD);
  const used = head - atomic.load<u32>(lane, LANE_PUNT_TAIL);
  const need: u32 = (PUNT_HEADER + octets + 15) & ~(<u32>15);
  const at = head & (size - 1);
  const rest = size - at;
  const gap: u32 = rest < need ? rest : 0;
  if (used + gap + need > most) return DROP_PUNT_FULL;
  if (gap != 0) store<u32>(ring + at, PUNT_WRAP, PUNT_OCTETS);
  const entry = gap == 0 ? ring + at : ring;
  store<u32>(entry, octets, PUNT_OCTETS);
  store<u32>(entry, reason, PUNT_REASON);
  store<u32>(entry, context, PUNT_CONTEXT);
  memory.copy(entry + PUNT_HEADER, packet, octets);
  atomic.store<u32>(lane, head + gap + need, LANE_PUNT_HEAD);
  store<u32>(lane, 1, LANE_BELL);
  return reason;
}
