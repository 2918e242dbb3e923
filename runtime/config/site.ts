/** A site's settings, complete: defaults filled in, every value checked. {@link ./read.ts} makes them out of site.yaml. */
import type { Firewall } from "../firewall/rule.ts";
import type { Failback, PolicyRule, PortRange } from "../policy/rule.ts";
import type { Address, Locator, Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";

/** Everything that site.yaml says. */
export interface Site {
  /** The site's name: lower-case letters, digits and hyphens; part of file names. */
  readonly site: string;
  readonly ulid: UlidSettings;
  readonly lan: LanSettings;
  /** At most {@link PROVIDER_LIMIT} with those that are awaited, at least one of both; prefixes do not overlap. */
  readonly providers: readonly Provider[];
  /** Those whose prefix nobody has told yet, in the order of their places. */
  readonly awaited: readonly AwaitedProvider[];
  /** Static ULID → locators of hosts at other sites. */
  readonly bindings: readonly Binding[];
  /** Hosts of the site whose CGA the box made. */
  readonly hosts: readonly Host[];
  /** Directory of what must last: keys, CGA parameters. */
  readonly state: string;
  /** Path of the Unix socket on which the running box answers. */
  readonly control: string;
  readonly tun: TunSettings;
  /** Largest TCP segment: what the path takes, a number at most, or none of our business. */
  readonly mss: "auto" | "off" | number;
  readonly icmp: { readonly pass: "auto" | "all" };
  readonly mtu: { readonly probe: boolean };
  readonly contexts: ContextSettings;
  readonly hold: HoldSettings;
  readonly establish: EstablishSettings;
  readonly legacy: LegacySettings;
  readonly reap: { readonly profile: ReapProfile; readonly quality: PathQualitySettings };
  readonly shim6: { readonly routingHeader: "drop" | "pass" };
  readonly egress: { readonly manage: boolean };
  readonly links: LinkSettings;
  readonly log: LogSettings;
  readonly key: { readonly bits: KeyBits };
  /** Where HTTP is served; `undefined` = nowhere. */
  readonly api: { readonly listen: Endpoint } | undefined;
  /** The DNS gateway; `undefined` = hosts ask somebody else. */
  readonly dns: DnsSettings | undefined;
  /** The DHCPv6 server; `undefined` = none. */
  readonly dhcp: DhcpSettings | undefined;
  /** The site's names; `undefined` = nothing is published. */
  readonly zone: ZoneSettings | undefined;
  /** Which providers carry what; the first rule that matches decides. */
  readonly policy: readonly PolicyRule[];
  /** When contexts go back to a provider that works again, unless their rule says otherwise. */
  readonly failback: Failback;
  /** The filter on ULIDs; `undefined` = none. */
  readonly firewall: Firewall | undefined;
  /** Whom the box answers when a peer begins; the first that matches decides, and without one everybody. */
  readonly admission: readonly AdmissionRule[];
}

/** Who is answered when a peer begins a context. Absent criteria match everything. */
export interface AdmissionRule {
  /** ULIDs of peers. */
  readonly peers: readonly Prefix[] | undefined;
  /** ULIDs of own hosts. */
  readonly hosts: readonly Prefix[] | undefined;
  /** Where the peer's message came from. */
  readonly locators: readonly Prefix[] | undefined;
  readonly admitted: boolean;
}

/** The DNS gateway (draft §4.2.2). */
export interface DnsSettings {
  /** Addresses of the box on which hosts ask, port 53 unless said otherwise. At least one. */
  readonly listen: readonly Endpoint[];
  /** Resolvers that the gateway asks, in order; those with `domains` for names in these only. */
  readonly upstreams: readonly DnsUpstream[];
  /** RR type of ULID records. */
  readonly type: number;
  /** When a context with a peer is set up: at its first packet, or already at the answer (draft §6, step 2). */
  readonly handshake: "packet" | "answer";
  /** What counts as proof of a peer's locators (draft §10): its CGA or HBA, agreement of forward and reverse DNS, or both. */
  readonly proof: "cga" | "dns" | "both";
  /** Whether a ULID that nobody asked for by name is looked up in the reverse tree (draft §4.2.1). */
  readonly reverse: boolean;
  /** Answers kept at most. */
  readonly cache: number;
  /** How long an upstream may take before the next one is asked. */
  readonly timeout: Millis;
}

/** A resolver. */
export interface DnsUpstream extends Endpoint {
  /** Names at and below these are asked there and nowhere else; empty = everything. Presentation form without the final dot, lower case. */
  readonly domains: readonly string[];
}

/** The DHCPv6 server (RFC 8415). */
export interface DhcpSettings {
  readonly preferred: Millis;
  readonly valid: Millis;
  readonly rapidCommit: boolean;
  /** Whether Reconfigure is offered to clients that accept it (RFC 8415 §18.3). */
  readonly reconfigure: boolean;
  /** DNS servers that hosts are told; default: those that `dns.listen` names. */
  readonly dns: readonly Address[];
  /** Search list, presentation form without the final dot. */
  readonly search: readonly string[];
  readonly ntp: readonly Address[];
  /** Whether the box offers the address selection policy under which hosts prefer ULIDs (RFC 7078). */
  readonly policy: boolean;
  /** Leases of the site at most. */
  readonly max: number;
  /** CGA security parameter of the ULIDs given out. */
  readonly sec: 0 | 1 | 2;
  readonly reservations: readonly DhcpReservation[];
}

/** Who gets which name, and which ULID. At least one of `duid`, `mac`, `relay` is there; those that are must all match. */
export interface DhcpReservation {
  readonly name: string;
  /** Lower-case hex without separators. */
  readonly duid: string | undefined;
  /** `02:00:00:00:00:01`. */
  readonly mac: string | undefined;
  /** Interface-Id of the relay's port (RFC 8415 §21.18): its text, or `0x` and hex. */
  readonly relay: string | undefined;
  /** A ULID that the box made; absent = one is made at the first lease and kept. */
  readonly ulid: Ulid | undefined;
}

/** What the site publishes of its hosts (draft §4.2). */
export interface ZoneSettings {
  /** The forward zone, presentation form without the final dot, lower case. */
  readonly name: string;
  /** Whether the reverse zone of `ulid.prefix` is the site's too. */
  readonly reverse: boolean;
  /** Seconds. */
  readonly ttl: number;
  /** Name servers, absolute names without the final dot; the first is the primary. Default `ns.` and the zone's name. */
  readonly servers: readonly string[];
  /** Mailbox of whoever is responsible, as a domain name. Default `hostmaster.` and the zone's name. */
  readonly contact: string;
  /** Where the built-in authority answers the world; empty = nowhere. Inside hosts are answered by the gateway in any case. */
  readonly listen: readonly Endpoint[];
  /** Dynamic update of a name server of the site's (RFC 2136); `undefined` = none. */
  readonly update: ZoneUpdateSettings | undefined;
}

/** A name server that takes updates. */
export interface ZoneUpdateSettings extends Endpoint {
  /** TSIG key (RFC 8945); `undefined` = unsigned updates. */
  readonly key:
    | { readonly name: string; readonly algorithm: "hmac-sha256" | "hmac-sha384" | "hmac-sha512"; readonly file: string }
    | undefined;
}

/** The identifiers that hosts see. */
export interface UlidSettings {
  /** The site's own block. At most 64 bits long. */
  readonly prefix: Prefix;
  /** The block that the ULIDs of all sites come from; holds `prefix`. */
  readonly generic: Prefix;
  /** At most {@link ROUTABLE_LIMIT}: prefixes of which hosts have addresses that the internet routes to them. Each in a provider's prefix. */
  readonly routable: readonly Prefix[];
}

/** When a context is worth its handshake: as soon as one of these is reached. 0 = says nothing; 0 in all: never. */
export interface EstablishRule {
  readonly packets: number;
  readonly octets: number;
  readonly millis: Millis;
}

/** When contexts between routable ULIDs are set up. */
export interface EstablishSettings {
  readonly others: EstablishRule;
  /** The first that names a port decides about it. */
  readonly ports: readonly (EstablishRule & { readonly ports: readonly PortRange[] })[];
}

/** Peers without Shim6, and hosts whose ULIDs the internet does not route (draft §7). */
export interface LegacySettings {
  /**
   * `map`: the host's ULID in such packets becomes one of its locators; `pa`: hosts have addresses of the providers beside their ULIDs; `both`:
   * hosts with such addresses use them, the others are mapped.
   */
  readonly mode: "off" | "map" | "pa" | "both";
  /** Number of the /64 in each provider's prefix that the hosts' own addresses of it begin with; `undefined` = every provider has `hosts`. */
  readonly subnet?: number | undefined;
  /** Whether the DNS gateway tells hosts the addresses of such peers; `auto` = if there is a way to use them. */
  readonly names: "auto" | "pass" | "hide";
}

/** The inside. */
export interface LanSettings {
  readonly interface: string;
  /** Inside `ulid.prefix`, none overlaps another, at most 64 bits long. */
  readonly subnets: readonly Prefix[];
  /** Whether the box sends router advertisements there. */
  readonly advertise: boolean;
}

/** A line to the internet. */
export interface Provider {
  readonly name: string;
  /** What the provider routes to us: locators are made by putting it over a ULID. */
  readonly prefix: Prefix;
  /** Whether a hook tells the prefix, and not site.yaml. */
  readonly auto: boolean;
  readonly interface: string;
  /** `undefined` = a point-to-point line. */
  readonly gateway: Address | undefined;
  /** 0 … 255, lower first. */
  readonly priority: number;
  /** 0 … 255, share among providers of one priority. */
  readonly weight: number;
  /** Among providers of one priority the lowest first. */
  readonly cost?: number | undefined;
  /** Behind all that are not. */
  readonly metered?: boolean | undefined;
  /** Bits per second, each way; `undefined` = no bound. */
  readonly capacity?: number | undefined;
  /** Routing table for the provider's default route; `undefined` = one that the box numbers. */
  readonly table: number | undefined;
  /** Where hosts have addresses of this provider's, if that is a prefix of its own (`legacy.mode: pa`). */
  readonly hosts?: Prefix | undefined;
  /** The box makes the interface itself: a tunnel to an exit router. */
  readonly tunnel?: TunnelSettings | undefined;
}

/** A tunnel to an exit router. */
export interface TunnelSettings {
  readonly kind: "ip6ip6" | "ip6gre" | "sit" | "gre" | "vxlan";
  /** IPv6 addresses; of `sit` and `gre` IPv4 addresses, of `vxlan` either. */
  readonly local: string;
  readonly remote: string;
  /** Octets; `undefined` = the kernel's. */
  readonly mtu?: number | undefined;
  /** Of this machine inside, with its length. */
  readonly address?: string | undefined;
  /** Of `vxlan`. */
  readonly id?: number | undefined;
}

/** A line to the internet whose prefix is to be told: it has no locators yet. */
export interface AwaitedProvider extends Omit<Provider, "prefix"> {
  readonly prefix: undefined;
  /** Among all providers of site.yaml, 0 for the first. */
  readonly place: number;
}

/** Where a host of another site is reached. */
export interface Binding {
  readonly ulid: Ulid;
  /** Best first, at least one. */
  readonly locators: readonly Locator[];
}

/** A host of this site with a CGA of ours. */
export interface Host {
  readonly name: string;
  readonly ulid: Ulid;
}

/** The device through which packets come to the box. */
export interface TunSettings {
  readonly name: string;
  /** Octets of the largest packet on the wire; hosts get {@link PAYLOAD_HEADER_OCTETS} less. */
  readonly mtu: number;
  /** Queues, each with a thread of its own. */
  readonly queues: number;
}

/** When a path that works is too bad (runtime/reap/quality.ts). */
export interface PathQualitySettings {
  readonly watch: boolean;
  /** Share of questions without an answer, 0 … 1. */
  readonly loss: number;
  readonly delay: Millis;
  readonly interval: Millis;
  readonly standby: Millis;
  readonly hold: Millis;
}

/** What the kernel's word about interfaces leads to. */
export interface LinkSettings {
  readonly watch: boolean;
  /** Whether providers' routers are asked, and how often. */
  readonly gateway: { readonly watch: boolean; readonly interval: Millis };
  /** Damping of lines that flap (RFC 2439): in which a penalty halves, and for how long a line is left alone at most. */
  readonly halfLife: Millis;
  readonly longest: Millis;
}

/** Bounds of the context table. */
export interface ContextSettings {
  readonly max: number;
  /** A context without a packet for so long is discarded (RFC 5533 §8). */
  readonly idle: Millis;
}

/** Bounds of what waits for a context to come up. */
export interface HoldSettings {
  /** Packets per context. */
  readonly packets: number;
  /** Octets per context. */
  readonly octets: number;
  /** Octets over all contexts. */
  readonly total: number;
}

/** Where a server listens. */
export interface Endpoint {
  /** Address without brackets. */
  readonly host: string;
  readonly port: number;
}

export type ReapProfile = "fast" | "rfc5534";
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Parts of the box that log under a name of their own. */
export const LOG_AREAS = ["box", "contexts", "lines", "providers", "drills", "names", "dhcp", "zone", "api", "udp", "capture"] as const;
export type LogArea = (typeof LOG_AREAS)[number];

/** What is logged, and how. */
export interface LogSettings {
  readonly level: LogLevel;
  /** `auto`: as whoever reads it wants it. */
  readonly format: "auto" | "text" | "json";
  /** Levels of single areas. */
  readonly areas: Readonly<Partial<Record<LogArea, LogLevel>>>;
}
export type KeyBits = 1024 | 2048 | 3072 | 4096;

/** Locator prefixes that the core tells apart. */
export const PROVIDER_LIMIT = 16;
/** Routable prefixes that the core tells apart. */
export const ROUTABLE_LIMIT = 8;
/** Bindings outside `ulid.generic` that the core spares from mapping. */
export const SPARED_LIMIT = 16;
/** What the core holds of `policy` for hosts that are mapped: rules, kinds of decision, prefixes, addresses that names have, ranges of ports. */
export const MAPPED_RULES = { rules: 256, kinds: 32, prefixes: 1024, named: 1024, ports: 1024 } as const;
/** Contexts that the core's table holds at most. */
export const CONTEXT_LIMIT = 1_048_576;
/** Octets that the Shim6 payload header adds to a packet (RFC 5533 §5.2). */
export const PAYLOAD_HEADER_OCTETS = 8;
/** RFC 8200 §5. */
export const IPV6_MINIMUM_MTU = 1280;
/** Recommended least age of an idle context before it is discarded (RFC 5533 §8). */
export const RECOMMENDED_IDLE: Millis = 300_000;
/** Routing tables that the box numbers itself: the first for packets from the TUN, then one for each provider, the last for routable ULIDs. */
export const OWN_TABLES = { first: 14_000, last: 14_000 + PROVIDER_LIMIT + 1 } as const;
