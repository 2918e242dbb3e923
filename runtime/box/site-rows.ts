/** The settings and their rules as rows for the API: what holds, what each rule wants, which one decides about a flow. */
import type { FlowQuestion } from "../api/facade.ts";
import type { DecisionRow, PolicyRuleRow, SiteRow } from "../api/rows-explain.ts";
import type { ExceptionsRow } from "../api/rows-locators.ts";
import type { Path } from "../config/path.ts";
import type { Site } from "../config/site.ts";
import { lineFinder } from "../config/where.ts";
import { choose, type PolicyFlow } from "../policy/decide.ts";
import { minuteOfWeek } from "../policy/hours.ts";
import { looksAtTransport } from "../policy/rule.ts";
import { reasonsFor, showUse } from "../policy/why.ts";
import { type Prefix, showPrefix } from "../value/prefix.ts";

import type { Excepted } from "./exceptions.ts";

/** File and line of what stands under a path; `null` where nothing does. */
export type Where = (path: Path) => string | null;

/** Finds lines in the settings that hold; `text` is asked each time, and read anew when it is another one. */
export function whereIn(file: string, text: () => string | undefined): Where {
  let read: string | undefined;
  let find: ((path: Path) => number | undefined) | undefined;
  return (path) => {
    const now = text();
    if (now !== read) find = now === undefined ? undefined : lineFinder(now);
    read = now;
    const line = find?.(path);
    return line === undefined ? null : `${file}:${line}`;
  };
}

/** The settings as they hold. No secret is part of them; where one lies is. */
export function siteRow(site: Site, file: string): SiteRow {
  return { file, settings: Object.fromEntries(Object.entries(site).map(([name, value]) => [name, plain(value)])) };
}

/** Values of settings as JSON has them: prefixes as text, maps as objects, what never comes as null. */
function plain(value: unknown): unknown {
  if (isPrefix(value)) return showPrefix(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [String(name), plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
  return value === undefined || value === Number.POSITIVE_INFINITY ? null : value;
}

function isPrefix(value: unknown): value is Prefix {
  return typeof value === "object" && value !== null && "base" in value && "length" in value && Object.keys(value).length === 2;
}

/** The rules in their order; `decided` counts by name. */
export function* policyRows({ policy }: Pick<Site, "policy">, where: Where, decided: ReadonlyMap<string, number>): Iterable<PolicyRuleRow> {
  for (const [place, { name, match, use }] of policy.entries()) {
    const said = Object.entries(match).filter(([, value]) => value !== undefined);
    yield {
      name,
      use: showUse(use),
      match: Object.fromEntries(said.map(([key, value]) => [key, plain(value)])),
      source: where(["policy", place]),
      decided: decided.get(name) ?? 0,
    };
  }
}

/** What rules look at. `wall` = calendar milliseconds. */
export function flowOf(
  { from, to, protocol, port, class: dscp, minute }: Omit<FlowQuestion, "name">,
  names: readonly string[],
  wall: number,
): PolicyFlow {
  return { from, to, names, protocol, sourcePort: undefined, destinationPort: port, class: dscp, minute: minute ?? minuteOfWeek(wall) };
}

/** For what Shim6 is switched off. */
export function exceptionsRow({ peers, ports }: Excepted): ExceptionsRow {
  return { peers: peers.map(showPrefix), ports: ports.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)) };
}

/** Which rule decides about `flow`, and what that means for each provider. */
export function decisionRow({ policy, providers }: Pick<Site, "policy" | "providers">, flow: PolicyFlow, where: Where): DecisionRow {
  const { place, before } = reasonsFor(policy, flow);
  const rule = place === undefined ? undefined : policy[place];
  return {
    rule: rule?.name ?? null,
    use: showUse(rule?.use ?? { kind: "default" }),
    source: place === undefined ? null : where(["policy", place]),
    needsOwnContext: rule !== undefined && looksAtTransport(rule.match),
    providers: choose(rule?.use ?? { kind: "default" }, providers),
    before: before.map(({ rule: { name }, why }, i) => ({ rule: name, why, source: where(["policy", i]) })),
  };
}
