/** From the wire to a host, second half: every entry has a payload header; contexts are found by tag, packets restored. */
import {
  LANE_FLOWS_OPEN,
  LANE_SPILL,
  LANE_TOUCHED,
  LANE_VERDICTS,
  LANE_WORK_IN,
  WORK_HASH,
  WORK_NEXT,
  WORK_OCTETS,
  WORK_OCTETS_EACH,
  WORK_PACKET,
  WORK_RECORD,
  WORK_SHIM6,
  WORK_SLOT,
} from "../layout/lane.ts";
import { MAP_LIMIT, MAP_MSS, MAP_TAG_INDEX } from "../layout/map.ts";
import {
  COLD_LIMIT,
  NO_CONTEXT,
  RECORD_HOLD,
  RECORD_LIVE,
  RECORD_LOCAL_ULID,
  RECORD_NARROW,
  RECORD_PEER_ULID,
  RECORD_WATCH,
} from "../layout/record.ts";
import { SHIM6_NEXT, SHIM6_PAYLOAD_LENGTH } from "../layout/shim6.ts";
import { COUNT_MSS_IN, DROP_BUSY_CONTEXT, FORWARD_IN, PUNT_NO_TAG } from "../layout/verdict.ts";
import { closeAll, offer } from "../step/coalesce.ts";
import { countIn, settle } from "../step/count.ts";
import { emit } from "../step/emit.ts";
import { findAll } from "../step/find.ts";
import { mayMend, mend } from "../step/mend.ts";
import { punt } from "../step/punt.ts";
import { decapsulate } from "../step/rewrite.ts";
import { reportReceived, wake } from "../step/wake.ts";
import { findTag, PATIENCE } from "../table/find.ts";
import { coldAt, idOf, isWriting, wordOf } from "../table/record.ts";
import { stampReceived } from "../table/stamp.ts";
import { localTag, tagOf } from "../wire/shim6.ts";

/** Runs the `count` entries of the lane's inbound work at the instant `stamp`; every one gets its verdict. */
export function inbound(lane: usize, count: u32, stamp: u32): void {
  const work: usize = load<u32>(lane, LANE_WORK_IN);
  const verdicts: usize = load<u32>(lane, LANE_VERDICTS);
  store<u64>(lane, load<u64>(lane, LANE_TOUCHED) ^ findAll(work, count, load<u32>(MAP_TAG_INDEX)), LANE_TOUCHED);
  const limit = load<u32>(MAP_LIMIT);
  const mss = load<u32>(MAP_MSS);
  const joins = load<u32>(lane, LANE_SPILL) != 0;
  store<u32>(lane, 0, LANE_FLOWS_OPEN);
  const end = work + count * WORK_OCTETS_EACH;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    settle(lane, verdicts, load<u32>(entry, WORK_SLOT), receive(lane, entry, stamp, limit, mss, joins));
  }
  if (joins) closeAll(lane);
}

/** The tag alone names the context: RFC 5533 §12.2 does not compare the source locator, which may change at any time. */
function receive(lane: usize, entry: usize, stamp: u32, most: u32, mss: u32, joins: bool): u32 {
  const packet: usize = load<u32>(entry, WORK_PACKET);
  const octets = load<u32>(entry, WORK_OCTETS);
  const at = load<u32>(entry, WORK_SHIM6);
  const tag = tagOf(load<u64>(packet + at));
  let record: usize = load<u32>(entry, WORK_RECORD);
  for (let rounds: u32 = 0; rounds < PATIENCE; rounds++) {
    if (record == 0) {
      record = findTag(tag, load<u32>(entry, WORK_HASH));
      if (record == 0) return punt(lane, packet, octets, PUNT_NO_TAG, NO_CONTEXT);
    }
    const word = wordOf(record);
    if (isWriting(word)) continue;
    const source = v128.load(record, RECORD_PEER_ULID);
    const destination = v128.load(record, RECORD_LOCAL_ULID);
    const matches = (word & RECORD_LIVE) != 0 && localTag(record) == tag;
    if (wordOf(record) != word) continue;
    if (!matches) {
      record = 0;
      continue;
    }
    const body = at + SHIM6_PAYLOAD_LENGTH;
    const next = <u32>load<u8>(packet + at, SHIM6_NEXT);
    if (mayMend(packet + body, next) && mss != 0) {
      // What the peer offers is what our host will send: the path out decides.
      const limit = word & RECORD_NARROW ? min<u32>(most, load<u32>(coldAt(idOf(record)), COLD_LIMIT)) : most;
      mend(lane, packet + body, octets - body, next, limit, mss, COUNT_MSS_IN);
    }
    const start = decapsulate(packet, octets, at, load<u32>(entry, WORK_NEXT), source, destination);
    if (joins) offer(lane, entry, record, start, octets - SHIM6_PAYLOAD_LENGTH);
    else emit(lane, start, octets - SHIM6_PAYLOAD_LENGTH);
    countIn(record, octets - SHIM6_PAYLOAD_LENGTH);
    if (stampReceived(record, stamp, (word & RECORD_HOLD) != 0)) wake(lane, record);
    if (word & RECORD_WATCH) reportReceived(lane, record);
    return FORWARD_IN;
  }
  return DROP_BUSY_CONTEXT;
}
