import { type Address, addressOctets } from "../value/address.ts";
import { putU32 } from "../value/bytes.ts";

/**
 * Ones-complement sum of the 16-bit big-endian words of `bytes`, folded to 16 bits, on top of `start` (RFC 1071). An odd
 * last octet counts as the upper half of a word.
 */
export function sum16(bytes: Uint8Array, start = 0): number {
  let sum = start;
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if (even < bytes.length) sum += bytes[even] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** What belongs into a checksum field that is zero in `bytes`. */
export function checksum(bytes: Uint8Array, start = 0): number {
  return ~sum16(bytes, start) & 0xffff;
}

/** Sum of the IPv6 pseudo-header (RFC 8200 §8.1): the `start` for an upper layer of `length` octets. */
export function pseudoHeaderSum(source: Address, destination: Address, length: number, nextHeader: number): number {
  const tail = new Uint8Array(8);
  putU32(tail, 0, length);
  tail[7] = nextHeader;
  return sum16(tail, sum16(addressOctets(destination), sum16(addressOctets(source))));
}
