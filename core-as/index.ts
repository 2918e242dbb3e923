/** What the module exports, and nothing else. `run` is for data threads; the rest is for the one control thread. */
import { MAP_PAIR_INDEX, STAGE_FORK, STAGE_LOCAL_TAG, STAGE_LOCAL_ULID } from "./layout/map.ts";
import {
  COLD_QUIET,
  COLD_WATCH,
  NO_CONTEXT,
  RECORD_HOLD,
  RECORD_KEEPALIVE_SINCE,
  RECORD_SEND_SINCE,
  RECORD_WATCH,
} from "./layout/record.ts";
import { run as runBatch } from "./path/batch.ts";
import { addRecord, changeRecord, isLive, removeRecord } from "./table/change.ts";
import { findPair, findTag } from "./table/find.ts";
import { hashPair, hashTag } from "./table/hash.ts";
import { clearFlags, coldAt, idOf, recordAt, setFlags, wordOf } from "./table/record.ts";
import { stampOf, stampReceived, stampSent } from "./table/stamp.ts";
import { advance as advanceTo } from "./timer/advance.ts";
import { plan } from "./timer/look.ts";
import { wheelNext, wheelStart, wheelTake } from "./timer/wheel.ts";
import { tagOf } from "./wire/shim6.ts";
import { adjust as adjustSum, sum as sumOctets } from "./wire/sum.ts";

/** See path/batch.ts. `lane` is the lane's place in the memory. */
export function run(lane: u32, count: u32, now: u32): u32 {
  return runBatch(lane, count, now);
}

/** Once, before anything else. */
export function start(now: u32): void {
  wheelStart(now);
}

/** Adds the staged context. @returns 0, or why not: table/change.ts */
export function add(id: u32, now: u32): u32 {
  const result = addRecord(id, stampOf(now));
  if (result == 0) plan(id, now);
  return result;
}

/** Takes over staged values; `parts` are the CHANGE_* of table/change.ts. The context must be live, here and below. */
export function change(id: u32, parts: u32, now: u32): void {
  changeRecord(id, parts);
  plan(id, now);
}

/** Takes context `id` out of the table and the wheel. */
export function remove(id: u32): void {
  wheelTake(id);
  removeRecord(id);
}

/** 1 if `id` is in the table, else 0. */
export function live(id: u32): u32 {
  return isLive(id) ? 1 : 0;
}

/** Outbound packets of the context are punted while `on`. */
export function hold(id: u32, on: u32): void {
  flag(id, RECORD_HOLD, on);
}

/** The next payload packet received is reported, once. */
export function watch(id: u32, on: u32): void {
  store<u8>(coldAt(id), <u8>on, COLD_WATCH);
  flag(id, RECORD_WATCH, on);
}

function flag(id: u32, bit: u32, on: u32): void {
  if (on) setFlags(recordAt(id), bit);
  else clearFlags(recordAt(id), bit);
}

/** A message that counts as a payload packet was sent (0) or received (1). */
export function touch(id: u32, received: u32, now: u32): void {
  const record = recordAt(id);
  if (received) stampReceived(record, stampOf(now), (wordOf(record) & RECORD_HOLD) != 0);
  else stampSent(record, stampOf(now));
  plan(id, now);
}

/** Timer actions: 0 = stop, 1 = start if not running, 2 = restart. */
export function sendTimer(id: u32, action: u32, now: u32): void {
  setTimer(id, RECORD_SEND_SINCE, action, now);
}

/** As {@link sendTimer}; restart has no use here. */
export function keepaliveTimer(id: u32, action: u32, now: u32): void {
  setTimer(id, RECORD_KEEPALIVE_SINCE, action, now);
}

function setTimer(id: u32, place: usize, action: u32, now: u32): void {
  const field = recordAt(id) + place;
  if (action == 0) store<u32>(field, 0);
  else if (action == 2 || load<u32>(field) == 0) store<u32>(field, stampOf(now));
  store<u8>(coldAt(id), 0, COLD_QUIET);
  plan(id, now);
}

/** Id of the staged ULID pair and fork, or NO_CONTEXT. */
export function pairId(): u32 {
  const fork = load<u32>(STAGE_FORK);
  const record = findPair(STAGE_LOCAL_ULID, fork, hashPair(STAGE_LOCAL_ULID, fork));
  return record == 0 ? NO_CONTEXT : idOf(record);
}

/** Id of the context with the staged local tag, or NO_CONTEXT. */
export function tagId(): u32 {
  const tag = tagOf(load<u64>(STAGE_LOCAL_TAG));
  const record = findTag(tag, hashTag(tag));
  return record == 0 ? NO_CONTEXT : idOf(record);
}

/** See timer/advance.ts. */
export function advance(now: u32, limit: u32): u32 {
  return advanceTo(now, limit);
}

/** Milliseconds from the last `advance` to when the next is needed, or 0xffffffff. */
export function nextDue(): u32 {
  return <u32>min<u64>(wheelNext(), 0xffff_ffff);
}

/** Ones-complement sum, see wire/sum.ts. For embedders and tests. */
export function sum(at: u32, octets: u32): u32 {
  return sumOctets(at, octets);
}

/** RFC 1624, see wire/sum.ts. For embedders and tests. */
export function adjust(field: u32, was: u32, now: u32): u32 {
  return adjustSum(field, was, now);
}
