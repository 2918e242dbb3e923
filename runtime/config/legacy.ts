/** What `legacy` means for the rest of the site (P-Shim6 draft §7). */
import { type Beside, besideSubnets } from "../locator/beside.ts";
import { outsiders } from "../policy/mapped.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import type { LegacySettings, Provider, Site } from "./site.ts";

/** Chosen: rows of the policy table that rules may add; all of it has to fit into a datagram. */
const LED_MOST = 16;

/** Whether packets between hosts' ULIDs and peers without Shim6 are mapped. */
export function mapsHosts({ mode }: Pick<LegacySettings, "mode">): boolean {
  return mode === "map" || mode === "both";
}

/** Whether hosts are leased addresses of the providers beside their ULIDs. */
export function leasesBeside({ mode }: Pick<LegacySettings, "mode">): boolean {
  return mode === "pa" || mode === "both";
}

/** Where hosts have addresses of `provider` beside their ULIDs; nowhere if the site does not want any. */
export function besideAt({ ulid, lan, legacy }: Pick<Site, "ulid" | "lan" | "legacy">, provider: Provider): readonly Beside[] {
  if (!leasesBeside(legacy)) return [];
  const subnets = lan.subnets.filter((subnet) => contains(ulid.prefix, subnet.base));
  const found = besideSubnets(provider, subnets, legacy.subnet);
  return typeof found === "string" ? [] : found;
}

/** The same of all providers. */
export function everyBeside(site: Pick<Site, "ulid" | "lan" | "legacy" | "providers">): Beside[] {
  return site.providers.flatMap((provider) => besideAt(site, provider));
}

/** Peers without Shim6 that rules lead hosts to from ULIDs, where they have other addresses too: hosts hear of it by `dhcp.policy`. */
export function ledToUlids({ policy, legacy, ulid }: Pick<Site, "policy" | "legacy" | "ulid">): Prefix[] {
  if (!leasesBeside(legacy)) return [];
  return policy.flatMap((rule) => (rule.legacy === "map" ? (outsiders(rule, ulid.generic) ?? []) : [])).slice(0, LED_MOST);
}
