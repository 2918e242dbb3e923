/**
 * The context of every frame of a batch at once. A look-up is a chain of cache misses: index slot, then both lines of the
 * record. Done packet by packet they would wait for one another; done in stages, the misses of one stage are independent and
 * the processor has ten of them under way. WebAssembly has no prefetch, so the stages are loads, and their values go into a
 * number that somebody stores.
 */
import { WORK_HASH, WORK_OCTETS_EACH, WORK_RECORD } from "../layout/lane.ts";
import { MAP_INDEX_MASK, MAP_INDEX_SHIFT, MAP_RECORDS } from "../layout/map.ts";
import { RECORD_WORD } from "../layout/record.ts";
import { guess } from "../table/find.ts";
import { slotAt } from "../table/index.ts";

/** Fills WORK_RECORD of `count` entries from WORK_HASH. @returns the loads' values, to be stored somewhere */
export function findAll(work: usize, count: u32, index: usize): u64 {
  const end = work + count * WORK_OCTETS_EACH;
  const shift = load<u32>(MAP_INDEX_SHIFT);
  const mask = load<u32>(MAP_INDEX_MASK);
  const records: usize = load<u32>(MAP_RECORDS);
  let touched: u64 = 0;
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    touched ^= load<u64>(slotAt(index, load<u32>(entry, WORK_HASH) >> shift));
  }
  for (let entry = work; entry < end; entry += WORK_OCTETS_EACH) {
    const hash = load<u32>(entry, WORK_HASH);
    const record = guess(index, mask, records, hash >> shift, hash);
    store<u32>(entry, record, WORK_RECORD);
    // Record 0 stands in for none: a load without a branch.
    const touch = record != 0 ? record : records;
    touched ^= load<u64>(touch) ^ load<u64>(touch, RECORD_WORD);
  }
  return touched;
}
