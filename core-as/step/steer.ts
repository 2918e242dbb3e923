/** The way of a pair or a flow without Shim6 where the site has rules: noted once, asked again when the rules are others. */
import { MAP_WAYS_FLOWS } from "../layout/map.ts";
import { MAPPING_SHARES, SHARE_NONE } from "../layout/mapping.ts";
import { CLASS_ALLOWED, CLASS_SHARES, DSCP_UNKNOWN, PROTOCOL_UNKNOWN, STEER_EPOCH, STEER_FLOWS } from "../layout/steer.ts";
import { classOf } from "../table/steer.ts";
import { anyWay, epochAt, goodWay, mayTurnWay, noteFlow, noteWay, placeAt } from "../table/ways.ts";
import { endOf, protocolOf, tellsFlow } from "./chain.ts";
import { hasPorts } from "./plain.ts";

/**
 * As wayOut (table/ways.ts), by the rules at `steer`. `pair` is the host's address and the peer's; the packet at `packet`, with its `chain`, is the
 * host's, or, if `isQuoted`, one of the peer's.
 */
export function steerOut(
  mapping: usize,
  steer: usize,
  pair: usize,
  hash: u32,
  flow: u32,
  packet: usize,
  octets: u32,
  chain: u64,
  isQuoted: bool,
  stamp: u32,
): u32 {
  const epoch = load<u32>(steer, STEER_EPOCH);
  const alone = flow != 0 && load<u32>(steer, STEER_FLOWS) != 0;
  if (flow != 0 && !alone && load<u32>(MAP_WAYS_FLOWS) != 0) {
    const own = goodWay(flow, mapping, stamp);
    if (own != 0) return noteWay(own, flow, placeAt(own), epoch, stamp);
  }
  const key = alone ? flow : hash;
  const known = goodWay(key, mapping, stamp);
  if (known != 0 && epochAt(known) == epoch) return noteWay(known, key, placeAt(known), epoch, stamp);
  const kind = ask(steer, pair, packet, octets, chain, isQuoted);
  if (known != 0 && allows(kind, placeAt(known))) return noteWay(known, key, placeAt(known), epoch, stamp);
  const shares = kind != 0 ? kind + CLASS_SHARES : mapping + MAPPING_SHARES;
  const place = <u32>load<u8>(shares + (hash >> 24));
  return place == SHARE_NONE ? place : noteWay(anyWay(key), key, place, epoch, stamp);
}

/** The place that a pair or flow would be given if it were new, or SHARE_NONE. */
export function steerAnew(mapping: usize, steer: usize, pair: usize, hash: u32, packet: usize, octets: u32, chain: u64): u32 {
  const kind = ask(steer, pair, packet, octets, chain, false);
  return <u32>load<u8>((kind != 0 ? kind + CLASS_SHARES : mapping + MAPPING_SHARES) + (hash >> 24));
}

/**
 * As wayIn. What comes by a provider that the rules have not for this pair leads its own flow back there, and the pair nowhere. `packet` is at
 * its host by now.
 */
export function steerIn(
  mapping: usize,
  steer: usize,
  pair: usize,
  hash: u32,
  flow: u32,
  begins: bool,
  place: u32,
  packet: usize,
  octets: u32,
  chain: u64,
  stamp: u32,
): void {
  const epoch = load<u32>(steer, STEER_EPOCH);
  const alone = flow != 0 && load<u32>(steer, STEER_FLOWS) != 0;
  const own = flow != 0 && (alone || load<u32>(MAP_WAYS_FLOWS) != 0) ? anyWay(flow) : 0;
  if (own != 0) {
    if (mayTurnWay(own, place, mapping, stamp)) noteWay(own, flow, place, epochAt(own), stamp);
    return;
  }
  if (alone) {
    if (begins) noteWay(0, flow, place, epoch, stamp);
    return;
  }
  const entry = anyWay(hash);
  if (entry != 0 && placeAt(entry) == place) {
    noteWay(entry, hash, place, epochAt(entry), stamp);
    return;
  }
  if (!begins) return;
  const mayLead = entry == 0 || mayTurnWay(entry, place, mapping, stamp);
  if (mayLead && (flow == 0 || allows(ask(steer, pair, packet, octets, chain, true), place))) noteWay(entry, hash, place, epoch, stamp);
  else if (flow != 0) noteFlow(flow, place, epoch, stamp);
}

function ask(steer: usize, pair: usize, packet: usize, octets: u32, chain: u64, isPeers: bool): usize {
  const at = endOf(chain);
  const isKnown = tellsFlow(chain) && at + 4 <= octets;
  const protocol = isKnown ? protocolOf(chain) : <u32>PROTOCOL_UNKNOWN;
  // Which class a host gives to its packets is not known of the peer's.
  const dscp = isPeers ? <u32>DSCP_UNKNOWN : ((<u32>load<u8>(packet) & 0xf) << 2) | (<u32>load<u8>(packet, 1) >> 6);
  return classOf(steer, pair, protocol, isKnown && hasPorts(protocol), isKnown ? load<u32>(packet + at) : 0, dscp);
}

/** Whether what is there already may go on by `place`: without a rule it may. */
function allows(kind: usize, place: u32): bool {
  return kind == 0 || ((load<u32>(kind, CLASS_ALLOWED) >> place) & 1) != 0;
}
