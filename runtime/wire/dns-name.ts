/** Domain names (RFC 1035 §3.1, §5.1): text and octets, order, the reverse tree. */
import { ADDRESS_OCTETS, type Address, addressAt, addressOctets } from "../value/address.ts";
import { hex, unhex } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import type { DnsName } from "./dns.ts";

/** Octets of a name at most, lengths and the root's zero included (RFC 1035 §2.3.4). */
export const NAME_LIMIT = 255;
/** Octets of a label at most. */
export const LABEL_LIMIT = 63;
/** The two high bits of a compression pointer (RFC 1035 §4.1.4). */
export const POINTER_BITS = 0xc0;
/** A pointer's target is below this. */
export const POINTER_REACH = 0x4000;
/** No name begins before the end of the header. */
const FIRST_NAME = 12;

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** The name of the root. */
export const ROOT = "" as DnsName;

/** What is below here maps addresses to names (RFC 3596 §2.5). */
export const REVERSE_DOMAIN = "ip6.arpa" as DnsName;

/** A name as it was read, and the octet behind it where it stood. */
export interface NameRead {
  readonly name: DnsName;
  readonly end: number;
}

/**
 * Reads the presentation form of RFC 1035 §5.1; a final dot is allowed and taken away, escapes that need not be are undone.
 * @returns the name, or `undefined` for empty labels, labels or names that are too long, broken escapes, characters outside ASCII
 */
export function parseName(text: string): DnsName | undefined {
  if (text === "." || text === "") return ROOT;
  const octets = labelOctets(text);
  return octets === undefined ? undefined : nameOf(octets);
}

/** Like {@link parseName}, for text that the program itself wrote. @throws {RangeError} naming the text. */
export function dnsName(text: string): DnsName {
  const name = parseName(text);
  if (name === undefined) throw new RangeError(`not a domain name: ${text}`);
  return name;
}

/** The name's octets, not compressed, the root's zero last, in a new array. */
export function nameOctets(name: DnsName): Uint8Array {
  const octets = new Uint8Array(Math.min(NAME_LIMIT, name.length + 2));
  const end = putName(name, octets, 0);
  return end === octets.length ? octets : octets.slice(0, end);
}

/** Writes the name's octets at `at`; there must be room. @returns the octet behind them */
export function putName(name: DnsName, octets: Uint8Array, at: number): number {
  let length = at;
  let end = at + 1;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === DOT) {
      octets[length] = end - length - 1;
      length = end++;
    } else if (code !== BACKSLASH) {
      octets[end++] = code;
    } else {
      const escaped = name.charCodeAt(i + 1);
      octets[end++] = isDigit(escaped) ? Number(name.slice(i + 1, i + 4)) : escaped;
      i += isDigit(escaped) ? 3 : 1;
    }
  }
  if (name.length === 0) {
    octets[at] = 0;
    return at + 1;
  }
  octets[length] = end - length - 1;
  octets[end] = 0;
  return end + 1;
}

/**
 * The name at `at` of a whole message. Each pointer must lead before everything read so far (RFC 1035 §4.1.4: a prior occurrence), so reading ends.
 * @param pointers whether pointers are allowed; not inside the RDATA of types newer than RFC 1035 (RFC 3597 §4)
 * @returns the name, or a {@link Reject}: `short-dns`, `bad-name-dns`
 */
export function readName(octets: Uint8Array, at: number, pointers = true): NameRead | Reject {
  let text = "";
  let length = 1;
  let end = -1;
  let start = at;
  for (let next = at; ; ) {
    if (next >= octets.length) return reject("short-dns", next);
    const size = octets[next];
    if (size === 0) return { name: text as DnsName, end: end < 0 ? next + 1 : end };
    if (size >= POINTER_BITS) {
      if (next + 1 >= octets.length) return reject("short-dns", next);
      const target = ((size & ~POINTER_BITS) << 8) | octets[next + 1];
      if (!pointers || target >= start || target < FIRST_NAME) return reject("bad-name-dns", next);
      if (end < 0) end = next + 2;
      start = next = target;
      continue;
    }
    length += size + 1;
    if (size > LABEL_LIMIT || length > NAME_LIMIT) return reject("bad-name-dns", next);
    if (next + size >= octets.length) return reject("short-dns", next);
    text += text === "" ? showLabel(octets, next + 1, next + 1 + size) : `.${showLabel(octets, next + 1, next + 1 + size)}`;
    next += size + 1;
  }
}

/** The name in the octets that {@link nameOctets} gave. @throws {RangeError} if there is none */
export function nameOf(octets: Uint8Array): DnsName {
  const read = readName(octets, 0, false);
  if (read instanceof Reject) throw new RangeError(`not a domain name: ${hex(octets)}`);
  return read.name;
}

/** In lower case, as names are compared (RFC 4343) and signed (RFC 4034 §6.2). */
export function canonicalName(name: DnsName): DnsName {
  return name.toLowerCase() as DnsName;
}

/** Whether both are the same name, whatever their case (RFC 4343). */
export function sameName(a: DnsName, b: DnsName): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

/** Labels from the left, in presentation form; none for the root. */
export function labelsOf(name: DnsName): string[] {
  const labels: string[] = [];
  for (let rest: DnsName | undefined = name; rest !== undefined && rest !== ROOT; rest = parentOf(rest)) {
    const parent = parentOf(rest) ?? ROOT;
    labels.push(parent === ROOT ? rest : rest.slice(0, rest.length - parent.length - 1));
  }
  return labels;
}

/** The name without its first label; `undefined` above the root. */
export function parentOf(name: DnsName): DnsName | undefined {
  if (name === ROOT) return undefined;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === DOT) return name.slice(i + 1) as DnsName;
  }
  return ROOT;
}

/** Whether `name` is `domain` itself or lies under it, whatever their case. */
export function isBelow(name: DnsName, domain: DnsName): boolean {
  if (domain === ROOT) return true;
  const cut = name.length - domain.length;
  if (cut < 0 || !sameName(name.slice(cut) as DnsName, domain)) return false;
  if (cut === 0) return true;
  if (name.charCodeAt(cut - 1) !== DOT) return false;
  let backslashes = 0;
  while (name.charCodeAt(cut - 2 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 0;
}

/**
 * `name` with the end `from` exchanged for `to`, as DNAME does (RFC 6672 §2.2). `name` must be below `from`.
 * @returns `undefined` if the result is longer than a name may be
 */
export function moveName(name: DnsName, from: DnsName, to: DnsName): DnsName | undefined {
  const head = from === ROOT ? name : (name.slice(0, Math.max(0, name.length - from.length - 1)) as DnsName);
  const moved = (head === ROOT ? to : to === ROOT ? head : `${head}.${to}`) as DnsName;
  return wireLength(moved) > NAME_LIMIT ? undefined : moved;
}

/** Octets of the name on the wire, not compressed. */
export function wireLength(name: DnsName): number {
  let escapes = 0;
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== BACKSLASH) continue;
    const skip = isDigit(name.charCodeAt(i + 1)) ? 3 : 1;
    escapes += skip;
    i += skip;
  }
  return name === ROOT ? 1 : name.length - escapes + 2;
}

/** The name under ip6.arpa that maps `address` (RFC 3596 §2.5). */
export function reverseName(address: Address): DnsName {
  return `${[...hex(addressOctets(address))].reverse().join(".")}.${REVERSE_DOMAIN}` as DnsName;
}

const REVERSE = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i;

/** The address that `name` maps: the inverse of {@link reverseName}, whatever the case; `undefined` for any other name. */
export function addressOfReverse(name: DnsName): Address | undefined {
  const digits = REVERSE.exec(name)?.[1].replaceAll(".", "");
  const octets = digits === undefined ? undefined : unhex([...digits].reverse().join(""));
  return octets?.length === ADDRESS_OCTETS ? addressAt(octets) : undefined;
}

/** Octets `from` … `to` − 1 as a label's text. */
function showLabel(octets: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += SHOWN[octets[i]];
  return text;
}

const SHOWN = Array.from({ length: 256 }, (_, octet) => {
  if (octet === DOT || octet === BACKSLASH) return `\\${String.fromCharCode(octet)}`;
  return octet > 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, "0")}`;
});

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The wire form of text that a person wrote. */
function labelOctets(text: string): Uint8Array | undefined {
  const octets: number[] = [0];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code === DOT) {
      if (octets[start] === 0) return undefined;
      start = octets.push(0) - 1;
      continue;
    }
    if (code === BACKSLASH) {
      const digits = /^[0-9]{3}/.exec(text.slice(i + 1))?.[0];
      code = digits === undefined ? text.charCodeAt(i + 1) : Number(digits);
      if (Number.isNaN(code) || code > 255 || (digits === undefined && (isDigit(code) || code > 0x7e))) return undefined;
      i += digits === undefined ? 1 : 3;
    } else if (code > 0x7e) return undefined;
    octets.push(code);
    if (++octets[start] > LABEL_LIMIT) return undefined;
  }
  if (octets[start] > 0) octets.push(0);
  return octets.length > NAME_LIMIT ? undefined : Uint8Array.from(octets);
}
