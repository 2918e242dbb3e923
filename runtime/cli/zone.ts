/** `pshim6 zone`: what must be published for the site's hosts, as zone files. */
import type { Command } from "commander";
import { proofsOf } from "../cga/index.ts";
import type { Site, ZoneSettings } from "../config/site.ts";
import { KEY_FILE } from "../port/store.ts";
import type { Ulid } from "../value/address.ts";
import { TYPE_ULID_DEFAULT } from "../wire/dns.ts";
import { type Contents, contentsOf, type LocatorSet, serversWithoutAddress, type Zone } from "../zone/contents.ts";
import { type ZoneHost, zoneHosts } from "../zone/owners.ts";
import { zoneTerms } from "../zone/terms.ts";
import { dataText, typeText, zoneRecords, zoneText } from "../zone/text.ts";
import { CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG, examples, JSON_FLAG, JSON_HELP, whole } from "./flags.ts";
import { Failure, type Session } from "./session.ts";

interface ZoneFlags {
  readonly config: string;
  readonly forward?: true;
  readonly reverse?: true;
  readonly locators?: true;
  readonly origin?: string;
  readonly serial?: number;
  readonly json?: true;
}

const SERIAL_MOST = 0xffff_ffff;

/** Adds the verb `zone` to the program. */
export function addZone(program: Command, session: Session): void {
  program
    .command("zone")
    .summary("zone files with the hosts' names")
    .description(
      "Prints what must be published for the site's hosts as zone files (RFC 1035, identifiers in the form of RFC 3597): the hosts of site.yaml and those with a lease. One file holds one zone: choose it with --forward, --reverse or --origin.",
    )
    .option(CONFIG_FLAG, CONFIG_HELP, DEFAULT_CONFIG)
    .option("--forward", "only the zone with the hosts' names")
    .option("--reverse", "only the reverse zones")
    .option("--locators", "the reverse zones of the providers' prefixes too")
    .option("--origin <name>", "only this zone")
    .option("--serial <number>", "the zones' serial number; without: the calendar's seconds", whole(0, SERIAL_MOST))
    .option(JSON_FLAG, JSON_HELP)
    .addHelpText(
      "after",
      examples(
        "pshim6 zone -c site.yaml --forward > /etc/bind/db.alpha.example",
        "pshim6 zone -c site.yaml --reverse > /etc/bind/db.alpha.reverse",
        "pshim6 zone -c site.yaml --locators --origin 1.a.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        "pshim6 zone -c site.yaml --json | jq '.zones[].records[]'",
      ),
    )
    .action((flags: ZoneFlags) => print(flags, session));
}

async function print(flags: ZoneFlags, session: Session): Promise<void> {
  const site = session.site(flags.config);
  if (site.zone === undefined) throw new Failure(`${flags.config} has no zone: add one, such as\n\nzone:\n  name: ${site.site}.example`);
  const wall = session.host.wall();
  const serial = flags.serial ?? Math.floor(wall / 1000) >>> 0;
  const all = contents(site, site.zone, await knownOf(site, session, wall), flags.locators === true);
  const zones = all.filter(({ origin, kind }) =>
    flags.origin === undefined ? chosen(kind, flags) : origin === flags.origin.toLowerCase().replace(/\.$/, ""),
  );
  if (zones.length === 0) throw new Failure(`no such zone; there are ${all.map(({ origin }) => origin).join(", ")}`);
  for (const server of serversWithoutAddress(all[0]))
    session.note(
      `pshim6: no address is known for the name server ${server}: name one outside the zone in zone.servers, or give zone.listen\n`,
    );
  if (flags.json) session.printJson({ zones: zones.map((zone) => zoneJson(zone, serial)) });
  else session.print(zones.map((zone) => zoneText(zone, serial)).join("\n"));
}

function chosen(kind: Zone["kind"], { forward, reverse }: ZoneFlags): boolean {
  return forward === reverse || (forward ? kind === "forward" : kind === "reverse");
}

/** What the store says of the site's hosts. */
interface Known {
  readonly hosts: readonly ZoneHost[];
  /** HBA sets of hosts of site.yaml. */
  readonly sets: ReadonlyMap<Ulid, LocatorSet>;
}

function contents(site: Site, settings: ZoneSettings, { hosts, sets }: Known, locatorTrees: boolean): Contents {
  const terms = zoneTerms(settings, site.ulid.prefix, site.dns?.type ?? TYPE_ULID_DEFAULT, locatorTrees);
  return contentsOf(
    { ...terms, setOf: (ulid) => sets.get(ulid) },
    hosts,
    site.providers.map(({ prefix }) => ({ prefix, usable: true })),
  );
}

/** Nothing is made where no box has been yet. */
async function knownOf(site: Site, session: Session, wall: number): Promise<Known> {
  const { crypto, files } = session.host;
  if (files.mode(site.state) === undefined) return { hosts: zoneHosts(site.hosts, [], wall), sets: new Map() };
  const store = await session.host.openStore(site.state);
  try {
    const parameters = store.cgaParameters();
    // Without a key of ours nothing was made here, and none is made for a listing.
    const hasKey = files.mode(`${site.state}/${KEY_FILE}`) !== undefined;
    const publicKey = hasKey ? crypto.rsaPublic(store.privateKey(() => new Uint8Array())) : new Uint8Array();
    const sets = site.hosts.flatMap(({ ulid }): [Ulid, LocatorSet][] => {
      const pds = parameters.get(ulid)?.pds;
      const proofs = pds && proofsOf(crypto, ulid, pds, publicKey);
      return proofs !== undefined && proofs.members.length > 0 ? [[ulid, proofs]] : [];
    });
    return { hosts: zoneHosts(site.hosts, store.leases(), wall), sets: new Map(sets) };
  } finally {
    await store.close();
  }
}

function zoneJson(zone: Zone, serial: number) {
  return {
    origin: zone.origin,
    kind: zone.kind,
    serial,
    records: zoneRecords(zone, serial).map((record) => ({
      name: record.name,
      ttl: record.ttl,
      type: typeText(record.type),
      data: dataText(record),
    })),
  };
}
