/** From the site's settings to the zone's terms. */
import { type Address, parseAddress } from "../value/address.ts";
import { contains, type Prefix, prefix } from "../value/prefix.ts";
import { dnsName } from "../wire/dns-name.ts";
import type { ZoneTerms } from "./contents.ts";

/** What of the settings matters here (`zone` of site.yaml). */
export interface ZoneWishes {
  readonly name: string;
  readonly reverse: boolean;
  readonly ttl: number;
  readonly servers: readonly string[];
  readonly contact: string;
  /** Where the built-in authority listens. */
  readonly listen: readonly { readonly host: string }[];
  /** The name server that is updated. */
  readonly update: { readonly host: string } | undefined;
}

/** Of no use to anybody elsewhere: unspecified, loopback, link-local. */
const NOT_PUBLISHED: readonly Prefix[] = [prefix("::/127"), prefix("fe80::/10")];

/**
 * The terms. Servers inside the zone have the addresses at which the authority listens; without one, that of the name server that is updated.
 * @param locatorTrees whether the reverse zones of the providers' prefixes are published too
 */
export function zoneTerms(wishes: ZoneWishes, ulidPrefix: Prefix, ulidType: number, locatorTrees = false): ZoneTerms {
  const { name, reverse, ttl, servers, contact, listen, update } = wishes;
  const own = listen.flatMap(published);
  const addresses = own.length > 0 || update === undefined ? own : published(update);
  const names = servers.map(dnsName);
  return { name: dnsName(name), reverse, locatorTrees, ttl, servers: names, contact: dnsName(contact), addresses, ulidPrefix, ulidType };
}

function published({ host }: { readonly host: string }): Address[] {
  const value = parseAddress(host);
  return value === undefined || NOT_PUBLISHED.some((block) => contains(block, value)) ? [] : [value];
}
