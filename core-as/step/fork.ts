/** Which fork of its pair a host's packet goes on: layout/fork.ts. The terms of the pair are tried in order, the first that matches decides. */
import {
  FORK_BLOCK_OCTETS,
  FORK_RANGES,
  FORK_UNKNOWN,
  FORK_WANTED,
  FORKS_BLOCK_SHIFT,
  RANGE_FIRST,
  RANGE_LAST,
  RANGE_OCTETS,
  TERM_CLASSES,
  TERM_FORK,
  TERM_OCTETS,
  TERM_PROTOCOLS,
  TERM_RANGE,
  TERM_RANGES,
} from "../layout/fork.ts";
import { IP6_SOURCE } from "../layout/ip6.ts";
import { WORK_FORK, WORK_HASH, WORK_OCTETS, WORK_OCTETS_EACH, WORK_PACKET, WORK_RECORD } from "../layout/lane.ts";
import { FORK_FIRST, MAP_INDEX_MASK, MAP_INDEX_SHIFT, MAP_RECORDS } from "../layout/map.ts";
import { COLD_FORK, COLD_FORKS, RECORD_FORKED, RECORD_LIVE, RECORD_LOCAL_ULID, RECORD_SPLIT, RECORD_WORD } from "../layout/record.ts";
import { guess, samePair } from "../table/find.ts";
import { hashPair } from "../table/hash.ts";
import { slotAt } from "../table/index.ts";
import { coldAt, idOf, isWriting, wordOf } from "../table/record.ts";
import { chainOf, decidesOf, endOf, tellsFlow } from "./chain.ts";
import { hasPorts } from "./plain.ts";

/**
 * The forks of a batch at once, as step/find.ts looks for contexts: what each default context says of its forks, then where the index names them, then their
 * records. Fills WORK_FORK; where it is a fork, WORK_HASH and WORK_RECORD are the fork's from then on. @returns the loads' values, to be stored somewhere
 */
export function forkAll(work: usize, count: u32, index: usize): u64 {
  const end = work + count * WORK_OCTETS_EACH;
  const shift = load<u32>(MAP_INDEX_SHIFT);
  const mask = load<u32>(MAP_INDEX_MASK);
  const records: usize = load<u32>(MAP_RECORDS);
  let touched: u64 = 0;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    const record: usize = load<u32>(entry, WORK_RECORD);
    const splits = record != 0 && (wordOf(record) & RECORD_SPLIT) != 0;
    store<u32>(entry, splits ? FORK_WANTED : FORK_UNKNOWN, WORK_FORK);
    if (splits) touched ^= load<u64>(coldAt(idOf(record)), COLD_FORKS);
  }
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    if (load<u32>(entry, WORK_FORK) == <u32>FORK_UNKNOWN) continue;
    const packet: usize = load<u32>(entry, WORK_PACKET);
    const fork = forkBy(load<u32>(entry, WORK_RECORD), packet, load<u32>(entry, WORK_OCTETS));
    store<u32>(entry, fork, WORK_FORK);
    if (fork == 0 || fork == <u32>FORK_UNKNOWN) continue;
    const hash = hashPair(packet + IP6_SOURCE, fork);
    store<u32>(entry, hash, WORK_HASH);
    touched ^= load<u64>(slotAt(index, hash >> shift));
  }
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    const fork = load<u32>(entry, WORK_FORK);
    if (fork == 0 || fork == <u32>FORK_UNKNOWN) continue;
    const hash = load<u32>(entry, WORK_HASH);
    const record = guess(index, mask, records, hash >> shift, hash);
    store<u32>(entry, record, WORK_RECORD);
    if (record != 0) touched ^= load<u64>(record) ^ load<u64>(record, RECORD_WORD) ^ <u64>load<u32>(coldAt(idOf(record)), COLD_FORK);
  }
  return touched;
}

/** Fork of the packet if `record` is its default context; FORK_UNKNOWN if it is not, or is being written. */
function forkBy(record: usize, packet: usize, octets: u32): u32 {
  const word = wordOf(record);
  if (isWriting(word) || (word & (RECORD_LIVE | RECORD_FORKED)) != <u32>RECORD_LIVE) return FORK_UNKNOWN;
  if (!samePair(record + RECORD_LOCAL_ULID, packet + IP6_SOURCE)) return FORK_UNKNOWN;
  const forks = load<u64>(coldAt(idOf(record)), COLD_FORKS);
  return wordOf(record) == word ? forkOf(packet, octets, forks) : FORK_UNKNOWN;
}

/** No port: the packet shows none. */
const PORTLESS: u32 = 0xffff_ffff;

/**
 * The fork of the packet by the terms that `forks` (COLD_FORKS) names; 0 = the default context. A fragment has no ports, and the
 * protocol that its Fragment header names: so all fragments of a datagram go the same way, whichever of them holds the transport's header.
 */
export function forkOf(packet: usize, octets: u32, forks: u64): u32 {
  let left = forks & (((<u64>1) << FORKS_BLOCK_SHIFT) - 1);
  if (left == 0) return 0;
  const block: usize = FORK_FIRST + <u32>(forks >> FORKS_BLOCK_SHIFT) * FORK_BLOCK_OCTETS;
  const chain = chainOf(packet, octets);
  const protocol = decidesOf(chain);
  const dscp = (<u64>bswap<u16>(load<u16>(packet)) >> 6) & 0x3f;
  let source = PORTLESS;
  let destination = PORTLESS;
  const at = endOf(chain);
  if (tellsFlow(chain) && hasPorts(protocol) && at + 4 <= octets) {
    source = bswap<u16>(load<u16>(packet + at));
    destination = bswap<u16>(load<u16>(packet + at, 2));
  }
  while (left != 0) {
    const term = block + <usize>ctz(left) * TERM_OCTETS;
    left &= left - 1;
    if (((load<u8>(term + (protocol >> 3), TERM_PROTOCOLS) >> (protocol & 7)) & 1) == 0) continue;
    if (((load<u64>(term, TERM_CLASSES) >> dscp) & 1) == 0) continue;
    const ranges = <u32>load<u16>(term, TERM_RANGES);
    if (ranges == 0) return load<u32>(term, TERM_FORK);
    if (source == PORTLESS) continue;
    const first = block + FORK_RANGES + <usize>load<u16>(term, TERM_RANGE) * RANGE_OCTETS;
    if (isIn(source, first, ranges) || isIn(destination, first, ranges)) return load<u32>(term, TERM_FORK);
  }
  return 0;
}

/** Whether one of the `count` ranges at `ranges` holds `port`. They stand in order: half of what is left goes at each look. */
function isIn(port: u32, ranges: usize, count: u32): bool {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges + middle * RANGE_OCTETS;
    if (port < <u32>load<u16>(range, RANGE_FIRST)) high = middle;
    else if (port > <u32>load<u16>(range, RANGE_LAST)) low = middle + 1;
    else return true;
  }
  return false;
}
