/** What site.yaml says to the DNS service of hosts. */
import { mapsHosts } from "../config/legacy.ts";
import type { DnsSettings, Site } from "../config/site.ts";
import type { GatewaySettings } from "../dns/contract.ts";
import type { Prefix } from "../value/prefix.ts";
import { dnsName } from "../wire/dns-name.ts";

/** The part of site.yaml that the service is made of. */
export type NameSite = Pick<Site, "ulid" | "providers" | "lan" | "legacy" | "policy"> & { readonly dns: DnsSettings };

/** Chosen: octets of finished answers for each entry that `dns.cache` allows. */
const OCTETS_PER_ENTRY = 1_024;

/** How many finished answers are kept, and in how many octets. */
export function answerLimits({ cache }: DnsSettings): { readonly entries: number; readonly octets: number } {
  return { entries: cache, octets: cache * OCTETS_PER_ENTRY };
}

/** Whether addresses of peers without Shim6 are of use to hosts: those that are not mapped, and have none of the internet's, cannot go there. */
function namesFor({ mode, names }: NameSite["legacy"], { routable }: NameSite["ulid"]): "pass" | "hide" {
  if (names !== "auto") return names;
  return mode !== "off" || routable.length > 0 ? "pass" : "hide";
}

/** The gateway, as the site wants it. */
export function gatewaySettings({ ulid, providers, dns, legacy, policy }: NameSite): GatewaySettings {
  const prefixes: Prefix[] = providers.map((provider) => provider.prefix);
  const announce = dns.handshake === "answer";
  return {
    ulidType: dns.type,
    generic: ulid.generic,
    own: ulid.prefix,
    providers: prefixes,
    announce,
    legacy: namesFor(legacy, ulid),
    cache: dns.cache,
    watched: mapsHosts(legacy) ? policy.flatMap(({ match }) => (match.names ?? []).map(dnsName)) : [],
  };
}
