/** The roads of a world as its plan draws them, before anything has happened to them. */
import { addressOctets } from "../value/address.ts";
import { u48 } from "../value/bytes.ts";
import { IPV6_HEADER_LENGTH } from "../wire/number.ts";
import type { ProviderEnd, Road } from "./network.ts";
import { providerPrefix } from "./people.ts";
import { HOME, type Plan } from "./plan.ts";

/** All providers of all sites, and a road from each to each of the other sites. Draws each of the plan's roads, once. */
export function layRoads(plan: Plan): { readonly ends: readonly ProviderEnd[]; readonly roads: readonly Road[] } {
  const ends = plan.sites.flatMap(({ providers }, site) =>
    Array.from({ length: providers }, (_, index): ProviderEnd => {
      const key = u48(addressOctets(providerPrefix(site, index).base), 0);
      return { site, index, key, out: 0, in: 0 };
    }),
  );
  const roads = ends.flatMap((from) => ends.filter(({ site }) => site !== from.site).map((to) => layRoad(from, to, plan)));
  return { ends, roads };
}

/** By way of the home agent packets are longer by the header of a tunnel. */
function layRoad(from: ProviderEnd, to: ProviderEnd, { roads: draw, detour: homeDetour, scenario }: Plan): Road {
  const [straight, isHome] = [draw(), homeDetour > 0 && [from, to].some(isHomeEnd)];
  const plan = isHome ? { ...straight, mtu: straight.mtu - IPV6_HEADER_LENGTH } : straight;
  const [detour, detourMost] = isHome ? [homeDetour, scenario.detour?.[1] ?? 0] : [0, 0];
  return { from, to, plan, down: 0, mtu: plan.mtu, silent: false, loss: plan.loss, detour, detourMost, lastAt: 0 };
}

function isHomeEnd({ site, index }: ProviderEnd): boolean {
  return site === HOME.site && index === HOME.provider;
}
