/** Which rule decides about a flow, and what that means for each provider. */
import type { Ulid } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { holdsAt } from "./hours.ts";
import { type ForkRule, hasFork, looksAtTransport, type PolicyMatch, type PolicyRule, type PolicyUse } from "./rule.ts";

/** What is known of a flow; what is not (a context for all ports, a peer without a name) matches no criterion about it. */
export interface PolicyFlow {
  readonly from: Ulid;
  readonly to: Ulid;
  /** Names under which hosts asked for the peer; lower case, without the final dot. */
  readonly names: readonly string[];
  readonly protocol: number | undefined;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** DSCP. */
  readonly class: number | undefined;
  /** Forked Instance Identifier of the context that carries it, which tells more than all else: its rule decides; absent = 0, the default context. */
  readonly fork?: number | undefined;
  /** Minute of the week in local time, from Monday 00:00. */
  readonly minute: number;
}

/** A provider as the site ranks it without rules. */
export interface PolicyProvider {
  readonly name: string;
  /** Lower is better. */
  readonly priority: number;
  readonly weight: number;
}

/** What a provider is for a flow. */
export interface PolicyChoice {
  readonly name: string;
  /** Place in the order, 0 first; equal ones share by weight. */
  readonly rank: number;
  readonly weight: number;
  /** `false` = never, whatever happens to the others. */
  readonly allowed: boolean;
}

/** What was decided, and by which rule; `undefined` = by none. */
export interface PolicyDecision {
  readonly rule: PolicyRule | undefined;
  /** In the order of the providers that were given. */
  readonly choices: readonly PolicyChoice[];
}

/** The rule that the flow's fork stands for, or else the first of `rules` that matches `flow`; none = the providers' own order. */
export function decide(rules: readonly PolicyRule[], providers: readonly PolicyProvider[], flow: PolicyFlow): PolicyDecision {
  const rule = ruleOfFork(rules, flow) ?? rules.find(({ match }) => matches(match, flow));
  return { rule, choices: choose(rule?.use ?? { kind: "default" }, providers) };
}

/**
 * The rules that take flows of a pair out of its default context, first match first: those for the pair before the first rule that takes
 * all that is left. What `flow` says of the transport does not matter.
 */
export function forksFor(rules: readonly PolicyRule[], flow: PolicyFlow): ForkRule[] {
  const forks: ForkRule[] = [];
  for (const rule of rules) {
    if (looksAtTransport(rule.match)) {
      if (hasFork(rule) && matches(ofPair(rule.match), flow)) forks.push(rule);
    } else if (matches(rule.match, flow)) break;
  }
  return forks;
}

/** The first of `forks`, as {@link forksFor} gives them, that takes `flow`. */
export function forkOf(forks: readonly ForkRule[], flow: PolicyFlow): ForkRule | undefined {
  return forks.find(({ match }) => matches(match, flow));
}

/** The rule that the fork of `flow` stands for; none for a default context, and for a fork that the peer began by rules of its own. */
export function ruleOfFork(rules: readonly PolicyRule[], flow: PolicyFlow): ForkRule | undefined {
  return (flow.fork ?? 0) === 0 ? undefined : forksFor(rules, flow).find(({ fork }) => fork === flow.fork);
}

/** What a rule asks of the pair of ULIDs. */
function ofPair(match: PolicyMatch): PolicyMatch {
  return { ...match, protocols: undefined, ports: undefined, classes: undefined };
}

/** Whether every criterion of `match` that is there holds for `flow`. */
export function matches(match: PolicyMatch, flow: PolicyFlow): boolean {
  const { from, to, names, protocols, ports, classes, when } = match;
  if (from !== undefined && !from.some((prefix) => contains(prefix, flow.from))) return false;
  if (to !== undefined && !to.some((prefix) => contains(prefix, flow.to))) return false;
  if (names !== undefined && !names.some((suffix) => flow.names.some((name) => name === suffix || name.endsWith(`.${suffix}`))))
    return false;
  if (protocols !== undefined && (flow.protocol === undefined || !protocols.includes(flow.protocol))) return false;
  if (
    ports !== undefined &&
    !ports.some(({ first, last }) => isIn(flow.sourcePort, first, last) || isIn(flow.destinationPort, first, last))
  )
    return false;
  if (classes !== undefined && (flow.class === undefined || !classes.includes(flow.class))) return false;
  return when === undefined || holdsAt(when, flow.minute);
}

function isIn(port: number | undefined, first: number, last: number): boolean {
  return port !== undefined && first <= port && port <= last;
}

/** What `use` makes of the providers' own order. */
export function choose(use: PolicyUse, providers: readonly PolicyProvider[]): PolicyChoice[] {
  return providers.map((provider) => choiceFor(use, provider, providers));
}

function choiceFor(use: PolicyUse, provider: PolicyProvider, all: readonly PolicyProvider[]): PolicyChoice {
  const { name, weight } = provider;
  const place = placeOf(provider, all);
  const plain: PolicyChoice = { name, rank: place, weight, allowed: true };
  const behind: PolicyChoice = { ...plain, rank: all.length + place };
  switch (use.kind) {
    case "pin":
      return name === use.provider ? { ...plain, rank: 0 } : { ...behind, allowed: false };
    case "prefer": {
      const turn = use.providers.indexOf(name);
      return turn < 0 ? behind : { name, rank: turn, weight: 1, allowed: true };
    }
    case "avoid":
      return use.providers.includes(name) ? behind : plain;
    case "spread": {
      const share = use.weights.get(name) ?? 0;
      return share === 0 ? behind : { name, rank: 0, weight: share, allowed: true };
    }
    case "default":
      return plain;
  }
}

/** How many different priorities are better. */
function placeOf({ priority }: PolicyProvider, providers: readonly PolicyProvider[]): number {
  return new Set(providers.map((other) => other.priority).filter((other) => other < priority)).size;
}
