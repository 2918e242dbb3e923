/**
 * DNS messages (RFC 1035 §4) as values: what the gateway, the zone and the built-in authority speak of. Reading and writing is in
 * {@link ./dns-parse.ts} and {@link ./dns-emit.ts}, names in {@link ./dns-name.ts}.
 */

/**
 * A domain name in presentation form (RFC 1035 §5.1) without the final dot; the root is the empty text. Case is kept; dots and backslashes inside labels are
 * `\.` and `\\`, octets that do not print are `\DDD`.
 */
export type DnsName = string & { readonly __brand: "DnsName" };

/** What is asked. */
export interface DnsQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
}

/** A resource record. */
export interface DnsRecord {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
  /** Seconds, 0 … 2^31 − 1. */
  readonly ttl: number;
  /** RDATA. Names inside are whole, never compressed, in the types of RFC 3597 §4. */
  readonly data: Uint8Array;
}

/** EDNS(0) (RFC 6891): the OPT record, taken out of the additional section. */
export interface Edns {
  /** Largest UDP payload that the sender takes, octets. */
  readonly size: number;
  readonly version: number;
  /** DNSSEC OK (RFC 3225). */
  readonly dnssecOk: boolean;
  /** The other 15 flag bits. */
  readonly flags: number;
  readonly options: readonly EdnsOption[];
}

/** One EDNS option. */
export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** A message. RCODE is the extended one where there is EDNS. */
export interface DnsMessage {
  readonly id: number;
  /** QR. */
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  readonly rcode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  /** Without the OPT record. */
  readonly additional: readonly DnsRecord[];
  readonly edns: Edns | undefined;
}

export const DNS_PORT = 53;

/** Types (IANA). */
export const TYPE_A = 1;
export const TYPE_NS = 2;
export const TYPE_CNAME = 5;
export const TYPE_SOA = 6;
export const TYPE_PTR = 12;
export const TYPE_MX = 15;
export const TYPE_TXT = 16;
export const TYPE_AAAA = 28;
export const TYPE_SRV = 33;
export const TYPE_DNAME = 39;
export const TYPE_OPT = 41;
export const TYPE_DS = 43;
export const TYPE_RRSIG = 46;
export const TYPE_NSEC = 47;
export const TYPE_SVCB = 64;
export const TYPE_HTTPS = 65;
export const TYPE_TSIG = 250;
export const TYPE_IXFR = 251;
export const TYPE_AXFR = 252;
export const TYPE_ANY = 255;
/** Ours: 16 octets, the ULID. Private use (RFC 6895 §3.1), configurable as `dns.type`. */
export const TYPE_ULID_DEFAULT = 65_280;

export const CLASS_IN = 1;
export const CLASS_NONE = 254;
export const CLASS_ANY = 255;

export const OPCODE_QUERY = 0;
export const OPCODE_NOTIFY = 4;
export const OPCODE_UPDATE = 5;

export const RCODE_NOERROR = 0;
export const RCODE_FORMERR = 1;
export const RCODE_SERVFAIL = 2;
export const RCODE_NXDOMAIN = 3;
export const RCODE_NOTIMP = 4;
export const RCODE_REFUSED = 5;
export const RCODE_YXDOMAIN = 6;
export const RCODE_NOTAUTH = 9;
/** Extended (RFC 6891 §9). */
export const RCODE_BADVERS = 16;
