/** Searches that any thread may make: by ULID pair, by tag. */
import { ADDRESS_LENGTH } from "../layout/ip6.ts";
import { GIVEN_UP, MAP_INDEX_MASK, MAP_PAIR_INDEX, MAP_TAG_INDEX, PAIR_VERSION, TAG_VERSION } from "../layout/map.ts";
import { COLD_FORK, RECORD_LIVE, RECORD_LOCAL_ULID } from "../layout/record.ts";
import { localTag } from "../wire/shim6.ts";
import { entryHash, entryId, home, slotAt } from "./index.ts";
import { coldAt, isWriting, recordAt, wordOf } from "./record.ts";

/**
 * Rounds of waiting for the writer, which holds a record or an index for some hundred nanoseconds, unless it loses its processor
 * in between: then a search gives up and answers "none". The packet is punted, and the control thread, which is the writer, knows better.
 */
export const PATIENCE: u32 = 20000;

/** Whether the 16 octets at both places are the same. */
export function sameAddress(a: usize, b: usize): bool {
  return !v128.any_true(v128.xor(v128.load(a), v128.load(b)));
}

/** Whether both places hold the same pair of addresses. */
export function samePair(a: usize, b: usize): bool {
  return !v128.any_true(
    v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, ADDRESS_LENGTH), v128.load(b, ADDRESS_LENGTH))),
  );
}

/**
 * First record that the index names for `hash`, unread: one line of the index, usually. 0 = none.
 * The caller compares; if the record is another one, or none was found, {@link findPair} and {@link findTag} decide.
 */
export function guess(index: usize, mask: u32, records: usize, slot: u32, hash: u32): usize {
  let at = slot;
  while (true) {
    const entry = load<u64>(slotAt(index, at));
    if (entryHash(entry) == hash && <u32>entry != 0) return records + ((<usize>entryId(entry)) << 7);
    if (entry == 0) return 0;
    at = (at + 1) & mask;
  }
}

/** Record of the pair of ULIDs at `pair` (local, peer) and `fork`, or 0. */
export function findPair(pair: usize, fork: u32, hash: u32): usize {
  return search(load<u32>(MAP_PAIR_INDEX), PAIR_VERSION, hash, true, pair, fork, 0);
}

/** Record whose CT(local) is `tag` (as in wire/shim6.ts), or 0. */
export function findTag(tag: u64, hash: u32): usize {
  return search(load<u32>(MAP_TAG_INDEX), TAG_VERSION, hash, false, 0, 0, tag);
}

function search(index: usize, version: usize, hash: u32, byPair: bool, pair: usize, fork: u32, tag: u64): usize {
  const mask = load<u32>(MAP_INDEX_MASK);
  for (let rounds: u32 = 0; rounds < PATIENCE; rounds++) {
    const before = atomic.load<u32>(version);
    let slot = home(hash);
    for (let probes: u32 = 0; probes <= mask; probes++) {
      const entry = atomic.load<u64>(slotAt(index, slot));
      if (entry == 0) break;
      if (entryHash(entry) == hash) {
        const id = entryId(entry);
        const record = recordAt(id);
        if (byPair ? isPair(record, id, pair, fork) : isTag(record, tag)) return record;
      }
      slot = (slot + 1) & mask;
    }
    if ((before & 1) == 0 && atomic.load<u32>(version) == before) return 0;
  }
  atomic.add<u32>(GIVEN_UP, 1);
  return 0;
}

function isPair(record: usize, id: u32, pair: usize, fork: u32): bool {
  for (let rounds: u32 = 0; rounds < PATIENCE; rounds++) {
    const before = wordOf(record);
    if (isWriting(before)) continue;
    const same = (before & RECORD_LIVE) != 0 && samePair(record + RECORD_LOCAL_ULID, pair) && load<u32>(coldAt(id), COLD_FORK) == fork;
    if (wordOf(record) == before) return same;
  }
  atomic.add<u32>(GIVEN_UP, 1);
  return false;
}

function isTag(record: usize, tag: u64): bool {
  for (let rounds: u32 = 0; rounds < PATIENCE; rounds++) {
    const before = wordOf(record);
    if (isWriting(before)) continue;
    const same = (before & RECORD_LIVE) != 0 && localTag(record) == tag;
    if (wordOf(record) == before) return same;
  }
  atomic.add<u32>(GIVEN_UP, 1);
  return false;
}
