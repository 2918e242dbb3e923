/** Two versions of a site's settings side by side: what a running box cannot take over, and what it does. Pure. */
import { type AwaitedProvider, PROVIDER_LIMIT, type Provider, type Site } from "../config/site.ts";
import { everyProvider } from "../config/told.ts";
import { showPrefix } from "../value/prefix.ts";

type Reader = (site: Site) => unknown;

/** Settings that hold for the life of a process, by their path in site.yaml. */
const FIXED: readonly (readonly [path: string, read: Reader])[] = [
  ["site", (site) => site.site],
  ["ulid", (site) => site.ulid],
  ["lan.interface", (site) => site.lan.interface],
  ["lan.subnets", (site) => site.lan.subnets],
  ["lan.advertise", (site) => site.lan.advertise],
  ["state", (site) => site.state],
  ["control", (site) => site.control],
  ["tun", (site) => site.tun],
  ["mss", (site) => site.mss],
  ["contexts.max", (site) => site.contexts.max],
  ["shim6.routingHeader", (site) => site.shim6.routingHeader],
  ["links.watch", (site) => site.links.watch],
  ["egress.manage", (site) => site.egress.manage],
  ["key.bits", (site) => site.key.bits],
  ["api", (site) => site.api],
  ["legacy.mode", (site) => site.legacy.mode],
  [
    "providers.tunnel",
    (site) => everyProvider(site).flatMap(({ name, interface: device, tunnel }) => (tunnel ? [[name, device, tunnel]] : [])),
  ],
];

const PLAIN: readonly (readonly [path: string, read: Reader])[] = [
  ["bindings", (site) => site.bindings],
  ["admission", (site) => site.admission],
  ["firewall.rules", (site) => site.firewall?.rules ?? []],
  ["firewall.sets", (site) => [...(site.firewall?.sets ?? [])]],
  ["firewall", (site) => site.firewall && { simple: site.firewall.simple, in: site.firewall.in, out: site.firewall.out }],
  [
    "policy",
    (site) => site.policy.map(({ name, match, use, failback }) => [name, match, failback, use.kind === "spread" ? [...use.weights] : use]),
  ],
  ["failback", (site) => (site.failback.kind === "after" ? `${site.failback.hold / 1_000}s` : site.failback.kind)],
  ["hosts", (site) => site.hosts],
  ["contexts.idle", (site) => site.contexts.idle],
  ["hold", (site) => site.hold],
  ["icmp.pass", (site) => site.icmp.pass],
  ["links.halfLife", (site) => site.links.halfLife],
  ["links.longest", (site) => site.links.longest],
  ["links.gateway", (site) => site.links.gateway],
  ["mtu.probe", (site) => site.mtu.probe],
  ["establish", (site) => site.establish.others],
  ["establish.ports", (site) => site.establish.ports],
  ["legacy.names", (site) => site.legacy.names],
  ["legacy.subnet", (site) => site.legacy.subnet],
  ["policy.legacy", (site) => site.policy.map(({ name, legacy }) => [name, legacy])],
  ["reap.profile", (site) => site.reap.profile],
  ["reap.quality", (site) => site.reap.quality],
  ["log.level", (site) => site.log.level],
  ["log.format", (site) => site.log.format],
  ["log.areas", (site) => (Object.keys(site.log.areas).length === 0 ? "none" : site.log.areas)],
];

/** Paths of settings that differ and that only a restart can change, in the order above. */
export function needRestart(before: Site, after: Site): string[] {
  return FIXED.filter(([, read]) => differs(read(before), read(after))).map(([path]) => path);
}

/** What differs, in words, one each; empty = nothing. */
export function describeChanges(before: Site, after: Site): string[] {
  return [
    ...providerChanges(everyProvider(before), everyProvider(after)),
    ...PLAIN.filter(([, read]) => differs(read(before), read(after))).map(wording(before, after)),
  ];
}

/**
 * Prefixes that the core takes for locators while packets for those that went are still on their way: the new ones first, then
 * as many of the old ones as there is room for.
 */
export function receivedPrefixes(before: readonly Provider[], after: readonly Provider[]): Provider["prefix"][] {
  const names = new Set(after.map(({ prefix }) => showPrefix(prefix)));
  const gone = before.filter(({ prefix }) => !names.has(showPrefix(prefix)));
  return [...after, ...gone].slice(0, PROVIDER_LIMIT).map(({ prefix }) => prefix);
}

type AnyProvider = Provider | AwaitedProvider;

function providerChanges(before: readonly AnyProvider[], after: readonly AnyProvider[]): string[] {
  const old = new Map(before.map((provider) => [provider.name, provider]));
  const names = new Set(after.map(({ name }) => name));
  return [
    ...before.filter(({ name }) => !names.has(name)).map(({ name, prefix }) => `provider ${name} removed: ${prefixText(prefix)}`),
    ...after.flatMap((provider) => {
      const was = old.get(provider.name);
      return was === undefined ? [`provider ${provider.name} added: ${prefixText(provider.prefix)}`] : fieldChanges(was, provider);
    }),
  ];
}

const PROVIDER_FIELDS: readonly (readonly [name: string, read: (provider: AnyProvider) => string])[] = [
  ["prefix", ({ prefix }) => prefixText(prefix)],
  ["interface", (provider) => provider.interface],
  ["gateway", ({ gateway }) => gateway ?? "none"],
  ["priority", ({ priority }) => String(priority)],
  ["weight", ({ weight }) => String(weight)],
  ["cost", ({ cost }) => String(cost ?? 0)],
  ["metered", ({ metered }) => String(metered ?? false)],
  ["capacity", ({ capacity }) => (capacity === undefined ? "no bound" : `${capacity / 1e6} Mbit/s`)],
  ["hosts", ({ hosts }) => (hosts === undefined ? "none" : showPrefix(hosts))],
  ["table", ({ table }) => (table === undefined ? "the box's own" : String(table))],
];

function prefixText(prefix: Provider["prefix"] | undefined): string {
  return prefix === undefined ? "to be told" : showPrefix(prefix);
}

function fieldChanges(before: AnyProvider, after: AnyProvider): string[] {
  return PROVIDER_FIELDS.filter(([, read]) => read(before) !== read(after)).map(
    ([name, read]) => `provider ${after.name}: ${name} ${read(before)} → ${read(after)}`,
  );
}

function wording(before: Site, after: Site): (setting: readonly [path: string, read: Reader]) => string {
  return ([path, read]) => {
    const [was, is] = [read(before), read(after)];
    const [from, to] = [worded(was), worded(is)];
    const later = path === "reap.profile" ? ", for contexts to come" : "";
    return `${path}: ${from} → ${to}${later}`;
  };
}

function worded(value: unknown): string {
  if (Array.isArray(value)) return String(value.length);
  if (value === undefined) return "none";
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name} ${each}`)
    .join(", ");
}

function differs(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
