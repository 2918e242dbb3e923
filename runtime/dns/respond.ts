/** Responses to hosts: what an answer looks like to one that asked so. */
import type { DnsMessage, DnsRecord, Edns, EdnsOption } from "../wire/dns.ts";
import { CLASS_IN, type DnsName, RCODE_NOERROR, TYPE_SOA } from "../wire/dns.ts";
import { DNS_MESSAGE_LIMIT, DNS_UDP_LIMIT } from "../wire/dns-emit.ts";
import { ROOT } from "../wire/dns-name.ts";
import { emitSoa } from "../wire/dns-rdata.ts";
import { UDP_PAYLOAD } from "./answers.ts";
import { OPTION_EDE } from "./known.ts";
import type { Asked } from "./question.ts";

/** An answer that was worked out, for whoever asked. TTLs are those of now. */
export interface Draft {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** AD for those who want to know. */
  readonly authentic: boolean;
  /** Out of the site's own zone. */
  readonly authoritative: boolean;
  readonly errors: readonly EdnsOption[];
  /** May answer others before this instant. */
  readonly until: number;
}

/** An answer without records. */
export const BARE: Draft = {
  rcode: RCODE_NOERROR,
  answers: [],
  authority: [],
  additional: [],
  authentic: false,
  authoritative: false,
  errors: [],
  until: 0,
};

/** The extended error `code` (RFC 8914) without text. */
export function ede(code: number): EdnsOption {
  return { code: OPTION_EDE, data: Uint8Array.of(code >> 8, code & 0xff) };
}

/**
 * Chosen: "there is none" of a name whose addresses are hidden needs an SOA record to be kept (RFC 2308 §5), and the name's zone gave none, for it has
 * addresses. This one names itself, so that nobody takes it for the zone's.
 */
export function hiddenSoa(name: DnsName, ttl: number): DnsRecord {
  const data = emitSoa({ primary: name, contact: ROOT, serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: ttl });
  return { name, type: TYPE_SOA, class: CLASS_IN, ttl, data };
}

/** What a response takes from its request. */
type Requested = Pick<DnsMessage, "id" | "opcode" | "recursionDesired"> & Partial<DnsMessage>;

/** A response without records; question and EDNS if the request had them. */
export function emptyResponse(request: Requested, rcode: number): DnsMessage {
  return {
    id: request.id,
    response: true,
    opcode: request.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: request.recursionDesired,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: request.checkingDisabled ?? false,
    rcode,
    questions: request.questions ?? [],
    answers: [],
    authority: [],
    additional: [],
    edns: request.edns === undefined ? undefined : ednsFor(request.edns, []),
  };
}

/** The response that carries `draft`; AD as whoever wants to know gets it. */
export function responseFor({ message, question, name }: Asked, draft: Draft): DnsMessage {
  const spelt = (records: readonly DnsRecord[]) =>
    records.map((record) => (record.name === name && question.name !== name ? { ...record, name: question.name } : record));
  return {
    ...emptyResponse(message, draft.rcode),
    authoritative: draft.authoritative,
    authenticData: draft.authentic,
    answers: spelt(draft.answers),
    authority: spelt(draft.authority),
    additional: spelt(draft.additional),
    edns: message.edns === undefined ? undefined : ednsFor(message.edns, draft.errors),
  };
}

/** Whether AD says anything to this asker (RFC 6840 §5.7). */
export function wantsAuthentic({ message }: Asked): boolean {
  return message.authenticData || message.edns?.dnssecOk === true;
}

/** Octets that may go back. */
export function limitFor({ message, stream }: Asked): number {
  if (stream) return DNS_MESSAGE_LIMIT;
  return Math.min(UDP_PAYLOAD, Math.max(DNS_UDP_LIMIT, message.edns?.size ?? 0));
}

/** Version 0, DO as asked (RFC 3225 §3), nothing else echoed (RFC 6891 §6.1.4). */
function ednsFor({ dnssecOk }: Edns, options: readonly EdnsOption[]): Edns {
  return { size: UDP_PAYLOAD, version: 0, dnssecOk, flags: 0, options };
}
