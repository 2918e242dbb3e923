/** Checks of `legacy` against the rest; see {@link ./cross.ts}. */
import { concernsOutsiders, kindText, outsiders } from "../policy/mapped.ts";
import type { PolicyRule } from "../policy/rule.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import { type BesideDraft, checkBeside } from "./cross-beside.ts";
import { type At, at, entries, type Findings } from "./draft.ts";
import { globalAddressField } from "./fields.ts";
import { dig, type Path } from "./path.ts";
import { completeRule, ruleSchema } from "./policy-schema.ts";
import { MAPPED_RULES, SPARED_LIMIT } from "./site.ts";

/** What these checks need of the site. */
export interface LegacyDraft extends BesideDraft {
  readonly generic: At<Prefix> | undefined;
}

/** Everything that is wrong about traffic with peers without Shim6. */
export function checkLegacy(root: unknown, draft: LegacyDraft, findings: Findings): void {
  const { warning } = findings;
  const mode = dig(root, ["legacy", "mode"]);
  const names = dig(root, ["legacy", "names"]);
  if (names !== undefined && dig(root, ["dns"]) === undefined)
    warning(["legacy", "names"], "has nothing to decide", "it is about the answers of the DNS gateway, which there is not");
  checkRuleModes(root, mode, findings);
  checkBeside(root, mode, draft, findings);
  if (mode !== "map" && mode !== "both") return;
  checkSpared(root, mode, draft, findings);
  checkRules(root, draft, findings);
}

function checkSpared(root: unknown, mode: string, { generic }: LegacyDraft, { fault }: Findings): void {
  if (generic === undefined) return;
  const spared = entries(root, ["bindings"]).filter((path) => {
    const peer = at(root, [...path, "ulid"], globalAddressField);
    return peer !== undefined && !contains(generic.value, peer.value);
  });
  if (spared.length > SPARED_LIMIT)
    fault(
      spared[SPARED_LIMIT],
      `is one of ${spared.length} hosts outside ulid.generic`,
      `with legacy.mode: ${mode} the box tells at most ${SPARED_LIMIT} of them from peers without Shim6`,
    );
}

/** What a rule wants must be something that the site has. */
function checkRuleModes(root: unknown, mode: unknown, { fault }: Findings): void {
  for (const path of entries(root, ["policy"])) {
    const wish = dig(root, [...path, "legacy"]);
    const place = [...path, "legacy"];
    if ((wish === "map" || wish === "pa") && mode !== "both")
      fault(
        place,
        `is ${wish}, and legacy.mode is ${String(mode ?? "off")}`,
        "one rule can differ from another with legacy: { mode: both }",
      );
    else if (wish === "refuse" && mode !== "map" && mode !== "both")
      fault(place, "is refuse, and no host is mapped", "say legacy: { mode: map } or both, or refuse in firewall.rules");
    if (wish === "map" && dig(root, [...path, "to"]) === undefined)
      fault(place, "is map, and the rule does not say for which peers", "hosts can be told of prefixes alone: give them in to");
  }
}

/** The core has room for so many rules. */
function checkRules(root: unknown, { generic }: LegacyDraft, { fault }: Findings): void {
  if (generic === undefined) return;
  const rules = entries(root, ["policy"]).flatMap((path): { path: Path; rule: PolicyRule }[] => {
    const { data } = ruleSchema.safeParse(dig(root, path));
    const rule = data && completeRule(data, Number(path[1]));
    return rule !== undefined && concernsOutsiders(rule, generic.value) ? [{ path, rule }] : [];
  });
  const used = { rules: 0, prefixes: 0, ports: 0, kinds: new Set<string>() };
  for (const { path, rule } of rules) {
    used.rules++;
    used.prefixes += (rule.match.from?.length ?? 0) + (outsiders(rule, generic.value)?.length ?? 0);
    used.ports += rule.match.ports?.length ?? 0;
    used.kinds.add(kindText(rule));
    const full = fullOf(used);
    if (full === undefined) continue;
    fault(path, `is one too many about peers without Shim6: ${full}`, "rules with nothing but identifiers in to do not count");
    return;
  }
}

function fullOf(used: {
  readonly rules: number;
  readonly prefixes: number;
  readonly ports: number;
  readonly kinds: ReadonlySet<string>;
}): string | undefined {
  if (used.rules > MAPPED_RULES.rules) return `there is room for ${MAPPED_RULES.rules} rules`;
  if (used.prefixes > MAPPED_RULES.prefixes) return `there is room for ${MAPPED_RULES.prefixes} prefixes in their from and to`;
  if (used.ports > MAPPED_RULES.ports) return `there is room for ${MAPPED_RULES.ports} ranges in their ports`;
  return used.kinds.size > MAPPED_RULES.kinds ? `there is room for ${MAPPED_RULES.kinds} different decisions` : undefined;
}
