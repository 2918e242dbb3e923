/**
 * The kernel's routes and rules around the box (DESIGN §3), as lines for `ip -6 -batch -`. Towards the TUN: all ULIDs but
 * the LAN's, and every provider's prefix. From the TUN: own ULIDs to the LAN, each locator to its own provider, nothing
 * else anywhere. Everything of ours carries {@link EGRESS_PROTOCOL}, so that it can be found and removed.
 */

import { besideAt, everyBeside, mapsHosts } from "../config/legacy.ts";
import { OWN_TABLES, PAYLOAD_HEADER_OCTETS, PROVIDER_LIMIT, type Provider, type Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import { contains, type Prefix, showPrefix } from "../value/prefix.ts";
import { type TunnelSite, tunnelScript } from "./tunnels.ts";

/** Mark of our routes and rules in the kernel (`protocol` of `ip route`, `ip rule`): the protocol number of Shim6. */
export const EGRESS_PROTOCOL = 140;
/** Table that packets from the TUN see first: the inside. Those of the providers follow. */
export const INSIDE_TABLE = OWN_TABLES.first;
/** Table of packets that hosts and the internet exchange without a Shim6 header. */
export const PLAIN_TABLE = OWN_TABLES.last;
/** Priorities of our rules: behind the kernel's table `local` (0), before `main` (32766). */
export const INSIDE_PRIORITY = 1_400;
export const NEIGHBOUR_PRIORITY = 1_401;
export const PLAIN_PRIORITY = 1_402;
export const PROVIDER_PRIORITY = 1_410;
/** Packets of hosts from addresses of a provider's own. */
export const BESIDE_PRIORITY = 1_440;
export const REFUSE_PRIORITY = 1_490;
/** Packets that wait for the packet loop. With the kernel's 500 one connection lost 3 % of them (tests/bench/goodput.ts). */
export const TUN_QUEUE_PACKETS = 2_000;

/** What the machine needs; each list is to be carried out in order. */
export interface EgressPlan {
  /** Kernel settings that must have these values. */
  readonly sysctls: readonly Sysctl[];
  /** Lines that bring everything up. They expect the TUN device, and that `down` went before: a killed box leaves rules behind. */
  readonly up: readonly string[];
  /** Lines that remove it all; they also succeed when part of it is gone already. */
  readonly down: readonly string[];
  /**
   * Lines by provider's name that put its routes back: the kernel drops routes when an interface goes down.
   * They may be repeated.
   */
  readonly providers: ReadonlyMap<string, readonly string[]>;
  /** The same for the LAN's interface. */
  readonly lan: readonly string[];
  /** Place of each provider among the box's own tables and rules, by its name. */
  readonly slots: ReadonlyMap<string, number>;
}

/** A kernel setting as `sysctl` names it. */
export interface Sysctl {
  readonly key: string;
  readonly value: string;
}

/** What the plan depends on beside the site's settings. */
export interface EgressOptions {
  /** The device's name, if it is not the one in the settings. */
  readonly tun?: string;
  /** Places that providers have already and keep; the others get free ones. */
  readonly slots?: ReadonlyMap<string, number>;
}

/** The plan for a site. */
export function egressPlan(site: Site, options: EgressOptions = {}): EgressPlan {
  const tun = options.tun ?? site.tun.name;
  // Who is awaited keeps its place free: its table is the same whenever its prefix comes.
  const slots = slotsFor(everyProvider(site), options.slots);
  const slotOf = ({ name }: Provider): number => slots.get(name) ?? 0;
  const tableOf = (provider: Provider): number => provider.table ?? OWN_TABLES.first + 1 + slotOf(provider);
  const providers = new Map(site.providers.map((provider) => [provider.name, [defaultRoute(provider, tableOf(provider))]]));
  const lan = [...lanRoutes(site), ...besideRoutes(site)];
  return {
    sysctls: [
      { key: "net.ipv6.conf.all.forwarding", value: "1" },
      // The TUN has no neighbours: nobody there may configure us.
      { key: `net.ipv6.conf.${sysctlName(tun)}.accept_ra`, value: "0" },
    ],
    up: [
      // Without a link-local address the kernel sends no router solicitations and multicast reports into the box.
      `link set dev ${tun} addrgenmode none`,
      `link set dev ${tun} mtu ${site.tun.mtu} txqueuelen ${TUN_QUEUE_PACKETS} up`,
      ...lan,
      ...insideRefusals(site),
      ...[...providers.values()].flat(),
      ...rules(site, tun, slotOf, tableOf),
      // Last, because from here on packets come to the box.
      ...routesToTun(site, tun),
    ],
    down: [`rule flush protocol ${EGRESS_PROTOCOL}`, `route flush table all proto ${EGRESS_PROTOCOL}`],
    providers,
    lan,
    slots,
  };
}

/** What leads from one plan to another without touching what both have; each list is to be carried out in order. */
export interface EgressChange {
  /** Brings in what is new, and what has another way. */
  readonly add: readonly string[];
  /** Takes out what must not send any more: the rules and the way of a provider that is gone. */
  readonly withdraw: readonly string[];
  /** Takes out the rest, later: what still lets packets in that are on their way to locators of ours that were. */
  readonly retire: readonly string[];
}

/** From the plan `from` to the plan `to`, which keeps `from.slots`. */
export function egressChange(from: EgressPlan, to: EgressPlan): EgressChange {
  const [before, after] = [new Set(from.up), new Set(to.up)];
  const kept = new Set(to.up.map(placeOf));
  const gone = from.up.filter((line) => !after.has(line) && !kept.has(placeOf(line)) && !line.startsWith("link ")).map(removalOf);
  const inbound = (line: string): boolean => line.startsWith("route ") && !line.includes(" default ");
  return {
    add: to.up.filter((line) => !before.has(line) && !line.startsWith("link ")),
    withdraw: gone.filter((line) => !inbound(line)),
    retire: gone.filter(inbound),
  };
}

/** What a line fills: a route its destination in its table; a rule is its own place. */
function placeOf(line: string): string {
  const route = /^route replace (?:unreachable )?(\S+).*?(?: table (\d+))?(?: proto| mtu|$)/.exec(line);
  return route === null ? line : `route ${route[1]} ${route[2] ?? "main"}`;
}

function removalOf(line: string): string {
  return line.replace(/^route replace/, "route del").replace(/^rule add/, "rule del");
}

/** Known providers keep their slot; new ones get the lowest that is free, at best one that nobody has just left. */
function slotsFor(providers: readonly Pick<Provider, "name">[], before: ReadonlyMap<string, number> = new Map()): Map<string, number> {
  const slots = new Map<string, number>();
  for (const { name } of providers) {
    const slot = before.get(name);
    if (slot !== undefined) slots.set(name, slot);
  }
  const used = new Set(slots.values());
  const fresh = Array.from({ length: PROVIDER_LIMIT }, (_, slot) => slot).filter((slot) => !used.has(slot));
  const left = new Set(before.values());
  const free = [...fresh.filter((slot) => !left.has(slot)), ...fresh.filter((slot) => left.has(slot))];
  for (const { name } of providers) {
    const slot = slots.has(name) ? undefined : free.shift();
    if (slot !== undefined) slots.set(name, slot);
  }
  return slots;
}

/** The plan as text for an operator who sets routes himself (`egress.manage: false`): a shell script. */
export function egressScript(plan: EgressPlan, site?: TunnelSite): string {
  const tunnels = site === undefined ? { up: [], down: [] } : tunnelScript(site);
  const lines = [
    "# to bring it up, once the device exists:",
    ...tunnels.up,
    ...plan.sysctls.map(({ key, value }) => `sysctl -w ${key}=${value}`),
    ...plan.up.map((line) => `ip -6 ${line}`),
    "# to remove it:",
    ...plan.down.map((line) => `ip -6 ${line}`),
    ...tunnels.down,
  ];
  return `${lines.join("\n")}\n`;
}

const MARK = `proto ${EGRESS_PROTOCOL}`;

/** Own subnets, in the table for packets from the TUN and, behind the interface's own routes, in the main one. */
function lanRoutes(site: Site): string[] {
  return site.lan.subnets.flatMap((subnet) => [
    `route replace ${showPrefix(subnet)} dev ${site.lan.interface} table ${INSIDE_TABLE} ${MARK}`,
    `route replace ${showPrefix(subnet)} dev ${site.lan.interface} ${MARK}`,
  ]);
}

/** What came out of the TUN must not go in again: other sites' ULIDs, own ULIDs without a LAN, own locators. */
function insideRefusals(site: Site): string[] {
  return [site.ulid.generic, ...site.providers.map((provider) => provider.prefix)]
    .filter((refused) => !isSubnet(site, refused))
    .map((refused) => `route replace unreachable ${showPrefix(refused)} table ${INSIDE_TABLE} ${MARK}`);
}

/** A provider's prefix may be all that the LAN has: the way there is the LAN's. */
function isSubnet({ lan }: Site, prefix: Prefix): boolean {
  return lan.subnets.some((subnet) => showPrefix(subnet) === showPrefix(prefix));
}

function defaultRoute(provider: Provider, table: number): string {
  // "onlink": the gateway need not be covered by an address of the interface, which may come later.
  const via = provider.gateway === undefined ? "" : `via ${provider.gateway} `;
  return `route replace default ${via}dev ${provider.interface}${via === "" ? "" : " onlink"} table ${table} ${MARK}`;
}

function rules(site: Site, tun: string, slotOf: (provider: Provider) => number, tableOf: (provider: Provider) => number): string[] {
  const mark = `protocol ${EGRESS_PROTOCOL}`;
  return [
    `rule add priority ${INSIDE_PRIORITY} iif ${tun} lookup ${INSIDE_TABLE} ${mark}`,
    ...plainRules(site, mark),
    ...besideRules(site, mark, slotOf, tableOf),
    ...site.providers.map(
      (provider) =>
        `rule add priority ${PROVIDER_PRIORITY + slotOf(provider)} from ${showPrefix(provider.prefix)} iif ${tun} lookup ${tableOf(provider)} ${mark}`,
    ),
    `rule add priority ${REFUSE_PRIORITY} iif ${tun} unreachable ${mark}`,
  ];
}

/**
 * Packets of hosts that the internet reaches at their ULID pass through the box both ways, although the kernel knows a way without it: to
 * neighbours on the LAN as the main table says, everything else of theirs to the TUN. So do those of all hosts, if the box maps them.
 */
function plainRules({ ulid, lan, providers, legacy }: Site, mark: string): string[] {
  const mapped = mapsHosts(legacy) ? [ulid.prefix] : [];
  if (ulid.routable.length + mapped.length === 0) return [];
  const lines = [...new Set(providers.map((provider) => provider.interface))].filter((line) => line !== lan.interface);
  return [
    ...[ulid.prefix, ...ulid.routable].map(
      (own) => `rule add priority ${NEIGHBOUR_PRIORITY} to ${showPrefix(own)} iif ${lan.interface} lookup main ${mark}`,
    ),
    ...mapped.map(
      (own) => `rule add priority ${PLAIN_PRIORITY} from ${showPrefix(own)} iif ${lan.interface} lookup ${PLAIN_TABLE} ${mark}`,
    ),
    ...ulid.routable.flatMap((own) => [
      `rule add priority ${PLAIN_PRIORITY} from ${showPrefix(own)} iif ${lan.interface} lookup ${PLAIN_TABLE} ${mark}`,
      ...lines.map((line) => `rule add priority ${PLAIN_PRIORITY} to ${showPrefix(own)} iif ${line} lookup ${PLAIN_TABLE} ${mark}`),
    ]),
  ];
}

/** What hosts have of a provider's is the LAN's, in front of the provider's whole prefix, which is the TUN's. */
function besideRoutes(site: Site): string[] {
  return everyBeside(site).map(({ outside }) => `route replace ${showPrefix(outside)} dev ${site.lan.interface} ${MARK}`);
}

/**
 * From an address of a provider's out by that provider, and by no other: it would not take it (RFC 2827). To neighbours, and to ULIDs, as the main
 * table says.
 */
function besideRules(site: Site, mark: string, slotOf: (provider: Provider) => number, tableOf: (provider: Provider) => number): string[] {
  const pairs = everyBeside(site);
  if (pairs.length === 0) return [];
  const { ulid, lan, providers } = site;
  const inside = [ulid.generic, ...pairs.map(({ outside }) => outside)];
  return [
    ...inside.map((own) => `rule add priority ${NEIGHBOUR_PRIORITY} to ${showPrefix(own)} iif ${lan.interface} lookup main ${mark}`),
    ...providers.flatMap((provider) =>
      besideAt(site, provider).flatMap(({ outside }) => [
        `rule add priority ${BESIDE_PRIORITY + slotOf(provider)} from ${showPrefix(outside)} iif ${lan.interface} lookup ${tableOf(provider)} ${mark}`,
        `rule add priority ${REFUSE_PRIORITY} from ${showPrefix(outside)} iif ${lan.interface} unreachable ${mark}`,
      ]),
    ),
  ];
}

/** From inside as large as leaves room for the payload header, which may come one day; from outside as it comes. */
function plainRoutes({ ulid, tun: { mtu }, legacy }: Site, tun: string): string[] {
  if (ulid.routable.length === 0 && !mapsHosts(legacy)) return [];
  return [
    `route replace default dev ${tun} table ${PLAIN_TABLE} mtu lock ${mtu - PAYLOAD_HEADER_OCTETS} ${MARK}`,
    ...ulid.routable.map((own) => `route replace ${showPrefix(own)} dev ${tun} table ${PLAIN_TABLE} ${MARK}`),
  ];
}

function routesToTun(site: Site, tun: string): string[] {
  const own = showPrefix(site.ulid.prefix);
  const whole = site.lan.subnets.some((subnet) => showPrefix(subnet) === own);
  return [
    ...(whole ? [] : [`route replace unreachable ${own} ${MARK}`]),
    // Hosts' packets grow by the payload header; "lock", because a forwarding kernel looks at locked route MTUs only.
    `route replace ${showPrefix(site.ulid.generic)} dev ${tun} mtu lock ${site.tun.mtu - PAYLOAD_HEADER_OCTETS} ${MARK}`,
    // Hosts that speak Shim6 themselves have a ULID of the internet's: packets for it come to us all the same (P-Shim6 draft §8).
    ...site.bindings
      .filter(({ ulid }) => !contains(site.ulid.generic, ulid))
      .map(({ ulid }) => `route replace ${ulid}/128 dev ${tun} mtu lock ${site.tun.mtu - PAYLOAD_HEADER_OCTETS} ${MARK}`),
    ...site.providers
      .filter((provider) => !isSubnet(site, provider.prefix))
      .map((provider) => `route replace ${showPrefix(provider.prefix)} dev ${tun} ${MARK}`),
    ...plainRoutes(site, tun),
  ];
}

/** In sysctl names a dot of the interface's name is written as a slash. */
function sysctlName(name: string): string {
  return name.replace(/\./g, "/");
}
