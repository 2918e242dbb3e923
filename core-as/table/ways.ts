/**
 * Which provider a pair of host and peer uses: layout/mapping.ts. All lanes write here without locks, each entry with one store. What is
 * forgotten costs little: the pair goes by its share again, which is the same as long as providers are.
 */
import { MAP_WAYS, MAP_WAYS_FLOWS, MAP_WAYS_MASK } from "../layout/map.ts";
import {
  MAPPED_OCTETS,
  MAPPED_STATE,
  MAPPING_SHARES,
  PROVIDER_DRAINED,
  PROVIDER_USABLE,
  SHARE_NONE,
  WAY_EPOCH_SHIFT,
  WAY_FORGET,
  WAY_INSTANTS,
  WAY_OCTETS,
  WAY_PLACE,
  WAY_SET_OCTETS,
  WAY_SHIFT,
  WAY_SILENT,
} from "../layout/mapping.ts";

/** Whether flows may go another way than their pairs: if not, nobody need know of them. */
export function tellsFlows(): bool {
  return load<u32>(MAP_WAYS_FLOWS) != 0;
}

/**
 * The provider's place for a packet of a host whose pair has the keyed hash `hash`, or SHARE_NONE. `flow` is {@link flowOf} of it if {@link tellsFlows},
 * 0 = it goes with its pair.
 */
export function wayOut(hash: u32, flow: u32, mapping: usize, stamp: u32): u32 {
  if (flow != 0) {
    const own = find(setOf(flow), flow);
    if (own != 0 && isGood(load<u64>(own), mapping, stamp)) return refresh(own, flow, placeIn(load<u64>(own)), 0, stamp);
  }
  const set = setOf(hash);
  const entry = find(set, hash);
  if (entry != 0 && isGood(load<u64>(entry), mapping, stamp)) return refresh(entry, hash, placeIn(load<u64>(entry)), 0, stamp);
  const place = shareOf(hash, mapping);
  if (place == SHARE_NONE) return place;
  return refresh(entry != 0 ? entry : roomIn(set, stamp), hash, place, 0, stamp);
}

/**
 * A packet for the host came by the provider at `place`. What goes another way already is not turned, so that nobody can do it by making
 * up a source address. @returns whether what is new may go where it came from alone: {@link noteFlow}
 */
export function wayIn(hash: u32, flow: u32, place: u32, mapping: usize, stamp: u32): bool {
  if (flow != 0) {
    const own = find(setOf(flow), flow);
    if (own != 0) {
      if (mayTurn(load<u64>(own), place, mapping, stamp)) refresh(own, flow, place, 0, stamp);
      return false;
    }
  }
  const set = setOf(hash);
  const entry = find(set, hash);
  if (entry != 0 && !mayTurn(load<u64>(entry), place, mapping, stamp)) return true;
  refresh(entry != 0 ? entry : roomIn(set, stamp), hash, place, 0, stamp);
  return false;
}

/** Whether what is new avoids the provider at `place`. */
export function isDrained(mapping: usize, place: u32): bool {
  return (stateOf(mapping, place) & PROVIDER_DRAINED) != 0;
}

/** The place that a pair with this hash would be given if it were new, or SHARE_NONE. */
export function shareOf(hash: u32, mapping: usize): u32 {
  return <u32>load<u8>(mapping + (hash >> 24), MAPPING_SHARES);
}

/** The way noted under `key` that still holds, 0 = there is none. */
export function goodWay(key: u32, mapping: usize, stamp: u32): usize {
  const entry = find(setOf(key), key);
  return entry != 0 && isGood(load<u64>(entry), mapping, stamp) ? entry : 0;
}

/** Any way noted under `key`, 0 = there is none. */
export function anyWay(key: u32): usize {
  return find(setOf(key), key);
}

/** Whether a packet for a host that came by `place` may turn what is at `entry`. */
export function mayTurnWay(entry: usize, place: u32, mapping: usize, stamp: u32): bool {
  return mayTurn(load<u64>(entry), place, mapping, stamp);
}

/** Which provider the way at `entry` is. */
export function placeAt(entry: usize): u32 {
  return placeIn(load<u64>(entry));
}

/** By which rules it was chosen. */
export function epochAt(entry: usize): u32 {
  return (<u32>load<u64>(entry) & 0xff) >> WAY_EPOCH_SHIFT;
}

/** Notes a way under `key`, in the place of the one at `entry`, 0 = in a new one. @returns `place` */
export function noteWay(entry: usize, key: u32, place: u32, epoch: u32, stamp: u32): u32 {
  return refresh(entry != 0 ? entry : roomIn(setOf(key), stamp), key, place, epoch, stamp);
}

/** Notes the way of a flow that is not its pair's. */
export function noteFlow(flow: u32, place: u32, epoch: u32, stamp: u32): void {
  noteWay(find(setOf(flow), flow), flow, place, epoch, stamp);
  store<u32>(MAP_WAYS_FLOWS, 1);
}

/** Hash of a flow of the pair with the keyed hash `hash`: its protocol, and what tells flows apart, the host's end first. Never 0. */
export function flowOf(hash: u32, protocol: u32, ends: u32): u32 {
  let flow = (hash ^ (ends * 0x9e37_79b1)) * 0x85eb_ca6b + protocol;
  flow = (flow ^ (flow >> 15)) * 0xc2b2_ae35;
  return flow == 0 ? 1 : flow;
}

function isGood(way: u64, mapping: usize, stamp: u32): bool {
  const state = stateOf(mapping, placeIn(way));
  if ((state & PROVIDER_USABLE) == 0) return false;
  return silence(way, stamp) < (state & PROVIDER_DRAINED ? <u32>WAY_SILENT : <u32>WAY_FORGET);
}

function mayTurn(way: u64, place: u32, mapping: usize, stamp: u32): bool {
  const known = placeIn(way);
  return known == place || (stateOf(mapping, known) & PROVIDER_USABLE) == 0 || silence(way, stamp) > <u32>WAY_SILENT;
}

/** A load from where the way of the pair with this hash is looked for, so that it is near when it is needed. */
export function touchWay(hash: u32): u64 {
  return load<u64>(setOf(hash));
}

function setOf(hash: u32): usize {
  return <usize>load<u32>(MAP_WAYS) + (((hash * 0x85eb_ca6b) >> 12) & load<u32>(MAP_WAYS_MASK)) * WAY_SET_OCTETS;
}

function find(set: usize, hash: u32): usize {
  for (let entry = set; entry < set + WAY_SET_OCTETS; entry += WAY_OCTETS) {
    if (load<u32>(entry, 4) == hash && load<u32>(entry) != 0) return entry;
  }
  return 0;
}

/** A free entry, or that of the pair silent for longest. */
function roomIn(set: usize, stamp: u32): usize {
  let room = set;
  let longest: u32 = 0;
  for (let entry = set; entry < set + WAY_SET_OCTETS; entry += WAY_OCTETS) {
    const way = load<u64>(entry);
    if (<u32>way == 0) return entry;
    const silent = silence(way, stamp);
    if (silent > longest) {
      longest = silent;
      room = entry;
    }
  }
  return room;
}

function placeIn(way: u64): u32 {
  return (<u32>way & WAY_PLACE) - 1;
}

/** A lane's clock may be a moment behind that of another. */
function silence(way: u64, stamp: u32): u32 {
  const passed = ((stamp >> WAY_SHIFT) - (<u32>way >> 8)) & WAY_INSTANTS;
  return passed > <u32>(WAY_INSTANTS >> 1) ? 0 : passed;
}

function stateOf(mapping: usize, place: u32): u32 {
  return load<u32>(mapping + place * MAPPED_OCTETS, MAPPED_STATE);
}

/** Stores only what is new, so that the line stays shared among threads. @returns `place` */
function refresh(entry: usize, hash: u32, place: u32, epoch: u32, stamp: u32): u32 {
  const way = ((<u64>hash) << 32) | <u64>((stamp >> WAY_SHIFT) << 8) | <u64>((epoch << WAY_EPOCH_SHIFT) | (place + 1));
  if (load<u64>(entry) != way) store<u64>(entry, way);
  return place;
}
