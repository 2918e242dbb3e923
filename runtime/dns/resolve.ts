/** One question answered out of the site's own names and as many upstream answers as its aliases need. */
import type { Millis } from "../value/time.ts";
import {
  type DnsName,
  type DnsRecord,
  type EdnsOption,
  RCODE_NOERROR,
  RCODE_NXDOMAIN,
  RCODE_SERVFAIL,
  RCODE_YXDOMAIN,
  TYPE_CNAME,
  TYPE_SOA,
} from "../wire/dns.ts";
import { canonicalName, parentOf } from "../wire/dns-name.ts";
import { CHAIN_LIMIT, type Chain, followChain } from "./chain.ts";
import type { GatewaySettings, Local } from "./contract.ts";
import { aged, isFailure, type Known, negativeTtl } from "./known.ts";

/**
 * What an answer is worked out from. Working out begins anew whenever something more is known, so it asks for the same things in the same order.
 */
export interface Inquiry {
  readonly settings: GatewaySettings;
  readonly local: Local;
  readonly now: Millis;
  /** What upstreams say; `undefined` = not known yet, it has been asked for. */
  ask(name: DnsName, type: number, checkingDisabled: boolean): Known | undefined;
  /** Counts something dropped, once the answer is finished. */
  drop(why: string): void;
}

/** An answer put together. TTLs are those of now. */
export interface Resolution {
  readonly rcode: number;
  /** Aliases, in order. */
  readonly links: readonly DnsRecord[];
  /** The name that they lead to, lower case. */
  readonly end: DnsName;
  /** What there is at `end`. */
  readonly records: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  readonly errors: readonly EdnsOption[];
  /** Whether upstream validated every part. */
  readonly authentic: boolean;
  /** Whether `name` is one of the site's own names. */
  readonly authoritative: boolean;
  /** Whether `end` is one of the site's own names. */
  readonly isOurs: boolean;
  /** Good before this instant. */
  readonly until: Millis;
}

/** Chosen: the site's own names may change with every lease; what was finished of them is kept no longer. */
const LOCAL_HOLD: Millis = 1_000;

/**
 * @param name lower case
 * @returns `undefined` = not yet
 */
export function resolve(inquiry: Inquiry, name: DnsName, type: number, checkingDisabled = false): Resolution | undefined {
  const { local, now } = inquiry;
  const isOurs = (each: DnsName) => local.find(each, type) !== undefined;
  const links: DnsRecord[] = [];
  let authentic = true;
  let authoritative: boolean | undefined;
  let until = Number.POSITIVE_INFINITY;
  for (let cursor = name, steps = 0; ; ) {
    const own = ownAnswer(local, cursor, type, now);
    const known = own ?? inquiry.ask(cursor, type, checkingDisabled);
    if (known === undefined) return undefined;
    const chain = followChain(cursor, type, aged(known.answers, known.bornAt, now), CHAIN_LIMIT - steps, isOurs);
    links.push(...chain.links);
    authentic &&= known.authentic;
    authoritative ??= own !== undefined;
    until = Math.min(until, known.until);
    steps += chain.steps;
    const leadsOn =
      chain.end !== cursor && chain.fault === undefined && !isFailure(known) && (isOurs(chain.end) || !isComplete(known, chain));
    if (leadsOn) {
      cursor = chain.end;
      continue;
    }
    return {
      rcode: rcodeOf(known, chain),
      links,
      end: chain.end,
      records: chain.records,
      authority: aged(known.authority, known.bornAt, now),
      additional: aged(known.additional, known.bornAt, now),
      errors: known.errors,
      authentic,
      authoritative,
      isOurs: own !== undefined,
      until,
    };
  }
}

/** Whether the answer tells what is at the end of its aliases, be it nothing (RFC 2308 §2). */
function isComplete(known: Known, chain: Chain): boolean {
  return chain.records.length > 0 || known.rcode !== RCODE_NOERROR || negativeTtl(known.authority) !== undefined;
}

function rcodeOf({ rcode }: Known, { fault }: Chain): number {
  if (fault === "loop") return RCODE_SERVFAIL;
  return fault === "long" ? RCODE_YXDOMAIN : rcode;
}

/** What the site itself says; `undefined` for names that are not its own. */
function ownAnswer(local: Local, name: DnsName, type: number, now: Millis): Known | undefined {
  const found = local.find(name, type);
  if (found === undefined) return undefined;
  const records = found === "NXDOMAIN" ? [] : found.length > 0 ? found : aliasAt(local, name);
  return {
    rcode: found === "NXDOMAIN" ? RCODE_NXDOMAIN : RCODE_NOERROR,
    answers: records.map((record) => ({ ...record, name: canonicalName(record.name) })),
    authority: records.length > 0 ? [] : startOf(local, name),
    additional: [],
    authentic: false,
    errors: [],
    bornAt: now,
    until: now + LOCAL_HOLD,
    staleUntil: now,
    stale: false,
  };
}

function aliasAt(local: Local, name: DnsName): readonly DnsRecord[] {
  const found = local.find(name, TYPE_CNAME);
  return found === undefined || found === "NXDOMAIN" ? [] : found;
}

/** The SOA record of the own zone that `name` is in. */
export function startOf(local: Local, name: DnsName): readonly DnsRecord[] {
  for (let zone: DnsName | undefined = name; zone !== undefined; zone = parentOf(zone)) {
    const found = local.find(zone, TYPE_SOA);
    if (found === undefined) return [];
    if (found !== "NXDOMAIN" && found.length > 0) return found;
  }
  return [];
}
