/** DNS messages, written (RFC 1035 §4.1), names compressed, cut where a limit asks for it. */
import { putU16, putU32, u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { CLASS_IN, type DnsMessage, type DnsName, type DnsRecord, type Edns, OPCODE_QUERY, RCODE_NOERROR, TYPE_OPT } from "./dns.ts";
import { NAME_LIMIT, POINTER_BITS, POINTER_REACH, parentOf, putName, sameName } from "./dns-name.ts";
import {
  DNS_HEADER_LENGTH,
  EDNS_DO,
  FLAG_AA,
  FLAG_AD,
  FLAG_CD,
  FLAG_QR,
  FLAG_RA,
  FLAG_RD,
  FLAG_TC,
  RECORD_FIXED_LENGTH,
} from "./dns-parse.ts";
import { rdataLayout, rdataName } from "./dns-rdata.ts";

/** Octets of a message at most, over TCP (RFC 1035 §4.2.2). */
export const DNS_MESSAGE_LIMIT = 65_535;
/** Over UDP to and from whoever does not say more (RFC 1035 §4.2.1). */
export const DNS_UDP_LIMIT = 512;

const OPT_LENGTH = 1 + RECORD_FIXED_LENGTH;

/**
 * The message in a new array, at most `limit` octets. Names are compressed with their case kept, in RDATA only in the types of RFC 1035 (RFC 3597 §4).
 * What does not fit is left out by whole RRsets from the first such on; TC is set when that was in the answer or authority section (RFC 2181 §9).
 * The questions and the OPT record always stay.
 * @throws {RangeError} for an RCODE above 15 without EDNS, a number that its field cannot hold, or RDATA that is not of its type
 */
export function emitDns(message: DnsMessage, limit = DNS_MESSAGE_LIMIT): Uint8Array {
  const { edns, questions } = message;
  if (message.rcode > (edns === undefined ? 0xf : 0xfff)) throw new RangeError(`RCODE ${message.rcode} does not fit`);
  const writer = new Writer(roomFor(message));
  for (const { name, type, class: klass } of questions) {
    writer.name(name);
    writer.word(type);
    writer.word(klass);
  }
  const room = Math.min(limit, DNS_MESSAGE_LIMIT) - (edns === undefined ? 0 : ednsLength(edns));
  const answers = writer.section(message.answers, room);
  let cut = answers < message.answers.length;
  const authority = cut ? 0 : writer.section(message.authority, room);
  cut ||= authority < message.authority.length;
  const additional = cut ? 0 : writer.section(message.additional, room);
  if (edns !== undefined) writer.edns(edns, message.rcode >> 4);
  const { octets, at } = writer;
  putU16(octets, 0, field(message.id));
  putU16(octets, 2, flagsOf(message, cut));
  [questions.length, answers, authority, additional + (edns === undefined ? 0 : 1)].forEach((count, i) => {
    putU16(octets, 4 + 2 * i, field(count));
  });
  return octets.slice(0, at);
}

/** The message's header, flags and low RCODE as one 16-bit word. */
function flagsOf(message: DnsMessage, cut: boolean): number {
  return (
    (message.response ? FLAG_QR : 0) |
    ((message.opcode & 0xf) << 11) |
    (message.authoritative ? FLAG_AA : 0) |
    (message.truncated || cut ? FLAG_TC : 0) |
    (message.recursionDesired ? FLAG_RD : 0) |
    (message.recursionAvailable ? FLAG_RA : 0) |
    (message.authenticData ? FLAG_AD : 0) |
    (message.checkingDisabled ? FLAG_CD : 0) |
    (message.rcode & 0xf)
  );
}

/** Octets that hold the message whatever compression does: a name's text is never shorter than its labels. */
function roomFor({ questions, answers, authority, additional, edns }: DnsMessage): number {
  let room = DNS_HEADER_LENGTH + (edns === undefined ? 0 : ednsLength(edns));
  for (const { name } of questions) room += name.length + 6;
  for (const section of [answers, authority, additional])
    for (const { name, data } of section) room += name.length + 2 + RECORD_FIXED_LENGTH + data.length;
  return room;
}

function ednsLength({ options }: Edns): number {
  return options.reduce((sum, { data }) => sum + 4 + data.length, OPT_LENGTH);
}

/** Whether `b` belongs to the RRset of `a`. */
function sameSet(a: DnsRecord, b: DnsRecord): boolean {
  return a.type === b.type && a.class === b.class && sameName(a.name, b.name);
}

function field(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new RangeError(`not 16 bits: ${value}`);
  return value;
}

class Writer {
  readonly octets: Uint8Array;
  at = DNS_HEADER_LENGTH;
  /** Where a name, or the end of one, was written whole. */
  readonly #seen = new Map<DnsName, number>();

  constructor(room: number) {
    this.octets = new Uint8Array(room);
  }

  word(value: number): void {
    putU16(this.octets, this.at, field(value));
    this.at += 2;
  }

  /** Writes `name`; its longest end that was written before becomes a pointer. */
  name(name: DnsName): void {
    for (let rest: DnsName | undefined = name; rest !== undefined && rest !== ""; ) {
      const known = this.#seen.get(rest);
      if (known !== undefined) {
        putU16(this.octets, this.at, (POINTER_BITS << 8) | known);
        this.at += 2;
        return;
      }
      if (this.at < POINTER_REACH) this.#seen.set(rest, this.at);
      const parent: DnsName | undefined = parentOf(rest);
      const label = (parent === undefined || parent === "" ? rest : rest.slice(0, rest.length - parent.length - 1)) as DnsName;
      this.at = putName(label, this.octets, this.at) - 1;
      rest = parent;
    }
    this.octets[this.at++] = 0;
  }

  /** Writes `records` as far as whole RRsets end before `room`. @returns how many */
  section(records: readonly DnsRecord[], room: number): number {
    let done = 0;
    while (done < records.length) {
      const start = this.at;
      let next = done;
      do this.record(records[next++]);
      while (this.at <= room && next < records.length && sameSet(records[done], records[next]));
      if (this.at > room) {
        // Nothing but the OPT record follows, so no pointer leads to what is gone.
        this.at = start;
        return done;
      }
      done = next;
    }
    return done;
  }

  record({ name, type, class: klass, ttl, data }: DnsRecord): void {
    if (!Number.isInteger(ttl) || ttl < 0 || ttl > 0x7fff_ffff) throw new RangeError(`not a TTL: ${ttl}`);
    this.name(name);
    this.word(type);
    this.word(klass);
    putU32(this.octets, this.at, ttl);
    this.at += 6;
    const start = this.at;
    this.#rdata(type, data);
    putU16(this.octets, start - 2, field(this.at - start));
  }

  edns(edns: Edns, rcode: number): void {
    this.octets[this.at++] = 0;
    this.word(TYPE_OPT);
    this.word(edns.size);
    this.word((rcode << 8) | edns.version);
    this.word((edns.dnssecOk ? EDNS_DO : 0) | edns.flags);
    this.word(ednsLength(edns) - OPT_LENGTH);
    for (const { code, data } of edns.options) {
      this.word(code);
      this.word(data.length);
      this.octets.set(data, this.at);
      this.at += data.length;
    }
  }

  #rdata(type: number, data: Uint8Array): void {
    const layout = rdataLayout(type);
    if (layout?.compress !== true || data.length === 0) {
      this.octets.set(data, this.at);
      this.at += data.length;
      return;
    }
    let next = layout.before;
    this.octets.set(data.subarray(0, next), this.at);
    this.at += next;
    for (let i = 0; i < layout.names; i++) {
      const read = rdataName(data, next);
      if (read instanceof Reject) throw new RangeError(`RDATA of type ${type} without a name`);
      this.name(read.name);
      next = read.end;
    }
    this.octets.set(data.subarray(next), this.at);
    this.at += data.length - next;
  }
}

/** Octets of a question at most. */
const QUESTION_LIMIT = NAME_LIMIT + 4;

/** A host's question for the records of `type` of `name` (RFC 1035 §4.1): recursion wanted, class IN; with `edns` it has an OPT record. */
export function emitQuestion(id: number, name: DnsName, type: number, edns?: Edns): Uint8Array {
  return emitDns({
    id,
    response: false,
    opcode: OPCODE_QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: RCODE_NOERROR,
    questions: [{ name, type, class: CLASS_IN }],
    answers: [],
    authority: [],
    additional: [],
    edns,
  });
}

/**
 * The octets of the only question of a message, from the header's end on; a view.
 * @returns `undefined` if there is not exactly one, or its name is compressed
 */
export function questionOctets(octets: Uint8Array): Uint8Array | undefined {
  if (octets.length < DNS_HEADER_LENGTH + 5 || u16(octets, 4) !== 1) return undefined;
  let at = DNS_HEADER_LENGTH;
  while (at < octets.length && octets[at] !== 0) {
    if (octets[at] >= POINTER_BITS) return undefined;
    at += octets[at] + 1;
  }
  const end = at + 5;
  return end > octets.length || end - DNS_HEADER_LENGTH > QUESTION_LIMIT ? undefined : octets.subarray(DNS_HEADER_LENGTH, end);
}
