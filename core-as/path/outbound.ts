/** From a host to the wire, second half: every entry has its place for the header; contexts are found, packets rewritten. */
import { FORK_UNKNOWN } from "../layout/fork.ts";
import { IP6_SOURCE } from "../layout/ip6.ts";
import {
  LANE_TOUCHED,
  LANE_VERDICTS,
  LANE_WORK_OUT,
  WORK_FORK,
  WORK_HASH,
  WORK_NEXT,
  WORK_OCTETS,
  WORK_OCTETS_EACH,
  WORK_PACKET,
  WORK_RECORD,
  WORK_SHIM6,
  WORK_SLOT,
} from "../layout/lane.ts";
import { LIMIT_NONE, MAP_FORKS, MAP_LIMIT, MAP_MAPPING, MAP_MSS, MAP_PAIR_INDEX, MAP_PREFIXES, PAIR_VERSION } from "../layout/map.ts";
import {
  COLD_FORK,
  COLD_FORKS,
  COLD_LIMIT,
  NO_CONTEXT,
  RECORD_BARE,
  RECORD_FORKED,
  RECORD_HOLD,
  RECORD_LIVE,
  RECORD_LOCAL_LOCATOR,
  RECORD_LOCAL_ULID,
  RECORD_NARROW,
  RECORD_PEER_LOCATOR,
  RECORD_SPLIT,
} from "../layout/record.ts";
import { SHIM6_PAYLOAD_LENGTH } from "../layout/shim6.ts";
import {
  COUNT_MSS_OUT,
  DROP_BUSY_CONTEXT,
  DROP_GSO_VIRTIO,
  DROP_LONG_IP6,
  DROP_ROOM_VIRTIO,
  FORWARD_OUT,
  PUNT_BIG,
  PUNT_FORK,
  PUNT_HOLD,
  PUNT_NO_CONTEXT,
} from "../layout/verdict.ts";
import { VIRTIO_GSO_TCP6, VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { mayMap, mayPass } from "../step/classify.ts";
import { countOut, countOutMany, settle } from "../step/count.ts";
import { emit } from "../step/emit.ts";
import { findAll } from "../step/find.ts";
import { forkAll, forkOf } from "../step/fork.ts";
import { mayMend, mend } from "../step/mend.ts";
import { punt } from "../step/punt.ts";
import { encapsulate } from "../step/rewrite.ts";
import { cutOut, headOctets, pieceSize, puntLarge } from "../step/segment.ts";
import { wake } from "../step/wake.ts";
import { findPair, PATIENCE, samePair } from "../table/find.ts";
import { hashPair } from "../table/hash.ts";
import { coldAt, idOf, isWriting, wordOf } from "../table/record.ts";
import { stampSent } from "../table/stamp.ts";
import { peerTag } from "../wire/shim6.ts";
import { isSegmented, segmentKind, sumStart } from "../wire/virtio.ts";
import { mappedOut, touchWays } from "./mapped.ts";
import { bareOut, plainOut } from "./plain.ts";

/** Runs the `count` entries of the lane's outbound work at the instant `stamp`; every one gets its verdict. */
export function outbound(lane: usize, count: u32, stamp: u32): void {
  const work: usize = load<u32>(lane, LANE_WORK_OUT);
  const verdicts: usize = load<u32>(lane, LANE_VERDICTS);
  const version = atomic.load<u32>(PAIR_VERSION);
  store<u64>(lane, load<u64>(lane, LANE_TOUCHED) ^ findAll(work, count, load<u32>(MAP_PAIR_INDEX)), LANE_TOUCHED);
  if (load<u32>(MAP_MAPPING) != 0) touchWays(lane, work, count);
  const splits = load<u32>(MAP_FORKS) != 0;
  if (splits) store<u64>(lane, load<u64>(lane, LANE_TOUCHED) ^ forkAll(work, count, load<u32>(MAP_PAIR_INDEX)), LANE_TOUCHED);
  const limit = load<u32>(MAP_LIMIT);
  const mss = load<u32>(MAP_MSS);
  const end = work + count * WORK_OCTETS_EACH;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    settle(lane, verdicts, load<u32>(entry, WORK_SLOT), send(lane, entry, stamp, limit, mss, version, splits));
  }
}

/** `version` is the index's of before its entries were looked for; with `splits`, WORK_FORK is filled. */
function send(lane: usize, entry: usize, stamp: u32, most: u32, mss: u32, version: u32, splits: bool): u32 {
  const packet: usize = load<u32>(entry, WORK_PACKET);
  const octets = load<u32>(entry, WORK_OCTETS);
  const frame = packet - VIRTIO_HEADER_OCTETS;
  const large = isSegmented(frame);
  if (octets > most && !large) return tooBig(lane, packet, octets, most);
  let record: usize = load<u32>(entry, WORK_RECORD);
  let fork: u32 = splits ? load<u32>(entry, WORK_FORK) : FORK_UNKNOWN;
  const looked = fork == 0;
  if (fork == <u32>FORK_UNKNOWN) fork = 0;
  let isNone = record == 0 && (version & 1) == 0 && atomic.load<u32>(PAIR_VERSION) == version;
  for (let rounds: u32 = 0; rounds < PATIENCE; rounds++) {
    if (record == 0) {
      // Where nothing was found and nothing has moved since, there is nothing.
      if (!isNone) record = findPair(packet + IP6_SOURCE, fork, load<u32>(entry, WORK_HASH));
      isNone = false;
      if (record == 0) {
        if (fork != 0) {
          const base = findPair(packet + IP6_SOURCE, 0, hashPair(packet + IP6_SOURCE, 0));
          if (base != 0) {
            return large
              ? puntLarge(lane, frame, packet, octets, most, PUNT_FORK, idOf(base))
              : punt(lane, packet, octets, PUNT_FORK, idOf(base));
          }
          // The default context has just gone, and its forks count no more.
          fork = 0;
          store<u32>(entry, hashPair(packet + IP6_SOURCE, 0), WORK_HASH);
        }
        const prefixes: usize = atomic.load<u32>(MAP_PREFIXES);
        if (mayPass(packet, prefixes)) return plainOut(lane, entry, stamp, most, mss);
        const mapping: usize = atomic.load<u32>(MAP_MAPPING);
        if (mapping != 0 && mayMap(packet, prefixes, mapping)) return mappedOut(lane, entry, prefixes, mapping, stamp, most, mss);
        return large
          ? puntLarge(lane, frame, packet, octets, most, PUNT_NO_CONTEXT, NO_CONTEXT)
          : punt(lane, packet, octets, PUNT_NO_CONTEXT, NO_CONTEXT);
      }
    }
    const word = wordOf(record);
    if (isWriting(word)) continue;
    const source = v128.load(record, RECORD_LOCAL_LOCATOR);
    const destination = v128.load(record, RECORD_PEER_LOCATOR);
    const tag = peerTag(record);
    const matches =
      (word & (RECORD_LIVE | RECORD_FORKED)) == (fork == 0 ? RECORD_LIVE : RECORD_LIVE | RECORD_FORKED) &&
      samePair(record + RECORD_LOCAL_ULID, packet + IP6_SOURCE) &&
      (fork == 0 || load<u32>(coldAt(idOf(record)), COLD_FORK) == fork);
    if (wordOf(record) != word) continue;
    if (!matches) {
      // Another key with the same hash, or the context has just gone.
      record = 0;
      continue;
    }
    let limit = most;
    if (word & (RECORD_HOLD | RECORD_NARROW | RECORD_BARE | RECORD_SPLIT)) {
      if (word & RECORD_SPLIT) {
        // What was found of another record, which the index named first, does not count.
        if (!looked || record != <usize>load<u32>(entry, WORK_RECORD))
          fork = forkOf(packet, octets, load<u64>(coldAt(idOf(record)), COLD_FORKS));
        if (fork != 0) {
          store<u32>(entry, hashPair(packet + IP6_SOURCE, fork), WORK_HASH);
          record = 0;
          continue;
        }
      }
      if (word & RECORD_NARROW) limit = min<u32>(most, load<u32>(coldAt(idOf(record)), COLD_LIMIT));
      if (octets > limit && !large) return punt(lane, packet, octets, PUNT_BIG, idOf(record));
      if (word & RECORD_HOLD && large) return puntLarge(lane, frame, packet, octets, limit, PUNT_HOLD, idOf(record));
      if (word & RECORD_HOLD) return punt(lane, packet, octets, PUNT_HOLD, idOf(record));
      if (word & RECORD_BARE) return bareOut(lane, entry, record, stamp, limit, mss);
    }
    const at = load<u32>(entry, WORK_SHIM6);
    const field = load<u32>(entry, WORK_NEXT);
    if (large) {
      const verdict = sendLarge(lane, packet, octets, at, field, limit, record, source, destination, tag);
      if (verdict == FORWARD_OUT && stampSent(record, stamp)) wake(lane, record);
      return verdict;
    }
    const next = <u32>load<u8>(packet + field);
    if (mayMend(packet + at, next) && mss != 0) mend(lane, packet + at, octets - at, next, limit, mss, COUNT_MSS_OUT);
    const start = encapsulate(packet, octets, at, field, source, destination, tag);
    emit(lane, start, octets + SHIM6_PAYLOAD_LENGTH);
    countOut(record, octets);
    if (stampSent(record, stamp)) wake(lane, record);
    return FORWARD_OUT;
  }
  return DROP_BUSY_CONTEXT;
}

/** A large frame gets its Shim6 header as a whole, and is cut then. */
function sendLarge(
  lane: usize,
  packet: usize,
  octets: u32,
  at: u32,
  field: u32,
  limit: u32,
  record: usize,
  source: v128,
  destination: v128,
  tag: u64,
): u32 {
  const frame = packet - VIRTIO_HEADER_OCTETS;
  const transport = sumStart(frame);
  const head = headOctets(frame, packet);
  const size = pieceSize(frame, head, limit);
  const tcp = segmentKind(frame) == VIRTIO_GSO_TCP6;
  if (at > transport || (tcp && size == 0)) return DROP_GSO_VIRTIO;
  if (size == 0) return puntLarge(lane, frame, packet, octets, limit, PUNT_BIG, idOf(record));
  const start = encapsulate(packet, octets, at, field, source, destination, tag);
  const payload = octets - head;
  const pieces = cutOut(lane, start, transport + SHIM6_PAYLOAD_LENGTH, head + SHIM6_PAYLOAD_LENGTH, payload, size, tcp);
  if (pieces == 0) return DROP_ROOM_VIRTIO;
  countOutMany(record, pieces, pieces * head + payload);
  return FORWARD_OUT;
}

/** No path takes it, so no context is asked for: the control thread tells the host. */
function tooBig(lane: usize, packet: usize, octets: u32, most: u32): u32 {
  return most >= <u32>LIMIT_NONE ? DROP_LONG_IP6 : punt(lane, packet, octets, PUNT_BIG, NO_CONTEXT);
}
