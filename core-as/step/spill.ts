/** Places for packets beside the slots. A batch begins with all of the spill, and what it lists there is written before the next begins. */
import { LANE_SPILL, LANE_SPILL_END, LANE_SPILL_FREE, SPILL_HEADROOM, SPILL_PLACE_MIN, SPILL_TAILROOM } from "../layout/lane.ts";

/** A new batch: everything is free. */
export function emptySpill(lane: usize): void {
  store<u32>(lane, load<u32>(lane, LANE_SPILL), LANE_SPILL_FREE);
}

/** Octets that a packet of `octets` octets takes, whole cache lines. */
export function placeOctets(octets: u32): u32 {
  return max<u32>((octets + (SPILL_HEADROOM + SPILL_TAILROOM + 63)) & ~(<u32>63), SPILL_PLACE_MIN);
}

/** Octets left. */
export function spillRoom(lane: usize): u32 {
  return load<u32>(lane, LANE_SPILL_END) - load<u32>(lane, LANE_SPILL_FREE);
}

/** Where the next packet goes; nothing is taken yet. */
export function nextPlace(lane: usize): usize {
  return load<u32>(lane, LANE_SPILL_FREE) + SPILL_HEADROOM;
}

/** Takes `octets` octets from the free ones: a sum of {@link placeOctets} that fits {@link spillRoom}. */
export function takePlaces(lane: usize, octets: u32): void {
  store<u32>(lane, load<u32>(lane, LANE_SPILL_FREE) + octets, LANE_SPILL_FREE);
}
