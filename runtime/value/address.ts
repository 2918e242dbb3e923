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
  const groups: number[] = [];
  for (let i = 0; i < ADDRESS_OCTETS; i += 2) groups.push((bytes[offset + i] << 8) | bytes[offset + i + 1]);
  return showGroups(groups);
}

/** Writes the 16 octets of `value` into `bytes` at `offset`. */
export function putAddress(value: Address, bytes: Uint8Array, offset = 0): void {
  const groups = readGroups(value);
  if (groups === undefined) throw new RangeError(`not an IPv6 address: ${value}`);
  for (let i = 0; i < groups.length; i++) {
    bytes[offset + 2 * i] = groups[i] >> 8;
    bytes[offset + 2 * i + 1] = groups[i] & 0xff;
  }
}

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
  let bestAt = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) {
      bestAt = i;
      bestLength = end - i;
    }
    if (end > i) i = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestAt < 0) return hex.join(":") as Address;
  return `${hex.slice(0, bestAt).join(":")}::${hex.slice(bestAt + bestLength).join(":")}` as Address;
}
