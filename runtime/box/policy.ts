/** The site's rules of traffic engineering over the locators of a context (draft §2; RFC 6629 §5.2). */
import type { Bindings } from "../locator/bindings.ts";
import type { LocalChoice } from "../locator/rank.ts";
import { decide, type PolicyFlow } from "../policy/decide.ts";
import { minuteOfWeek } from "../policy/hours.ts";
import type { PolicyRule } from "../policy/rule.ts";
import type { UlidPair } from "../shim6/contract.ts";
import type { Address, Locator } from "../value/address.ts";
import { contains, type Prefix } from "../value/prefix.ts";
import type { Millis } from "../value/time.ts";

/** What the rules are about. */
export interface PolicyTerms {
  readonly rules: readonly PolicyRule[];
  readonly providers: readonly { readonly name: string; readonly prefix: Prefix }[];
}

/** The terms at one minute of the week. */
export interface PolicyView {
  readonly terms: PolicyTerms;
  readonly minute: number;
}

/** What was decided for a context. */
export interface PolicyVerdict {
  /** `undefined` = none matches. */
  readonly rule: PolicyRule | undefined;
  readonly choices: LocalChoice[];
  /** Locators that it must not use, whatever happens to the others. */
  readonly forbidden: readonly Locator[];
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

  /** Whether there is anything to decide. */
  get hasRules(): boolean {
    return this.#parts.terms().rules.length > 0;
  }

  /** What decides now. */
  get view(): PolicyView {
    return { terms: this.#parts.terms(), minute: minuteOfWeek(this.#parts.wall()) };
  }

  /** `choices` with the ranks and weights that the rule for `pair` gives; without a rule, as they are. */
  apply(pair: UlidPair, choices: readonly LocalChoice[], now: Millis): LocalChoice[] {
    const { rule, choices: decided } = this.decide(pair, choices, now);
    this.note(rule);
    return decided;
  }

  /** A context was set up, or sorted anew, as `rule` says. */
  note(rule: PolicyRule | undefined): void {
    if (rule !== undefined) this.decided.set(rule.name, (this.decided.get(rule.name) ?? 0) + 1);
  }

  /** The same with the rule that decides, as things are, or as they were in `view`; it is not counted. */
  decide(pair: UlidPair, choices: readonly LocalChoice[], now: Millis, view: PolicyView = this.view): PolicyVerdict {
    const { rules, providers } = view.terms;
    if (rules.length === 0) return { rule: undefined, choices: [...choices], forbidden: [] };
    const nameOf = (address: Address) => providers.find(({ prefix }) => contains(prefix, address))?.name ?? address;
    const ranked = choices.map(({ address, priority, weight }) => ({ name: nameOf(address), priority, weight }));
    const { rule, choices: decided } = decide(rules, ranked, { ...this.#flowOf(pair, now), minute: view.minute });
    if (rule === undefined) return { rule, choices: [...choices], forbidden: [] };
    return {
      rule,
      choices: choices.map((choice, i) => ({
        ...choice,
        priority: decided[i].rank,
        weight: decided[i].weight,
        usable: choice.usable && decided[i].allowed,
      })),
      forbidden: choices.flatMap(({ address }, i) => (decided[i].allowed ? [] : [address])),
    };
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
