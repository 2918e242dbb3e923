/** The site's rules of traffic engineering over the locators of a context (draft §2; RFC 6629 §5.2). */
import type { Bindings } from "../locator/bindings.ts";
import type { LocalChoice } from "../locator/rank.ts";
import { decide, type PolicyFlow } from "../policy/decide.ts";
import { minuteOfWeek } from "../policy/hours.ts";
import type { PolicyRule } from "../policy/rule.ts";
import type { UlidPair } from "../shim6/contract.ts";
import type { Address } from "../value/address.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";

/** What the rules are about. */
export interface PolicyTerms {
  readonly rules: readonly PolicyRule[];
  readonly providers: readonly { readonly name: string; readonly prefix: Prefix }[];
}

/** What the decisions depend on beside the terms. */
export interface PolicyParts {
  readonly terms: () => PolicyTerms;
  readonly bindings: Pick<Bindings, "namesOf">;
  /** Calendar milliseconds. */
  readonly wall: () => number;
}

/** Decides for contexts, as things are at the moment. */
export class Policy {
  readonly #parts: PolicyParts;
  /** How often each rule decided, by its name. */
  readonly decided = new Map<string, number>();

  constructor(parts: PolicyParts) {
    this.#parts = parts;
  }

  /** `choices` with the ranks and weights that the rule for `pair` gives; without a rule, as they are. */
  apply(pair: UlidPair, choices: readonly LocalChoice[], now: Millis): LocalChoice[] {
    const { rules, providers } = this.#parts.terms();
    if (rules.length === 0) return [...choices];
    const nameOf = (address: Address) => providers.find(({ prefix }) => contains(prefix, address))?.name ?? address;
    const ranked = choices.map(({ address, priority, weight }) => ({ name: nameOf(address), priority, weight }));
    const { rule, choices: decided } = decide(rules, ranked, this.#flowOf(pair, now));
    if (rule === undefined) return [...choices];
    this.decided.set(rule.name, (this.decided.get(rule.name) ?? 0) + 1);
    return choices.map((choice, i) => ({
      ...choice,
      priority: decided[i].rank,
      weight: decided[i].weight,
      usable: choice.usable && decided[i].allowed,
    }));
  }

  /** A default context stands for all flows between two ULIDs: criteria about ports, protocols and classes match none of them. */
  #flowOf({ local, peer, fork }: UlidPair, now: Millis): PolicyFlow {
    const { bindings, wall } = this.#parts;
    return {
      from: local,
      to: peer,
      fork,
      names: bindings.namesOf(peer, now),
      protocol: undefined,
      sourcePort: undefined,
      destinationPort: undefined,
      class: undefined,
      minute: minuteOfWeek(wall()),
    };
  }

  /** The flows that the context `pair` stands for, as things are. */
  flowOf(pair: UlidPair, now: Millis): PolicyFlow {
    return this.#flowOf(pair, now);
  }
}
