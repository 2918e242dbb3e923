/** Rules of traffic engineering (draft §2; RFC 6629 §5.2): who matches, and which providers carry it. First match wins. */
import type { PortRange } from "../value/ports.ts";
import type { Prefix } from "../value/prefix.ts";

export type { PortRange };

/** One rule. Every criterion that is there must match; an absent one matches everything. */
export interface PolicyRule {
  /** As the operator calls it, or `rule N`, counted from 1. */
  readonly name: string;
  readonly match: PolicyMatch;
  readonly use: PolicyUse;
  /** Forked Instance Identifier of the contexts for its flows; only a rule that looks at more than addresses has one: see forks.ts. */
  readonly fork?: number | undefined;
  /**
   * How hosts reach peers without Shim6 that match: `map`, from their ULIDs; `pa`, from their addresses of the providers alone; `refuse`, not from
   * their ULIDs. Absent = as the site says.
   */
  readonly legacy?: "map" | "pa" | "refuse" | undefined;
  /** When contexts go back to the provider that they had to leave; absent = as the site has it. */
  readonly failback?: Failback | undefined;
}

/** When a context goes back to a provider that works again. */
export type Failback =
  | { readonly kind: "never" }
  /** When it has carried nothing for some seconds. */
  | { readonly kind: "idle" }
  /** When the provider and the path over it have worked for so long, milliseconds; 0 = at once. */
  | { readonly kind: "after"; readonly hold: number };

/** Whom a rule is for. A list matches when one of its entries does. */
export interface PolicyMatch {
  /** ULIDs of the site's own hosts. */
  readonly from: readonly Prefix[] | undefined;
  /** ULIDs of peers. */
  readonly to: readonly Prefix[] | undefined;
  /** Domains that the peer's name is at or below; lower case, without the final dot. A peer whose name is not known matches none. */
  readonly names: readonly string[] | undefined;
  /** IP protocol numbers. */
  readonly protocols: readonly number[] | undefined;
  /** Port of either end, for protocols that have ports. */
  readonly ports: readonly PortRange[] | undefined;
  /** Values of the six DSCP bits of the traffic class (RFC 2474). */
  readonly classes: readonly number[] | undefined;
  readonly when: readonly PolicyHours[] | undefined;
}

/** What matches every flow. */
export const EVERY_FLOW: PolicyMatch = {
  from: undefined,
  to: undefined,
  names: undefined,
  protocols: undefined,
  ports: undefined,
  classes: undefined,
  when: undefined,
};

/** Hours of the week in the box's local time. A span that ends before it begins goes over midnight and belongs to the day it begins on. */
export interface PolicyHours {
  /** 0 = Monday … 6 = Sunday. */
  readonly days: readonly number[];
  /** Minutes of the day, 0 … 1439. */
  readonly from: number;
  /** Minutes of the day, 1 … 1440, excluded. */
  readonly to: number;
}

/** What is done with a flow that matches; providers are named. */
export type PolicyUse =
  /** That provider and no other, even when it is dead. */
  | { readonly kind: "pin"; readonly provider: string }
  /** These in this order, then the others as they stand. */
  | { readonly kind: "prefer"; readonly providers: readonly string[] }
  /** The others as they stand, these only when no other is left. */
  | { readonly kind: "avoid"; readonly providers: readonly string[] }
  /** Contexts are shared out by these weights; providers without one serve when none of these is left. */
  | { readonly kind: "spread"; readonly weights: ReadonlyMap<string, number> }
  /** As if there were no rule: the providers' own priorities and weights. */
  | { readonly kind: "default" };

/** Whether a rule looks at more than the two addresses: then flows of one ULID pair may need contexts of their own (RFC 5533 §7.6). */
export function looksAtTransport({ protocols, ports, classes }: PolicyMatch): boolean {
  return protocols !== undefined || ports !== undefined || classes !== undefined;
}

/** A rule with a fork. */
export interface ForkRule extends PolicyRule {
  readonly fork: number;
}

/** Whether a rule has a fork. */
export function hasFork(rule: PolicyRule): rule is ForkRule {
  return rule.fork !== undefined;
}
