/**
 * Sites that we have had a context with, by the /48 of the locator in use: one bit each, by a keyed hash, never taken back. A filter that errs
 * in a stranger's favour now and then is good enough for whom to hear first when there is too much to hear. One writer, many readers.
 */
import { MET_BITS, MET_OCTETS } from "../layout/map.ts";
import { hashTag } from "./hash.ts";

/** The site of the locator at `locator` is known from now on. */
export function meet(locator: usize): void {
  const bit = bitOf(locator);
  const place = MET_BITS + (bit >> 3);
  store<u8>(place, <u8>(<u32>load<u8>(place) | ((<u32>1) << (bit & 7))));
}

/** Whether the site of the locator at `locator` is known; of strangers one in some is taken for known. */
export function hasMet(locator: usize): bool {
  const bit = bitOf(locator);
  return ((<u32>load<u8>(MET_BITS + (bit >> 3)) >> (bit & 7)) & 1) != 0;
}

/** The first 48 bits of an address are as long as a tag, and are hashed like one. */
function bitOf(locator: usize): u32 {
  return hashTag(load<u64>(locator) & 0xffff_ffff_ffff) & (8 * MET_OCTETS - 1);
}
