/**
 * How much passes between pairs of routable ULIDs that have no context: layout/plain.ts. All lanes write here without locks: what they
 * lose of each other's counts, or tell twice, does no harm.
 */
import { MAP_PAIRS, MAP_PAIRS_MASK, MAP_PORTS, PAIR_RULES } from "../layout/map.ts";
import {
  PAIR_AGAIN,
  PAIR_ENTRY_OCTETS,
  PAIR_FORGET,
  PAIR_HASH,
  PAIR_LAST,
  PAIR_OCTETS,
  PAIR_PACKETS,
  PAIR_QUIET,
  PAIR_SET_OCTETS,
  PAIR_SINCE,
  RULE_MILLIS,
  RULE_OCTETS,
  RULE_PACKETS,
  RULE_SIZE,
} from "../layout/plain.ts";
import { stampOf } from "./stamp.ts";

/** Place of the rule for packets between these ports, as they stand in the header; of two ports with a class the lower class decides. */
export function ruleOfPorts(ports: u32): usize {
  const classes: usize = load<u32>(MAP_PORTS);
  const source = <u32>load<u8>(classes + <usize>bswap<u16>(<u16>ports));
  const destination = <u32>load<u8>(classes + <usize>bswap<u16>(<u16>(ports >> 16)));
  const both = source != 0 && destination != 0;
  return ruleAt(both ? min<u32>(source, destination) : source | destination);
}

/** Place of the rule of class `index`. */
export function ruleAt(index: u32): usize {
  return PAIR_RULES + index * RULE_SIZE;
}

/**
 * Counts `packets` packets of `octets` octets together between the pair with this keyed hash, at the instant `stamp`.
 * @returns the pair's entry if it is due by `rule` and the control thread may be told; else 0
 */
export function countPair(hash: u32, rule: usize, packets: u32, octets: u32, stamp: u32): usize {
  const wantedPackets = load<u32>(rule, RULE_PACKETS);
  const wantedOctets = load<u32>(rule, RULE_OCTETS);
  const wantedMillis = load<u32>(rule, RULE_MILLIS);
  if ((wantedPackets | wantedOctets | wantedMillis) == 0 || load<u32>(MAP_PAIRS) == 0) return 0;
  const entry = entryFor(hash + <u32>rule * 0x9e37_79b1, stamp);
  const sum = <u64>load<u32>(entry, PAIR_PACKETS) + <u64>packets;
  const total = load<u64>(entry, PAIR_OCTETS) + <u64>octets;
  store<u32>(entry, <u32>min<u64>(sum, 0xffff_ffff), PAIR_PACKETS);
  store<u64>(entry, total, PAIR_OCTETS);
  store<u32>(entry, stamp, PAIR_LAST);
  const due =
    (wantedPackets != 0 && sum >= <u64>wantedPackets) ||
    (wantedOctets != 0 && total >= <u64>wantedOctets) ||
    (wantedMillis != 0 && stamp - load<u32>(entry, PAIR_SINCE) >= wantedMillis);
  if (!due) return 0;
  const quiet = load<u32>(entry, PAIR_QUIET);
  return quiet == 0 || <i32>(stamp - quiet) >= 0 ? entry : 0;
}

/** The control thread was told of `entry`. */
export function told(entry: usize, stamp: u32): void {
  store<u32>(entry, stampOf(stamp + PAIR_AGAIN), PAIR_QUIET);
}

/** The entry of `key`, begun anew if there was none, or nothing has come for it for long. */
function entryFor(key: u32, stamp: u32): usize {
  const hash = key == 0 ? 1 : key;
  const first = <usize>load<u32>(MAP_PAIRS) + (mix(hash) & load<u32>(MAP_PAIRS_MASK)) * PAIR_SET_OCTETS;
  let room: usize = first;
  let least: u32 = 0xffff_ffff;
  for (let entry = first; entry < first + PAIR_SET_OCTETS; entry += PAIR_ENTRY_OCTETS) {
    // A lane's clock may be a moment behind that of another.
    const isOld = <i32>(stamp - load<u32>(entry, PAIR_LAST)) > PAIR_FORGET;
    const known = load<u32>(entry, PAIR_HASH);
    if (known == hash) {
      if (isOld) begin(entry, hash, stamp);
      return entry;
    }
    const packets: u32 = known == 0 || isOld ? 0 : load<u32>(entry, PAIR_PACKETS);
    if (packets < least) {
      least = packets;
      room = entry;
    }
  }
  begin(room, hash, stamp);
  return room;
}

function begin(entry: usize, hash: u32, stamp: u32): void {
  store<u32>(entry, hash, PAIR_HASH);
  store<u32>(entry, 0, PAIR_PACKETS);
  store<u64>(entry, 0, PAIR_OCTETS);
  store<u32>(entry, stamp, PAIR_SINCE);
  store<u32>(entry, stamp, PAIR_LAST);
  store<u32>(entry, 0, PAIR_QUIET);
}

/** The set is not chosen by the bits that tell its entries apart alone. */
function mix(hash: u32): u32 {
  return (hash * 0x85eb_ca6b) >> 12;
}
