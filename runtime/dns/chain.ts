/** Aliases: CNAME (RFC 1034 §3.6.2) and DNAME (RFC 6672) followed through one answer. */
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { CLASS_IN, type DnsName, type DnsRecord, TYPE_ANY, TYPE_CNAME, TYPE_DNAME, TYPE_RRSIG } from "../wire/dns.ts";
import { canonicalName, moveName, nameOctets, parentOf } from "../wire/dns-name.ts";
import { rdataName } from "../wire/dns-rdata.ts";

/** Aliases in a row at most, over all answers that are put together. Chosen; resolvers have 8 to 17. */
export const CHAIN_LIMIT = 16;

/** Where the aliases lead. */
export interface Chain {
  /** CNAME and DNAME records in order, with their signatures. */
  readonly links: readonly DnsRecord[];
  /** The last name, lower case. */
  readonly end: DnsName;
  /** What the answer has of the type that was asked for at `end`, with signatures. */
  readonly records: readonly DnsRecord[];
  /** Aliases followed. */
  readonly steps: number;
  /** `loop` = they never end, or there are too many; `long` = the name that a DNAME makes is too long (RFC 6672 §2.2). */
  readonly fault: "loop" | "long" | undefined;
}

/**
 * Follows the aliases of `name`, lower case, through `answers`, whose owner names are lower case, as far as they go.
 * @param most aliases at most
 * @param isOurs names at which to stop, because the site itself knows better
 */
export function followChain(
  name: DnsName,
  type: number,
  answers: readonly DnsRecord[],
  most: number,
  isOurs: (name: DnsName) => boolean,
): Chain {
  const byOwner = Map.groupBy(answers, (record) => record.name);
  const links: DnsRecord[] = [];
  const seen = new Set([name]);
  for (let end = name, steps = 0; ; steps++) {
    const here = byOwner.get(end) ?? [];
    const records = here.filter((record) => isAskedFor(record, type));
    const leads = type !== TYPE_ANY && type !== TYPE_CNAME && records.every((record) => record.type !== type);
    const next = leads && (steps === 0 || !isOurs(end)) ? nextLink(end, here, byOwner) : undefined;
    if (next === undefined) return { links, end, records, steps, fault: undefined };
    links.push(...next.links);
    if (next.target === undefined) return { links, end, records: [], steps, fault: "long" };
    if (seen.has(next.target) || steps >= most) return { links, end, records: [], steps, fault: "loop" };
    seen.add(next.target);
    end = next.target;
  }
}

/** Whether a record, at the right name, is of `type` or signs what is. */
function isAskedFor(record: DnsRecord, type: number): boolean {
  return type === TYPE_ANY || record.type === type || covers(record, type);
}

/** Whether `record` is a signature of records of `type` (RFC 4034 §3.1). */
export function covers(record: DnsRecord, type: number): boolean {
  return record.type === TYPE_RRSIG && record.data.length >= 2 && u16(record.data, 0) === type;
}

interface Link {
  readonly links: readonly DnsRecord[];
  /** `undefined` = a name too long. */
  readonly target: DnsName | undefined;
}

function nextLink(name: DnsName, here: readonly DnsRecord[], byOwner: ReadonlyMap<DnsName, readonly DnsRecord[]>): Link | undefined {
  const dname = dnameOver(name, byOwner);
  const cname = here.find(({ type }) => type === TYPE_CNAME);
  const target = cname === undefined ? undefined : targetOf(cname);
  if (cname !== undefined && target !== undefined) {
    const signatures = here.filter((record) => covers(record, TYPE_CNAME));
    return { links: [...(dname?.links ?? []), cname, ...signatures], target };
  }
  if (dname === undefined) return undefined;
  const moved = moveName(name, dname.owner, dname.target);
  if (moved === undefined) return { links: dname.links, target: undefined };
  // RFC 6672 §3.1: whoever does not know DNAME reads the CNAME that it means.
  const made: DnsRecord = { name, type: TYPE_CNAME, class: CLASS_IN, ttl: dname.links[0].ttl, data: nameOctets(moved) };
  return { links: [...dname.links, made], target: moved };
}

/** The DNAME record of a name above. */
function dnameOver(
  name: DnsName,
  byOwner: ReadonlyMap<DnsName, readonly DnsRecord[]>,
): { readonly owner: DnsName; readonly target: DnsName; readonly links: readonly DnsRecord[] } | undefined {
  for (let owner = parentOf(name); owner !== undefined; owner = parentOf(owner)) {
    const records = byOwner.get(owner) ?? [];
    const dname = records.find(({ type }) => type === TYPE_DNAME);
    const target = dname === undefined ? undefined : targetOf(dname);
    if (dname !== undefined && target !== undefined)
      return { owner, target, links: [dname, ...records.filter((record) => covers(record, TYPE_DNAME))] };
  }
  return undefined;
}

function targetOf({ data }: DnsRecord): DnsName | undefined {
  const read = rdataName(data);
  return read instanceof Reject ? undefined : canonicalName(read.name);
}
