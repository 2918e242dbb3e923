/** What upstreams said, kept as long as its TTLs allow, and longer for the day when nobody answers (RFC 8767). */

import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import {
  CLASS_IN,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  type EdnsOption,
  RCODE_NOERROR,
  RCODE_NXDOMAIN,
  RCODE_REFUSED,
  RCODE_SERVFAIL,
  RCODE_YXDOMAIN,
  TYPE_A,
  TYPE_AAAA,
  TYPE_HTTPS,
  TYPE_RRSIG,
  TYPE_SOA,
  TYPE_SVCB,
} from "../wire/dns.ts";
import { canonicalName } from "../wire/dns-name.ts";
import { parseSoa } from "../wire/dns-rdata.ts";

/** An EDNS option with an extended error (RFC 8914 §2), and what it says. */
export const OPTION_EDE = 15;
export const EDE_STALE = 3;
export const EDE_FILTERED = 17;
export const EDE_STALE_NXDOMAIN = 19;
export const EDE_NOT_AUTHORITATIVE = 20;
export const EDE_NETWORK = 23;

/** Chosen: extended errors of one answer that are passed on. */
const ERRORS_MOST = 4;

/** TTLs at most (RFC 8767 §4 asks for a bound of days), seconds. */
const TTL_MOST = 86_400;
/** "There is none" at most: RFC 2308 §5 finds one to three hours sensible. */
const NEGATIVE_MOST = 10_800;

/** Chosen: how long a failure is remembered; at most five minutes (RFC 2308 §7.1), at least one second (RFC 9520 §3.2). */
export const FAILURE_HOLD: Millis = 5_000;
/** TTL of an answer that is too old (RFC 8767 §4), seconds, and so long nobody is asked again (§5). */
const STALE_TTL = 30;
/** RFC 8767 §5: so long after its end an answer may be of use. */
const STALE_MOST: Millis = 86_400_000;

/** One answer to one question. Owner names are lower case, records of class IN; TTLs are those of `bornAt`. */
export interface Known {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** AD. */
  readonly authentic: boolean;
  /** Extended errors to pass on. */
  readonly errors: readonly EdnsOption[];
  readonly bornAt: Millis;
  /** Good before this instant; `bornAt` = for those who asked, and no one else. */
  readonly until: Millis;
  /** Until when it may serve as a stale answer. */
  readonly staleUntil: Millis;
  readonly stale: boolean;
}

/** Whether nothing is known of the name: SERVFAIL, REFUSED and their like. */
export function isFailure({ rcode }: { readonly rcode: number }): boolean {
  return rcode !== RCODE_NOERROR && rcode !== RCODE_NXDOMAIN && rcode !== RCODE_YXDOMAIN;
}

/**
 * What `message` says.
 * @param ulidType records of this type, and others that carry addresses, are taken out of the additional section; `undefined` = everything stays
 */
export function knownOf(message: DnsMessage, now: Millis, ulidType: number | undefined): Known {
  const answers = ours(message.answers);
  const authority = ours(message.authority);
  const additional = ours(message.additional).filter(({ type }) => ulidType === undefined || !carriesAddresses(type, ulidType));
  const rcode = rcodeOf(message);
  const { authenticData } = message;
  const until = now + (message.truncated ? 0 : holdOf(rcode, answers, authority));
  return {
    rcode,
    answers,
    authority,
    additional,
    authentic: authenticData,
    errors: errorsOf(message),
    bornAt: now,
    until,
    staleUntil: until > now && !isFailure({ rcode }) ? until + STALE_MOST : now,
    stale: false,
  };
}

/** What hosts are told: an upstream's trouble with our question is a failure of the server to them. */
function rcodeOf({ rcode }: DnsMessage): number {
  return isFailure({ rcode }) && rcode !== RCODE_REFUSED ? RCODE_SERVFAIL : rcode;
}

/** Extended errors are passed on (RFC 8914 §3), a few, without their texts: these may be of any length. */
function errorsOf({ edns }: DnsMessage): EdnsOption[] {
  const errors = edns?.options.filter(({ code, data }) => code === OPTION_EDE && data.length >= 2) ?? [];
  return errors.slice(0, ERRORS_MOST).map(({ code, data }) => ({ code, data: data.slice(0, 2) }));
}

/** Nobody answered: SERVFAIL, with the extended error `code`. */
export function failure(now: Millis, code: number): Known {
  return {
    rcode: RCODE_SERVFAIL,
    answers: [],
    authority: [],
    additional: [],
    authentic: false,
    errors: [{ code: OPTION_EDE, data: Uint8Array.of(code >> 8, code) }],
    bornAt: now,
    until: now + FAILURE_HOLD,
    staleUntil: now,
    stale: false,
  };
}

/** The old answer as it is given when nobody answers any more (RFC 8767 §4). */
export function staleOf(known: Known, now: Millis): Known {
  const short = (records: readonly DnsRecord[]) => records.map((record) => ({ ...record, ttl: STALE_TTL }));
  return {
    ...known,
    answers: short(known.answers),
    authority: short(known.authority),
    additional: short(known.additional),
    authentic: false,
    errors: [{ code: OPTION_EDE, data: Uint8Array.of(0, known.rcode === RCODE_NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE) }],
    bornAt: now,
    until: now + 1000 * STALE_TTL,
    stale: true,
  };
}

/** Records as old as they are at `now`. */
export function aged(records: readonly DnsRecord[], bornAt: Millis, now: Millis): readonly DnsRecord[] {
  const age = Math.floor((now - bornAt) / 1000);
  return age <= 0 ? records : records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - age) }));
}

/** Seconds that "there is none" holds by this authority section; `undefined` without an SOA record (RFC 2308 §5). */
export function negativeTtl(authority: readonly DnsRecord[]): number | undefined {
  const soa = authority.find(({ type }) => type === TYPE_SOA);
  const value = soa === undefined ? undefined : parseSoa(soa.data);
  return soa === undefined || value === undefined || value instanceof Reject ? undefined : Math.min(soa.ttl, value.minimum, NEGATIVE_MOST);
}

function ours(records: readonly DnsRecord[]): DnsRecord[] {
  return records
    .filter((record) => record.class === CLASS_IN)
    .map((record) => ({ ...record, name: canonicalName(record.name), ttl: Math.min(record.ttl, TTL_MOST) }));
}

function carriesAddresses(type: number, ulidType: number): boolean {
  return [TYPE_A, TYPE_AAAA, TYPE_SVCB, TYPE_HTTPS, TYPE_RRSIG, ulidType].includes(type);
}

/** How long an answer may be kept. */
function holdOf(rcode: number, answers: readonly DnsRecord[], authority: readonly DnsRecord[]): Millis {
  if (isFailure({ rcode })) return FAILURE_HOLD;
  let seconds = answers.reduce((least, { ttl }) => Math.min(least, ttl), TTL_MOST);
  const negative = negativeTtl(authority);
  if (rcode === RCODE_NXDOMAIN || answers.length === 0 || negative !== undefined) seconds = Math.min(seconds, negative ?? 0);
  return 1000 * seconds;
}

/** Octets that a record counts for beside its RDATA. */
const RECORD_WEIGHT = 96;
const OCTETS_PER_ANSWER = 2048;

/** Answers by question; bounded in number and octets, the one not used for longest goes first. */
export class KnownCache {
  readonly #entries = new Map<string, { readonly known: Known; readonly weight: number }>();
  readonly #most: number;
  /** Everything before it is gone: looking for the oldest from the start would pass all the places that the gone ones had. */
  #oldest: Iterator<string>;
  #octets = 0;

  constructor(most: number) {
    this.#most = most;
    this.#oldest = this.#entries.keys();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A good answer, or `undefined`. */
  get(key: string, now: Millis): Known | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.known.until <= now) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.known;
  }

  /** An answer that is too old, or `undefined`. */
  old(key: string, now: Millis): Known | undefined {
    const known = this.#entries.get(key)?.known;
    return known !== undefined && now < known.staleUntil ? known : undefined;
  }

  put(key: string, known: Known): void {
    this.#drop(key);
    if (known.until <= known.bornAt || this.#most < 1) return;
    const weight = 2 * key.length + weightOf(known);
    this.#entries.set(key, { known, weight });
    this.#octets += weight;
    while (this.#entries.size > this.#most || this.#octets > this.#most * OCTETS_PER_ANSWER) this.#dropOldest();
  }

  #dropOldest(): void {
    const next = this.#oldest.next();
    if (next.done === true) this.#oldest = this.#entries.keys();
    else this.#drop(next.value);
  }

  #drop(key: string): void {
    this.#octets -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}

function weightOf({ answers, authority, additional }: Known): number {
  const weigh = (records: readonly { readonly name: DnsName; readonly data: Uint8Array }[]) =>
    records.reduce((sum, { name, data }) => sum + RECORD_WEIGHT + name.length + data.length, 0);
  return RECORD_WEIGHT + weigh(answers) + weigh(authority) + weigh(additional);
}
