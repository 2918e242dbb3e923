/**
 * Records, and how one writer and many readers share them without locks.
 *
 * The word at RECORD_WORD counts: odd while the control thread writes octets +0 … +79, even otherwise. A reader loads the
 * word, the octets, the word again, and takes them when the word was even and did not change. Flags live in the same word
 * and are changed by atomic read-modify-write, from both sides.
 *
 * Between the two atomic loads of the word stand plain ones, 16 octets each. x86 keeps loads in order, so this is exact there. A
 * processor that lets plain loads pass a later atomic one (ARM) would need `atomic.fence` before the second load of the word in
 * path/ and find.ts; on x86 a fence there costs some 20 cycles a packet, so it is left out.
 */
import { MAP_COLD, MAP_RECORDS } from "../layout/map.ts";
import { COLD_SHIFT, RECORD_SEQUENCE_ONE, RECORD_SHIFT, RECORD_WORD } from "../layout/record.ts";

/** Place of record `id`. */
export function recordAt(id: u32): usize {
  return load<u32>(MAP_RECORDS) + (id << RECORD_SHIFT);
}

/** Place of the cold part of `id`. */
export function coldAt(id: u32): usize {
  return load<u32>(MAP_COLD) + (id << COLD_SHIFT);
}

/** Id of the record at `record`. */
export function idOf(record: usize): u32 {
  return (<u32>record - load<u32>(MAP_RECORDS)) >> RECORD_SHIFT;
}

/** The word with sequence and flags. */
export function wordOf(record: usize): u32 {
  return atomic.load<u32>(record, RECORD_WORD);
}

/** Whether the control thread was writing when `word` was read. */
export function isWriting(word: u32): bool {
  return (word & RECORD_SEQUENCE_ONE) != 0;
}

/** Sets flags. @returns the word before */
export function setFlags(record: usize, flags: u32): u32 {
  return atomic.or<u32>(record, flags, RECORD_WORD);
}

/** Clears flags. @returns the word before */
export function clearFlags(record: usize, flags: u32): u32 {
  return atomic.and<u32>(record, ~flags, RECORD_WORD);
}

/** Between these two the control thread may write octets +0 … +79. */
export function beginWrite(record: usize): void {
  atomic.add<u32>(record, RECORD_SEQUENCE_ONE, RECORD_WORD);
}

/** Readers may trust the record again. */
export function endWrite(record: usize): void {
  atomic.add<u32>(record, RECORD_SEQUENCE_ONE, RECORD_WORD);
}
