/** The control thread's view of time. */
import { DUE_COUNT, WHEEL_MORE, WHEEL_NOW } from "../layout/map.ts";
import { NO_CONTEXT } from "../layout/record.ts";
import { isLive } from "../table/change.ts";
import { drainActivity } from "./activity.ts";
import { DUE_PER_LOOK } from "./due.ts";
import { look } from "./look.ts";
import { WHEEL_EMPTY, wheelNext, wheelPop, wheelTurn } from "./wheel.ts";

/**
 * Drains the activity rings and turns the wheel to `now`; the due list then holds what expired, at most `limit` entries
 * (3 … DUE_MAX). WHEEL_MORE says whether there is more. @returns entries in the due list
 */
export function advance(now: u32, limit: u32): u32 {
  store<u32>(DUE_COUNT, 0);
  store<u32>(WHEEL_MORE, 1);
  if (drainActivity(now, limit)) return load<u32>(DUE_COUNT);
  while (true) {
    if (!lookAtDue(now, limit)) return load<u32>(DUE_COUNT);
    const at = load<u32>(WHEEL_NOW);
    const left = now - at;
    const next = wheelNext();
    if (<i32>left <= 0) break;
    if (next == WHEEL_EMPTY || next > <u64>left) {
      wheelTurn(now);
      break;
    }
    wheelTurn(at + <u32>next);
  }
  store<u32>(WHEEL_MORE, 0);
  return load<u32>(DUE_COUNT);
}

/** Looks at every context in the list of the wheel's instant. @returns `false` when the due list is full before */
function lookAtDue(now: u32, limit: u32): bool {
  while (true) {
    if (load<u32>(DUE_COUNT) + DUE_PER_LOOK > limit) return false;
    const id = wheelPop();
    if (id == NO_CONTEXT) return true;
    if (isLive(id)) look(id, now);
  }
}
