/** SVCB and HTTPS records (RFC 9460 §2.2), as far as addresses stand in them. */
import { ADDRESS_OCTETS, putAddress, type Ulid } from "../value/address.ts";
import { concat, putU16, u16 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import type { DnsName } from "../wire/dns.ts";
import { rdataName } from "../wire/dns-rdata.ts";

/** Keys (RFC 9460 §14.3.2). */
const MANDATORY = 0;
const IPV4_HINT = 4;
const IPV6_HINT = 6;

/** One SvcParam. */
interface Parameter {
  readonly key: number;
  readonly value: Uint8Array;
}

/** RDATA, read. */
export interface Service {
  /** 0 = AliasMode. */
  readonly priority: number;
  /** The root stands for the record's owner, or in AliasMode for "nowhere". */
  readonly target: DnsName;
  readonly parameters: readonly Parameter[];
  /** Octets of priority and target. */
  readonly head: Uint8Array;
}

/** Reads RDATA of an SVCB or HTTPS record. @returns the value, or a {@link Reject}: `bad-svcb-dns` also for keys out of order (§2.2) */
export function parseService(data: Uint8Array): Service | Reject {
  const target = data.length < 3 ? undefined : rdataName(data, 2);
  if (target === undefined || target instanceof Reject) return reject("bad-svcb-dns");
  const parameters: Parameter[] = [];
  let last = -1;
  for (let at = target.end; at < data.length; ) {
    if (at + 4 > data.length) return reject("bad-svcb-dns", at);
    const key = u16(data, at);
    const end = at + 4 + u16(data, at + 2);
    if (key <= last || end > data.length) return reject("bad-svcb-dns", at);
    parameters.push({ key, value: data.slice(at + 4, end) });
    last = key;
    at = end;
  }
  return { priority: u16(data, 0), target: target.name, parameters, head: data.slice(0, target.end) };
}

/** Whether addresses are hinted at (§7.3). */
export function hasHints({ priority, parameters }: Service): boolean {
  return priority !== 0 && parameters.some(({ key }) => key === IPV4_HINT || key === IPV6_HINT);
}

/**
 * RDATA with `ulid` for every IPv6 hint, without hints of IPv4; they are then no longer among the mandatory keys (§8). With `ulid` absent neither stays.
 */
export function rewriteHints({ head, parameters }: Service, ulid: Ulid | undefined): Uint8Array {
  const gone = ulid === undefined ? [IPV4_HINT, IPV6_HINT] : [IPV4_HINT];
  const kept: Parameter[] = [];
  for (const { key, value } of parameters) {
    if (gone.includes(key)) continue;
    if (key === IPV6_HINT && ulid !== undefined) {
      const hint = new Uint8Array(ADDRESS_OCTETS);
      putAddress(ulid, hint);
      kept.push({ key, value: hint });
    } else if (key === MANDATORY) {
      const keys = mandatoryWithout(value, gone);
      if (keys.length > 0) kept.push({ key, value: keys });
    } else kept.push({ key, value });
  }
  return concat(head, ...kept.map(emitParameter));
}

function mandatoryWithout(value: Uint8Array, gone: readonly number[]): Uint8Array {
  const keys: Uint8Array[] = [];
  for (let at = 0; at + 2 <= value.length; at += 2) if (!gone.includes(u16(value, at))) keys.push(value.subarray(at, at + 2));
  return concat(...keys);
}

function emitParameter({ key, value }: Parameter): Uint8Array {
  const header = new Uint8Array(4);
  putU16(header, 0, key);
  putU16(header, 2, value.length);
  return concat(header, value);
}
