/** What the control thread does to the table. It alone may call these; readers go on meanwhile. */
import {
  MAP_CONTEXTS,
  MAP_PAIR_INDEX,
  MAP_TAG_INDEX,
  PAIR_VERSION,
  STAGE,
  STAGE_FORK,
  STAGE_FORKS,
  STAGE_IDLE_TIMEOUT,
  STAGE_KEEPALIVE_INTERVAL,
  STAGE_KEEPALIVE_TIMEOUT,
  STAGE_LIMIT,
  STAGE_LOCAL_LOCATOR,
  STAGE_LOCAL_TAG,
  STAGE_LOCAL_ULID,
  STAGE_PEER_LOCATOR,
  STAGE_PEER_TAG,
  STAGE_SEND_TIMEOUT,
  TAG_VERSION,
} from "../layout/map.ts";
import {
  COLD_FORK,
  COLD_FORKS,
  COLD_GENERATION,
  COLD_IDLE_BASE,
  COLD_IDLE_TIMEOUT,
  COLD_KEEPALIVE_COUNT,
  COLD_KEEPALIVE_INTERVAL,
  COLD_KEEPALIVE_RUN,
  COLD_KEEPALIVE_TIMEOUT,
  COLD_LIMIT,
  COLD_QUIET,
  COLD_SEND_TIMEOUT,
  COLD_WATCH,
  RECORD_BARE,
  RECORD_FORKED,
  RECORD_HOLD,
  RECORD_KEEPALIVE_SINCE,
  RECORD_LAST_RECEIVED,
  RECORD_LAST_SENT,
  RECORD_LIVE,
  RECORD_LOCAL_LOCATOR,
  RECORD_LOCAL_ULID,
  RECORD_NARROW,
  RECORD_OCTETS,
  RECORD_PEER_LOCATOR,
  RECORD_PEER_TAG,
  RECORD_QUEUED,
  RECORD_SEND_SINCE,
  RECORD_SPLIT,
  RECORD_WATCH,
  RECORD_WORD,
} from "../layout/record.ts";
import { localTag, tagOf } from "../wire/shim6.ts";
import { findPair, findTag, samePair } from "./find.ts";
import { hashPair, hashTag } from "./hash.ts";
import { indexInsert, indexRemove } from "./index.ts";
import { meet } from "./met.ts";
import { beginWrite, clearFlags, coldAt, endWrite, recordAt, setFlags, wordOf } from "./record.ts";

export const ADDED: u32 = 0;
export const ADD_ID_IN_USE: u32 = 1;
export const ADD_PAIR_PRESENT: u32 = 2;
export const ADD_TAG_PRESENT: u32 = 3;

/** Whether `id` names a context in the table. Any number may be asked for. */
export function isLive(id: u32): bool {
  return id < load<u32>(MAP_CONTEXTS) && (wordOf(recordAt(id)) & RECORD_LIVE) != 0;
}

/** Writes the staged context as `id`, then makes it visible. @returns one of ADD… */
export function addRecord(id: u32, now: u32): u32 {
  if (id >= load<u32>(MAP_CONTEXTS) || isLive(id)) return ADD_ID_IN_USE;
  const fork = load<u32>(STAGE_FORK);
  const pairHash = hashPair(STAGE_LOCAL_ULID, fork);
  if (findPair(STAGE_LOCAL_ULID, fork, pairHash)) return ADD_PAIR_PRESENT;
  const tag = tagOf(load<u64>(STAGE_LOCAL_TAG));
  const tagHash = hashTag(tag);
  if (findTag(tag, tagHash)) return ADD_TAG_PRESENT;

  meet(STAGE_PEER_LOCATOR);
  const record = recordAt(id);
  const cold = coldAt(id);
  beginWrite(record);
  memory.copy(record + RECORD_LOCAL_ULID, STAGE, RECORD_WORD);
  storeTags(record, tag, tagOf(load<u64>(STAGE_PEER_TAG)));
  memory.fill(record + RECORD_SEND_SINCE, 0, RECORD_OCTETS - RECORD_SEND_SINCE);
  store<u32>(cold, fork, COLD_FORK);
  store<u32>(cold, 0, COLD_KEEPALIVE_RUN);
  store<u32>(cold, 0, COLD_KEEPALIVE_COUNT);
  store<u32>(cold, now, COLD_IDLE_BASE);
  store<u8>(cold, 1, COLD_QUIET);
  store<u8>(cold, 0, COLD_WATCH);
  store<u32>(cold, load<u32>(cold, COLD_GENERATION) + 1, COLD_GENERATION);
  storeTiming(cold);
  clearFlags(record, RECORD_FORKED | RECORD_HOLD | RECORD_WATCH | RECORD_QUEUED);
  storeLimit(record, cold);
  storeForks(record, cold);
  compareUlids(record, cold);
  setFlags(record, fork == 0 ? RECORD_LIVE : RECORD_LIVE | RECORD_FORKED);
  endWrite(record);
  indexInsert(load<u32>(MAP_PAIR_INDEX), pairHash, id);
  indexInsert(load<u32>(MAP_TAG_INDEX), tagHash, id);
  return ADDED;
}

/** Bits of `parts` of {@link changeRecord}. */
export const CHANGE_LOCAL_LOCATOR: u32 = 1;
export const CHANGE_PEER_LOCATOR: u32 = 2;
export const CHANGE_PEER_TAG: u32 = 4;
export const CHANGE_TIMING: u32 = 8;
export const CHANGE_LIMIT: u32 = 16;
export const CHANGE_FORKS: u32 = 32;

/** Takes over those staged values that `parts` names. */
export function changeRecord(id: u32, parts: u32): void {
  const record = recordAt(id);
  const cold = coldAt(id);
  beginWrite(record);
  if (parts & CHANGE_LOCAL_LOCATOR) v128.store(record, v128.load(STAGE_LOCAL_LOCATOR), RECORD_LOCAL_LOCATOR);
  if (parts & CHANGE_PEER_LOCATOR) v128.store(record, v128.load(STAGE_PEER_LOCATOR), RECORD_PEER_LOCATOR);
  if (parts & CHANGE_PEER_TAG) storeTags(record, localTag(record), tagOf(load<u64>(STAGE_PEER_TAG)));
  if (parts & CHANGE_LIMIT) storeLimit(record, cold);
  if (parts & CHANGE_FORKS) storeForks(record, cold);
  compareUlids(record, cold);
  endWrite(record);
  if (parts & CHANGE_TIMING) {
    // A timer that was off has an old stamp at best: it starts with the next packet.
    if (load<u32>(cold, COLD_SEND_TIMEOUT) == 0) store<u32>(record, 0, RECORD_SEND_SINCE);
    if (load<u32>(cold, COLD_KEEPALIVE_TIMEOUT) == 0) store<u32>(record, 0, RECORD_KEEPALIVE_SINCE);
    storeTiming(cold);
  }
}

/** Takes the context out of both indexes, then marks the record unused. */
export function removeRecord(id: u32): void {
  const record = recordAt(id);
  indexRemove(load<u32>(MAP_PAIR_INDEX), PAIR_VERSION, hashPair(record + RECORD_LOCAL_ULID, load<u32>(coldAt(id), COLD_FORK)), id);
  indexRemove(load<u32>(MAP_TAG_INDEX), TAG_VERSION, hashTag(localTag(record)), id);
  beginWrite(record);
  clearFlags(record, RECORD_LIVE | RECORD_FORKED | RECORD_HOLD | RECORD_WATCH | RECORD_QUEUED | RECORD_NARROW | RECORD_BARE | RECORD_SPLIT);
  memory.fill(record, 0, RECORD_WORD);
  endWrite(record);
}

/** Instant of the last packet either way, or of what counts for it. */
export function lastMoved(id: u32): u32 {
  const record = recordAt(id);
  let last = load<u32>(coldAt(id), COLD_IDLE_BASE);
  const sent = load<u32>(record, RECORD_LAST_SENT);
  const received = load<u32>(record, RECORD_LAST_RECEIVED);
  if (sent != 0 && <i32>(sent - last) > 0) last = sent;
  if (received != 0 && <i32>(received - last) > 0) last = received;
  return last;
}

function storeTags(record: usize, local: u64, peer: u64): void {
  store<u32>(record, <u32>local, RECORD_WORD + 4);
  store<u64>(record, (local >> 32) | (peer << 16), RECORD_PEER_TAG - 2);
}

/** Inside a write, so that whoever sees the flag sees the limit that it speaks of, or a newer one. */
function storeLimit(record: usize, cold: usize): void {
  const limit = load<u32>(STAGE_LIMIT);
  store<u32>(cold, limit, COLD_LIMIT);
  if (limit != 0) setFlags(record, RECORD_NARROW);
  else clearFlags(record, RECORD_NARROW);
}

/** As with the limit. A fork has no forks. */
function storeForks(record: usize, cold: usize): void {
  const forks: u64 = load<u32>(cold, COLD_FORK) == 0 ? load<u64>(STAGE_FORKS) : 0;
  store<u64>(cold, forks, COLD_FORKS);
  if (forks != 0) setFlags(record, RECORD_SPLIT);
  else clearFlags(record, RECORD_SPLIT);
}

/**
 * Inside a write: whether packets need a header, which they do when the locators are not the ULIDs. Those of a fork always get one, which RFC 5533
 * §11 leaves open: without it the peer would take them for the default context's, and the fork would hear no sign of life.
 */
function compareUlids(record: usize, cold: usize): void {
  if (load<u32>(cold, COLD_FORK) == 0 && samePair(record + RECORD_LOCAL_ULID, record + RECORD_LOCAL_LOCATOR)) setFlags(record, RECORD_BARE);
  else clearFlags(record, RECORD_BARE);
}

function storeTiming(cold: usize): void {
  store<u32>(cold, load<u32>(STAGE_SEND_TIMEOUT), COLD_SEND_TIMEOUT);
  store<u32>(cold, load<u32>(STAGE_KEEPALIVE_TIMEOUT), COLD_KEEPALIVE_TIMEOUT);
  store<u32>(cold, load<u32>(STAGE_KEEPALIVE_INTERVAL), COLD_KEEPALIVE_INTERVAL);
  store<u32>(cold, load<u32>(STAGE_IDLE_TIMEOUT), COLD_IDLE_TIMEOUT);
}
