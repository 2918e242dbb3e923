/** Who may begin a context with the site's hosts: decided at the first message, before anything is kept of a stranger (draft §4.5). */
import type { AdmissionRule } from "../config/site.ts";
import type { UlidPair } from "../shim6/contract.ts";
import type { Address, Locator } from "../value/address.ts";
import { contains, type Prefix } from "../value/prefix.ts";

/** The first of `rules` that matches decides; without one everybody is admitted. */
export function isAdmitted(rules: readonly AdmissionRule[], { local, peer }: UlidPair, source: Locator): boolean {
  const rule = rules.find(({ peers, hosts, locators }) => isIn(peers, peer) && isIn(hosts, local) && isIn(locators, source));
  return rule?.admitted ?? true;
}

function isIn(prefixes: readonly Prefix[] | undefined, address: Address): boolean {
  return prefixes?.some((prefix) => contains(prefix, address)) ?? true;
}
