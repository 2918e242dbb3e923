/**
 * Ones-complement sums (RFC 1071, RFC 1624). A sum of 16-bit words does not care for byte order as long as loads and the
 * final store agree (RFC 1071 §2 (B)), so everything here is little-endian, as WebAssembly loads and stores.
 */

/** Sum of the 16-bit words in `octets` octets at `at`, an odd last octet padded with zero; folded to 16 bits, not complemented. */
export function sum(at: usize, octets: u32): u32 {
  let wide: u64 = 0;
  let left = octets;
  let p = at;
  // Lanes of 32 bits take 2 · 65,535 per round: 65,536 octets are 4,096 rounds, far from overflow of the widened halves below.
  while (left >= 64) {
    const rounds: u32 = min<u32>(left >> 6, 4096);
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    for (let i: u32 = 0; i < rounds; i++) {
      a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(p)));
      b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 16)));
      a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 32)));
      b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 48)));
      p += 64;
    }
    left -= rounds << 6;
    wide += lanes(a) + lanes(b);
  }
  while (left >= 4) {
    wide += <u64>load<u32>(p);
    p += 4;
    left -= 4;
  }
  if (left >= 2) {
    wide += <u64>load<u16>(p);
    p += 2;
    left -= 2;
  }
  if (left) wide += <u64>load<u8>(p);
  return fold(wide);
}

/**
 * Copies `octets` octets from `from` to `to`, which do not overlap. @returns their sum as {@link sum} gives it: a payload that is moved
 * anyway is looked at once.
 */
export function copySum(to: usize, from: usize, octets: u32): u32 {
  let wide: u64 = 0;
  let left = octets;
  let p = from;
  let q = to;
  // Never more than 65,535 octets at a time, so the lanes do not overflow: see sum.
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  while (left >= 64) {
    const v0 = v128.load(p);
    const v1 = v128.load(p, 16);
    const v2 = v128.load(p, 32);
    const v3 = v128.load(p, 48);
    v128.store(q, v0);
    v128.store(q, v1, 16);
    v128.store(q, v2, 32);
    v128.store(q, v3, 48);
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v0));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v1));
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v2));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v3));
    p += 64;
    q += 64;
    left -= 64;
  }
  while (left >= 16) {
    const v = v128.load(p);
    v128.store(q, v);
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v));
    p += 16;
    q += 16;
    left -= 16;
  }
  wide = lanes(a) + lanes(b);
  while (left >= 2) {
    const word = load<u16>(p);
    store<u16>(q, word);
    wide += <u64>word;
    p += 2;
    q += 2;
    left -= 2;
  }
  if (left) {
    const octet = load<u8>(p);
    store<u8>(q, octet);
    wide += <u64>octet;
  }
  return fold(wide);
}

function lanes(v: v128): u64 {
  return (
    <u64>(<u32>i32x4.extract_lane(v, 0)) +
    <u64>(<u32>i32x4.extract_lane(v, 1)) +
    <u64>(<u32>i32x4.extract_lane(v, 2)) +
    <u64>(<u32>i32x4.extract_lane(v, 3))
  );
}

/** `wide` as a sum of 16 bits, carries added back in. */
export function fold(wide: u64): u32 {
  let narrow = <u32>(wide >> 32) + (<u32>wide >> 16) + (<u32>wide & 0xffff);
  narrow = (narrow >> 16) + (narrow & 0xffff);
  return (narrow >> 16) + (narrow & 0xffff);
}

/**
 * Checksum field `field` after one 16-bit word of what it covers went from `was` to `now`: ~(~HC + ~m + m') (RFC 1624 §3,
 * equation 3). All three in the same byte order.
 */
export function adjust(field: u32, was: u32, now: u32): u32 {
  let total = (~field & 0xffff) + (~was & 0xffff) + (now & 0xffff);
  total = (total >> 16) + (total & 0xffff);
  total = (total >> 16) + (total & 0xffff);
  return ~total & 0xffff;
}
