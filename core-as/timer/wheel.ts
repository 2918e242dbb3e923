/**
 * A hierarchical timer wheel over the contexts (Varghese, Lauck: Hashed and hierarchical timing wheels, 1987): four levels
 * of 256 slots, slots of 1, 256, 65,536 and 16,777,216 ms, each a doubly linked list through the cold parts. Instants are
 * milliseconds modulo 2^32. All calls come from the control thread.
 */
import { WHEEL_BITS, WHEEL_HEADS, WHEEL_NOW, WHEEL_SLOTS } from "../layout/map.ts";
import { COLD_NEXT, COLD_PREVIOUS, COLD_SLOT, COLD_WHEN, NO_CONTEXT } from "../layout/record.ts";
import { coldAt } from "../table/record.ts";

/** No slot is occupied. */
export const WHEEL_EMPTY: u64 = 0xffff_ffff_ffff_ffff;

/** Empties the wheel and sets it to `now`. */
export function wheelStart(now: u32): void {
  memory.fill(WHEEL_HEADS, 0xff, WHEEL_BITS - WHEEL_HEADS);
  memory.fill(WHEEL_BITS, 0, 4 * 32);
  store<u32>(WHEEL_NOW, now);
}

/** Links `id` for `when`, out of wherever it was. An instant that has passed means: at the next turn. */
export function wheelPut(id: u32, when: u32): void {
  wheelTake(id);
  const now = load<u32>(WHEEL_NOW);
  const at = <i32>(when - now) < 0 ? now : when;
  const distance = at - now;
  let slot: u32;
  if (distance < 0x100) slot = at & 0xff;
  else if (distance < 0x1_0000) slot = 0x100 + ((at >> 8) & 0xff);
  else if (distance < 0x100_0000) slot = 0x200 + ((at >> 16) & 0xff);
  else slot = 0x300 + (at >> 24);
  link(id, slot, when);
}

/** Unlinks `id` if it is linked. */
export function wheelTake(id: u32): void {
  const cold = coldAt(id);
  const slotPlus = <u32>load<u16>(cold, COLD_SLOT);
  if (slotPlus == 0) return;
  const next = load<u32>(cold, COLD_NEXT);
  const previous = load<u32>(cold, COLD_PREVIOUS);
  if (next != NO_CONTEXT) store<u32>(coldAt(next), previous, COLD_PREVIOUS);
  if (previous != NO_CONTEXT) store<u32>(coldAt(previous), next, COLD_NEXT);
  else {
    store<u32>(headAt(slotPlus - 1), next);
    if (next == NO_CONTEXT) mark(slotPlus - 1, false);
  }
  store<u16>(cold, 0, COLD_SLOT);
}

/**
 * Milliseconds from the wheel's instant to the next one at which something must be done: a list of level 0 is due, or one
 * of a higher level must be spread over the level below. {@link WHEEL_EMPTY} if there is nothing.
 */
export function wheelNext(): u64 {
  const now = load<u32>(WHEEL_NOW);
  let best = WHEEL_EMPTY;
  const nearest = firstFrom(0, now & 0xff, 0);
  if (nearest < <u32>WHEEL_SLOTS) best = <u64>nearest;
  for (let level: u32 = 1; level < 4; level++) {
    const shift = level << 3;
    // The slot of this very instant was spread when the wheel came to it: what is there now lies one round ahead.
    const steps = firstFrom(level, ((now >> shift) + 1) & 0xff, 1);
    if (steps > <u32>WHEEL_SLOTS) continue;
    const start = (<u64>(now >> shift) + <u64>steps) << (<u64>shift);
    best = min<u64>(best, start - <u64>now);
  }
  return best;
}

/** Sets the wheel to `when`, not behind {@link wheelNext}, and spreads the higher lists that begin there. */
export function wheelTurn(when: u32): void {
  store<u32>(WHEEL_NOW, when);
  if ((when & 0xff_ffff) == 0) spread(0x300 + (when >> 24));
  if ((when & 0xffff) == 0) spread(0x200 + ((when >> 16) & 0xff));
  if ((when & 0xff) == 0) spread(0x100 + ((when >> 8) & 0xff));
}

/** Takes one context out of the list that is due at the wheel's instant. @returns its id, or NO_CONTEXT */
export function wheelPop(): u32 {
  const id = load<u32>(headAt(load<u32>(WHEEL_NOW) & 0xff));
  if (id != NO_CONTEXT) wheelTake(id);
  return id;
}

function spread(slot: u32): void {
  let id = load<u32>(headAt(slot));
  // Cut off first: a context of the farthest round may come back into this very list.
  store<u32>(headAt(slot), NO_CONTEXT);
  mark(slot, false);
  while (id != NO_CONTEXT) {
    const cold = coldAt(id);
    const next = load<u32>(cold, COLD_NEXT);
    store<u16>(cold, 0, COLD_SLOT);
    wheelPut(id, load<u32>(cold, COLD_WHEN));
    id = next;
  }
}

function link(id: u32, slot: u32, when: u32): void {
  const cold = coldAt(id);
  const head = load<u32>(headAt(slot));
  store<u32>(cold, when, COLD_WHEN);
  store<u16>(cold, <u16>(slot + 1), COLD_SLOT);
  store<u32>(cold, NO_CONTEXT, COLD_PREVIOUS);
  store<u32>(cold, head, COLD_NEXT);
  if (head != NO_CONTEXT) store<u32>(coldAt(head), id, COLD_PREVIOUS);
  else mark(slot, true);
  store<u32>(headAt(slot), id);
}

function headAt(slot: u32): usize {
  return WHEEL_HEADS + (slot << 2);
}

function mark(slot: u32, occupied: bool): void {
  const word = WHEEL_BITS + ((slot >> 6) << 3);
  const bit = (<u64>1) << (<u64>slot & 63);
  const bits = load<u64>(word);
  store<u64>(word, occupied ? bits | bit : bits & ~bit);
}

/** Steps, counted from `bias`, to the first occupied slot of `level` at or behind `slot`, going round once; past 256 = none. */
function firstFrom(level: u32, slot: u32, bias: u32): u32 {
  for (let steps: u32 = 0; steps < <u32>WHEEL_SLOTS; ) {
    const at = (slot + steps) & 0xff;
    const word = load<u64>(WHEEL_BITS + (level << 5) + ((at >> 6) << 3)) >> (<u64>at & 63);
    if (word != 0) {
      const found = steps + <u32>ctz<u64>(word);
      return found < <u32>WHEEL_SLOTS ? found + bias : 1024;
    }
    steps += 64 - (at & 63);
  }
  return 1024;
}
