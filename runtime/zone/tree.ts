/** The site's zones as a tree of names: what is at a name, and whether there is such a name at all. */
import type { DnsName, DnsRecord } from "../wire/dns.ts";
import { TYPE_SOA } from "../wire/dns.ts";
import { canonicalName, isBelow } from "../wire/dns-name.ts";
import { type Contents, soaRecord, type Zone, type ZoneNode } from "./contents.ts";
import { changedNames } from "./difference.ts";
import { NameOrder } from "./order.ts";

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
  #zones = new Map<string, ServedZone & { readonly order: NameOrder }>();

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
      const order = old?.order ?? new NameOrder();
      const changed = follow(order, old?.zone.nodes ?? new Map(), zone.nodes) || old?.zone.terms !== zone.terms;
      const serial = changed || old === undefined ? serialOf(old?.serial) : old.serial;
      this.#zones.set(zone.origin, { zone, serial, soa: soaRecord(zone, serial), order });
    }
  }

  /** What is at `name`. @returns `undefined` outside all zones */
  find(name: DnsName): Found | undefined {
    const key = canonicalName(name);
    const served = this.#zoneOf(key);
    if (served === undefined) return undefined;
    const node = served.zone.nodes.get(key);
    if (key === served.zone.origin) return { served, records: [served.soa, ...(node?.records ?? NONE)] };
    return { served, records: node?.records ?? (served.order.hasBelow(key) ? NONE : undefined) };
  }

  /** The records of one type at `name`, wherever that is. */
  records(name: DnsName, type: number): readonly DnsRecord[] {
    return this.find(name)?.records?.filter((record) => record.type === type && type !== TYPE_SOA) ?? NONE;
  }

  /** The deepest zone that the name is in. There are a few, so all are looked at. */
  #zoneOf(key: DnsName): (ServedZone & { readonly order: NameOrder }) | undefined {
    let deepest: (ServedZone & { readonly order: NameOrder }) | undefined;
    for (const served of this.#zones.values()) {
      const { origin } = served.zone;
      if (key.endsWith(origin) && isBelow(key, origin) && (deepest === undefined || origin.length > deepest.zone.origin.length))
        deepest = served;
    }
    return deepest;
  }
}

function follow(order: NameOrder, before: ReadonlyMap<string, ZoneNode>, after: ReadonlyMap<string, ZoneNode>): boolean {
  const changed = [...changedNames(before, after)] as DnsName[];
  order.change(
    changed.filter((name) => !before.has(name)),
    changed.filter((name) => !after.has(name)),
  );
  return changed.length > 0;
}
