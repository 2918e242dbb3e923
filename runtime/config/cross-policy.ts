/** Checks of `policy` against the providers, and of its rules against one another; see {@link ./cross.ts}. */
import { FORK_RANGES_MAX, FORK_RULES_MAX, rangesOf } from "../policy/forks.ts";
import { looksAtTransport, type PolicyMatch } from "../policy/rule.ts";
import { shadowed } from "../policy/shadow.ts";
import { covers, type Prefix, showPrefix } from "../value/prefix.ts";
import { type At, entries, type Findings } from "./draft.ts";
import { quote } from "./fields.ts";
import { dig, type Path } from "./path.ts";
import { completeRule, type ParsedRule, ruleSchema } from "./policy-schema.ts";

/** What these checks need of the site. */
export interface PolicyDraft {
  readonly ulid: At<Prefix> | undefined;
  readonly generic: At<Prefix> | undefined;
  /** Names that are there. */
  readonly providers: readonly string[];
}

const ACTIONS = ["pin", "prefer", "avoid", "spread"] as const;

/** Everything that is wrong between rules; of a rule that is wrong by itself nothing is said here. */
export function checkPolicy(root: unknown, draft: PolicyDraft, findings: Findings): void {
  const names = new Set<string>();
  const maps = ["map", "both"].includes(String(dig(root, ["legacy", "mode"])));
  const readable: { readonly path: Path; readonly rule: ParsedRule }[] = [];
  for (const path of entries(root, ["policy"])) {
    const { data: rule } = ruleSchema.safeParse(dig(root, path));
    if (rule === undefined) continue;
    if (rule.name !== undefined && names.has(rule.name))
      findings.fault([...path, "name"], `is taken already: ${quote(rule.name)}`, "give each rule a name of its own");
    if (rule.name !== undefined) names.add(rule.name);
    const actions = ACTIONS.filter((action) => rule[action] !== undefined);
    if (actions.length > 1)
      findings.fault(
        path,
        `says several things at once: ${actions.join(", ")}`,
        "leave one of them: rules that match after this one are not looked at",
      );
    else readable.push({ path, rule });
    checkProviders(path, rule, draft, findings);
    checkPrefixes(path, rule, draft, findings, maps);
  }
  const rules = readable.map(({ path, rule }) => completeRule(rule, Number(path[1])));
  checkForks(
    readable.map(({ path }, i) => ({ path, match: rules[i].match })),
    findings,
  );
  shadowed(rules).forEach((by, i) => {
    if (by === undefined) return;
    const line = findings.lineOf(readable[by].path);
    findings.warning(
      readable[i].path,
      `can never decide: ${rules[by].name} in line ${line} matches all that it matches`,
      "put it before that one, or leave it out",
    );
  });
}

/** The packet core tells so many rules about flows apart; the first that finds no room is the fault. */
function checkForks(rules: readonly { readonly path: Path; readonly match: PolicyMatch }[], { fault }: Findings): void {
  const forks = rules.filter(({ match }) => looksAtTransport(match));
  const excess = forks[FORK_RULES_MAX];
  if (excess !== undefined)
    fault(
      excess.path,
      `is one too many that looks at ports, protocols or classes: there is room for ${FORK_RULES_MAX}`,
      "join rules that want the same for different peers or ports",
    );
  let ranges = 0;
  for (const { path, match } of forks) {
    ranges += rangesOf(match);
    if (ranges <= FORK_RANGES_MAX) continue;
    fault(
      [...path, "ports"],
      `are too many with those before: there is room for ${FORK_RANGES_MAX} ranges`,
      "write ports that follow one another as a range",
    );
    return;
  }
}

function checkProviders(path: Path, rule: ParsedRule, { providers }: PolicyDraft, { fault }: Findings): void {
  const check = (place: Path, name: string): void => {
    if (!providers.includes(name)) fault(place, `names no provider: ${quote(name)}`, `there is: ${providers.join(", ")}`);
  };
  if (rule.pin !== undefined) check([...path, "pin"], rule.pin);
  for (const list of ["prefer", "avoid"] as const) {
    const seen = new Set<string>();
    rule[list]?.forEach((name, i) => {
      check([...path, list, i], name);
      if (seen.has(name)) fault([...path, list, i], `is in the list already: ${quote(name)}`, "leave one of them");
      seen.add(name);
    });
    if (list === "avoid" && providers.length > 0 && providers.every((name) => seen.has(name)))
      fault([...path, list], "avoids every provider", "leave one out, or say which one is better with prefer");
  }
  if (rule.spread === undefined) return;
  for (const name of Object.keys(rule.spread)) check([...path, "spread", name], name);
  if (Object.values(rule.spread).every((weight) => weight === 0))
    fault([...path, "spread"], "gives every provider a share of zero", "give one of them a larger share");
}

/** `maps` = peers without Shim6 are reached too, and rules are about these as well. */
function checkPrefixes(
  path: Path,
  { from, to }: ParsedRule,
  { ulid, generic }: PolicyDraft,
  { fault, warning }: Findings,
  maps: boolean,
): void {
  from?.forEach((prefix, i) => {
    if (ulid !== undefined && !covers(ulid.value, prefix) && !covers(prefix, ulid.value))
      fault(
        [...path, "from", i],
        `lies outside ulid.prefix, ${showPrefix(ulid.value)}: ${showPrefix(prefix)}`,
        "own hosts have identifiers out of that block",
      );
  });
  to?.forEach((prefix, i) => {
    if (ulid !== undefined && covers(ulid.value, prefix))
      fault(
        [...path, "to", i],
        `lies inside ulid.prefix, ${showPrefix(ulid.value)}: ${showPrefix(prefix)}`,
        "packets between own hosts do not pass the box",
      );
    else if (!maps && generic !== undefined && !covers(generic.value, prefix) && !covers(prefix, generic.value))
      warning(
        [...path, "to", i],
        `lies outside ulid.generic, ${showPrefix(generic.value)}: ${showPrefix(prefix)}`,
        "peers in it have no context",
      );
  });
}
