/**
 * DNS messages, read (RFC 1035 §4.1).
 *
 *     |              ID               |  0
 *     |QR|  Opcode |AA|TC|RD|RA|Z|AD|CD|  RCODE  |  2
 *     | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT |  4
 *     ~ questions ~ answers ~ authority ~ additional ~  12
 */
import { u16, u32 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { type DnsMessage, type DnsQuestion, type DnsRecord, type Edns, type EdnsOption, TYPE_OPT } from "./dns.ts";
import { readName } from "./dns-name.ts";
import { readRdata } from "./dns-rdata.ts";

export const DNS_HEADER_LENGTH = 12;
/** Bits of the header's second 16-bit word (RFC 1035 §4.1.1, RFC 4035 §3). */
export const FLAG_QR = 0x8000;
export const FLAG_AA = 0x0400;
export const FLAG_TC = 0x0200;
export const FLAG_RD = 0x0100;
export const FLAG_RA = 0x0080;
export const FLAG_AD = 0x0020;
export const FLAG_CD = 0x0010;
/** The DO bit of the OPT record's flags (RFC 3225 §3). */
export const EDNS_DO = 0x8000;

/** TYPE, CLASS, TTL, RDLENGTH. */
export const RECORD_FIXED_LENGTH = 10;
/** A TTL with the highest bit set counts as zero (RFC 2181 §8). */
const TTL_LIMIT = 0x8000_0000;

/** Questions and records of a message at most. Chosen: as many of the smallest as 65,535 octets hold, but for some that nobody sends. */
export const DNS_RECORD_LIMIT = 4096;

/**
 * Reads a whole message; nothing of `octets` is kept. Compression is undone, in RDATA too; the OPT record becomes `edns`.
 * @returns the message, or a {@link Reject}: `short-dns`, `bad-name-dns`, `bad-rdata-dns`, `bad-opt-dns`, `large-dns` (too many records),
 * `trailing-dns`. Never throws.
 */
export function parseDns(octets: Uint8Array): DnsMessage | Reject {
  if (octets.length < DNS_HEADER_LENGTH) return reject("short-dns", octets.length);
  const counts = [u16(octets, 4), u16(octets, 6), u16(octets, 8), u16(octets, 10)];
  if (counts[0] + counts[1] + counts[2] + counts[3] > DNS_RECORD_LIMIT) return reject("large-dns", 4);
  const reader: Reader = { octets, at: DNS_HEADER_LENGTH, edns: undefined, rcode: 0 };
  const questions = readQuestions(reader, counts[0]);
  if (questions instanceof Reject) return questions;
  const answers = readRecords(reader, counts[1], false);
  if (answers instanceof Reject) return answers;
  const authority = readRecords(reader, counts[2], false);
  if (authority instanceof Reject) return authority;
  const additional = readRecords(reader, counts[3], true);
  if (additional instanceof Reject) return additional;
  if (reader.at !== octets.length) return reject("trailing-dns", reader.at);
  const flags = u16(octets, 2);
  return {
    id: u16(octets, 0),
    response: (flags & FLAG_QR) !== 0,
    opcode: (flags >> 11) & 0xf,
    authoritative: (flags & FLAG_AA) !== 0,
    truncated: (flags & FLAG_TC) !== 0,
    recursionDesired: (flags & FLAG_RD) !== 0,
    recursionAvailable: (flags & FLAG_RA) !== 0,
    authenticData: (flags & FLAG_AD) !== 0,
    checkingDisabled: (flags & FLAG_CD) !== 0,
    rcode: (reader.rcode << 4) | (flags & 0xf),
    questions,
    answers,
    authority,
    additional,
    edns: reader.edns,
  };
}

/**
 * Where the last record of a message begins: the TSIG record stands there (RFC 8945 §5.1), and what it signs ends there.
 * @returns the octet's number; `undefined` when the message has no record or cannot be read
 */
export function lastRecordAt(octets: Uint8Array): number | undefined {
  if (octets.length < DNS_HEADER_LENGTH) return undefined;
  let at = DNS_HEADER_LENGTH;
  const questions = u16(octets, 4);
  const records = u16(octets, 6) + u16(octets, 8) + u16(octets, 10);
  for (let i = 0; i < questions + records; i++) {
    const start = at;
    const read = readName(octets, at);
    if (read instanceof Reject) return undefined;
    at = read.end + (i < questions ? 4 : RECORD_FIXED_LENGTH);
    if (at > octets.length) return undefined;
    if (i >= questions) at += u16(octets, at - 2);
    if (i + 1 === questions + records) return records === 0 || at > octets.length ? undefined : start;
  }
  return undefined;
}

interface Reader {
  readonly octets: Uint8Array;
  at: number;
  edns: Edns | undefined;
  /** The higher eight bits, out of the OPT record. */
  rcode: number;
}

function readQuestions(reader: Reader, count: number): DnsQuestion[] | Reject {
  const { octets } = reader;
  const questions: DnsQuestion[] = [];
  for (let i = 0; i < count; i++) {
    const read = readName(octets, reader.at);
    if (read instanceof Reject) return read;
    if (read.end + 4 > octets.length) return reject("short-dns", octets.length);
    questions.push({ name: read.name, type: u16(octets, read.end), class: u16(octets, read.end + 2) });
    reader.at = read.end + 4;
  }
  return questions;
}

function readRecords(reader: Reader, count: number, additional: boolean): DnsRecord[] | Reject {
  const { octets } = reader;
  const records: DnsRecord[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    const read = readName(octets, start);
    if (read instanceof Reject) return read;
    const { name, end } = read;
    const from = end + RECORD_FIXED_LENGTH;
    if (from > octets.length) return reject("short-dns", octets.length);
    const type = u16(octets, end);
    const klass = u16(octets, end + 2);
    const length = u16(octets, end + 8);
    if (from + length > octets.length) return reject("short-dns", end + 8);
    reader.at = from + length;
    if (type === TYPE_OPT) {
      if (!additional || name !== "" || reader.edns !== undefined) return reject("bad-opt-dns", start);
      const edns = readEdns(octets, end, reader);
      if (edns instanceof Reject) return edns;
      reader.edns = edns;
      continue;
    }
    const data = readRdata(octets, from, length, type, klass);
    if (data instanceof Reject) return data;
    const ttl = u32(octets, end + 4);
    records.push({ name, type, class: klass, ttl: ttl >= TTL_LIMIT ? 0 : ttl, data });
  }
  return records;
}

/** The OPT record whose TYPE is at `at` (RFC 6891 §6.1.2). */
function readEdns(octets: Uint8Array, at: number, reader: Reader): Edns | Reject {
  const options: EdnsOption[] = [];
  let next = at + RECORD_FIXED_LENGTH;
  while (next < reader.at) {
    const end = next + 4 + (next + 4 > reader.at ? 0 : u16(octets, next + 2));
    if (end > reader.at) return reject("bad-opt-dns", next);
    options.push({ code: u16(octets, next), data: octets.slice(next + 4, end) });
    next = end;
  }
  const flags = u16(octets, at + 6);
  reader.rcode = octets[at + 4];
  return { size: u16(octets, at + 2), version: octets[at + 5], dnssecOk: (flags & EDNS_DO) !== 0, flags: flags & ~EDNS_DO, options };
}
