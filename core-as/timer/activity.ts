/** The control thread's end of the lanes' activity rings. */
import { ACTIVITY_RECEIVED, DUE_RECEIVED } from "../layout/due.ts";
import { LANE_ACTIVITY, LANE_ACTIVITY_HEAD, LANE_ACTIVITY_TAIL } from "../layout/lane.ts";
import { DUE_COUNT, MAP_ACTIVITY_ENTRIES, MAP_LANE_FIRST, MAP_LANE_STRIDE, MAP_LANES } from "../layout/map.ts";
import { COLD_WATCH, RECORD_QUEUED } from "../layout/record.ts";
import { isLive } from "../table/change.ts";
import { clearFlags, coldAt, recordAt } from "../table/record.ts";
import { DUE_PER_LOOK, report } from "./due.ts";
import { look } from "./look.ts";

/** Takes all entries of all rings while the due list has room for `limit`. @returns whether entries are left */
export function drainActivity(now: u32, limit: u32): bool {
  const lanes = load<u32>(MAP_LANES);
  for (let i: u32 = 0; i < lanes; i++) {
    if (drainLane(load<u32>(MAP_LANE_FIRST) + i * load<u32>(MAP_LANE_STRIDE), now, limit)) return true;
  }
  return false;
}

function drainLane(lane: usize, now: u32, limit: u32): bool {
  const mask = load<u32>(MAP_ACTIVITY_ENTRIES) - 1;
  const ring: usize = load<u32>(lane, LANE_ACTIVITY);
  const head = atomic.load<u32>(lane, LANE_ACTIVITY_HEAD);
  let tail = load<u32>(lane, LANE_ACTIVITY_TAIL);
  while (tail != head) {
    if (load<u32>(DUE_COUNT) + DUE_PER_LOOK > limit) return true;
    const entry = load<u32>(ring + ((tail & mask) << 2));
    tail++;
    atomic.store<u32>(lane, tail, LANE_ACTIVITY_TAIL);
    wake(entry & ~ACTIVITY_RECEIVED, (entry & ACTIVITY_RECEIVED) != 0, now);
  }
  return false;
}

function wake(id: u32, received: bool, now: u32): void {
  if (!isLive(id)) return;
  if (received) {
    const cold = coldAt(id);
    if (load<u8>(cold, COLD_WATCH) != 0) {
      store<u8>(cold, 0, COLD_WATCH);
      report(id, DUE_RECEIVED);
    }
    return;
  }
  // Before the stamps are read: a lane that starts a timer from here on reports it again.
  clearFlags(recordAt(id), RECORD_QUEUED);
  look(id, now);
}
