/** What the core is told of mapping hosts' addresses towards peers without Shim6 (P-Shim6 draft §7; docs/legacy.md). */
import type { Provider, Site } from "../config/site.ts";
import type { Core } from "../fast/contract.ts";
import { exchangeFor, sharesOf } from "../locator/exchange.ts";
import { mappingOf } from "../locator/map.ts";
import { contains } from "../value/prefix.ts";

/** The largest packet there is: what is not known does not limit. */
const LARGEST = 40 + 65_535;

/** What the text that the kernel shows for an interface's MTU says. */
export function mtuOf(text: string | undefined): number {
  const mtu = Number(text?.trim() || Number.NaN);
  return Number.isInteger(mtu) && mtu > 0 ? Math.min(mtu, LARGEST) : LARGEST;
}

/** Shares in which new pairs of host and peer are given to providers (core-as/layout/mapping.ts). */
const SHARES = 256;

/** What providers are not to get: lines by their interfaces, drained ones by name. */
export interface Unwanted {
  readonly dead: ReadonlySet<string>;
  readonly drained: ReadonlySet<string>;
  /** By name: those that the operator takes for dead. */
  readonly broken?: ReadonlySet<string>;
}

/**
 * Tells the core, or nothing where no host is mapped. `slots` are the providers' places by name, which they keep; what uses a dead line goes
 * elsewhere at once, of a drained provider only what is new. `lanMtu` is what the hosts' link carries, octets.
 */
export function tellMapping(
  core: Pick<Core, "setMapping">,
  { ulid, lan, providers, bindings, legacy }: Pick<Site, "ulid" | "lan" | "providers" | "bindings" | "legacy">,
  slots: ReadonlyMap<string, number>,
  { dead, drained, broken }: Unwanted,
  lanMtu: number,
): void {
  if (legacy.mode === "off") return;
  const alive = providers.filter((provider) => !dead.has(provider.interface) && !broken?.has(provider.name));
  const usable = new Set(alive.length > 0 ? alive : providers);
  const wanted = new Set([...usable].filter(({ name }) => !drained.has(name)));
  const takers = wanted.size > 0 ? wanted : usable;
  const subnets = lan.subnets.filter((subnet) => contains(ulid.prefix, subnet.base));
  const placeOf = ({ name }: Provider): number[] => {
    const place = slots.get(name);
    return place === undefined ? [] : [place];
  };
  core.setMapping({
    providers: providers.flatMap((provider) => {
      const mapping = mappingOf(provider.prefix, ulid.prefix, subnets);
      const exchange = exchangeFor(provider.prefix, ulid.prefix, "fill" in mapping ? mapping.fill : "zero");
      return placeOf(provider).map((place) => ({ place, usable: usable.has(provider), ...exchange }));
    }),
    shares: sharesOf(
      [...takers].flatMap((provider) => placeOf(provider).map((place) => ({ ...provider, place, usable: true }))),
      SHARES,
    ),
    limitIn: lanMtu,
    spared: bindings.flatMap((binding) => (contains(ulid.generic, binding.ulid) ? [] : [binding.ulid])),
  });
}
