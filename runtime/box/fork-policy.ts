/** What the site's rules say of forks: which flows of a pair get a context of their own, and which rule a fork stands for. */
import { forkOf, forksFor, type PolicyFlow, ruleOfFork } from "../policy/decide.ts";
import { forkRules } from "../policy/forks.ts";
import { minuteOfWeek, untilChange } from "../policy/hours.ts";
import type { ForkRule, PolicyRule } from "../policy/rule.ts";
import type { UlidPair } from "../shim6/contract.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Policy } from "./policy.ts";

/** What it is asked for. */
export interface ForkPolicyParts {
  /** The site's rules; another array when they are others. */
  readonly rules: () => readonly PolicyRule[];
  readonly policy: Pick<Policy, "flowOf">;
  /** Calendar milliseconds. */
  readonly wall: () => number;
}

/** What is known of a flow beside its ends. */
export type Transport = Pick<PolicyFlow, "protocol" | "sourcePort" | "destinationPort" | "class">;

const MINUTE: Millis = 60_000;

/** Answers for the rules of the moment. */
export class ForkPolicy {
  readonly #parts: ForkPolicyParts;
  #rules: readonly PolicyRule[] = [];
  /** Those with a fork, in order, and the place of each; and the rules up to the last of them: what stands behind takes nothing from any. */
  #forks: readonly ForkRule[] = [];
  #places: ReadonlyMap<PolicyRule, number> = new Map();
  #head: readonly PolicyRule[] = [];

  constructor(parts: ForkPolicyParts) {
    this.#parts = parts;
  }

  /** The rules that have forks: the same array as long as the rules are the same. */
  get forks(): readonly ForkRule[] {
    const rules = this.#parts.rules();
    if (rules === this.#rules) return this.#forks;
    this.#rules = rules;
    this.#forks = forkRules(rules);
    this.#places = new Map(this.#forks.map((rule, place) => [rule, place]));
    this.#head = rules.slice(0, rules.findLastIndex(({ fork }) => fork !== undefined) + 1);
    return this.#forks;
  }

  /** Those that take flows of the pair from its default context, first match first. */
  forksFor(pair: UlidPair, now: Millis): readonly ForkRule[] {
    return this.forks.length === 0 ? [] : forksFor(this.#head, this.#parts.policy.flowOf(pair, now));
  }

  /** Place of `rule` in {@link forks}. */
  placeOf(rule: ForkRule): number {
    return this.#places.get(rule) ?? 0;
  }

  /** The one that takes `flow` of the pair. */
  forkOf(pair: UlidPair, flow: Transport, now: Millis): ForkRule | undefined {
    return forkOf(this.forksFor(pair, now), { ...this.#parts.policy.flowOf(pair, now), ...flow });
  }

  /** The rule whose flows the fork `pair` carries for us; none for a default context, and for a fork that the peer began by rules of its own. */
  ruleOf(pair: UlidPair, now: Millis): ForkRule | undefined {
    if (pair.fork === 0 || this.forks.length === 0) return undefined;
    return ruleOfFork(this.#head, this.#parts.policy.flowOf(pair, now));
  }

  /** Until a rule that forks depend on begins or ceases to hold; `NEVER` if none does. */
  untilEdge(): Millis {
    if (this.forks.length === 0) return NEVER;
    const wall = this.#parts.wall();
    const hours = this.#head.flatMap(({ match }) => match.when ?? []);
    return hours.length === 0 ? NEVER : untilChange(hours, minuteOfWeek(wall)) * MINUTE - (wall % MINUTE);
  }
}
