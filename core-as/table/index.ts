/**
 * Open addressing with linear probing, at most half full. A slot holds the whole hash and the id, so a probe reads records
 * only when the hash agrees. Removal moves later entries back over the gap, so nothing rots. Entries move forward in time
 * only by being written at the new place first; a reader that found nothing looks at the index's version and, if it
 * changed or is odd, searches again.
 */
import { INDEX_OCTETS, MAP_INDEX_MASK, MAP_INDEX_SHIFT } from "../layout/map.ts";

/** Slot number where the search for `hash` begins. */
export function home(hash: u32): u32 {
  return hash >> load<u32>(MAP_INDEX_SHIFT);
}

/** Place of slot number `slot` of the index at `index`. */
export function slotAt(index: usize, slot: u32): usize {
  return index + slot * INDEX_OCTETS;
}

/** Hash in an index entry. */
export function entryHash(entry: u64): u32 {
  return <u32>(entry >> 32);
}

/** Id in an index entry, which must not be empty. */
export function entryId(entry: u64): u32 {
  return <u32>entry - 1;
}

/** Puts `id` in. The caller knows that it is not there and that there is room. */
export function indexInsert(index: usize, hash: u32, id: u32): void {
  const mask = load<u32>(MAP_INDEX_MASK);
  let slot = home(hash);
  while (load<u64>(slotAt(index, slot)) != 0) slot = (slot + 1) & mask;
  atomic.store<u64>(slotAt(index, slot), ((<u64>hash) << 32) | <u64>(id + 1));
}

/** Takes `id` out, `version` being the index's version word. Nothing happens when it is not there. */
export function indexRemove(index: usize, version: usize, hash: u32, id: u32): void {
  const mask = load<u32>(MAP_INDEX_MASK);
  const wanted = ((<u64>hash) << 32) | <u64>(id + 1);
  let gap = home(hash);
  while (true) {
    const entry = load<u64>(slotAt(index, gap));
    if (entry == 0) return;
    if (entry == wanted) break;
    gap = (gap + 1) & mask;
  }
  atomic.add<u32>(version, 1);
  let slot = gap;
  while (true) {
    slot = (slot + 1) & mask;
    const entry = load<u64>(slotAt(index, slot));
    if (entry == 0) break;
    // An entry may fill the gap unless its home lies behind the gap on the way to it.
    if (((slot - home(entryHash(entry))) & mask) < ((slot - gap) & mask)) continue;
    atomic.store<u64>(slotAt(index, gap), entry);
    gap = slot;
  }
  atomic.store<u64>(slotAt(index, gap), 0);
  atomic.add<u32>(version, 1);
}
