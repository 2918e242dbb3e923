/** Tells the control thread about a context: a timer started while none ran, or a packet came that it watches for. */
import { ACTIVITY_RECEIVED } from "../layout/due.ts";
import { LANE_ACTIVITY, LANE_ACTIVITY_HEAD, LANE_ACTIVITY_TAIL, LANE_BELL } from "../layout/lane.ts";
import { MAP_ACTIVITY_ENTRIES } from "../layout/map.ts";
import { RECORD_KEEPALIVE_SINCE, RECORD_QUEUED, RECORD_SEND_SINCE, RECORD_WATCH } from "../layout/record.ts";
import { COUNT_ACTIVITY_FULL } from "../layout/verdict.ts";
import { clearFlags, idOf, setFlags } from "../table/record.ts";
import { count } from "./count.ts";

/**
 * The record has just got a running timer. The flag is set by a read-modify-write even if it was set before: it orders the
 * stamp before the flag's test, so that the control thread, which clears the flag and then reads the stamps, misses neither.
 */
export function wake(lane: usize, record: usize): void {
  if (setFlags(record, RECORD_QUEUED) & RECORD_QUEUED) return;
  if (push(lane, idOf(record))) return;
  // Nobody would look at this timer: stop it, so that the next packet tries again.
  clearFlags(record, RECORD_QUEUED);
  store<u32>(record, 0, RECORD_SEND_SINCE);
  store<u32>(record, 0, RECORD_KEEPALIVE_SINCE);
  count(lane, COUNT_ACTIVITY_FULL);
}

/** The record is under watch, and a payload packet has come. With the ring full the watch goes on. */
export function reportReceived(lane: usize, record: usize): void {
  if ((clearFlags(record, RECORD_WATCH) & RECORD_WATCH) == 0) return;
  if (push(lane, idOf(record) | ACTIVITY_RECEIVED)) return;
  setFlags(record, RECORD_WATCH);
  count(lane, COUNT_ACTIVITY_FULL);
}

function push(lane: usize, entry: u32): bool {
  const entries = load<u32>(MAP_ACTIVITY_ENTRIES);
  const head = load<u32>(lane, LANE_ACTIVITY_HEAD);
  if (head - atomic.load<u32>(lane, LANE_ACTIVITY_TAIL) >= entries) return false;
  store<u32>(load<u32>(lane, LANE_ACTIVITY) + ((head & (entries - 1)) << 2), entry);
  atomic.store<u32>(lane, head + 1, LANE_ACTIVITY_HEAD);
  store<u32>(lane, 1, LANE_BELL);
  return true;
}
