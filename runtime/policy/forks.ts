/**
 * Rules that look at more than the two addresses, as forked contexts (RFC 5533 §4.2, §7.7): a context stands for all flows between two
 * ULIDs, so the flows that such a rule takes out get one of their own. Each site steers what its own hosts send.
 */
import { mergedPorts } from "../value/ports.ts";
import { type ForkRule, hasFork, looksAtTransport, type PolicyMatch, type PolicyRule } from "./rule.ts";

// Chosen. What the packet core has room for: core-as/layout/fork.ts.

/** Rules that look at ports, protocols or classes, at most. */
export const FORK_RULES_MAX = 60;
/** Ranges of ports of all those rules together, when those of a rule that touch are one. */
export const FORK_RANGES_MAX = 1_024;

/**
 * `rules` with a Forked Instance Identifier for each that looks at more than addresses; beyond {@link FORK_RULES_MAX} they have none and never
 * decide. It is made of what the rule says of ports, protocols and classes: the same after a restart, and at another site with the same
 * rule, so that the two need one context for both directions. A rule that pins has one of its own `site`, named as no other site is: no peer
 * begins such a context on a provider that the rule does not allow.
 */
export function withForks(rules: readonly PolicyRule[], site: string): readonly PolicyRule[] {
  const taken = new Map<number, string>();
  let forks = 0;
  return rules.map((rule) =>
    looksAtTransport(rule.match) && forks++ < FORK_RULES_MAX ? { ...rule, fork: identify(rule, site, taken) } : rule,
  );
}

/** Those of `rules` that have a fork, in order. */
export function forkRules(rules: readonly PolicyRule[]): ForkRule[] {
  return rules.filter(hasFork);
}

/** Ranges of ports that `match` needs room for. */
export function rangesOf({ ports }: PolicyMatch): number {
  return mergedPorts(ports ?? []).length;
}

/** A number other than 0 for what the rule says of the transport; another one when that is `taken` for something else. */
function identify({ match, use }: PolicyRule, site: string, taken: Map<number, string>): number {
  const { protocols, ports, classes } = match;
  const own = use.kind === "pin" ? [use.provider, site] : [];
  const said = JSON.stringify([sorted(protocols), ports && mergedPorts(ports), sorted(classes), ...own]);
  let fork = usable(fnv1a(said));
  while ((taken.get(fork) ?? said) !== said) fork = usable(fork + 1);
  taken.set(fork, said);
  return fork;
}

/** The core has other uses for the first and the last numbers. */
function usable(fork: number): number {
  return fork === 0 || fork >= 0xffff_fffe ? 1 : fork;
}

function sorted(numbers: readonly number[] | undefined): number[] | undefined {
  return numbers && [...new Set(numbers)].sort((a, b) => a - b);
}

/** FNV-1a, 32 bits, over ASCII. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
