/**
 * The built-in authority: answers the world's questions about the site's zones, and no others (RFC 1034 §4.3.2, RFC 8906). Octets of a request in, octets of
 * its answer out; small answers, because anybody may forge a source.
 */
import type { Address } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import {
  CLASS_ANY,
  CLASS_IN,
  type DnsMessage,
  type DnsName,
  type DnsQuestion,
  type DnsRecord,
  OPCODE_QUERY,
  RCODE_BADVERS,
  RCODE_FORMERR,
  RCODE_NOERROR,
  RCODE_NOTAUTH,
  RCODE_NOTIMP,
  RCODE_NXDOMAIN,
  RCODE_REFUSED,
  TYPE_AAAA,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_IXFR,
  TYPE_NS,
  TYPE_OPT,
  TYPE_PTR,
  TYPE_TSIG,
} from "../wire/dns.ts";
import { DNS_MESSAGE_LIMIT, DNS_UDP_LIMIT, emitDns } from "../wire/dns-emit.ts";
import { sameName } from "../wire/dns-name.ts";
import { DNS_HEADER_LENGTH, FLAG_QR, FLAG_RD, parseDns } from "../wire/dns-parse.ts";
import { rdataName } from "../wire/dns-rdata.ts";
import type { Contents } from "./contents.ts";
import { AnswerRate } from "./rate.ts";
import { zoneRecords } from "./text.ts";
import { type Found, type ServedZone, ZoneTree } from "./tree.ts";
import { emitTsig, parseTsig, TSIG_BADKEY } from "./tsig.ts";

/** Where a request came from. */
export interface Asker {
  readonly transport: "udp" | "tcp";
  readonly address: Address;
}

/** What is answered: several messages only for a zone transfer. `why` = the counter's name. */
export interface Answer {
  readonly messages: readonly Uint8Array[];
  readonly why: string;
}

/** Octets of UDP payload at most, sent and taken: 1,280 less the headers of IPv6 and UDP, so that no answer is ever fragmented. */
export const UDP_ANSWER_LIMIT = 1_232;
const EDNS_VERSION = 0;
/** Transfers go to programs beside us only: a debugging aid, and the way a name server on this machine gets the zones. */
const LOOPBACK = "::1";
/** Records in one message of a transfer. */
const TRANSFER_RECORDS = 500;
const TYPE_TKEY = 249;
const TYPE_MAILB = 253;
const TYPE_MAILA = 254;
/** Types that are questions, not data (RFC 6895 §3.1), and that nobody answers any more. */
const NOT_IMPLEMENTED: ReadonlySet<number> = new Set([TYPE_TKEY, TYPE_MAILB, TYPE_MAILA]);
const NONE: readonly DnsRecord[] = [];

/** What of an answer is not the same for all. */
type Parts = Partial<Pick<DnsMessage, "rcode" | "authoritative" | "truncated" | "answers" | "authority" | "additional">>;

/** The authority for the zones that were {@link set}. */
export class Authority {
  readonly #tree = new ZoneTree();
  readonly #rate: AnswerRate;
  #ulidType = -1;

  constructor(rate: AnswerRate = new AnswerRate()) {
    this.#rate = rate;
  }

  /** The zones, forward one first. */
  get zones(): readonly ServedZone[] {
    return this.#tree.zones;
  }

  /** From now on these are the zones. @param serialOf of a zone that is new or has changed */
  set(contents: Contents, serialOf: (previous: number | undefined) => number): void {
    this.#tree.set(contents, serialOf);
    this.#ulidType = contents[0]?.terms.ulidType ?? -1;
  }

  /**
   * What the site's own zones say, for the gateway.
   * @returns the records; none for a name without any of that type; `NXDOMAIN`; `undefined` outside the zones
   */
  find(name: DnsName, type: number): readonly DnsRecord[] | "NXDOMAIN" | undefined {
    const found = this.#tree.find(name);
    if (found === undefined) return undefined;
    return found.records?.filter((record) => record.type === type) ?? "NXDOMAIN";
  }

  /** The answer to one request; no messages = silence. Never throws. */
  answer(request: Uint8Array, asker: Asker, now: Millis): Answer {
    if (request.length < DNS_HEADER_LENGTH) return silence("drop-short-dns");
    if ((u16(request, 2) & FLAG_QR) !== 0) return silence("drop-response-dns");
    const allowed = asker.transport === "tcp" ? "full" : this.#rate.take(asker.address, now);
    if (allowed === "silence") return silence("drop-rate-zone");
    const message = parseDns(request);
    if (message instanceof Reject) return bareAnswer(request);
    if (allowed === "truncated") return single(message, asker, { truncated: true }, "out-truncated-zone");
    return this.#answerMessage(message, asker);
  }

  #answerMessage(message: DnsMessage, asker: Asker): Answer {
    if (message.opcode !== OPCODE_QUERY) return single(message, asker, { rcode: RCODE_NOTIMP }, "out-notimp-zone");
    if (message.edns !== undefined && message.edns.version > EDNS_VERSION)
      return single(message, asker, { rcode: RCODE_BADVERS }, "out-badvers-zone");
    const signature = message.additional.findIndex(({ type }) => type === TYPE_TSIG);
    if (signature >= 0) return refuseSignature(message, asker, signature);
    const [question] = message.questions;
    if (message.questions.length !== 1) return single(message, asker, { rcode: RCODE_FORMERR }, "out-formerr-zone");
    if (question.type === TYPE_OPT || question.type === TYPE_TSIG)
      return single(message, asker, { rcode: RCODE_FORMERR }, "out-formerr-zone");
    if (NOT_IMPLEMENTED.has(question.type)) return single(message, asker, { rcode: RCODE_NOTIMP }, "out-notimp-zone");
    const found = question.class === CLASS_IN ? this.#tree.find(question.name) : undefined;
    if (found === undefined) return single(message, asker, { rcode: RCODE_REFUSED }, "out-refused-zone");
    if (question.type === TYPE_AXFR || question.type === TYPE_IXFR) return transfer(message, asker, question, found.served);
    return this.#answerQuestion(message, asker, question, found);
  }

  #answerQuestion(message: DnsMessage, asker: Asker, question: DnsQuestion, { served, records }: Found): Answer {
    const authoritative = true;
    if (records === undefined)
      return single(message, asker, { rcode: RCODE_NXDOMAIN, authoritative, authority: [served.soa] }, "out-nxdomain-zone");
    const matching =
      question.type === TYPE_ANY ? someOf(records, asker, this.#ulidType) : records.filter(({ type }) => type === question.type);
    if (matching.length === 0) return single(message, asker, { authoritative, authority: [served.soa] }, "out-nodata-zone");
    // Spelt as asked: so the name is a pointer to the question, and whoever checks the case finds it (draft-vixie-dnsext-dns0x20).
    const answers = matching.map((record) => (record.name === question.name ? record : { ...record, name: question.name }));
    const additional = question.type === TYPE_ANY ? NONE : this.#additional(question, matching);
    return single(message, asker, { authoritative, answers, additional }, "out-answer-zone");
  }

  /** Where a found name leads: with a PTR its locators and identifier (draft §4.2.1), with one of these the other, with NS their addresses. */
  #additional({ name, type }: DnsQuestion, answers: readonly DnsRecord[]): readonly DnsRecord[] {
    switch (type) {
      case TYPE_AAAA:
        return this.#at(name, this.#ulidType);
      case this.#ulidType:
        return this.#at(name, TYPE_AAAA);
      case TYPE_PTR:
      case TYPE_NS:
        return answers.flatMap(({ data }) => {
          const target = rdataName(data);
          if (target instanceof Reject) return NONE;
          return [...this.#at(target.name, TYPE_AAAA), ...this.#at(target.name, this.#ulidType)];
        });
      default:
        return NONE;
    }
  }

  #at(name: DnsName, type: number): readonly DnsRecord[] {
    return this.#tree.records(name, type).map((record) => (sameName(record.name, name) ? { ...record, name } : record));
  }
}

/** One RRset is enough for whoever asks for anything by UDP (RFC 8482 §4.1): the one that tells most in least. */
function someOf(records: readonly DnsRecord[], { transport }: Asker, ulidType: number): readonly DnsRecord[] {
  if (transport === "tcp") return records;
  const type = records.some((record) => record.type === ulidType) ? ulidType : records[0]?.type;
  return records.filter((record) => record.type === type);
}

function silence(why: string): Answer {
  return { messages: [], why };
}

/** One message: what was asked, and `parts`. */
function single(request: DnsMessage, { transport }: Asker, parts: Parts, why: string): Answer {
  const limit = transport === "tcp" ? DNS_MESSAGE_LIMIT : udpLimit(request);
  return { messages: [emitDns(respond(request, parts), limit)], why };
}

function udpLimit({ edns }: DnsMessage): number {
  return edns === undefined ? DNS_UDP_LIMIT : Math.min(UDP_ANSWER_LIMIT, Math.max(DNS_UDP_LIMIT, edns.size));
}

function respond(request: DnsMessage, parts: Parts): DnsMessage {
  const { id, opcode, questions, recursionDesired, edns } = request;
  return {
    id,
    response: true,
    opcode,
    authoritative: false,
    truncated: false,
    recursionDesired,
    recursionAvailable: false,
    authenticData: false,
    // We know nothing of DNSSEC, so the bit is as unknown to us as Z (RFC 1034).
    checkingDisabled: false,
    rcode: RCODE_NOERROR,
    questions: questions.length === 1 ? questions : [],
    answers: NONE,
    authority: NONE,
    additional: NONE,
    // DO is copied (RFC 3225 §3); other flags and options are not ours to repeat (RFC 6891 §6.1.1, §6.1.4).
    edns: edns && { size: UDP_ANSWER_LIMIT, version: EDNS_VERSION, dnssecOk: edns.dnssecOk, flags: 0, options: [] },
    ...parts,
  };
}

/** To what cannot be read: the header, and what is wrong. */
function bareAnswer(request: Uint8Array): Answer {
  const flags = u16(request, 2);
  const opcode = (flags >> 11) & 0xf;
  const rcode = opcode === OPCODE_QUERY ? RCODE_FORMERR : RCODE_NOTIMP;
  const header = new Uint8Array(DNS_HEADER_LENGTH);
  header.set(request.subarray(0, 2));
  header[2] = (FLAG_QR >> 8) | (opcode << 3) | ((flags & FLAG_RD) >> 8);
  header[3] = rcode;
  return { messages: [header], why: rcode === RCODE_FORMERR ? "out-formerr-zone" : "out-notimp-zone" };
}

/** We share no key with anybody (RFC 8945 §5.2, §5.2.1). */
function refuseSignature(request: DnsMessage, asker: Asker, at: number): Answer {
  const record = request.additional[at];
  const tsig = parseTsig(record.data);
  if (tsig instanceof Reject || at !== request.additional.length - 1 || record.class !== CLASS_ANY)
    return single(request, asker, { rcode: RCODE_FORMERR }, "out-formerr-zone");
  const data = emitTsig({ ...tsig, mac: new Uint8Array(0), originalId: request.id, error: TSIG_BADKEY, other: new Uint8Array(0) });
  return single(request, asker, { rcode: RCODE_NOTAUTH, additional: [{ ...record, ttl: 0, data }] }, "out-notauth-zone");
}

/** All of a zone (RFC 5936 §2.2), also for who asked for changes only (RFC 1995 §4). */
function transfer(request: DnsMessage, asker: Asker, { name }: DnsQuestion, { zone, serial, soa }: ServedZone): Answer {
  if (asker.transport !== "tcp" || asker.address !== LOOPBACK) return single(request, asker, { rcode: RCODE_REFUSED }, "out-refused-zone");
  if (!sameName(name, zone.origin)) return single(request, asker, { rcode: RCODE_NOTAUTH }, "out-notauth-zone");
  const records = [...zoneRecords(zone, serial), soa];
  const messages: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += TRANSFER_RECORDS) {
    const part = respond(request, { authoritative: true, answers: records.slice(at, at + TRANSFER_RECORDS) });
    messages.push(emitDns(at === 0 ? part : { ...part, questions: [] }));
  }
  return { messages, why: "out-transfer-zone" };
}
