/**
 * What must be published (draft §4.2, §4.2.1), as a function of hosts and providers:
 *
 *     forward   name.zone  AAAA  locator at each provider       reverse   <nibbles of the ULID>.ip6.arpa  PTR  name.zone
 *               name.zone  ULID  the identifier
 */
import { locatorFor } from "../locator/map.ts";
import { ADDRESS_OCTETS, type Address, addressOctets, type Ulid } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { contains, type Prefix, showPrefix } from "../value/prefix.ts";
import { CLASS_IN, type DnsName, type DnsRecord, TYPE_AAAA, TYPE_NS, TYPE_PTR, TYPE_SOA } from "../wire/dns.ts";
import { isBelow, nameOctets, reverseName } from "../wire/dns-name.ts";
import { emitSoa } from "../wire/dns-rdata.ts";
import { derivedName, type Owner, ownersOf, type ZoneHost } from "./owners.ts";

/** The HBA set of a host (RFC 5535). */
export interface LocatorSet {
  readonly members: readonly Address[];
  /** Whether the host has other locators too, proved by signature. */
  readonly signs: boolean;
}

/** A line to the internet, as far as names are concerned. */
export interface ZoneProvider {
  readonly prefix: Prefix;
  /** Locators of a provider that is down are withdrawn, unless all are: an old address is better than none. */
  readonly usable: boolean;
}

/** How the site publishes. */
export interface ZoneTerms {
  /** Forward zone; lower case, as all names here. */
  readonly name: DnsName;
  /** Whether the reverse zones of `ulidPrefix` are ours. */
  readonly reverse: boolean;
  /** Whether the reverse zones of the providers' prefixes are ours too: PTR for locators. */
  readonly locatorTrees: boolean;
  /** Seconds. */
  readonly ttl: number;
  /** Name servers, the primary first. */
  readonly servers: readonly DnsName[];
  /** Mailbox, as a name. */
  readonly contact: DnsName;
  /** Addresses of the servers whose names are in the forward zone. */
  readonly addresses: readonly Address[];
  readonly ulidPrefix: Prefix;
  /** RR type of ULID records. */
  readonly ulidType: number;
  /** Hosts whose locators are the members of a set (HBA) instead of their ULID under each prefix; absent, or `undefined` for a host = none. */
  readonly setOf?: ((ulid: Ulid) => LocatorSet | undefined) | undefined;
}

/** All zones of the site: the forward one, then the reverse ones. */
export type Contents = readonly Zone[];

/** One zone. */
export interface Zone {
  readonly origin: DnsName;
  readonly kind: "forward" | "reverse";
  readonly terms: ZoneTerms;
  /** By name; the apex without its SOA record, which has a serial: {@link soaRecord}. What did not change is the same object as before. */
  readonly nodes: ReadonlyMap<string, ZoneNode>;
}

/** The records of one name. */
export interface ZoneNode {
  readonly name: DnsName;
  /** Sorted by type, then by data. */
  readonly records: readonly DnsRecord[];
  /** Whose records they are; `undefined` = those of the zone itself: its servers'. */
  readonly ulid: Ulid | undefined;
  /** The name is the host's own word, see {@link ZoneHost}. */
  readonly claimed: boolean;
}

/** Times of the SOA record, for secondaries; seconds. They are told of nothing, so they look every quarter of an hour. */
const REFRESH = 900;
const RETRY = 300;
const EXPIRE = 1_209_600;
/** That a name is not there is kept no longer than this (RFC 2308 §5). */
const NEGATIVE_MOST = 3_600;
/** RFC 1035 §2.3.4, in presentation form without the final dot. */
const NAME_MOST = 253;
const NIBBLE_BITS = 4;
/** Hosts whose records are made at a time: some milliseconds. */
const SLICE = 256;

/** Zone contents over time: what is asked for again with little changed costs little. */
export class ContentsBuilder {
  readonly #terms: ZoneTerms;
  readonly #apex: readonly ZoneNode[];
  readonly #reverseApex = new Map<DnsName, ZoneNode>();
  #providers = "";
  #hosts = new Map<Ulid, HostNodes>();

  constructor(terms: ZoneTerms) {
    this.#terms = terms;
    this.#apex = serverNodes(terms);
  }

  /** The zones for these hosts; see {@link building}. */
  build(hosts: Iterable<ZoneHost>, providers: readonly ZoneProvider[], unclaimable?: ReadonlySet<string>): Contents {
    const work = this.building(hosts, providers, unclaimable);
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
    }
  }

  /**
   * Makes the zones for these hosts, a slice of the work with each `next`: a large site takes long when its providers change. One at a time. Hosts outside
   * the site's prefix, and those whose name would be too long for the DNS, are left out.
   * @param hosts not changed meanwhile; an earlier one wins a name that two have, see {@link ownersOf}
   * @param unclaimable labels that nobody may have who just claims them
   */
  *building(
    hosts: Iterable<ZoneHost>,
    providers: readonly ZoneProvider[],
    unclaimable: ReadonlySet<string> = new Set(),
  ): Generator<void, Contents> {
    const terms = this.#terms;
    const used = usable(providers);
    const key = `${used.map(showPrefix).join()} ${providers.map(({ prefix }) => showPrefix(prefix)).join()}`;
    const before = key === this.#providers ? this.#hosts : new Map<Ulid, HostNodes>();
    const trees = reverseTrees(terms, providers);
    const origins = [terms.name, ...trees];
    const zones = origins.map((origin) => new Map(this.#apexOf(origin).map((node) => [node.name as string, node])));
    const always = new Set(this.#apex.flatMap(({ name }) => labelIn(terms.name, name) ?? []));
    const after = new Map<Ulid, HostNodes>();
    let made = 0;
    for (const [ulid, named] of ownersOf(hosts, { always, claims: unclaimable })) {
      const old = before.get(ulid);
      const same = old !== undefined && old.named?.label === named?.label && old.named?.claimed === named?.claimed;
      const nodes = same ? old : this.#hostNodes(ulid, named, used, trees);
      if (!same && ++made % SLICE === 0) yield;
      if (nodes === undefined) continue;
      after.set(ulid, nodes);
      for (const { tree, node } of nodes.places) zones[tree].set(node.name, node);
    }
    this.#providers = key;
    this.#hosts = after;
    return origins.map((origin, at) => ({ origin, kind: at === 0 ? "forward" : "reverse", terms, nodes: zones[at] }));
  }

  #hostNodes(ulid: Ulid, named: Owner | undefined, providers: readonly Prefix[], trees: readonly DnsName[]): HostNodes | undefined {
    const { ulidPrefix, name } = this.#terms;
    const owner = named ?? { label: derivedName(ulid, ulidPrefix.length), claimed: false };
    if (!contains(ulidPrefix, ulid) || owner.label.length + 1 + name.length > NAME_MOST) return undefined;
    return { named, places: placesOf(this.#terms, owner, ulid, providers, trees) };
  }

  #apexOf(origin: DnsName): readonly ZoneNode[] {
    if (origin === this.#terms.name) return this.#apex;
    let node = this.#reverseApex.get(origin);
    if (node === undefined) {
      node = { name: origin, records: serverRecords(this.#terms, origin), ulid: undefined, claimed: false };
      this.#reverseApex.set(origin, node);
    }
    return [node];
  }
}

/** The zones for these hosts, once; see {@link ContentsBuilder.build}. */
export function contentsOf(terms: ZoneTerms, hosts: Iterable<ZoneHost>, providers: readonly ZoneProvider[]): Contents {
  return new ContentsBuilder(terms).build(hosts, providers);
}

/** The SOA record of a zone (RFC 1035 §3.3.13). Its TTL is that of negative answers (RFC 2308 §5). */
export function soaRecord({ origin, terms }: Zone, serial: number): DnsRecord {
  const ttl = Math.min(terms.ttl, NEGATIVE_MOST);
  const { servers, contact } = terms;
  const data = emitSoa({ primary: servers[0], contact, serial, refresh: REFRESH, retry: RETRY, expire: EXPIRE, minimum: ttl });
  return { name: origin, type: TYPE_SOA, class: CLASS_IN, ttl, data };
}

/** Servers inside the forward zone for which no address is known: other servers will not load such a zone. */
export function serversWithoutAddress(zone: Zone): readonly DnsName[] {
  const { servers, name } = zone.terms;
  return servers.filter((server) => isBelow(server, name) && !zone.nodes.get(server)?.records.some(({ type }) => type === TYPE_AAAA));
}

/** What one host has, by number of the zone: 0 is the forward one. */
interface HostNodes {
  /** `undefined` = it has its derived name. */
  readonly named: Owner | undefined;
  readonly places: readonly Place[];
}

interface Place {
  readonly tree: number;
  readonly node: ZoneNode;
}

function locatorAt({ ulidPrefix, setOf }: ZoneTerms, provider: Prefix, ulid: Ulid): Address | undefined {
  const set = setOf?.(ulid);
  const member = set?.members.find((each) => contains(provider, each));
  return member ?? (set?.signs === false ? undefined : locatorFor(provider, ulidPrefix, ulid));
}

function placesOf(terms: ZoneTerms, owner: Owner, ulid: Ulid, providers: readonly Prefix[], trees: readonly DnsName[]): readonly Place[] {
  const { label, claimed } = owner;
  const name = `${label}.${terms.name}` as DnsName;
  const locators = providers.flatMap((provider) => locatorAt(terms, provider, ulid) ?? []);
  const records = [
    ...sorted(locators.map((locator) => record(terms, name, TYPE_AAAA, addressOctets(locator)))),
    record(terms, name, terms.ulidType, addressOctets(ulid)),
  ];
  const places: Place[] = [{ tree: 0, node: { name, records, ulid, claimed } }];
  for (const target of [ulid, ...(terms.locatorTrees ? locators : [])]) {
    const reverse = reverseName(target);
    const tree = trees.findIndex((origin) => isBelow(reverse, origin));
    if (tree >= 0)
      places.push({
        tree: tree + 1,
        node: { name: reverse, records: [record(terms, reverse, TYPE_PTR, nameOctets(name))], ulid, claimed: false },
      });
  }
  return places;
}

/** Names of the servers and, for those in the forward zone, their addresses. */
function serverNodes(terms: ZoneTerms): readonly ZoneNode[] {
  const nodes = new Map<DnsName, DnsRecord[]>([[terms.name, serverRecords(terms, terms.name)]]);
  for (const server of new Set(terms.servers)) {
    if (!isBelow(server, terms.name) || terms.addresses.length === 0) continue;
    const addresses = [...new Set(terms.addresses)].map((value) => record(terms, server, TYPE_AAAA, addressOctets(value)));
    nodes.set(server, [...(nodes.get(server) ?? []), ...sorted(addresses)]);
  }
  return [...nodes].map(([name, records]) => ({ name, records, ulid: undefined, claimed: false }));
}

function serverRecords(terms: ZoneTerms, origin: DnsName): DnsRecord[] {
  return sorted([...new Set(terms.servers)].map((server) => record(terms, origin, TYPE_NS, nameOctets(server))));
}

function record({ ttl }: ZoneTerms, name: DnsName, type: number, data: Uint8Array): DnsRecord {
  return { name, type, class: CLASS_IN, ttl, data };
}

function sorted(records: readonly DnsRecord[]): DnsRecord[] {
  return [...records].sort((a, b) => (hex(a.data) < hex(b.data) ? -1 : 1));
}

function usable(providers: readonly ZoneProvider[]): readonly Prefix[] {
  const up = providers.filter((provider) => provider.usable);
  return (up.length > 0 ? up : providers).map(({ prefix }) => prefix);
}

function reverseTrees(terms: ZoneTerms, providers: readonly ZoneProvider[]): readonly DnsName[] {
  const prefixes = [...(terms.reverse ? [terms.ulidPrefix] : []), ...(terms.locatorTrees ? providers.map(({ prefix }) => prefix) : [])];
  return [...new Set(prefixes.flatMap(reverseOrigins))];
}

/**
 * The reverse zones that hold all of a prefix and nothing else: one, or 2, 4 or 8 where its length is no multiple of 4, because the tree branches every four bits
 * (RFC 3596 §2.5).
 */
export function reverseOrigins({ base, length }: Prefix): readonly DnsName[] {
  const nibbles = Math.ceil(length / NIBBLE_BITS);
  const count = 2 ** (nibbles * NIBBLE_BITS - length);
  return Array.from({ length: count }, (_, index) => {
    const labels = reverseName(base)
      .split(".")
      .slice(ADDRESS_OCTETS * 2 - nibbles);
    if (count > 1) labels[0] = (Number.parseInt(labels[0], 16) + index).toString(16);
    return labels.join(".") as DnsName;
  });
}

/** The first label of a name right under `origin`. */
function labelIn(origin: DnsName, name: DnsName): string | undefined {
  const label = name.slice(0, -origin.length - 1);
  return name.endsWith(`.${origin}`) && !label.includes(".") ? label : undefined;
}
