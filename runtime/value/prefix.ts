import { ADDRESS_OCTETS, type Address, addressAt, addressOctets, parseAddress } from "./address.ts";

/** An IPv6 prefix. `base` has only zeros behind the first `length` bits. */
export interface Prefix {
  readonly base: Address;
  /** Bits, 0 … 128. */
  readonly length: number;
}

/** Reads `address/length`. Bits behind the length must be zero. @returns the prefix, or `undefined`. */
export function parsePrefix(text: string): Prefix | undefined {
  const [head, tail, ...rest] = text.split("/");
  if (tail === undefined || rest.length > 0 || !/^(0|[1-9][0-9]{0,2})$/.test(tail)) return undefined;
  const base = parseAddress(head);
  const length = Number(tail);
  if (base === undefined || length > 128) return undefined;
  return joinPrefix(base, length, zeros) === base ? { base, length } : undefined;
}

/** Like {@link parsePrefix}, for text that the program itself wrote. @throws {RangeError} naming the text. */
export function prefix(text: string): Prefix {
  const value = parsePrefix(text);
  if (value === undefined) throw new RangeError(`not an IPv6 prefix: ${text}`);
  return value;
}

/** `address/length`. */
export function showPrefix(value: Prefix): string {
  return `${value.base}/${value.length}`;
}

/** Whether `inner` begins with the bits of `outer`. */
export function contains(outer: Prefix, inner: Address): boolean {
  return joinPrefix(inner, outer.length, zeros) === outer.base;
}

/** Whether every address of `inner` lies in `outer`. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && contains(outer, inner.base);
}

/** The address whose first bits are those of `outer` and whose other bits are those of `inner`. */
export function withPrefix(outer: Prefix, inner: Address): Address {
  return joinPrefix(outer.base, outer.length, addressOctets(inner));
}

/** The prefix of `length` bits, at most its own, that holds `value`. */
export function widened(value: Prefix, length: number): Prefix {
  return { base: joinPrefix(value.base, length, zeros), length };
}

const zeros = new Uint8Array(ADDRESS_OCTETS);

function joinPrefix(head: Address, length: number, tail: Uint8Array): Address {
  const octets = addressOctets(head);
  for (let i = 0; i < ADDRESS_OCTETS; i++) {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    const mask = (0xff00 >> bits) & 0xff;
    octets[i] = (octets[i] & mask) | (tail[i] & ~mask & 0xff);
  }
  return addressAt(octets);
}
