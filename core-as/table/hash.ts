/**
 * Keyed hashes of the two indexes: multilinear-HM (Lemire, Kaser: Strongly universal string hashing is fast, 2014). With
 * secret random 64-bit words the upper 32 bits of the sum are strongly universal: whoever does not know the words can
 * pick no two keys that collide with more than 1 chance in 2^32. A bijection then spreads the linear structure of keys that
 * follow one another, which linear probing would feel.
 */
import { KEY_PAIR, KEY_TAG } from "../layout/map.ts";

/** Hash of the 32 octets local ULID, peer ULID at `pair`, and the Forked Instance Identifier. */
export function hashPair(pair: usize, fork: u32): u32 {
  const a = load<u64>(pair);
  const b = load<u64>(pair, 8);
  const c = load<u64>(pair, 16);
  const d = load<u64>(pair, 24);
  return spread(
    load<u64>(KEY_PAIR) +
      ((a & 0xffff_ffff) + load<u64>(KEY_PAIR + 8)) * ((a >> 32) + load<u64>(KEY_PAIR + 16)) +
      ((b & 0xffff_ffff) + load<u64>(KEY_PAIR + 24)) * ((b >> 32) + load<u64>(KEY_PAIR + 32)) +
      ((c & 0xffff_ffff) + load<u64>(KEY_PAIR + 40)) * ((c >> 32) + load<u64>(KEY_PAIR + 48)) +
      ((d & 0xffff_ffff) + load<u64>(KEY_PAIR + 56)) * ((d >> 32) + load<u64>(KEY_PAIR + 64)) +
      <u64>fork * load<u64>(KEY_PAIR + 72),
  );
}

/** Hash of a tag of 48 bits, as wire/shim6.ts gives it. */
export function hashTag(tag: u64): u32 {
  return spread(load<u64>(KEY_TAG) + ((tag & 0xffff_ffff) + load<u64>(KEY_TAG + 8)) * ((tag >> 32) + load<u64>(KEY_TAG + 16)));
}

function spread(sum: u64): u32 {
  let h = <u32>(sum >> 32);
  h = (h ^ (h >> 16)) * 0x85eb_ca6b;
  h = (h ^ (h >> 13)) * 0xc2b2_ae35;
  return h ^ (h >> 16);
}
