/** Dynamic updates (RFC 2136 §2): a message's questions are its zone, its answers prerequisites, its authority section the updates. */
import {
  CLASS_ANY,
  CLASS_IN,
  CLASS_NONE,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  OPCODE_QUERY,
  OPCODE_UPDATE,
  RCODE_NOERROR,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_SOA,
} from "../wire/dns.ts";

const NOTHING = new Uint8Array(0);

/** Prerequisite: nothing is at the name (RFC 2136 §2.4.5). Otherwise the answer is YXDOMAIN. */
export function nameNotInUse(name: DnsName): DnsRecord {
  return { name, type: TYPE_ANY, class: CLASS_NONE, ttl: 0, data: NOTHING };
}

/** Prerequisite: the name has a record of the type (RFC 2136 §2.4.1). Otherwise the answer is NXRRSET. */
export function rrsetExists(name: DnsName, type: number): DnsRecord {
  return { name, type, class: CLASS_ANY, ttl: 0, data: NOTHING };
}

/** Update: all records of the type go (RFC 2136 §2.5.2). */
export function deleteRrset(name: DnsName, type: number): DnsRecord {
  return { name, type, class: CLASS_ANY, ttl: 0, data: NOTHING };
}

/** Update: this one record goes (RFC 2136 §2.5.4). Adding one is the record itself (§2.5.1). */
export function deleteRecord({ name, type, data }: DnsRecord): DnsRecord {
  return { name, type, class: CLASS_NONE, ttl: 0, data };
}

/** The whole message; all of it is done or nothing (RFC 2136 §3.4). */
export function updateMessage(id: number, zone: DnsName, prerequisites: readonly DnsRecord[], updates: readonly DnsRecord[]): DnsMessage {
  return { ...request(id, OPCODE_UPDATE, zone, TYPE_SOA), answers: prerequisites, authority: updates };
}

/** Asks for all of a zone (RFC 5936 §2.1). */
export function transferRequest(id: number, zone: DnsName): DnsMessage {
  return request(id, OPCODE_QUERY, zone, TYPE_AXFR);
}

function request(id: number, opcode: number, name: DnsName, type: number): DnsMessage {
  return {
    id,
    response: false,
    opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: false,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: RCODE_NOERROR,
    questions: [{ name, type, class: CLASS_IN }],
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
  };
}
