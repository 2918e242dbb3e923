/** What the boxes of a world are told of their sites: the site.yaml of a plan. */
import type { BoxSite } from "../box/assemble.ts";
import { EVERY_FLOW, type PolicyRule } from "../policy/rule.ts";
import type { MachineParts } from "./machine.ts";
import { FIRST_PORT, PROTOCOL_UDP } from "./packet.ts";
import { providerPrefix, ulidPrefix } from "./people.ts";
import type { Plan } from "./plan.ts";

/** What the lines of the boxes carry; roads may carry less. */
const LINE_MTU = 1500;
/** How much may wait for contexts in a box. */
export const HOLD = { packets: 64, octets: 65_536, total: 262_144 };

/** The settings of the box of `site`, which knows the locators of the other sites' hosts from the start: `bindings`. */
export function settingsOf(
  { sites, idle, contexts, scenario }: Plan,
  site: number,
  bindings: BoxSite["bindings"],
): MachineParts["settings"] {
  const { preferences, profile, probes } = sites[site];
  return {
    contexts: { max: contexts, idle },
    hold: HOLD,
    reap: { profile },
    tun: { name: "pshim0", mtu: LINE_MTU, queues: 1 },
    icmp: { pass: "auto" },
    mtu: { probe: probes },
    bindings,
    providers: preferences.map((preference, index) => ({ ...preference, name: `isp${index}`, prefix: providerPrefix(site, index) })),
    ulid: { routable: [], prefix: ulidPrefix(site) },
    policy: scenario.forks ? forkRules(preferences.length) : [],
  };
}

/** Datagrams by the last provider, the second stream by the first one and no other. */
function forkRules(providers: number): PolicyRule[] {
  const second = FIRST_PORT + 1;
  return [
    { name: "datagrams", match: { ...EVERY_FLOW, protocols: [PROTOCOL_UDP] }, use: { kind: "prefer", providers: [`isp${providers - 1}`] } },
    { name: "second", match: { ...EVERY_FLOW, ports: [{ first: second, last: second }] }, use: { kind: "pin", provider: "isp0" } },
  ];
}
