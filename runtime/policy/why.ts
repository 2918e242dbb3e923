/** Why rules do not decide about a flow: for whoever asks what a site's rules come to. */
import { matches, type PolicyFlow } from "./decide.ts";
import { EVERY_FLOW, type PolicyMatch, type PolicyRule, type PolicyUse } from "./rule.ts";

/** The names of criteria as site.yaml has them. */
export type Criterion = "from" | "to" | "names" | "protocols" | "ports" | "classes" | "hours";

/** A rule that was looked at and does not match, and the first criterion that the flow does not meet. */
export interface Passed {
  readonly rule: PolicyRule;
  readonly why: Criterion;
}

/** Which rule decides, and the ones before it. */
export interface Reasons {
  /** Place of the rule that decides, from 0; `undefined` = none does. */
  readonly place: number | undefined;
  readonly before: readonly Passed[];
}

const CRITERIA: readonly (readonly [key: keyof PolicyMatch, name: Criterion])[] = [
  ["from", "from"],
  ["to", "to"],
  ["names", "names"],
  ["protocols", "protocols"],
  ["ports", "ports"],
  ["classes", "classes"],
  ["when", "hours"],
];

/** Looks at `rules` in their order, as {@link ./decide.ts decide} does. */
export function reasonsFor(rules: readonly PolicyRule[], flow: PolicyFlow): Reasons {
  const before: Passed[] = [];
  for (const [place, rule] of rules.entries()) {
    const why = failing(rule.match, flow);
    if (why === undefined) return { place, before };
    before.push({ rule, why });
  }
  return { place: undefined, before };
}

/** The first criterion that `flow` does not meet; `undefined` = it meets them all. */
export function failing(match: PolicyMatch, flow: PolicyFlow): Criterion | undefined {
  return CRITERIA.find(([key]) => match[key] !== undefined && !matches({ ...EVERY_FLOW, [key]: match[key] }, flow))?.[1];
}

/** What a rule wants, as the end of a sentence that begins with its name. */
export function showUse(use: PolicyUse): string {
  switch (use.kind) {
    case "pin":
      return `pinned to ${use.provider}`;
    case "prefer":
      return `prefers ${use.providers.join(", then ")}`;
    case "avoid":
      return `avoids ${use.providers.join(", ")}`;
    case "spread":
      return `spreads ${[...use.weights].map(([name, weight]) => `${name} ${weight}`).join(", ")}`;
    case "default":
      return "the providers' own priorities hold";
  }
}
