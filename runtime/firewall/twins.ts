/** Rules about hosts hold for all addresses of the hosts: those beside their ULIDs too (P-Shim6 draft §7). */
import type { Prefix } from "../value/prefix.ts";
import type { Firewall, FirewallEnd, FirewallRule } from "./rule.ts";

/** `firewall` with every prefix joined by what `twins` says its hosts have beside it. */
export function withTwins(firewall: Firewall, twins: (prefix: Prefix) => readonly Prefix[]): Firewall {
  const all = (prefixes: readonly Prefix[]): Prefix[] => [...prefixes, ...prefixes.flatMap(twins)];
  const ends = (of: FirewallRule["from"]): FirewallRule["from"] =>
    of && [...of, ...of.flatMap((end: FirewallEnd) => ("set" in end ? [] : twins(end)))];
  return {
    ...firewall,
    sets: new Map([...firewall.sets].map(([name, prefixes]) => [name, all(prefixes)])),
    rules: firewall.rules.map((rule) => ({ ...rule, from: ends(rule.from), to: ends(rule.to) })),
  };
}
