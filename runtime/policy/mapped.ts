/** What rules say of traffic without contexts, between hosts' ULIDs and peers without Shim6 (P-Shim6 draft §7). */
import { covers, type Prefix } from "../value/prefix.ts";
import { holdsAt } from "./hours.ts";
import type { PolicyRule } from "./rule.ts";

/** Prefixes of a rule's peers that may have no Shim6; `undefined` = all may. `generic` holds the ULIDs of all sites. */
export function outsiders({ match: { to } }: PolicyRule, generic: Prefix): readonly Prefix[] | undefined {
  return to?.filter((prefix) => !covers(generic, prefix));
}

/** Whether a rule can decide about such traffic at all. */
export function concernsOutsiders(rule: PolicyRule, generic: Prefix): boolean {
  return outsiders(rule, generic)?.length !== 0;
}

/** Those of `rules` that can, and hold at `minute` of the week, in their order. Behind one that matches everything nothing is asked. */
export function outsiderRules(rules: readonly PolicyRule[], generic: Prefix, minute: number): PolicyRule[] {
  const found = rules.filter(
    ({ match: { when } }, i) => concernsOutsiders(rules[i], generic) && (when === undefined || holdsAt(when, minute)),
  );
  const last = found.findIndex(matchesAll);
  return last < 0 ? found : found.slice(0, last + 1);
}

/** What distinguishes one decision about such traffic from another. */
export function kindText({ use, legacy }: Pick<PolicyRule, "use" | "legacy">): string {
  if (refusesOutsiders({ legacy })) return "refused";
  return JSON.stringify(use.kind === "spread" ? { ...use, weights: [...use.weights] } : use);
}

/** Whether from hosts' ULIDs nothing goes to whom the rule matches. */
export function refusesOutsiders({ legacy }: Pick<PolicyRule, "legacy">): boolean {
  return legacy === "pa" || legacy === "refuse";
}

function matchesAll({ match: { from, to, names, protocols, ports, classes } }: PolicyRule): boolean {
  return [from, to, names, protocols, ports, classes].every((criterion) => criterion === undefined);
}
