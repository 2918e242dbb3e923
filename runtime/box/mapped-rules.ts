/** The rules of `policy` as the core asks them about pairs and flows without contexts (core-as/layout/steer.ts). */
import { MAPPED_RULES, type Provider, type Site } from "../config/site.ts";
import type { SteerClass, SteerRules, SteerTerm } from "../fast/contract.ts";
import { sharesOf } from "../locator/exchange.ts";
import { choose } from "../policy/decide.ts";
import { kindText, outsiderRules, outsiders, refusesOutsiders } from "../policy/mapped.ts";
import type { PolicyRule, PolicyUse } from "../policy/rule.ts";
import type { Address } from "../value/address.ts";
import { showPrefix } from "../value/prefix.ts";

/** Shares in which new pairs of host and peer are given to providers (core-as/layout/mapping.ts). */
export const SHARES = 256;

/** How a provider stands now, by its name. */
export interface Standing {
  /** Its line is down, REAP finds nobody by it, or the operator says so. */
  readonly dead: ReadonlySet<string>;
  readonly drained: ReadonlySet<string>;
  /** Those that come before all others. */
  readonly preferred: ReadonlySet<string>;
}

/** A provider that may take a share, by what the site and a rule say. */
export interface Taker extends Pick<Provider, "name" | "priority" | "weight"> {
  readonly place: number;
}

/** More than a rule's rank or a provider's priority can be. */
const BEFORE_ALL = 1_000;

/** Who takes which share of what is new: nobody that is dead or drained while there is another. */
export function sharesFor(takers: readonly Taker[], { dead, drained, preferred }: Standing): Uint8Array {
  const alive = takers.filter(({ name }) => !dead.has(name));
  const wanted = alive.filter(({ name }) => !drained.has(name));
  const left = [wanted, alive, takers].find((each) => each.length > 0) ?? [];
  return sharesOf(
    left.map((taker) => ({ ...taker, priority: preferred.has(taker.name) ? taker.priority - BEFORE_ALL : taker.priority, usable: true })),
    SHARES,
  );
}

/** Those of `takers` that may take something where a rule says `use`, in the order that it wants. */
export function takersBy(use: PolicyUse, takers: readonly Taker[]): Taker[] {
  const choices = choose(use, takers);
  return takers.flatMap((taker, i) => (choices[i].allowed ? [{ ...taker, priority: choices[i].rank, weight: choices[i].weight }] : []));
}

/** Whether nothing new is to begin from hosts' addresses of `provider`: it is dead or drained, and another one of `providers` is neither. */
export function isDeprecated(provider: string, providers: readonly Pick<Provider, "name">[], { dead, drained }: Standing): boolean {
  const isLeft = (name: string): boolean => dead.has(name) || drained.has(name);
  return isLeft(provider) && !providers.every(({ name }) => isLeft(name));
}

/** What {@link steerRules} looks at. */
export interface SteerParts {
  readonly site: Pick<Site, "policy" | "ulid">;
  readonly takers: readonly Taker[];
  readonly standing: Standing;
  /** Of the week. */
  readonly minute: number;
  /** Addresses that names at or below the domains have. */
  readonly named: (domains: readonly string[]) => readonly Address[];
}

/** Rules without their epoch, and a text that differs when they do, whatever providers and names are. */
export interface CompiledRules {
  readonly rules: Omit<SteerRules, "epoch">;
  readonly text: string;
}

/** @returns `undefined` when no rule says anything of traffic without contexts */
export function steerRules({ site, takers, standing, minute, named }: SteerParts): CompiledRules | undefined {
  const chosen = outsiderRules(site.policy, site.ulid.generic, minute).slice(0, MAPPED_RULES.rules);
  if (chosen.length === 0) return undefined;
  const classes: SteerClass[] = [];
  const kinds = new Map<string, number>();
  const kindOf = (rule: PolicyRule): number => {
    const key = kindText(rule);
    const known = kinds.get(key);
    if (known !== undefined) return known;
    kinds.set(key, classes.length);
    classes.push(classFor(rule, takers, standing));
    return classes.length - 1;
  };
  let room: number = MAPPED_RULES.named;
  const terms = chosen.map((rule): SteerTerm => {
    const { from, names, protocols, ports, classes: dscps } = rule.match;
    const found = names === undefined ? undefined : named(names).slice(0, room);
    room -= found?.length ?? 0;
    return { from, to: outsiders(rule, site.ulid.generic), named: found, protocols, ports, dscps, kind: kindOf(rule) };
  });
  return { rules: { classes, terms }, text: chosen.map((rule) => `${matchText(rule)} ${kindText(rule)}`).join("\n") };
}

function classFor(rule: PolicyRule, takers: readonly Taker[], standing: Standing): SteerClass {
  if (refusesOutsiders(rule)) return { shares: sharesFor([], standing), allowed: [] };
  const allowed = takersBy(rule.use, takers);
  return { shares: sharesFor(allowed, standing), allowed: allowed.map(({ place }) => place) };
}

function matchText({ match: { from, to, ...rest } }: PolicyRule): string {
  return JSON.stringify({ ...rest, from: from?.map(showPrefix), to: to?.map(showPrefix), when: undefined });
}
