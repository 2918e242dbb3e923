/** Spoils octets, knowing what they mean: lengths, counts, types, options; then mends what would hide the rest. */

import { addressAt } from "../../runtime/value/address.ts";
import { concat, putU16, u16 } from "../../runtime/value/bytes.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { messageCodec } from "../../runtime/wire/control/table.ts";
import { checksum, pseudoHeaderSum } from "../../runtime/wire/index.ts";
import { walkOptions } from "../../runtime/wire/option/tlv.ts";
import type { Seeded } from "../lib/shim6world.ts";

const IP = 40;
const SHIM6 = 140;
const ICMP6 = 58;
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 0x7f, 0x80, 0xfe, 0xff];

/** In 0 … `limit` − 1. */
export function below(random: Seeded, limit: number): number {
  return limit <= 0 ? 0 : random.next() % limit;
}

/** One of `values`. @throws {RangeError} when there is none */
export function oneOf<T>(random: Seeded, values: readonly T[]): T {
  if (values.length === 0) throw new RangeError("nothing to choose from");
  return values[below(random, values.length)];
}

/** `packet` with one to four changes, in a new array. Three times in four it is mended. */
export function spoil(random: Seeded, packet: Uint8Array): Uint8Array {
  let octets: Uint8Array = packet.slice();
  for (let left = 1 + below(random, 4); left > 0; left--) octets = change(random, octets);
  return random.next() % 4 === 0 ? octets : mend(octets, random.next() % 8 !== 0);
}

function change(random: Seeded, octets: Uint8Array): Uint8Array {
  if (octets.length === 0) return random.octets(below(random, 100));
  const at = below(random, octets.length);
  switch (below(random, 12)) {
    case 0:
      octets[at] ^= 1 << below(random, 8);
      return octets;
    case 1:
      octets[at] = oneOf(random, EDGES);
      return octets;
    case 2:
      if (at + 2 <= octets.length) putU16(octets, at, oneOf(random, [0, 1, 0xffff, octets.length, octets.length - at, octets.length + 1]));
      return octets;
    case 3:
      return octets.slice(0, at);
    case 4:
      return concat(octets, random.octets(below(random, 64)));
    case 5:
      return moveBlock(random, octets);
    case 6:
      octets.set(random.octets(Math.min(octets.length - at, 1 + below(random, 16))), at);
      return octets;
    case 7:
      if (octets.length > IP + 1) octets[IP + 1] = oneOf(random, EDGES);
      return octets;
    case 8:
      if (octets.length > IP + 12) octets[IP + 12] = below(random, 256);
      return octets;
    default:
      return changeOptions(random, octets);
  }
}

/** Copies or cuts out some units of eight octets. */
function moveBlock(random: Seeded, octets: Uint8Array): Uint8Array {
  const units = Math.floor(octets.length / 8);
  const from = 8 * below(random, units);
  const to = Math.min(octets.length, from + 8 * (1 + below(random, 4)));
  const before = octets.subarray(0, from);
  const block = octets.subarray(from, to);
  const behind = octets.subarray(to);
  return random.next() % 2 === 0 ? concat(before, behind) : concat(before, block, block, behind);
}

/** Options repeated, lost, exchanged, renamed, made critical, longer or shorter than they say, or cut. */
function changeOptions(random: Seeded, octets: Uint8Array): Uint8Array {
  const start = optionsStart(octets);
  if (start === undefined) return octets;
  const { options } = walkOptions(octets, start);
  if (options.length === 0) return octets;
  const chosen = oneOf(random, options);
  const { at } = chosen;
  const pieces = options.map((option, i) => octets.subarray(option.at, options[i + 1]?.at ?? octets.length));
  const place = options.indexOf(chosen);
  switch (below(random, 9)) {
    case 0:
      pieces.push(pieces[place]);
      break;
    case 1:
      pieces.splice(place, 1);
      break;
    case 2:
      pieces.reverse();
      break;
    case 3:
      putU16(octets, at, below(random, 40) ^ (random.next() % 8 === 0 ? 0x8000 : 0));
      return octets;
    case 4:
      octets[at + 1] ^= 1;
      return octets;
    case 5:
      putU16(octets, at + 2, chosen.contents.length + oneOf(random, [-17, -16, -8, -1, 1, 3, 4, 8, 16, 0x4000]));
      return octets;
    case 6:
      if (chosen.contents.length > 4) octets[at + 4 + below(random, 5)] = oneOf(random, EDGES);
      return octets;
    case 7:
      pieces[place] = pieces[place].slice(0, 8 * below(random, pieces[place].length / 8));
      break;
    default:
      pieces[place] = concat(pieces[place], random.octets(8 * below(random, 4)));
  }
  return concat(octets.subarray(0, start), ...pieces);
}

/** First octet of the options of the control message at the usual place, with all octets of the packet for options. */
function optionsStart(octets: Uint8Array): number | undefined {
  if (octets.length < IP + 16 || octets[6] !== SHIM6 || octets[IP + 2] >= 0x80) return undefined;
  const codec = messageCodec(octets[IP + 2]);
  const start = codec?.optionsAt(octets.subarray(IP));
  if (start === undefined || start instanceof Reject || IP + start > octets.length) return undefined;
  return IP + start;
}

/** Payload Length, header length (unless `loosely`) and checksum made right. In place where it can be. */
export function mend(packet: Uint8Array, strictly = true): Uint8Array {
  if (packet.length < IP + 8) return packet;
  const octets =
    packet.length % 8 === 0 || !strictly || packet[6] !== SHIM6 ? packet : concat(packet, new Uint8Array(8 - (packet.length % 8)));
  putU16(octets, 4, Math.min(0xffff, octets.length - IP));
  if (octets[6] === ICMP6) {
    putU16(octets, IP + 2, 0);
    const sum = pseudoHeaderSum(addressAt(octets, 8), addressAt(octets, 24), octets.length - IP, ICMP6);
    putU16(octets, IP + 2, checksum(octets.subarray(IP), sum));
    return octets;
  }
  if (octets[6] !== SHIM6 || octets[IP + 2] >= 0x80) return octets;
  if (strictly) octets[IP + 1] = Math.min(0xff, (octets.length - IP) / 8 - 1);
  const length = 8 * (octets[IP + 1] + 1);
  if (octets.length < IP + length) return octets;
  putU16(octets, IP + 4, 0);
  putU16(octets, IP + 4, checksum(octets.subarray(IP, IP + length)));
  return octets;
}

/** Where `octets` say a length that is theirs no more, says them anew: for DER, whose lengths lie inside one another. */
export function stretch(random: Seeded, octets: Uint8Array): Uint8Array {
  const changed = change(random, octets.slice());
  if (changed.length > 30 && random.next() % 2 === 0 && u16(changed, 25) === 0x3082) putU16(changed, 27, Math.max(0, changed.length - 29));
  return changed;
}
