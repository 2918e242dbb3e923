/** The filter as one table of nftables, replaced as a whole. */
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import type { Firewall, FirewallAction, FirewallEnd, FirewallRule } from "./rule.ts";
import { SIMPLE_IN, SIMPLE_SANITY, SIMPLE_TIMEOUTS } from "./simple.ts";

/** What the table depends on beside the rules. */
export interface FirewallPlace {
  /** The TUN device. Between it and the LAN packets carry ULIDs; between it and the providers' lines, locators, which are none of the filter's business. */
  readonly tun: string;
  readonly lan: string;
  /** ULIDs of the site's own hosts, and their other addresses that the box carries. */
  readonly own: readonly Prefix[];
  /** Addresses beside ULIDs, and the lines on which packets of theirs come and go, not through the TUN. */
  readonly beside?: { readonly prefixes: readonly Prefix[]; readonly lines: readonly string[] } | undefined;
}

/** Log lines a second at most, and refusals that are told a second; what is above is dropped without a word. */
const LOG_RATE = 10;
const REJECT_RATE = 100;

/** Name of the table, which belongs to the box alone. */
export function tableName(tun: string): string {
  return `pshim6_${tun.replace(/[^A-Za-z0-9]/g, "_")}`;
}

/** Text for `nft -f -` that puts the table there, in place of the one that is there, in one transaction. */
export function compileTable(firewall: Firewall, place: FirewallPlace): string {
  const name = tableName(place.tun);
  const lines = [
    `table inet ${name} {`,
    ...setLines("own", [...place.own, ...(place.beside?.prefixes ?? [])]),
    ...(isBeside(place) ? setLines("beside", place.beside.prefixes) : []),
    ...[...firewall.sets].flatMap(([set, prefixes]) => setLines(`set_${set}`, prefixes)),
    ...(firewall.simple ? SIMPLE_TIMEOUTS : []),
    ...chainLines(
      "inward",
      firewall.rules.filter(({ direction }) => direction === "in"),
      firewall.simple ? SIMPLE_IN : [],
      firewall.in,
    ),
    ...chainLines(
      "outward",
      firewall.rules.filter(({ direction }) => direction === "out"),
      [],
      firewall.out,
    ),
    ...hookLines(firewall, place),
    "}",
  ];
  return `${removeTable(place.tun)}${lines.join("\n")}\n`;
}

/** Text for `nft -f -` that takes the table away, whether it is there or not. */
export function removeTable(tun: string): string {
  const name = tableName(tun);
  return `add table inet ${name}\ndelete table inet ${name}\n`;
}

/** Flows that are known pass at once; only the first packet of one comes to the rules. */
function hookLines(firewall: Firewall, place: FirewallPlace): string[] {
  const { tun, lan } = place;
  const lines = isBeside(place) ? place.beside.lines : [];
  const counters = ["known", "spoofed-in", "spoofed-out", ...(firewall.simple ? ["insane"] : [])];
  const sane = [
    ...(firewall.simple ? SIMPLE_SANITY : []),
    // RFC 6092 REC-5, REC-6: an own address comes from inside, and nothing else does.
    `    iifname "${tun}" ip6 saddr @own counter name spoofed-in drop`,
    `    oifname "${tun}" ip6 saddr != @own counter name spoofed-out drop`,
    ...lines.map((line) => `    iifname "${line}" ip6 saddr @own counter name spoofed-in drop`),
  ];
  return [
    ...counters.flatMap(counterLines),
    "  chain between {",
    ...sane,
    `    ct state established,related counter name known accept`,
    `    iifname "${tun}" jump inward`,
    `    oifname "${tun}" jump outward`,
    ...lines.flatMap((line) => [`    iifname "${line}" jump inward`, `    oifname "${line}" jump outward`]),
    "  }",
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    iifname "${tun}" oifname "${lan}" jump between`,
    `    iifname "${lan}" oifname "${tun}" jump between`,
    ...lines.flatMap((line) => [
      `    iifname "${line}" oifname "${lan}" ip6 daddr @beside jump between`,
      `    iifname "${lan}" oifname "${line}" ip6 saddr @beside jump between`,
    ]),
    "  }",
  ];
}

function isBeside(place: FirewallPlace): place is FirewallPlace & { readonly beside: NonNullable<FirewallPlace["beside"]> } {
  return place.beside !== undefined && place.beside.prefixes.length > 0;
}

function chainLines(chain: string, rules: readonly FirewallRule[], extra: readonly string[], otherwise: FirewallAction): string[] {
  const count = `default-${chain}`;
  return [
    ...rules.flatMap(({ name }) => counterLines(`rule-${name.replaceAll(" ", "-")}`)),
    ...(extra.length > 0 ? counterLines(`simple-${chain}`) : []),
    ...counterLines(count),
    `  chain ${chain} {`,
    ...rules.flatMap(ruleLines),
    ...extra.map((line) => `    ${line} counter name simple-${chain} accept`),
    ...verdictLines("    ", count, otherwise),
    "  }",
  ];
}

function counterLines(name: string): string[] {
  return [`  counter ${name} {`, "  }"];
}

function ruleLines(rule: FirewallRule): string[] {
  const { name, from, to, protocols, ports, action, log } = rule;
  const criteria = [
    protocols === undefined ? "" : `meta l4proto { ${protocols.join(", ")} }`,
    ports === undefined ? "" : `${protocols === undefined ? "meta l4proto { 6, 17, 33, 132, 136 } " : ""}th dport { ${portsText(ports)} }`,
  ].filter((each) => each !== "");
  const counter = `rule-${name.replaceAll(" ", "-")}`;
  const lines: string[] = [];
  for (const source of endTexts("saddr", from)) {
    for (const destination of endTexts("daddr", to)) {
      const match = [source, destination, ...criteria].filter((each) => each !== "").join(" ");
      const head = match === "" ? "    " : `    ${match} `;
      if (log) lines.push(`${head}limit rate ${LOG_RATE}/second log prefix "pshim6 ${name}: "`);
      lines.push(...verdictLines(head, counter, action));
    }
  }
  return lines;
}

function verdictLines(head: string, counter: string, action: FirewallAction): string[] {
  const counted = `${head}counter name ${counter}`;
  if (action !== "reject") return [`${counted} ${action}`];
  return [`${head}limit rate ${REJECT_RATE}/second counter name ${counter} reject with icmpv6 type admin-prohibited`, `${counted} drop`];
}

/** One criterion for the prefixes of a list, and one for each set in it. */
function endTexts(field: "saddr" | "daddr", ends: readonly FirewallEnd[] | undefined): string[] {
  if (ends === undefined) return [""];
  const prefixes = ends.filter((end): end is Prefix => !("set" in end));
  const sets = ends.filter((end): end is { readonly set: string } => "set" in end);
  return [
    ...(prefixes.length > 0 ? [`ip6 ${field} { ${disjoint(prefixes).map(showPrefix).join(", ")} }`] : []),
    ...sets.map(({ set }) => `ip6 ${field} @set_${set}`),
  ];
}

function setLines(name: string, prefixes: readonly Prefix[]): string[] {
  const elements = disjoint(prefixes).map(showPrefix).join(", ");
  return [
    `  set ${name} {`,
    "    type ipv6_addr",
    "    flags interval",
    ...(elements === "" ? [] : [`    elements = { ${elements} }`]),
    "  }",
  ];
}

/** Intervals of a set must not overlap: a prefix inside another adds nothing. */
function disjoint(prefixes: readonly Prefix[]): Prefix[] {
  const sorted = [...prefixes].sort((a, b) => a.length - b.length);
  const kept: Prefix[] = [];
  for (const each of sorted) if (!kept.some((wider) => covers(wider, each))) kept.push(each);
  return kept;
}

function portsText(ports: FirewallRule["ports"] & object): string {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...ports].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(", ");
}
