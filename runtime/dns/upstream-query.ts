/** One question to a resolver: how it goes out, and which datagrams are an answer to it. */
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { CLASS_IN, type DnsMessage, type DnsName, type DnsRecord, OPCODE_QUERY, RCODE_FORMERR, RCODE_NOTIMP } from "../wire/dns.ts";
import { emitDns, questionOctets } from "../wire/dns-emit.ts";
import { sameName } from "../wire/dns-name.ts";
import { DNS_HEADER_LENGTH, FLAG_QR, parseDns } from "../wire/dns-parse.ts";
import { UDP_PAYLOAD } from "./answers.ts";

/** What is to be found out. */
export interface UpstreamQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

/** How a resolver is asked. */
export interface AskStyle {
  /** With an OPT record. */
  readonly edns: boolean;
  /** With the name's letters in random case, which the answer must repeat (draft-vixie-dnsext-dns0x20). */
  readonly mixed: boolean;
}

/** A question as it went out. */
export interface Query extends AskStyle {
  readonly asked: UpstreamQuestion;
  readonly id: number;
  /** The whole message. */
  readonly octets: Uint8Array;
  /** The question in it, as it was spelt; a view. */
  readonly question: Uint8Array;
}

/** What came instead of an answer. */
export type NoAnswer =
  /** Not of this query: another id, another question, no response. */
  | "forged"
  /** Right but for the case of the letters: the server folds it, or somebody guessed. */
  | "respelt"
  /** The server knows no EDNS (RFC 6891 §7). */
  | "plain";

/** Octets of randomness for one query: the id, and a bit for each octet of the longest name. */
export const QUERY_RANDOM = 2 + 32;

/** FORMERR and NOTIMP come with the header alone from some servers. */
const FLAG_OPCODE = 0x7800;
const RCODE = 0x000f;

/** The message that asks for `asked`. `random` holds {@link QUERY_RANDOM} octets that nobody else knows. */
export function makeQuery(asked: UpstreamQuestion, style: AskStyle, random: Uint8Array): Query {
  const id = u16(random, 0);
  const edns = { size: UDP_PAYLOAD, version: 0, dnssecOk: asked.dnssecOk, flags: 0, options: [] };
  const octets = emitDns({
    id,
    response: false,
    opcode: OPCODE_QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: true,
    checkingDisabled: asked.checkingDisabled,
    rcode: 0,
    questions: [{ name: asked.name, type: asked.type, class: CLASS_IN }],
    answers: [],
    authority: [],
    additional: [],
    edns: style.edns ? edns : undefined,
  });
  const question = questionOctets(octets) ?? octets.subarray(DNS_HEADER_LENGTH);
  if (style.mixed) mixCase(question.subarray(0, question.length - 4), random.subarray(2));
  return { ...style, asked, id, octets, question };
}

/** Bits that somebody who sees nothing must guess of the query itself; the source port comes on top. */
export function guessBits({ question, mixed }: Query): number {
  if (!mixed) return 16;
  return 16 + question.subarray(0, question.length - 4).reduce((letters, octet) => letters + (isLetter(octet) ? 1 : 0), 0);
}

/**
 * What `octets` from the server that was asked `query` are. Names equal to the one asked for come back spelt as it was.
 * @param stream whether they came over TCP: nobody can guess what comes there, so the case does not matter
 * @returns the answer, why it is none, or a {@link Reject} of what is no message though its header is right
 */
export function readAnswer(octets: Uint8Array, query: Query, stream: boolean): DnsMessage | NoAnswer | Reject {
  if (octets.length < DNS_HEADER_LENGTH || u16(octets, 0) !== query.id) return "forged";
  const flags = u16(octets, 2);
  if ((flags & FLAG_QR) === 0 || (flags & FLAG_OPCODE) !== 0) return "forged";
  const refusesEdns = query.edns && ((flags & RCODE) === RCODE_FORMERR || (flags & RCODE) === RCODE_NOTIMP);
  // Nothing is believed of such a message; it only makes us ask in another way.
  if (refusesEdns && u16(octets, 4) === 0) return "plain";
  const question = questionOctets(octets);
  if (question === undefined || !sameFolded(question, query.question)) return "forged";
  if (!stream && !sameOctets(question, query.question)) return query.mixed ? "respelt" : parsed(octets, query, refusesEdns);
  return parsed(octets, query, refusesEdns);
}

/** Whether a message that came over TCP repeats the question's letters as they were. */
export function keepsCase(octets: Uint8Array, query: Query): boolean {
  const question = questionOctets(octets);
  return question !== undefined && sameOctets(question, query.question);
}

function parsed(octets: Uint8Array, query: Query, refusesEdns: boolean): DnsMessage | NoAnswer | Reject {
  // Names that point into the question get its plain spelling with it.
  const plain = octets.slice();
  const name = plain.subarray(DNS_HEADER_LENGTH, DNS_HEADER_LENGTH + query.question.length - 4);
  for (let i = 0; i < name.length; i++) if (isLetter(name[i])) name[i] |= LOWER_BIT;
  const message = parseDns(plain);
  if (message instanceof Reject) return message;
  if (refusesEdns && message.edns === undefined) return "plain";
  const { name: asked } = query.asked;
  const respell = (record: DnsRecord): DnsRecord =>
    record.name !== asked && sameName(record.name, asked) ? { ...record, name: asked } : record;
  return {
    ...message,
    questions: message.questions.map((one) => ({ ...one, name: asked })),
    answers: message.answers.map(respell),
    authority: message.authority.map(respell),
  };
}

const LOWER_BIT = 0x20;

/** Gives each letter the case that the next bit says. */
function mixCase(name: Uint8Array, bits: Uint8Array): void {
  for (let i = 0, bit = 0; i < name.length; i++) {
    if (!isLetter(name[i])) continue;
    const upper = (bits[bit >> 3] >> (bit & 7)) & 1;
    name[i] = upper === 1 ? name[i] & ~LOWER_BIT : name[i] | LOWER_BIT;
    bit++;
  }
}

/** Length octets are below "A". */
function isLetter(octet: number): boolean {
  const lower = octet | LOWER_BIT;
  return lower >= 0x61 && lower <= 0x7a && octet >= 0x41;
}

function sameFolded(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const name = a.length - 4;
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i] && !(i < name && isLetter(a[i]) && isLetter(b[i]) && (a[i] | LOWER_BIT) === (b[i] | LOWER_BIT))) return false;
  return true;
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
