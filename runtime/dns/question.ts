/** Requests, read: those that want an answer worked out, and those that have one at once (RFC 8906). */
import type { Address } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import {
  CLASS_IN,
  CLASS_NONE,
  type DnsMessage,
  type DnsName,
  type DnsQuestion,
  OPCODE_QUERY,
  RCODE_BADVERS,
  RCODE_FORMERR,
  RCODE_NOTAUTH,
  RCODE_NOTIMP,
  RCODE_REFUSED,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_IXFR,
  TYPE_OPT,
  TYPE_TSIG,
} from "../wire/dns.ts";
import { canonicalName } from "../wire/dns-name.ts";
import { DNS_HEADER_LENGTH, FLAG_QR, FLAG_RD, parseDns } from "../wire/dns-parse.ts";
import { emptyResponse } from "./respond.ts";

/** A request whose answer must be worked out. */
export interface Asked {
  readonly message: DnsMessage;
  readonly question: DnsQuestion;
  /** The question's name in lower case. */
  readonly name: DnsName;
  readonly from: Address;
  readonly stream: boolean;
}

/** Types below this, and above 127, ask for something other than data (RFC 6895 §3.1). */
const FIRST_META = 128;

/**
 * @returns the request; or the response that it gets at once; or why there is none: `short-dns`, `response-dns` (never answer an answer)
 */
export function readRequest(octets: Uint8Array, from: Address, stream: boolean): Asked | DnsMessage | Reject {
  if (octets.length < DNS_HEADER_LENGTH) return new Reject("short-dns", octets.length);
  const flags = u16(octets, 2);
  if ((flags & FLAG_QR) !== 0) return new Reject("response-dns", 2);
  const message = parseDns(octets);
  if (message instanceof Reject) {
    const opcode = (flags >> 11) & 0xf;
    const rcode = opcode === OPCODE_QUERY ? RCODE_FORMERR : RCODE_NOTIMP;
    return emptyResponse({ id: u16(octets, 0), opcode, recursionDesired: (flags & FLAG_RD) !== 0 }, rcode);
  }
  const rcode = refusalOf(message);
  const [question] = message.questions;
  return rcode === undefined ? { message, question, name: canonicalName(question.name), from, stream } : emptyResponse(message, rcode);
}

/** The RCODE of what is not worked out; `undefined` for one plain question. */
function refusalOf({ opcode, edns, questions, additional }: DnsMessage): number | undefined {
  if (opcode !== OPCODE_QUERY) return RCODE_NOTIMP;
  if (edns !== undefined && edns.version !== 0) return RCODE_BADVERS;
  // Nobody has a key with the gateway (RFC 8945 §5.2.1).
  if (additional.some(({ type }) => type === TYPE_TSIG)) return RCODE_NOTAUTH;
  if (questions.length !== 1) return RCODE_FORMERR;
  return refusalOfQuestion(questions[0]);
}

function refusalOfQuestion({ type, class: klass }: DnsQuestion): number | undefined {
  if (type === 0 || type === TYPE_OPT || type === TYPE_TSIG || klass === 0 || klass === CLASS_NONE) return RCODE_FORMERR;
  if (type === TYPE_AXFR || type === TYPE_IXFR || klass !== CLASS_IN) return RCODE_REFUSED;
  return type >= FIRST_META && type < TYPE_ANY ? RCODE_NOTIMP : undefined;
}
