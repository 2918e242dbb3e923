/** The way of packets that carry no Shim6 header: hosts whose ULIDs the internet routes (RFC 5533 §11.1, §12.1; RFC 6629 §2). */
import { ADDRESS_LENGTH, IP6_DESTINATION, IP6_SOURCE, NEXT_ICMP6 } from "../layout/ip6.ts";
import { LANE_PAIR, WORK_HASH, WORK_NEXT, WORK_OCTETS, WORK_PACKET, WORK_SHIM6 } from "../layout/lane.ts";
import { MAP_LIMIT, MAP_MSS } from "../layout/map.ts";
import { COLD_LIMIT, NO_CONTEXT, RECORD_HOLD, RECORD_NARROW, RECORD_WATCH } from "../layout/record.ts";
import { COUNT_MSS_IN, FORWARD_PLAIN_IN, FORWARD_PLAIN_OUT, PUNT_ICMP6 } from "../layout/verdict.ts";
import { VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { countInMany, countOutMany } from "../step/count.ts";
import { emit, emitAsIs } from "../step/emit.ts";
import { mayMend, mend } from "../step/mend.ts";
import { note, packetsIn, passOut } from "../step/plain.ts";
import { punt } from "../step/punt.ts";
import { reportReceived, wake } from "../step/wake.ts";
import { findPair } from "../table/find.ts";
import { hashPair } from "../table/hash.ts";
import { coldAt, idOf, wordOf } from "../table/record.ts";
import { stampReceived, stampSent } from "../table/stamp.ts";
import { isSegmented } from "../wire/virtio.ts";

/** ICMPv6 messages from this type on are no errors (RFC 4443 §2.1). */
const ICMP6_INFORMATIONAL: u32 = 128;

/** A host's packet without a context. @returns its verdict */
export function plainOut(lane: usize, entry: usize, stamp: u32, limit: u32, mss: u32): u32 {
  const packet: usize = load<u32>(entry, WORK_PACKET);
  const octets = load<u32>(entry, WORK_OCTETS);
  const at = load<u32>(entry, WORK_SHIM6);
  const next = <u32>load<u8>(packet + load<u32>(entry, WORK_NEXT));
  const packets = packetsIn(packet, octets);
  const verdict = passOut(lane, packet, octets, at, next, limit, mss, NO_CONTEXT);
  if (verdict == FORWARD_PLAIN_OUT) note(lane, packet, octets, packets, at, next, load<u32>(entry, WORK_HASH), stamp);
  return verdict;
}

/** A host's packet on the context `record`, whose locators are its ULIDs. @returns its verdict */
export function bareOut(lane: usize, entry: usize, record: usize, stamp: u32, limit: u32, mss: u32): u32 {
  const packet: usize = load<u32>(entry, WORK_PACKET);
  const octets = load<u32>(entry, WORK_OCTETS);
  const next = <u32>load<u8>(packet + load<u32>(entry, WORK_NEXT));
  const packets = packetsIn(packet, octets);
  const verdict = passOut(lane, packet, octets, load<u32>(entry, WORK_SHIM6), next, limit, mss, idOf(record));
  if (verdict != FORWARD_PLAIN_OUT) return verdict;
  countOutMany(record, packets, octets);
  if (stampSent(record, stamp)) wake(lane, record);
  return verdict;
}

/** A packet for a host's own address; `entry` tells where what is behind its extension headers begins, a `next`. @returns its verdict */
export function plainIn(lane: usize, entry: usize, packet: usize, octets: u32, next: u32, stamp: u32): u32 {
  const at = load<u32>(entry, WORK_SHIM6);
  const large = isSegmented(packet - VIRTIO_HEADER_OCTETS);
  // Errors may be about what the box itself put on the wire.
  if (next == NEXT_ICMP6 && !large && <u32>load<u8>(packet + at) < ICMP6_INFORMATIONAL) {
    return punt(lane, packet, octets, PUNT_ICMP6, NO_CONTEXT);
  }
  const pair = lane + LANE_PAIR;
  v128.store(pair, v128.load(packet, IP6_DESTINATION));
  v128.store(pair, v128.load(packet, IP6_SOURCE), ADDRESS_LENGTH);
  const hash = hashPair(pair, 0);
  const record = findPair(pair, 0, hash);
  const packets = packetsIn(packet, octets);
  let limit = load<u32>(MAP_LIMIT);
  if (record == 0) note(lane, packet, octets, packets, at, next, hash, stamp);
  else {
    const word = wordOf(record);
    if (word & RECORD_NARROW) limit = min<u32>(limit, load<u32>(coldAt(idOf(record)), COLD_LIMIT));
    countInMany(record, packets, octets);
    if (stampReceived(record, stamp, (word & RECORD_HOLD) != 0)) wake(lane, record);
    if (word & RECORD_WATCH) reportReceived(lane, record);
  }
  if (large) {
    emitAsIs(lane, packet, octets);
    return FORWARD_PLAIN_IN;
  }
  const mss = load<u32>(MAP_MSS);
  if (mayMend(packet + at, next) && mss != 0) mend(lane, packet + at, octets - at, next, limit, mss, COUNT_MSS_IN);
  emit(lane, packet, octets);
  return FORWARD_PLAIN_IN;
}
