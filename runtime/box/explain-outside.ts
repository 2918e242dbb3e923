/**
 * Flows between hosts and peers without Shim6, explained (P-Shim6 draft §7; docs/legacy.md): which rule decides and what it does, which providers a
 * new flow would take now and why not others, and which addresses hosts have beside their ULIDs.
 */
import type { ExplainRow } from "../api/rows-explain.ts";
import { besideAt, leasesBeside, ledToUlids, mapsHosts } from "../config/legacy.ts";
import type { Provider } from "../config/site.ts";
import { besideOf } from "../locator/beside.ts";
import { refusesOutsiders } from "../policy/mapped.ts";
import type { PolicyRule, PolicyUse } from "../policy/rule.ts";
import { type Reasons, reasonsFor } from "../policy/why.ts";
import type { Address } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import type { Flow } from "./explain-ends.ts";
import type { Standing } from "./explain-standing.ts";
import type { Step, WayParts } from "./explain-way.ts";
import { isDeprecated, sharesFor, type Taker, takersBy } from "./mapped-rules.ts";
import { takersOf } from "./mapping.ts";

/** What becomes of such a flow; `provider` is the one that it leaves by, if there is but one. */
export interface OutsideWay extends Pick<ExplainRow, "outcome" | "verdict" | "steps" | "providers"> {
  readonly provider: Provider | undefined;
}

const DEFAULT_USE: PolicyUse = { kind: "default" };

/** Why rules decide about `flow`, or do not, whichever end began. */
export function reasonsOf({ box, site, flowOf, legacy }: WayParts, flow: Flow): Reasons {
  const { bindings, clock } = box.parts;
  const [host, peer] = flow.direction === "out" ? [flow.from, flow.to] : [flow.to, flow.from];
  const heard = legacy?.()?.namesOf(peer.address) ?? [];
  const names = new Set([...bindings.namesOf(peer.address, clock.now()), ...heard, ...(peer.name === undefined ? [] : [peer.name])]);
  const asked = { from: host.address, to: peer.address, protocol: flow.protocol, port: flow.port, class: flow.class };
  return reasonsFor(site().policy, flowOf(asked, [...names]));
}

/** What `legacy` of a rule does with a flow that it matches, as the end of a sentence; `undefined` = nothing. */
export function showLegacy({ legacy }: Pick<PolicyRule, "legacy">): string | undefined {
  switch (legacy) {
    case "map":
      return "hosts go there from their identifiers (legacy: map)";
    case "pa":
      return "hosts go there from their addresses of the providers alone (legacy: pa)";
    case "refuse":
      return "nothing goes there from identifiers (legacy: refuse)";
    default:
      return undefined;
  }
}

/** The way of one flow between a host of the site and a peer without Shim6. */
export class OutsideFlow {
  readonly #parts: WayParts;
  readonly #standing: Standing;
  readonly #flow: Flow;
  readonly #host: Address;
  readonly #peer: Address;

  constructor(parts: WayParts, standing: Standing, flow: Flow) {
    this.#parts = parts;
    this.#standing = standing;
    this.#flow = flow;
    const [host, peer] = flow.direction === "out" ? [flow.from, flow.to] : [flow.to, flow.from];
    this.#host = host.address;
    this.#peer = peer.address;
  }

  /** What becomes of it; `undefined` = the site has no way for it. */
  walk(): OutsideWay | undefined {
    const { legacy } = this.#parts.site();
    const own = this.#providersOf((provider) =>
      besideAt(this.#parts.site(), provider).some(({ outside }) => contains(outside, this.#host)),
    );
    if (own.length > 0) return this.#fromBeside(own[0]);
    const beside = this.#providersOf((provider) => besideOf(besideAt(this.#parts.site(), provider), this.#host) !== undefined);
    const mapped = mapsHosts(legacy) ? (this.#flow.direction === "out" ? this.#mapped() : this.#reached()) : undefined;
    if (!leasesBeside(legacy) || beside.length === 0) return mapped;
    if (mapped !== undefined && this.#flow.direction === "in") return { ...mapped, steps: [...mapped.steps, this.#besideStep(beside)] };
    if (mapped !== undefined && this.#isLed()) return { ...mapped, steps: [this.#ledStep(), ...mapped.steps] };
    return this.#besideWay(beside, mapped);
  }

  #providersOf(is: (provider: Provider) => boolean): Provider[] {
    return this.#parts.site().providers.filter(is);
  }

  /** Hosts that choose as they are told go there from ULIDs. */
  #isLed(): boolean {
    const site = this.#parts.site();
    return site.dhcp?.policy === true && ledToUlids(site).some((prefix) => contains(prefix, this.#peer));
  }

  /** One end is such an address. */
  #fromBeside(provider: Provider): OutsideWay {
    const { name } = provider;
    const isOut = this.#flow.direction === "out";
    const isLeft = this.#isDeprecated(provider);
    const what = isOut ? `it goes to ${name}, whose address the host uses` : `it comes by ${name}, whose address the host has`;
    const why = isLeft
      ? "the kernel carries it; the address is deprecated, so nothing new should begin"
      : "the kernel carries it, not the box";
    const step = this.#step("beside", isLeft ? null : true, what, why);
    const way = { outcome: "plain" as const, steps: [step], providers: this.#besideProviders([provider]), provider };
    return { ...way, verdict: `it passes as it is by ${name}, without Shim6: it ends when ${name} dies` };
  }

  #besideWay(beside: readonly Provider[], mapped: OutsideWay | undefined): OutsideWay {
    const usable = beside.filter((provider) => !this.#isDeprecated(provider));
    const isOut = this.#flow.direction === "out";
    const none = this.#step("mapping", null, "nothing goes there", "no host is mapped (legacy.mode: pa)");
    const others = isOut ? (mapped?.steps ?? [none]) : [];
    return {
      outcome: "plain",
      verdict: `it passes as it is, ${isOut ? "from" : "to"} the host's address of ${usable.map(({ name }) => name).join(" or ")}: without Shim6`,
      steps: [this.#besideStep(beside), ...others.map((each) => ({ ...each, ok: null, what: `from its identifier: ${each.what}` }))],
      providers: this.#besideProviders(usable),
      provider: usable.length === 1 ? usable[0] : undefined,
    };
  }

  #besideStep(beside: readonly Provider[]): Step {
    const site = this.#parts.site();
    const shown = (isLeft: boolean, between: string): string =>
      beside
        .filter((provider) => this.#isDeprecated(provider) === isLeft)
        .map((provider) => `${provider.name} (${besideOf(besideAt(site, provider), this.#host)})`)
        .join(between);
    const verb = this.#flow.direction === "out" ? "goes from" : mapsHosts(site.legacy) ? "is also reached at" : "is reached at";
    const why = this.#flow.direction === "out" ? "it chooses itself (RFC 6724), rules do not" : "the kernel carries that, not the box";
    const left = shown(true, ", ");
    const deprecated = left === "" ? "" : `; deprecated: ${left}`;
    return this.#step("beside", true, `the host ${verb} its address of ${shown(false, " or ")}`, `${why}${deprecated}`);
  }

  #ledStep(): Step {
    const what = "the host goes from its identifier, though it has addresses of the providers";
    return this.#step("beside", null, what, "legacy: map in policy says so, if the host takes the DHCP server's table (RFC 7078)");
  }

  #isDeprecated({ name }: Provider): boolean {
    return isDeprecated(name, this.#parts.site().providers, this.#standing.outside());
  }

  #besideProviders(usable: readonly Provider[]): OutsideWay["providers"] {
    const names = new Set(usable.map(({ name }) => name));
    return this.#rows(names, (provider) => (this.#isDeprecated(provider) ? ["hosts' addresses of it are deprecated"] : []));
  }

  /** A peer begins: at which locator is its choice. */
  #reached(): OutsideWay {
    const { providers } = this.#parts.site();
    const names = providers.map(({ name }) => name);
    const what = `what comes to the host's locator of ${names.join(" or ")} is the host's`;
    const step = this.#step("mapping", names.length > 0, what, "the peer chooses the locator; answers leave by the same provider");
    const verdict = `it is mapped: the host is reached at its locator of ${names.join(" or ")}`;
    const listed = this.#rows(new Set(names), () => []);
    return { outcome: "mapped", verdict, steps: [step], providers: listed, provider: providers.length === 1 ? providers[0] : undefined };
  }

  /** A host begins from its ULID. */
  #mapped(): OutsideWay {
    const { site, slots, line } = this.#parts;
    const { place } = reasonsOf(this.#parts, this.#flow);
    const rule = place === undefined ? undefined : site().policy[place];
    if (rule !== undefined && refusesOutsiders(rule)) {
      const what = `rule ${rule.name} keeps it back: ${showLegacy(rule)}`;
      const why = "it is not mapped, and the host hears that the address is unreachable (ICMPv6 type 1, code 3)";
      const step = this.#step("mapping", false, what, why, line(["policy", place ?? 0]));
      const listed = this.#rows(new Set(), () => [`rule ${rule.name} says legacy: ${rule.legacy}`]);
      return { outcome: "refused", verdict: `it is refused: ${what}`, steps: [step], providers: listed, provider: undefined };
    }
    const all = takersOf(site(), slots());
    const allowed = takersBy(rule?.use ?? DEFAULT_USE, all);
    const { dead, drained, preferred } = this.#standing.outside();
    const shares = new Set(sharesFor(allowed, { dead, drained, preferred }));
    const takers = allowed.filter((taker) => shares.has(taker.place));
    const listed = this.#rows(new Set(takers.map(({ name }) => name)), ({ name }) => this.#whyNot(name, rule, allowed, takers));
    if (takers.length === 0) {
      const step = this.#step("mapping", false, "no provider may take it", "none has a prefix", line(["providers"]));
      return {
        outcome: "refused",
        verdict: "it is refused: no provider may take it",
        steps: [step],
        providers: listed,
        provider: undefined,
      };
    }
    const shown = showShares(takers);
    const isLost = takers.every(({ name }) => dead.has(name));
    const why = isLost
      ? "none that may take it works: it goes there, and nothing comes back"
      : "a pair keeps its provider while that lives; a new one goes by its share";
    return {
      outcome: "mapped",
      verdict: `it is mapped: a locator of ${shown} stands for the host`,
      steps: [this.#step("mapping", isLost ? null : true, `the host's address becomes a locator of ${shown}`, why)],
      providers: listed,
      provider: takers.length === 1 ? site().providers.find(({ name }) => name === takers[0].name) : undefined,
    };
  }

  /** Why a provider that is neither dead nor drained takes nothing new. */
  #whyNot(name: string, rule: PolicyRule | undefined, allowed: readonly Taker[], takers: readonly Taker[]): string[] {
    if (takers.some((taker) => taker.name === name)) return [];
    const own = allowed.find((taker) => taker.name === name);
    if (own === undefined) return rule === undefined ? ["it has no routing table"] : [`rule ${rule.name} leaves it out`];
    const { dead, drained, preferred } = this.#standing.outside();
    if (dead.has(name) || drained.has(name)) return [];
    const [first] = takers;
    if (preferred.has(first.name) && !preferred.has(name)) return [`${first.name} is preferred`];
    if (own.priority > first.priority)
      return [rule === undefined ? `${first.name} has a better priority` : `rule ${rule.name} puts it behind ${first.name}`];
    return [own.weight === 0 ? "its weight is 0" : "its weight is too small for a share"];
  }

  #rows(takers: ReadonlySet<string>, more: (provider: Provider) => readonly string[]): OutsideWay["providers"] {
    return this.#standing.rows(takers, (provider) => more(provider));
  }

  #step(step: string, ok: boolean | null, what: string, why: string, source = this.#parts.line(["legacy"])): Step {
    return { step, ok, what, why, source };
  }
}

function showShares(takers: readonly Taker[]): string {
  if (takers.length === 1) return takers[0].name;
  const total = takers.reduce((sum, { weight }) => sum + weight, 0);
  return takers
    .map(({ name, weight }) => `${name} ${Math.round(total === 0 ? 100 / takers.length : (100 * weight) / total)} %`)
    .join(" or ");
}
