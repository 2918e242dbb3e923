/** Zones as master files (RFC 1035 §5), types without a mnemonic in the form of RFC 3597 §5. */
import { addressAt } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { type DnsName, type DnsRecord, TYPE_AAAA, TYPE_NS, TYPE_PTR, TYPE_SOA } from "../wire/dns.ts";
import { isBelow, nameOf } from "../wire/dns-name.ts";
import { parseSoa } from "../wire/dns-rdata.ts";
import { soaRecord, type Zone } from "./contents.ts";
import { treeKey } from "./order.ts";

const MNEMONICS: ReadonlyMap<number, string> = new Map([
  [TYPE_NS, "NS"],
  [TYPE_SOA, "SOA"],
  [TYPE_PTR, "PTR"],
  [TYPE_AAAA, "AAAA"],
]);

/** All records of a zone: SOA first, then in the order of their names (RFC 4034 §6.1), of types and of data. */
export function zoneRecords(zone: Zone, serial: number): DnsRecord[] {
  const nodes = [...zone.nodes.values()].map((node) => ({ node, key: treeKey(node.name) })).sort((a, b) => (a.key < b.key ? -1 : 1));
  return [soaRecord(zone, serial), ...nodes.flatMap(({ node }) => node.records)];
}

/**
 * The zone as a master file: the same contents and serial give the same text. Names inside the zone are relative to $ORIGIN, as servers write them
 * themselves; each line stands for itself.
 */
export function zoneText(zone: Zone, serial: number): string {
  const { origin, terms } = zone;
  const records = zoneRecords(zone, serial);
  const rows = records.map((record) => [
    relative(record.name, origin),
    record.ttl === terms.ttl ? "" : String(record.ttl),
    "IN",
    typeText(record.type),
    dataText(record),
  ]);
  const width = rows.reduce((most, [owner]) => Math.max(most, owner.length), 0);
  const kind = rows.reduce((most, row) => Math.max(most, row[3].length), 0);
  const lines = rows.map(
    ([owner, ttl, klass, type, data]) => `${owner.padEnd(width)} ${ttl}${ttl === "" ? "" : " "}${klass} ${type.padEnd(kind)} ${data}`,
  );
  return [`$ORIGIN ${absolute(origin)}`, `$TTL ${terms.ttl}`, ...lines, ""].join("\n");
}

/** `AAAA`, `TYPE65280` (RFC 3597 §5). */
export function typeText(type: number): string {
  return MNEMONICS.get(type) ?? `TYPE${type}`;
}

/** RDATA as master files have it, names absolute. */
export function dataText({ type, data }: DnsRecord): string {
  switch (type) {
    case TYPE_AAAA:
      return addressAt(data);
    case TYPE_NS:
    case TYPE_PTR:
      return absolute(nameOf(data));
    case TYPE_SOA: {
      const soa = parseSoa(data);
      if (soa instanceof Reject) throw new RangeError("an SOA record of ours that cannot be read");
      const { primary, contact, serial, refresh, retry, expire, minimum } = soa;
      return `${absolute(primary)} ${absolute(contact)} ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
    }
    default:
      return `\\# ${data.length} ${hex(data)}`;
  }
}

function absolute(name: DnsName): string {
  return `${name}.`;
}

function relative(name: DnsName, origin: DnsName): string {
  if (name === origin) return "@";
  return isBelow(name, origin) ? name.slice(0, -origin.length - 1) : absolute(name);
}
