/** From one state of a zone to another: the fewest records that must go and come. */
import { hex } from "../value/bytes.ts";
import type { DnsRecord } from "../wire/dns.ts";
import type { ZoneNode } from "./contents.ts";

/** What leads from one state to another. A record whose TTL changed both goes and comes. */
export interface Difference {
  readonly gone: readonly DnsRecord[];
  readonly come: readonly DnsRecord[];
}

/** Names whose nodes are not the same object in both; a superset of those whose records differ. */
export function changedNames(before: ReadonlyMap<string, ZoneNode>, after: ReadonlyMap<string, ZoneNode>): Set<string> {
  const names = new Set<string>();
  for (const [name, node] of after) if (before.get(name) !== node) names.add(name);
  for (const name of before.keys()) if (!after.has(name)) names.add(name);
  return names;
}

/** From `before` to `after`, in the order of their records. */
export function recordDifference(before: readonly DnsRecord[], after: readonly DnsRecord[]): Difference {
  if (before === after) return { gone: [], come: [] };
  const old = new Set(before.map(recordKey));
  const now = new Set(after.map(recordKey));
  return { gone: before.filter((record) => !now.has(recordKey(record))), come: after.filter((record) => !old.has(recordKey(record))) };
}

/** From one zone to another, name by name. */
export function difference(before: ReadonlyMap<string, ZoneNode>, after: ReadonlyMap<string, ZoneNode>): Difference {
  const gone: DnsRecord[] = [];
  const come: DnsRecord[] = [];
  for (const name of changedNames(before, after)) {
    const step = recordDifference(before.get(name)?.records ?? [], after.get(name)?.records ?? []);
    gone.push(...step.gone);
    come.push(...step.come);
  }
  return { gone, come };
}

/** The same text for the same record, TTL included. */
export function recordKey({ name, type, class: kind, ttl, data }: DnsRecord): string {
  return `${name.toLowerCase()} ${type} ${kind} ${ttl} ${hex(data)}`;
}
