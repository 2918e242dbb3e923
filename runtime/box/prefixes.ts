/** What the core is told of the site: where packets come from and go to, and when a pair without a context is worth one. */
import { mapsHosts } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import type { Prefix } from "../value/prefix.ts";

/** Pairs of routable ULIDs that are counted at a time. */
const PLAIN_PAIRS = 16_384;
/** Pairs whose provider is known at a time; the others go by their share. */
const WAYS = 131_072;

/** How many pairs the core has room to count: none where no ULID is routable. */
export function plainPairs({ ulid }: Pick<Site, "ulid">): number {
  return ulid.routable.length === 0 ? 0 : PLAIN_PAIRS;
}

/** How many pairs of hosts and peers without Shim6 the core has room to know the provider of: none where no host is mapped. */
export function ways({ legacy }: Pick<Site, "legacy">): number {
  return mapsHosts(legacy) ? WAYS : 0;
}

/** Tells the core; `locators` are those of the providers, or more while packets to old ones are still on their way. */
export function tellCore(
  core: Pick<Core, "setPrefixes" | "setPairRules">,
  { ulid, providers, establish }: Site,
  locators?: readonly Prefix[],
): void {
  const { prefix, generic, routable } = ulid;
  core.setPrefixes({ ulid: prefix, generic, routable, locators: locators ?? providers.map((provider) => provider.prefix) });
  core.setPairRules(establish);
}
