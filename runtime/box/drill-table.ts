/**
 * What a failover drill has the kernel do, as a table of nftables: drop a provider's packets both ways and count them by kind of traffic, and note
 * which pairs of hosts are heard, and when first. The prefix is an element that ends by itself: when its time is over everything passes,
 * whoever has died meanwhile.
 */
import type { DrillClass } from "../api/drill-rows.ts";
import { readCounters } from "../firewall/counters.ts";
import { type Address, parseAddress } from "../value/address.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";
import { PROTOCOL_SHIM6 } from "../wire/number.ts";

/** Devices between which the packets go. */
export interface DrillPlace {
  readonly tun: string;
  readonly lan: string;
}

/** Pairs of hosts and a protocol that are noted at a time. */
const FLOWS = 65_535;
/** Longer than any drill. */
const NOTED: Millis = 3_600_000;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const CLASSES: readonly (readonly [kind: DrillClass, protocol: number])[] = [
  ["tcp", TCP],
  ["udp", UDP],
  ["icmpv6", ICMPV6],
];
/** Bits from the start of the IPv6 header: the Next Header of the Shim6 header behind it, and its P bit (RFC 5533 §5.1). */
const INNER_AT = 320;
const P_BIT_AT = 336;
/** Before conntrack and whoever else looks at packets; and behind the filter, which passes on what it lets through. */
const WIRE_PRIORITY = -310;
const HOSTS_PRIORITY = 10;

/** Name of the table, which belongs to the drill alone. */
export function drillTable(tun: string): string {
  return `pshim6_drill_${tun.replace(/[^A-Za-z0-9]/g, "_")}`;
}

/** Text for `nft -f -` that puts the table there anew; nothing is broken yet. */
export function drillRules({ tun, lan }: DrillPlace): string {
  const flows = (name: string): string =>
    `  set ${name} { type ipv6_addr . ipv6_addr . inet_proto; flags dynamic, timeout; timeout ${NOTED / 1_000}s; size ${FLOWS}; }`;
  return `${drillRemoval(tun)}${[
    `table inet ${drillTable(tun)} {`,
    "  set broken { type ipv6_addr; flags interval, timeout; }",
    flows("heard"),
    flows("said"),
    ...["out", "in"].flatMap((way) => [...CLASSES.map(([kind]) => kind), "other", "shim6"].map((kind) => `  counter ${way}-${kind} { }`)),
    ...["out", "in"].flatMap(dropLines),
    "  chain wire {",
    `    type filter hook prerouting priority ${WIRE_PRIORITY}; policy accept;`,
    `    iifname "${tun}" ip6 saddr @broken goto lost-out`,
    `    iifname != { "${tun}", "${lan}" } ip6 daddr @broken goto lost-in`,
    "  }",
    // Hosts with addresses of the provider's own may go past the TUN.
    "  chain past {",
    `    type filter hook forward priority ${WIRE_PRIORITY}; policy accept;`,
    `    iifname "${lan}" oifname != { "${tun}", "${lan}" } ip6 saddr @broken goto lost-out`,
    "  }",
    "  chain hosts {",
    `    type filter hook forward priority ${HOSTS_PRIORITY}; policy accept;`,
    `    iifname "${tun}" oifname "${lan}" add @heard { ip6 saddr . ip6 daddr . meta l4proto }`,
    `    iifname "${lan}" oifname "${tun}" add @said { ip6 saddr . ip6 daddr . meta l4proto }`,
    "  }",
    "}",
  ].join("\n")}\n`;
}

function dropLines(way: string): string[] {
  const payload = `ip6 nexthdr ${PROTOCOL_SHIM6} @nh,${P_BIT_AT},1 1`;
  return [
    `  chain lost-${way} {`,
    `    ip6 nexthdr ${PROTOCOL_SHIM6} @nh,${P_BIT_AT},1 0 counter name "${way}-shim6" drop`,
    ...CLASSES.flatMap(([kind, protocol]) => [
      `    ${payload} @nh,${INNER_AT},8 ${protocol} counter name "${way}-${kind}" drop`,
      `    meta l4proto ${protocol} counter name "${way}-${kind}" drop`,
    ]),
    `    counter name "${way}-other" drop`,
    "  }",
  ];
}

/** Text that breaks the provider with `prefix`, for `time` and no longer. */
export function drillBreak(tun: string, prefix: Prefix, time: Millis): string {
  return `add element inet ${drillTable(tun)} broken { ${showPrefix(prefix)} timeout ${Math.ceil(time)}ms }\n`;
}

/** Text that forgets who was heard and who spoke. */
export function drillForget(tun: string): string {
  return ["heard", "said"].map((name) => `flush set inet ${drillTable(tun)} ${name}\n`).join("");
}

/** Text that takes the table away, whether it is there or not; whatever was broken works again. */
export function drillRemoval(tun: string): string {
  const name = drillTable(tun);
  return `add table inet ${name}\ndelete table inet ${name}\n`;
}

/** A pair of hosts and the kind of its traffic, as the kernel noted it. */
export interface NotedFlow {
  readonly source: Address;
  readonly destination: Address;
  readonly kind: DrillClass;
  /** How long ago its first packet passed. */
  readonly ago: Millis;
}

const FLOW = /([0-9a-f:.]+) \. ([0-9a-f:.]+) \. (\d+)(?: timeout \S+)? expires (\S+?)(?=[,\s}])/g;
const UNITS: Readonly<Record<string, Millis>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** The flows in the answer of `nft -p list set inet …`; its JSON has whole seconds only. */
export function readFlows(text: string): NotedFlow[] {
  return [...text.matchAll(FLOW)].flatMap(([, from, to, protocol, expires]) => {
    const source = parseAddress(from);
    const destination = parseAddress(to);
    const left = [...expires.matchAll(/(\d+)(ms|[dhms])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
    if (source === undefined || destination === undefined) return [];
    return [{ source, destination, kind: kindOf(Number(protocol)), ago: Math.max(0, NOTED - left) }];
  });
}

function kindOf(protocol: number): DrillClass {
  return CLASSES.find(([, number]) => number === protocol)?.[0] ?? "other";
}

/** What was lost, by `out-tcp`, `in-shim6` …, in the answer of `nft -j list counters table inet …`. */
export function readLosses(text: string): ReadonlyMap<string, { readonly packets: number; readonly octets: number }> {
  return new Map(readCounters(text).map(({ name, packets, octets }) => [name, { packets, octets }]));
}
