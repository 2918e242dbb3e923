/**
 * IPv6 addresses and prefixes as values. An address is its RFC 5952 text, so that two addresses are the same exactly
 * when the strings are; octets exist only at the edge to the wire.
 */

declare const addressBrand: unique symbol;

/** An IPv6 address in the canonical text of RFC 5952. Make one with {@link parseAddress} or {@link addressAt}. */
export type Address = string & { readonly [addressBrand]: true };
/** Upper-Layer Identifier: the address that hosts see (RFC 5533 §2.1). */
export type Ulid = Address;
/** An address as it stands on the wire, out of a provider's prefix (RFC 5533 §2.1). */
export type Locator = Address;

export const ADDRESS_OCTETS = 16;

/** Reads any text form of RFC 4291 §2.2; no zone, no prefix length. @returns the address, or `undefined` if the text is none. */
export function parseAddress(text: string): Address | undefined {
  const groups = readGroups(text);
  return groups === undefined ? undefined : showGroups(groups);
}

/** Like {@link parseAddress}, for text that the program itself wrote. @throws {RangeError} naming the text. */
export function address(text: string): Address {
  const value = parseAddress(text);
  if (value === undefined) throw new RangeError(`not an IPv6 address: ${text}`);
  return value;
}

/** The address in the 16 octets at `offset` of `bytes`. */
export function addressAt(bytes: Uint8Array, offset = 0): Address {
  let gapAt = 8;
  let gapLength = 1;
  for (let i = 0, zeros = 0; i < 8; i++) {
    zeros = (bytes[offset + 2 * i] | bytes[offset + 2 * i + 1]) === 0 ? zeros + 1 : 0;
    if (zeros > gapLength) {
      gapLength = zeros;
      gapAt = i + 1 - zeros;
    }
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === gapAt) {
      text += "::";
      i += gapLength - 1;
      continue;
    }
    if (i > 0 && i !== gapAt + gapLength) text += ":";
    text += ((bytes[offset + 2 * i] << 8) | bytes[offset + 2 * i + 1]).toString(16);
  }
  return text as Address;
}

/** Writes the 16 octets of `value` into `bytes` at `offset`. Canonical text needs no more than one look at each character. */
export function putAddress(value: Address, bytes: Uint8Array, offset = 0): void {
  const end = offset + ADDRESS_OCTETS;
  let at = offset;
  let gap = -1;
  let group = -1;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const digit = code >= DIGIT_0 && code <= DIGIT_9 ? code - DIGIT_0 : code >= LETTER_A && code <= LETTER_F ? code - LETTER_A + 10 : -1;
    if (digit >= 0) {
      group = group < 0 ? digit : group * 16 + digit;
      continue;
    }
    const doubled = value.charCodeAt(i + 1) === COLON;
    const misplaced = group < 0 ? i > 0 || !doubled : i === value.length - 1;
    if (code !== COLON || at >= end || group > 0xffff || misplaced) return putGroups(value, bytes, offset);
    if (group >= 0) {
      bytes[at++] = group >> 8;
      bytes[at++] = group & 0xff;
      group = -1;
    }
    if (!doubled) continue;
    if (gap >= 0) return putGroups(value, bytes, offset);
    gap = at;
    i++;
  }
  if (group >= 0 && at < end && group <= 0xffff) {
    bytes[at++] = group >> 8;
    bytes[at++] = group & 0xff;
    group = -1;
  }
  if (group >= 0 || (gap < 0 ? at !== end : at === end)) return putGroups(value, bytes, offset);
  if (gap < 0) return;
  bytes.copyWithin(end - (at - gap), gap, at);
  bytes.fill(0, gap, end - (at - gap));
}

/** The same for any text. */
function putGroups(value: Address, bytes: Uint8Array, offset: number): void {
  const groups = readGroups(value);
  if (groups === undefined) throw new RangeError(`not an IPv6 address: ${value}`);
  for (let i = 0; i < groups.length; i++) {
    bytes[offset + 2 * i] = groups[i] >> 8;
    bytes[offset + 2 * i + 1] = groups[i] & 0xff;
  }
}

const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LETTER_A = 0x61;
const LETTER_F = 0x66;

/** The 16 octets of `value`, in a new array. */
export function addressOctets(value: Address): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_OCTETS);
  putAddress(value, bytes);
  return bytes;
}

export const UNSPECIFIED = address("::");

/** Whether `value` is a multicast address (ff00::/8). */
export function isMulticast(value: Address): boolean {
  return value.startsWith("ff") && value.indexOf(":") === 4;
}

function readGroups(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = readHalf(halves[0], halves.length === 1);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  const tail = readHalf(halves[1], true);
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function readHalf(text: string, last: boolean): number[] | undefined {
  if (text === "") return last || text === "" ? [] : undefined;
  const parts = text.split(":");
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (last && i === parts.length - 1 && part.includes(".")) {
      const quad = readQuad(part);
      if (quad === undefined) return undefined;
      groups.push((quad[0] << 8) | quad[1], (quad[2] << 8) | quad[3]);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function readQuad(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const octets = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return octets.every((octet) => octet < 256) ? octets : undefined;
}

function showGroups(groups: readonly number[]): Address {
  const bytes = new Uint8Array(ADDRESS_OCTETS);
  for (let i = 0; i < 8; i++) {
    bytes[2 * i] = groups[i] >> 8;
    bytes[2 * i + 1] = groups[i] & 0xff;
  }
  return addressAt(bytes);
}
