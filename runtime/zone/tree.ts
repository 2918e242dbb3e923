/** The site's zones as a tree of names: what is at a name, and whether there is such a name at all. */
import type { DnsName, DnsRecord } from "../wire/dns.ts";
import { TYPE_SOA } from "../wire/dns.ts";
import { canonicalName, parentOf } from "../wire/dns-name.ts";
import { type Contents, soaRecord, type Zone, type ZoneNode } from "./contents.ts";
import { changedNames } from "./difference.ts";

/** A zone as it is served. */
export interface ServedZone {
  readonly zone: Zone;
  readonly serial: number;
  readonly soa: DnsRecord;
}

/** What is at a name. */
export interface Found {
  readonly served: ServedZone;
  /** `undefined` = there is no such name (NXDOMAIN). Empty where only names below have records (RFC 8020). */
  readonly records: readonly DnsRecord[] | undefined;
}

const NONE: readonly DnsRecord[] = [];

/** Looks names up, in any case. Taking over new contents costs as much as changed. */
export class ZoneTree {
  #zones = new Map<string, ServedZone>();
  /** How many names with records are below a name, for those that are inside a zone. */
  readonly #below = new Map<string, number>();

  /** The zones, forward one first. */
  get zones(): readonly ServedZone[] {
    return [...this.#zones.values()];
  }

  /** From now on these are the zones. @param serialOf of a zone that is new or has changed; `previous` is the one before */
  set(contents: Contents, serialOf: (previous: number | undefined) => number): void {
    const before = this.#zones;
    this.#zones = new Map();
    for (const zone of contents) {
      const old = before.get(zone.origin);
      before.delete(zone.origin);
      const changed = this.#follow(zone.origin, old?.zone.nodes ?? new Map(), zone.nodes) || old?.zone.terms !== zone.terms;
      const serial = changed || old === undefined ? serialOf(old?.serial) : old.serial;
      this.#zones.set(zone.origin, { zone, serial, soa: soaRecord(zone, serial) });
    }
    for (const { zone } of before.values()) this.#follow(zone.origin, zone.nodes, new Map());
  }

  /** What is at `name`. @returns `undefined` outside all zones */
  find(name: DnsName): Found | undefined {
    const key = canonicalName(name);
    const served = this.#zoneOf(key);
    if (served === undefined) return undefined;
    const node = served.zone.nodes.get(key);
    if (key === served.zone.origin) return { served, records: [served.soa, ...(node?.records ?? NONE)] };
    return { served, records: node?.records ?? (this.#below.has(key) ? NONE : undefined) };
  }

  /** The records of one type at `name`, wherever that is. */
  records(name: DnsName, type: number): readonly DnsRecord[] {
    return this.find(name)?.records?.filter((record) => record.type === type && type !== TYPE_SOA) ?? NONE;
  }

  #zoneOf(key: DnsName): ServedZone | undefined {
    for (let name: DnsName | undefined = key; name !== undefined; name = parentOf(name)) {
      const served = this.#zones.get(name);
      if (served !== undefined) return served;
    }
    return undefined;
  }

  #follow(origin: DnsName, before: ReadonlyMap<string, ZoneNode>, after: ReadonlyMap<string, ZoneNode>): boolean {
    const changed = changedNames(before, after);
    for (const name of changed) {
      const step = (after.has(name) ? 1 : 0) - (before.has(name) ? 1 : 0);
      if (step !== 0) this.#count(name as DnsName, origin, step);
    }
    return changed.size > 0;
  }

  #count(name: DnsName, origin: DnsName, step: number): void {
    for (let above = parentOf(name); above !== undefined && above.length > origin.length; above = parentOf(above)) {
      const count = (this.#below.get(above) ?? 0) + step;
      if (count === 0) this.#below.delete(above);
      else this.#below.set(above, count);
    }
  }
}
