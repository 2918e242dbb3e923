/** What the core is told of mapping hosts' addresses towards peers without Shim6 (P-Shim6 draft §7; docs/legacy.md). */
import { mapsHosts } from "../config/legacy.ts";
import type { Provider, Site } from "../config/site.ts";
import type { Core, CoreMapping } from "../fast/contract.ts";
import { exchangeFor } from "../locator/exchange.ts";
import { mappingOf } from "../locator/map.ts";
import { minuteOfWeek, untilChange } from "../policy/hours.ts";
import type { Address } from "../value/address.ts";
import { contains } from "../value/prefix.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { type CompiledRules, type Standing, sharesFor, steerRules, type Taker } from "./mapped-rules.ts";

/** The largest packet there is: what is not known does not limit. */
const LARGEST = 40 + 65_535;
const MINUTE: Millis = 60_000;

/** What the text that the kernel shows for an interface's MTU says. */
export function mtuOf(text: string | undefined): number {
  const mtu = Number(text?.trim() || Number.NaN);
  return Number.isInteger(mtu) && mtu > 0 ? Math.min(mtu, LARGEST) : LARGEST;
}

/** What a mapping is made from. */
export type MappedSite = Pick<Site, "ulid" | "lan" | "providers" | "bindings" | "legacy" | "policy">;

/** What changes while settings stay. */
export interface MappingState {
  readonly standing: Standing;
  /** What the hosts' link carries, octets. */
  readonly lanMtu: number;
  readonly rules?: CoreMapping["rules"];
}

/**
 * What the core is to hear. `slots` are the providers' places by name, which they keep; what uses a dead one goes elsewhere at once, of a
 * drained provider only what is new.
 */
export function mappingFor(site: MappedSite, slots: ReadonlyMap<string, number>, { standing, lanMtu, rules }: MappingState): CoreMapping {
  const { ulid, lan, providers, bindings } = site;
  const alive = providers.filter(({ name }) => !standing.dead.has(name));
  const usable = new Set(alive.length > 0 ? alive : providers);
  const subnets = lan.subnets.filter((subnet) => contains(ulid.prefix, subnet.base));
  return {
    providers: providers.flatMap((provider) => {
      const mapping = mappingOf(provider.prefix, ulid.prefix, subnets);
      const exchange = exchangeFor(provider.prefix, ulid.prefix, "fill" in mapping ? mapping.fill : "zero");
      const drained = standing.drained.has(provider.name);
      return placesOf(provider, slots).map((place) => ({ place, usable: usable.has(provider), drained, ...exchange }));
    }),
    shares: sharesFor(takersOf(site, slots), standing),
    limitIn: lanMtu,
    spared: bindings.flatMap((binding) => (contains(ulid.generic, binding.ulid) ? [] : [binding.ulid])),
    rules,
  };
}

/** The site's providers as takers, by their own priorities and weights. */
export function takersOf({ providers }: Pick<MappedSite, "providers">, slots: ReadonlyMap<string, number>): Taker[] {
  return providers.flatMap((provider) => placesOf(provider, slots).map((place) => ({ ...provider, place })));
}

function placesOf({ name }: Pick<Provider, "name">, slots: ReadonlyMap<string, number>): number[] {
  const place = slots.get(name);
  return place === undefined ? [] : [place];
}

/** What {@link Mapping} works with; the settings and plans are those of the moment. */
export interface MappingParts {
  readonly core: Pick<Core, "setMapping">;
  readonly site: () => MappedSite;
  readonly slots: () => ReadonlyMap<string, number>;
  readonly standing: () => Standing;
  readonly lanMtu: () => number;
  /** Calendar milliseconds. */
  readonly wall: () => number;
  /** Addresses that names at or below the domains have. */
  readonly named: (domains: readonly string[]) => readonly Address[];
  /** Calls `run` once, in `delay` ms. */
  readonly after: (delay: Millis, run: () => void) => void;
}

/** Keeps the core told. For the control thread. */
export class Mapping {
  readonly #parts: MappingParts;
  #epoch = 0;
  #text: string | undefined;
  #told = false;
  /** The alarm in use; an earlier one is stale. */
  #alarm = 0;

  constructor(parts: MappingParts) {
    this.#parts = parts;
  }

  /** Providers, lines, names, hours or settings may have changed. Where no host is mapped nothing happens. */
  tell(): void {
    const { core, site, slots, standing, lanMtu } = this.#parts;
    const now = site();
    if (!mapsHosts(now.legacy)) return;
    const state = { standing: standing(), lanMtu: lanMtu() };
    const compiled = this.#compile(now, state.standing);
    if (this.#told && compiled?.text !== this.#text) this.#epoch++;
    this.#told = true;
    this.#text = compiled?.text;
    const rules = compiled && { ...compiled.rules, epoch: this.#epoch };
    core.setMapping(mappingFor(now, slots(), { ...state, rules }));
    this.#wait(now);
  }

  #compile(site: MappedSite, standing: Standing): CompiledRules | undefined {
    const { slots, named, wall } = this.#parts;
    return steerRules({ site, takers: takersOf(site, slots()), standing, minute: minuteOfWeek(wall()), named });
  }

  /** Rules begin and end by the hour. */
  #wait({ policy }: MappedSite): void {
    const { wall, after } = this.#parts;
    const hours = policy.flatMap(({ match }) => match.when ?? []);
    const alarm = ++this.#alarm;
    if (hours.length === 0) return;
    const now = wall();
    const left = untilChange(hours, minuteOfWeek(now)) * MINUTE - (now % MINUTE);
    after(Math.min(NEVER, Math.max(1, left)), () => alarm === this.#alarm && this.tell());
  }
}
