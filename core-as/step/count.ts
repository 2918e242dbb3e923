/** Counting: by verdict on the lane, by direction in the record. The only way to end a frame's life is {@link settle}. */
import { LANE_COUNTERS } from "../layout/lane.ts";
import { RECORD_PACKETS_IN, RECORD_PACKETS_OUT } from "../layout/record.ts";

/** Counts `verdict` and notes it for the slot. */
export function settle(lane: usize, verdicts: usize, slot: u32, verdict: u32): void {
  store<u32>(verdicts + (slot << 2), verdict);
  count(lane, verdict);
}

/** One more on the lane's counter of `verdict`. */
export function count(lane: usize, verdict: u32): void {
  const counter = lane + LANE_COUNTERS + (verdict << 3);
  store<u64>(counter, load<u64>(counter) + 1);
}

/** `more` more on it. */
export function countMore(lane: usize, verdict: u32, more: u32): void {
  const counter = lane + LANE_COUNTERS + (verdict << 3);
  store<u64>(counter, load<u64>(counter) + <u64>more);
}

/** One packet of `octets` more. Plain stores: two lanes at one record may lose a count. */
export function countOut(record: usize, octets: u32): void {
  const sum = i64x2.add(v128.load(record, RECORD_PACKETS_OUT), i64x2.replace_lane(i64x2.splat(1), 1, octets));
  v128.store(record, sum, RECORD_PACKETS_OUT);
}

/** `packets` packets of `octets` octets together. */
export function countOutMany(record: usize, packets: u32, octets: u32): void {
  const sum = i64x2.add(v128.load(record, RECORD_PACKETS_OUT), i64x2.replace_lane(i64x2.splat(<i64>packets), 1, octets));
  v128.store(record, sum, RECORD_PACKETS_OUT);
}

/** As {@link countOutMany}, received. */
export function countInMany(record: usize, packets: u32, octets: u32): void {
  const sum = i64x2.add(v128.load(record, RECORD_PACKETS_IN), i64x2.replace_lane(i64x2.splat(<i64>packets), 1, octets));
  v128.store(record, sum, RECORD_PACKETS_IN);
}

/** As {@link countOut}, received. */
export function countIn(record: usize, octets: u32): void {
  const sum = i64x2.add(v128.load(record, RECORD_PACKETS_IN), i64x2.replace_lane(i64x2.splat(1), 1, octets));
  v128.store(record, sum, RECORD_PACKETS_IN);
}
