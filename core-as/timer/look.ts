/**
 * A look at one context: what has expired, and when to look again.
 *
 * Packets move the timers without telling the wheel. That is safe because a running context is looked at again no later
 * than the shortest time in which a timer started right after this look could expire; and because a packet that finds no
 * timer running reports the context (step/wake.ts). Two looks in a row must find both timers stopped before the context is left
 * to the coarse idle check: a lane may be between its read and its write during one look.
 */
import { DUE_IDLE, DUE_KEEPALIVE, DUE_KEEPALIVE_LAST, DUE_SEND_TIMEOUT } from "../layout/due.ts";
import {
  COLD_IDLE_BASE,
  COLD_IDLE_TIMEOUT,
  COLD_KEEPALIVE_COUNT,
  COLD_KEEPALIVE_INTERVAL,
  COLD_KEEPALIVE_RUN,
  COLD_KEEPALIVE_TIMEOUT,
  COLD_QUIET,
  COLD_SEND_TIMEOUT,
  RECORD_KEEPALIVE_SINCE,
  RECORD_SEND_SINCE,
} from "../layout/record.ts";
import { lastMoved } from "../table/change.ts";
import { coldAt, recordAt } from "../table/record.ts";
import { report } from "./due.ts";
import { wheelPut, wheelTake } from "./wheel.ts";

/** Idle checks are rounded up to a multiple of this many milliseconds, so that many contexts share one. */
const IDLE_GRAIN: u32 = 1024;
/** Looks at running timers that cannot have expired are rounded down to a multiple of this. */
const LOOK_GRAIN: u32 = 64;
const FAR: u32 = 0x7fff_ffff;

/** Reports what expired of `id` by `now`, at most three entries, and puts it back into the wheel. */
export function look(id: u32, now: u32): void {
  lookAt(id, now, true);
}

/** Puts `id` into the wheel anew after its timers were changed. Reports nothing: what has expired is looked at next. */
export function plan(id: u32, now: u32): void {
  lookAt(id, now, false);
}

function lookAt(id: u32, now: u32, reporting: bool): void {
  const record = recordAt(id);
  const cold = coldAt(id);
  let wait = sendWait(id, record, cold, now, reporting);
  wait = min<u32>(wait, keepaliveWait(id, record, cold, now, reporting));
  const running = (load<u32>(record, RECORD_SEND_SINCE) | load<u32>(record, RECORD_KEEPALIVE_SINCE)) != 0;
  const guard = shortest(cold);
  if (guard != FAR && (running || load<u8>(cold, COLD_QUIET) == 0)) {
    if (guard < wait) wait = guard <= LOOK_GRAIN ? guard : guard - ((now + guard) & (LOOK_GRAIN - 1));
  }
  store<u8>(cold, running ? 0 : 1, COLD_QUIET);
  const idle = idleWait(id, cold, now, reporting);
  wait = min<u32>(wait, idle);
  if (wait == FAR) wheelTake(id);
  else wheelPut(id, now + (reporting ? max<u32>(wait, 1) : wait));
}

/** Milliseconds until the Send timer expires as things stand; FAR when it is stopped or off. */
function sendWait(id: u32, record: usize, cold: usize, now: u32, reporting: bool): u32 {
  const since = load<u32>(record, RECORD_SEND_SINCE);
  const timeout = load<u32>(cold, COLD_SEND_TIMEOUT);
  if (since == 0 || timeout == 0) return FAR;
  const elapsed = sinceThen(since, now);
  if (elapsed < timeout) return timeout - elapsed;
  if (!reporting) return 0;
  // A lane that stopped or restarted it in this moment wins.
  if (atomic.cmpxchg<u32>(record, since, 0, RECORD_SEND_SINCE) == since) report(id, DUE_SEND_TIMEOUT);
  return FAR;
}

/** Likewise for the Keepalive timer and its intervals. */
function keepaliveWait(id: u32, record: usize, cold: usize, now: u32, reporting: bool): u32 {
  const since = load<u32>(record, RECORD_KEEPALIVE_SINCE);
  const timeout = load<u32>(cold, COLD_KEEPALIVE_TIMEOUT);
  if (since == 0 || timeout == 0) return FAR;
  const elapsed = sinceThen(since, now);
  if (elapsed >= timeout) {
    if (!reporting) return 0;
    if (atomic.cmpxchg<u32>(record, since, 0, RECORD_KEEPALIVE_SINCE) == since) report(id, DUE_KEEPALIVE_LAST);
    return FAR;
  }
  const interval = load<u32>(cold, COLD_KEEPALIVE_INTERVAL);
  if (interval == 0 || interval >= timeout) return timeout - elapsed;
  if (load<u32>(cold, COLD_KEEPALIVE_RUN) != since) {
    store<u32>(cold, since, COLD_KEEPALIVE_RUN);
    store<u32>(cold, 0, COLD_KEEPALIVE_COUNT);
  }
  const passed = elapsed / interval;
  if (passed > load<u32>(cold, COLD_KEEPALIVE_COUNT)) {
    if (!reporting) return 0;
    store<u32>(cold, passed, COLD_KEEPALIVE_COUNT);
    report(id, DUE_KEEPALIVE);
  }
  // In 64 bits: an interval just below 2^31 times two does not fit 32 signed ones.
  return <u32>min<u64>(<u64>(passed + 1) * <u64>interval, <u64>timeout) - elapsed;
}

function idleWait(id: u32, cold: usize, now: u32, reporting: bool): u32 {
  const timeout = load<u32>(cold, COLD_IDLE_TIMEOUT);
  if (timeout == 0) return FAR;
  let elapsed = sinceThen(lastMoved(id), now);
  if (elapsed >= timeout) {
    if (!reporting) return 0;
    store<u32>(cold, now, COLD_IDLE_BASE);
    report(id, DUE_IDLE);
    elapsed = 0;
  }
  const exact = now + (timeout - elapsed);
  return min<u32>(FAR, ((exact + IDLE_GRAIN - 1) & ~(IDLE_GRAIN - 1)) - now);
}

/** A lane's clock may be a moment ahead of ours. */
function sinceThen(since: u32, now: u32): u32 {
  return <u32>max<i32>(<i32>(now - since), 0);
}

/** The shortest time in which a timer of this context can expire, from its start. */
function shortest(cold: usize): u32 {
  const send = load<u32>(cold, COLD_SEND_TIMEOUT);
  const timeout = load<u32>(cold, COLD_KEEPALIVE_TIMEOUT);
  const interval = load<u32>(cold, COLD_KEEPALIVE_INTERVAL);
  let least = send == 0 ? FAR : send;
  if (timeout != 0) least = min<u32>(least, interval == 0 ? timeout : min<u32>(interval, timeout));
  return least;
}
