/** Where names stand inside RDATA (RFC 3597 §4), and the few types whose contents are read here. */
import { putU16, putU32, u32 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import {
  CLASS_IN,
  type DnsName,
  TYPE_A,
  TYPE_AAAA,
  TYPE_CNAME,
  TYPE_DNAME,
  TYPE_MX,
  TYPE_NS,
  TYPE_PTR,
  TYPE_SOA,
  TYPE_SRV,
} from "./dns.ts";
import { NAME_LIMIT, type NameRead, putName, readName } from "./dns-name.ts";

/** RDATA with names: octets before them, how many, octets behind them. */
export interface RdataLayout {
  readonly before: number;
  /** Character-strings (RFC 1035 §3.3) between `before` and the names. */
  readonly strings: number;
  readonly names: number;
  /** Exactly so many octets; `undefined` = any number. */
  readonly behind: number | undefined;
  /** Whether names may be compressed when sent: in the types of RFC 1035 and no others. */
  readonly compress: boolean;
}

const plain = (before: number, names: number, compress: boolean): RdataLayout => ({ before, strings: 0, names, behind: 0, compress });

const TYPE_NAPTR = 35;
/** RDLENGTH has 16 bits; names made whole must fit too. */
const RDATA_LIMIT = 0xffff;
const LAYOUTS: ReadonlyMap<number, RdataLayout> = new Map([
  [TYPE_NS, plain(0, 1, true)],
  [3, plain(0, 1, true)], //       MD
  [4, plain(0, 1, true)], //       MF
  [TYPE_CNAME, plain(0, 1, true)],
  [TYPE_SOA, { before: 0, strings: 0, names: 2, behind: 20, compress: true }],
  [7, plain(0, 1, true)], //       MB
  [8, plain(0, 1, true)], //       MG
  [9, plain(0, 1, true)], //       MR
  [TYPE_PTR, plain(0, 1, true)],
  [14, plain(0, 2, true)], //      MINFO
  [TYPE_MX, plain(2, 1, true)],
  [17, plain(0, 2, false)], //     RP
  [18, plain(2, 1, false)], //     AFSDB
  [21, plain(2, 1, false)], //     RT
  [24, { before: 18, strings: 0, names: 1, behind: undefined, compress: false }], // SIG
  [26, plain(2, 2, false)], //     PX
  [30, { before: 0, strings: 0, names: 1, behind: undefined, compress: false }], //  NXT
  [TYPE_SRV, plain(6, 1, false)],
  [TYPE_NAPTR, { before: 4, strings: 3, names: 1, behind: 0, compress: false }],
  [36, plain(2, 1, false)], //     KX
  [TYPE_DNAME, plain(0, 1, false)],
]);
/** Octets of RDATA of types that always have the same number. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [TYPE_A, 4],
  [TYPE_AAAA, 16],
]);

/** Where names are in RDATA of `type`; `undefined` = there are none that could be compressed. */
export function rdataLayout(type: number): RdataLayout | undefined {
  return LAYOUTS.get(type);
}

/**
 * RDATA of `length` octets at `at` of a message, its names whole, in a new array. Empty RDATA is allowed outside class IN (RFC 2136 §2.4).
 * @returns the octets, or a {@link Reject}: `short-dns`, `bad-name-dns`, `bad-rdata-dns`
 */
export function readRdata(octets: Uint8Array, at: number, length: number, type: number, klass: number): Uint8Array | Reject {
  if (length === 0 && klass !== CLASS_IN) return new Uint8Array(0);
  const fixed = FIXED.get(type);
  if (fixed !== undefined && klass === CLASS_IN && length !== fixed) return reject("bad-rdata-dns", at);
  const layout = LAYOUTS.get(type);
  return layout === undefined ? octets.slice(at, at + length) : expand(octets, at, at + length, layout);
}

function expand(octets: Uint8Array, at: number, end: number, layout: RdataLayout): Uint8Array | Reject {
  const message = octets.subarray(0, end);
  let next = at + layout.before;
  for (let i = 0; i < layout.strings; i++) next += 1 + (message[next] ?? 0);
  if (next > end) return reject("bad-rdata-dns", at);
  const whole = new Uint8Array(end - at + NAME_LIMIT * layout.names);
  whole.set(message.subarray(at, next));
  let filled = next - at;
  for (let i = 0; i < layout.names; i++) {
    const read = readName(message, next);
    if (read instanceof Reject) return read;
    filled = putName(read.name, whole, filled);
    next = read.end;
  }
  if (layout.behind !== undefined && end - next !== layout.behind) return reject("bad-rdata-dns", next);
  whole.set(message.subarray(next, end), filled);
  const size = filled + end - next;
  return size > RDATA_LIMIT ? reject("bad-rdata-dns", at) : whole.slice(0, size);
}

/** The name at `at` of RDATA whose names are whole. @returns the name, or a {@link Reject}: `short-dns`, `bad-name-dns` */
export function rdataName(data: Uint8Array, at = 0): NameRead | Reject {
  return readName(data, at, false);
}

/** Start of authority (RFC 1035 §3.3.13). Times are in seconds. */
export interface Soa {
  readonly primary: DnsName;
  /** Mailbox of whoever is responsible, as a name. */
  readonly contact: DnsName;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** How long "there is no such name" holds at most (RFC 2308 §4). */
  readonly minimum: number;
}

/** Reads RDATA of an SOA record. @returns the value, or a {@link Reject}: `short-dns`, `bad-name-dns`, `bad-rdata-dns` */
export function parseSoa(data: Uint8Array): Soa | Reject {
  const primary = rdataName(data);
  if (primary instanceof Reject) return primary;
  const contact = rdataName(data, primary.end);
  if (contact instanceof Reject) return contact;
  if (data.length !== contact.end + 20) return reject("bad-rdata-dns", contact.end);
  const [serial, refresh, retry, expire, minimum] = [0, 4, 8, 12, 16].map((skip) => u32(data, contact.end + skip));
  return { primary: primary.name, contact: contact.name, serial, refresh, retry, expire, minimum };
}

/** RDATA of an SOA record, in a new array. */
export function emitSoa(soa: Soa): Uint8Array {
  const data = new Uint8Array(2 * NAME_LIMIT + 20);
  const at = putName(soa.contact, data, putName(soa.primary, data, 0));
  [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].forEach((value, i) => {
    putU32(data, at + 4 * i, value);
  });
  return data.slice(0, at + 20);
}

/** RDATA of an EDE option (RFC 8914 §2): `code`, no text. */
export function extendedError(code: number): Uint8Array {
  const data = new Uint8Array(2);
  putU16(data, 0, code);
  return data;
}
