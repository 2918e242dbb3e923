/** The way of packets between hosts and peers without Shim6: one address is exchanged, nothing is kept but which provider a pair uses. */
import {
  ADDRESS_LENGTH,
  ICMP6_IDENTIFIER,
  ICMP6_INFORMATIONAL,
  ICMP6_QUOTE,
  ICMP6_SUM,
  IP6_DESTINATION,
  IP6_LENGTH,
  IP6_SOURCE,
  NEXT_ICMP6,
  NEXT_SHIM6,
  NEXT_TCP,
  TCP_ACK,
  TCP_FLAGS,
  TCP_SYN,
} from "../layout/ip6.ts";
import {
  LANE_PAIR,
  LANE_TOUCHED,
  LANE_VERDICTS,
  WORK_HASH,
  WORK_OCTETS,
  WORK_OCTETS_EACH,
  WORK_PACKET,
  WORK_RECORD,
  WORK_SLOT,
} from "../layout/lane.ts";
import { MAP_LIMIT, MAP_MSS } from "../layout/map.ts";
import { MAPPED_DELTA, MAPPED_MORE_IN, MAPPED_MORE_OUT, MAPPING_LIMIT_IN, MAPPING_STEER, SHARE_NONE } from "../layout/mapping.ts";
import { NO_CONTEXT } from "../layout/record.ts";
import { STEER_EPOCH } from "../layout/steer.ts";
import {
  COUNT_MSS_IN,
  COUNT_MSS_OUT,
  DROP_GSO_VIRTIO,
  DROP_UNMAPPED_DESTINATION,
  DROP_UNMAPPED_ICMP6,
  FORWARD_MAPPED_IN,
  FORWARD_MAPPED_OUT,
  PUNT_BIG,
  PUNT_BIG_IN,
  PUNT_ICMP6,
  PUNT_UNMAPPED,
  VERDICT_NONE,
} from "../layout/verdict.ts";
import { VIRTIO_GSO_TCP6, VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { chainOf, endOf, isNeutral, isWhole, protocolOf, tellsFlow } from "../step/chain.ts";
import { isForLocator } from "../step/classify.ts";
import { count, settle } from "../step/count.ts";
import { emit, emitAsIs } from "../step/emit.ts";
import { arrive, grown, leave, mendPartial, mendSum, placeOf, providerAt } from "../step/exchange.ts";
import { mayMend, mend } from "../step/mend.ts";
import { hasPorts } from "../step/plain.ts";
import { punt } from "../step/punt.ts";
import { headOctets, pieceSize, puntLarge } from "../step/segment.ts";
import { steerAnew, steerIn, steerOut } from "../step/steer.ts";
import { hashPair } from "../table/hash.ts";
import { flowOf, isDrained, noteFlow, shareOf, tellsFlows, touchWay, wayIn, wayOut } from "../table/ways.ts";
import { payloadLength } from "../wire/ip6.ts";
import { isSegmented, segmentKind, setSegmentSize, sumOffset, sumStart } from "../wire/virtio.ts";

/** A host's packet for a peer that is taken to know no Shim6. @returns its verdict */
export function mappedOut(lane: usize, entry: usize, prefixes: usize, mapping: usize, stamp: u32, limit: u32, mss: u32): u32 {
  const packet: usize = load<u32>(entry, WORK_PACKET);
  const octets = load<u32>(entry, WORK_OCTETS);
  const frame = packet - VIRTIO_HEADER_OCTETS;
  const large = isSegmented(frame);
  let size: u32 = 0;
  if (large) {
    size = pieceSize(frame, headOctets(frame, packet), limit);
    if (size == 0) {
      if (segmentKind(frame) == VIRTIO_GSO_TCP6) return DROP_GSO_VIRTIO;
      return puntLarge(lane, frame, packet, octets, limit, PUNT_BIG, NO_CONTEXT);
    }
  }
  const chain = chainOf(packet, octets);
  if (!large && isError(packet, octets, chain)) {
    const fault = errorLeaves(lane, packet, octets, endOf(chain), mapping, stamp);
    if (fault != VERDICT_NONE) return fault;
  } else {
    const hash = load<u32>(entry, WORK_HASH);
    const steer: usize = load<u32>(mapping, MAPPING_STEER);
    const flow = steer != 0 || tellsFlows() ? flowIn(hash, packet, octets, chain, false) : 0;
    let place =
      steer == 0
        ? wayOut(hash, flow, mapping, stamp)
        : steerOut(mapping, steer, packet + IP6_SOURCE, hash, flow, packet, octets, chain, false, stamp);
    if (place != SHARE_NONE && isDrained(mapping, place) && opens(packet, chain))
      place = moved(mapping, steer, hash, packet, octets, chain, place, stamp);
    const neutral = isNeutral(chain);
    const provider = providerAt(mapping, place);
    // A host's own Shim6 would be answered to the box's.
    if (place == SHARE_NONE || protocolOf(chain) == NEXT_SHIM6 || !leave(packet + IP6_SOURCE, provider, neutral)) {
      if (large) return puntLarge(lane, frame, packet, octets, limit, PUNT_UNMAPPED, NO_CONTEXT);
      return punt(lane, packet, octets, PUNT_UNMAPPED, NO_CONTEXT);
    }
    if (large) setSegmentSize(frame, size);
    if (!neutral) mendAll(packet, octets, chain, large, load<u32>(provider, MAPPED_MORE_OUT));
    clamp(lane, packet, octets, chain, large, limit, mss, COUNT_MSS_OUT);
  }
  if (isForLocator(packet, prefixes)) {
    count(lane, FORWARD_MAPPED_OUT);
    return mappedIn(lane, packet, octets, mapping, stamp);
  }
  if (large) emitAsIs(lane, packet, octets);
  else emit(lane, packet, octets);
  return FORWARD_MAPPED_OUT;
}

/** The misses of all look-ups of a batch, without a context, at once: see step/find.ts. */
export function touchWays(lane: usize, work: usize, count: u32): void {
  let touched: u64 = 0;
  for (let entry = work; entry < work + count * WORK_OCTETS_EACH; entry += WORK_OCTETS_EACH) {
    if (load<u32>(entry, WORK_RECORD) == 0) touched ^= touchWay(load<u32>(entry, WORK_HASH));
  }
  store<u64>(lane, load<u64>(lane, LANE_TOUCHED) ^ touched, LANE_TOUCHED);
}

/** Runs `count` entries with packets for locators that are none of Shim6; every one gets its verdict. */
export function mappedInAll(lane: usize, work: usize, count: u32, mapping: usize, stamp: u32): void {
  const verdicts: usize = load<u32>(lane, LANE_VERDICTS);
  const end = work + count * WORK_OCTETS_EACH;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    const packet: usize = load<u32>(entry, WORK_PACKET);
    const place = placeOf(packet + IP6_DESTINATION, mapping);
    store<u32>(entry, place, WORK_RECORD);
    if (place != SHARE_NONE) store<u32>(entry, hashInside(lane, packet, providerAt(mapping, place)), WORK_HASH);
  }
  let touched: u64 = 0;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) touched ^= touchWay(load<u32>(entry, WORK_HASH));
  store<u64>(lane, load<u64>(lane, LANE_TOUCHED) ^ touched, LANE_TOUCHED);
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    const packet: usize = load<u32>(entry, WORK_PACKET);
    const place = load<u32>(entry, WORK_RECORD);
    const verdict =
      place == SHARE_NONE
        ? DROP_UNMAPPED_DESTINATION
        : mappedInBy(lane, packet, load<u32>(entry, WORK_OCTETS), place, load<u32>(entry, WORK_HASH), mapping, stamp);
    settle(lane, verdicts, load<u32>(entry, WORK_SLOT), verdict);
  }
}

/** A packet for a locator that is none of Shim6. @returns its verdict */
function mappedIn(lane: usize, packet: usize, octets: u32, mapping: usize, stamp: u32): u32 {
  const place = placeOf(packet + IP6_DESTINATION, mapping);
  if (place == SHARE_NONE) return DROP_UNMAPPED_DESTINATION;
  return mappedInBy(lane, packet, octets, place, hashInside(lane, packet, providerAt(mapping, place)), mapping, stamp);
}

/** `likely` is the hash of its pair unless its mapping is neutral. */
function mappedInBy(lane: usize, packet: usize, octets: u32, place: u32, likely: u32, mapping: usize, stamp: u32): u32 {
  const chain = chainOf(packet, octets);
  const provider = providerAt(mapping, place);
  const frame = packet - VIRTIO_HEADER_OCTETS;
  const large = isSegmented(frame);
  const most = load<u32>(mapping, MAPPING_LIMIT_IN);
  // The kernel's own Packet Too Big would quote what the peer never sent.
  if (large) {
    const size = pieceSize(frame, headOctets(frame, packet), most);
    if (size == 0) return puntLarge(lane, frame, packet, octets, most, PUNT_BIG_IN, most);
    setSegmentSize(frame, size);
  } else if (octets > most) return punt(lane, packet, octets, PUNT_BIG_IN, most);
  if (!large && isError(packet, octets, chain)) return errorArrives(lane, packet, octets, endOf(chain), provider);
  const neutral = isNeutral(chain);
  if (!arrive(packet + IP6_DESTINATION, provider, neutral)) return DROP_UNMAPPED_DESTINATION;
  if (!neutral) mendAll(packet, octets, chain, large, load<u32>(provider, MAPPED_MORE_IN));
  const hash = neutral ? hashOf(lane, packet + IP6_DESTINATION, packet + IP6_SOURCE) : likely;
  const steer: usize = load<u32>(mapping, MAPPING_STEER);
  const flow = steer != 0 || tellsFlows() ? flowIn(hash, packet, octets, chain, true) : 0;
  if (steer == 0) {
    if (wayIn(hash, flow, place, mapping, stamp) && begins(packet, chain)) noteBegun(hash, packet, octets, chain, place, stamp);
  } else {
    const pair = pairOf(lane, packet + IP6_DESTINATION, packet + IP6_SOURCE);
    steerIn(mapping, steer, pair, hash, flow, begins(packet, chain), place, packet, octets, chain, stamp);
  }
  clamp(lane, packet, octets, chain, large, load<u32>(MAP_LIMIT), load<u32>(MAP_MSS), COUNT_MSS_IN);
  if (large) emitAsIs(lane, packet, octets);
  else emit(lane, packet, octets);
  return FORWARD_MAPPED_IN;
}

/** Keyed hash of the pair that a packet for a locator belongs to, its exchange being no neutral one. */
function hashInside(lane: usize, packet: usize, provider: usize): u32 {
  const pair = lane + LANE_PAIR;
  v128.store(pair, v128.xor(v128.load(packet, IP6_DESTINATION), v128.load(provider, MAPPED_DELTA)));
  v128.store(pair, v128.load(packet, IP6_SOURCE), ADDRESS_LENGTH);
  return hashPair(pair, 0);
}

/** Keyed hash of the pair of the ULID at `local` and the address at `peer`. */
function hashOf(lane: usize, local: usize, peer: usize): u32 {
  return hashPair(pairOf(lane, local, peer), 0);
}

/** The two addresses, one behind the other. */
function pairOf(lane: usize, local: usize, peer: usize): usize {
  const pair = lane + LANE_PAIR;
  v128.store(pair, v128.load(local));
  v128.store(pair, v128.load(peer), ADDRESS_LENGTH);
  return pair;
}

/** Hash of the packet's flow, which is for the host if `isIn`; 0 = it is known by its pair alone. */
function flowIn(hash: u32, packet: usize, octets: u32, chain: u64, isIn: bool): u32 {
  const at = endOf(chain);
  if (!tellsFlow(chain) || at + 8 > octets) return 0;
  const protocol = protocolOf(chain);
  if (!hasPorts(protocol)) return flowOf(hash, protocol, protocol == NEXT_ICMP6 ? <u32>load<u16>(packet + at, ICMP6_IDENTIFIER) : 0);
  const ports = load<u32>(packet + at);
  return flowOf(hash, protocol, isIn ? rotl<u32>(ports, 16) : ports);
}

/** What the peer begins at another provider than the pair's is answered there. */
function noteBegun(hash: u32, packet: usize, octets: u32, chain: u64, place: u32, stamp: u32): void {
  const flow = flowIn(hash, packet, octets, chain, true);
  if (flow != 0) noteFlow(flow, place, 0, stamp);
}

/** Whether a packet for a host may be the first of its flow: of TCP, only one that opens a connection. */
function begins(packet: usize, chain: u64): bool {
  return protocolOf(chain) != NEXT_TCP || opens(packet, chain);
}

/** Whether the packet opens a TCP connection. */
function opens(packet: usize, chain: u64): bool {
  return protocolOf(chain) == NEXT_TCP && (<u32>load<u8>(packet + endOf(chain), TCP_FLAGS) & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/** A connection opens whose pair is still at the drained provider at `place`: it alone goes where it would if the pair were new. */
function moved(mapping: usize, steer: usize, hash: u32, packet: usize, octets: u32, chain: u64, place: u32, stamp: u32): u32 {
  const flow = flowIn(hash, packet, octets, chain, false);
  const better = steer == 0 ? shareOf(hash, mapping) : steerAnew(mapping, steer, packet + IP6_SOURCE, hash, packet, octets, chain);
  if (flow == 0 || better == SHARE_NONE || better == place) return place;
  noteFlow(flow, better, steer == 0 ? 0 : load<u32>(steer, STEER_EPOCH), stamp);
  return better;
}

function mendAll(packet: usize, octets: u32, chain: u64, large: bool, more: u32): void {
  const frame = packet - VIRTIO_HEADER_OCTETS;
  if (large) mendPartial(packet + sumStart(frame) + sumOffset(frame), more);
  else if (isWhole(chain)) mendSum(packet + endOf(chain), octets - endOf(chain), protocolOf(chain), more);
}

/** As packets on contexts are: the pair may have one later, and the LAN carries no more. */
function clamp(lane: usize, packet: usize, octets: u32, chain: u64, large: bool, limit: u32, mss: u32, counter: u32): void {
  if (large || mss == 0 || !isWhole(chain) || protocolOf(chain) != NEXT_TCP) return;
  const at = endOf(chain);
  if (mayMend(packet + at, NEXT_TCP)) mend(lane, packet + at, octets - at, NEXT_TCP, limit, mss, counter);
}

function isError(packet: usize, octets: u32, chain: u64): bool {
  if (protocolOf(chain) != NEXT_ICMP6 || !isWhole(chain)) return false;
  const at = endOf(chain);
  return at + ICMP6_QUOTE <= octets && <u32>load<u8>(packet + at) < <u32>ICMP6_INFORMATIONAL;
}

/**
 * The error of a host, or of a router inside, about a peer's packet: the quote is as the peer had sent it, and the error comes from
 * where that was sent to.
 */
function errorLeaves(lane: usize, packet: usize, octets: u32, at: u32, mapping: usize, stamp: u32): u32 {
  const quote = packet + at + ICMP6_QUOTE;
  const left = octets - at - ICMP6_QUOTE;
  if (!isQuote(quote, left) || !isSame(quote + IP6_SOURCE, packet + IP6_DESTINATION)) return DROP_UNMAPPED_ICMP6;
  const chain = quotedChain(quote, left);
  const hash = hashOf(lane, quote + IP6_DESTINATION, quote + IP6_SOURCE);
  const steer: usize = load<u32>(mapping, MAPPING_STEER);
  const flow = steer != 0 || tellsFlows() ? flowIn(hash, quote, left, chain, true) : 0;
  const place =
    steer == 0
      ? wayOut(hash, flow, mapping, stamp)
      : steerOut(mapping, steer, lane + LANE_PAIR, hash, flow, quote, left, chain, true, stamp);
  if (place == SHARE_NONE) return DROP_UNMAPPED_ICMP6;
  const provider = providerAt(mapping, place);
  if (!leave(quote + IP6_DESTINATION, provider, isNeutral(chain)) || !leave(packet + IP6_SOURCE, provider, false))
    return DROP_UNMAPPED_ICMP6;
  const more = load<u32>(provider, MAPPED_MORE_OUT);
  mendSum(packet + at, octets - at, NEXT_ICMP6, more);
  if (!isNeutral(chain)) mendQuote(packet + at, quote, left, chain, more);
  return VERDICT_NONE;
}

/** An error of the internet about a packet of a host: the quote is as the host had sent it. What Shim6 sent is the control thread's. */
function errorArrives(lane: usize, packet: usize, octets: u32, at: u32, provider: usize): u32 {
  const quote = packet + at + ICMP6_QUOTE;
  const left = octets - at - ICMP6_QUOTE;
  if (!isQuote(quote, left) || !isSame(quote + IP6_SOURCE, packet + IP6_DESTINATION))
    return punt(lane, packet, octets, PUNT_ICMP6, NO_CONTEXT);
  const chain = quotedChain(quote, left);
  if (protocolOf(chain) == NEXT_SHIM6) return punt(lane, packet, octets, PUNT_ICMP6, NO_CONTEXT);
  const neutral = isNeutral(chain);
  if (!arrive(quote + IP6_SOURCE, provider, neutral)) return DROP_UNMAPPED_DESTINATION;
  v128.store(packet, v128.load(quote, IP6_SOURCE), IP6_DESTINATION);
  if (!neutral) {
    const more = load<u32>(provider, MAPPED_MORE_IN);
    mendSum(packet + at, octets - at, NEXT_ICMP6, more);
    mendQuote(packet + at, quote, left, chain, more);
  }
  emit(lane, packet, octets);
  return FORWARD_MAPPED_IN;
}

/** An address in the quote has grown by `more`: its transport's checksum, if it is quoted, and that of the error at `error`. */
function mendQuote(error: usize, quote: usize, left: u32, chain: u64, more: u32): void {
  const at = endOf(chain);
  let change = more;
  if (isWhole(chain) && at < left) {
    const field = mendSum(quote + at, left - at, protocolOf(chain), more);
    if (field != 0) change = grown(change, field);
  }
  const was = <u32>load<u16>(error, ICMP6_SUM);
  store<u16>(error, <u16>(grown(~was & 0xffff, change) ^ 0xffff), ICMP6_SUM);
}

function isQuote(quote: usize, left: u32): bool {
  return left >= <u32>IP6_LENGTH && (load<u8>(quote) & 0xf0) == 0x60;
}

/** What stands behind the quoted packet are extensions (RFC 4884). */
function quotedChain(quote: usize, left: u32): u64 {
  return chainOf(quote, min<u32>(left, IP6_LENGTH + payloadLength(quote)));
}

function isSame(a: usize, b: usize): bool {
  return !v128.any_true(v128.xor(v128.load(a), v128.load(b)));
}
