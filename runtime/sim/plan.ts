/** A world on paper: everything that a seed decides before the first event. */
import type { ReapProfile } from "../reap/profile.ts";
import type { Millis } from "../value/time.ts";
import { Dice, type Range } from "./dice.ts";
import { type FaultKind, type PeerKind, type Scenario, scenarioOf } from "./scenario.ts";

/** A site and its box. */
export interface SitePlan {
  readonly providers: number;
  readonly hosts: number;
  readonly peer: PeerKind;
  readonly profile: ReapProfile;
  /** What the machine's monotonic clock shows at the world's beginning. */
  readonly clock: Millis;
  /** Whether the box looks for what paths carry. */
  readonly probes: boolean;
  /** Priority and weight of each provider. */
  readonly preferences: readonly { readonly priority: number; readonly weight: number }[];
}

/** From one provider to another, one way. */
export interface RoadPlan {
  readonly delay: Millis;
  /** Uniform from nothing to this, on top of the delay; packets do not pass one another by it. */
  readonly jitter: Millis;
  readonly loss: number;
  readonly twice: number;
  readonly late: number;
  readonly mtu: number;
}

/** Who sends what to whom. Hosts are numbered through all sites. */
export interface FlowPlan {
  readonly kind: "stream" | "datagrams";
  readonly from: number;
  readonly to: number;
  readonly begins: Millis;
  readonly ends: Millis;
  readonly octets: number;
  readonly pause: Millis;
  /** Of a stream: how long the receiver may wait with an acknowledgement. */
  readonly ackDelay: Millis;
  /** Its packets go inside others, between the two hosts (RFC 2473). */
  readonly tunnelled: boolean;
}

/** Something that goes wrong for a while. */
export interface FaultPlan {
  readonly kind: FaultKind;
  readonly at: Millis;
  readonly until: Millis;
  readonly site: number;
  readonly provider: number;
  /** It hits the provider that carries most of the site's contexts at that moment, whatever `provider` says. */
  readonly aimed: boolean;
  /** Of `road`: the other end. Of `hole` and `narrow`: the MTU. Of `flap`: the period. Of `storm`: the loss. Of `wall`: the jump. Of `handover`: the detour from then on. */
  readonly other: number;
  readonly otherProvider: number;
}

/** A whole world. */
export interface Plan {
  readonly name: string;
  readonly seed: number;
  readonly scenario: Scenario;
  readonly sites: readonly SitePlan[];
  /** The draws for roads, in the order in which they are built. */
  readonly roads: () => RoadPlan;
  /** By way of the home agent, each way, on top of a road's delay. */
  readonly detour: Millis;
  readonly flows: readonly FlowPlan[];
  readonly faults: readonly FaultPlan[];
  /** From here on nothing goes wrong any more and nothing is lost. */
  readonly healed: Millis;
  readonly idle: Millis;
  readonly contexts: number;
  /** Packets a second. */
  readonly offPath: number;
  /** Probability; the provider that is watched. */
  readonly onPath: { readonly rate: number; readonly site: number; readonly provider: number };
}

/** Labels of the independent streams of chance. */
export const LABEL = { plan: 1, roads: 2, network: 3, attacker: 4, detour: 5, entropy: 16 } as const;
/** Whose locators are home addresses where a scenario has a {@link Scenario.detour}. */
export const HOME = { site: 1, provider: 0 } as const;

/** Where clocks begin: after boot, in the middle, just before 32 bits of milliseconds are full, and far behind that. */
const CLOCKS: readonly (readonly [Millis, Millis])[] = [
  [0, 1000],
  [10_000, 10_000_000],
  [2 ** 31 - 40_000, 2 ** 31],
  [2 ** 32 - 60_000, 2 ** 32],
  [2 ** 33, 2 ** 34],
];
const ENOUGH_CONTEXTS = 64;
/** Share of faults that hit where it hurts: contexts leave a dead provider and do not come back by themselves. */
const AIMED = 0.6;
const FLAP_PERIOD = [300, 4000] as const;
const HOLE_MTU = [1280, 1380] as const;
const STORM_LOSS = [0.2, 0.9] as const;
const WALL_JUMP = [-3_600_000, 3_600_000] as const;

/** Draws the world of `seed` in the scenario `name`. @throws {RangeError} for an unknown name */
export function drawPlan(name: string, seed: number): Plan {
  const scenario = scenarioOf(name);
  const dice = new Dice(seed, LABEL.plan);
  const fast = dice.chance(scenario.fast);
  const mixed = dice.chance(scenario.mixed);
  const sites = Array.from({ length: scenario.sites }, (_, i): SitePlan => {
    const providers = dice.whole(scenario.providers);
    const profile = (mixed ? i === 0 : fast) ? "fast" : "rfc5534";
    return {
      providers,
      hosts: dice.whole(scenario.hosts),
      peer: i === 0 ? "box" : scenario.peer,
      profile,
      clock: dice.between(dice.pick(CLOCKS)),
      probes: dice.chance(0.7),
      preferences: Array.from({ length: providers }, () => ({ priority: dice.pick([10, 10, 20]), weight: dice.whole([1, 100]) })),
    };
  });
  const slow = sites.some(({ profile }) => profile === "rfc5534");
  // The RFC's timers are tens of seconds: the same number of things happens in a longer time.
  const stretch = slow ? 5 : 1;
  const lasts = dice.between(scenario.lasts) * stretch;
  const flows = drawFlows(dice, scenario, sites, lasts, stretch);
  const faults = drawFaults(dice, scenario, sites, lasts, stretch);
  const road = drawRoads(new Dice(seed, LABEL.roads), scenario);
  return {
    name,
    seed,
    scenario,
    sites,
    roads: road,
    detour: scenario.detour === undefined ? 0 : new Dice(seed, LABEL.detour).between(scenario.detour),
    flows,
    faults,
    healed: Math.max(lasts, ...faults.map(({ until }) => until)),
    idle: dice.between(scenario.idle),
    contexts: scenario.contexts === 0 ? ENOUGH_CONTEXTS : scenario.contexts,
    offPath: dice.between(scenario.offPath),
    onPath: { rate: dice.between(scenario.onPath), site: 0, provider: dice.whole([0, sites[0].providers - 1]) },
  };
}

function drawFlows(dice: Dice, scenario: Scenario, sites: readonly SitePlan[], lasts: Millis, stretch: number): FlowPlan[] {
  const first = sites.map((_, i) => sites.slice(0, i).reduce((sum, { hosts }) => sum + hosts, 0));
  const host = (site: number): number => first[site] + dice.whole([0, sites[site].hosts - 1]);
  const draw = (kind: FlowPlan["kind"]): FlowPlan => {
    // Somebody at the first site talks, except where there are more.
    const here = sites.length > 2 ? dice.whole([0, sites.length - 1]) : 0;
    const there = (here + dice.whole([1, sites.length - 1])) % sites.length;
    const ends: [number, number] = [host(here), host(there)];
    const [from, to] = scenario.peer === "box" && dice.chance(0.5) ? [ends[1], ends[0]] : ends;
    const begins = scenario.together ? 10 : dice.between([0, lasts / 4]);
    return {
      kind,
      from,
      to,
      begins,
      ends: lasts,
      octets: kind === "stream" ? dice.whole(scenario.writes) : dice.whole([16, 400]),
      pause: dice.between(scenario.pauses) * stretch,
      ackDelay: dice.pick([0, 0, 40, 200]),
      tunnelled: scenario.tunnelled === true,
    };
  };
  return [
    ...Array.from({ length: dice.whole(scenario.streams) }, () => draw("stream")),
    ...Array.from({ length: dice.whole(scenario.datagrams) }, () => draw("datagrams")),
  ];
}

function drawFaults(dice: Dice, scenario: Scenario, sites: readonly SitePlan[], lasts: Millis, stretch: number): FaultPlan[] {
  if (scenario.kinds.length === 0) return [];
  return Array.from({ length: dice.whole(scenario.faults) }, (): FaultPlan => {
    const kind = dice.pick(scenario.kinds);
    const drawn = dice.whole([0, sites.length - 1]);
    const site = kind === "handover" ? HOME.site : drawn;
    const at = dice.between([0, lasts * 0.8]);
    const long = kind === "stop" || kind === "kill" ? 1 : stretch;
    const until = at + dice.between(scenario.fault) * long;
    const otherSite = (site + dice.whole([1, sites.length - 1])) % sites.length;
    return {
      kind,
      at,
      until,
      site,
      provider: kind === "handover" ? HOME.provider : dice.whole([0, sites[site].providers - 1]),
      aimed: dice.chance(AIMED) && kind !== "handover",
      other: kind === "handover" ? dice.between(scenario.detour ?? [0, 0]) : drawOther(dice, kind, otherSite, stretch),
      otherProvider: dice.whole([0, sites[otherSite].providers - 1]),
    };
  });
}

function drawOther(dice: Dice, kind: FaultKind, otherSite: number, stretch: number): number {
  switch (kind) {
    case "flap":
      return dice.between(FLAP_PERIOD) * stretch;
    case "hole":
    case "narrow":
      return dice.whole(HOLE_MTU);
    case "storm":
      return dice.between(STORM_LOSS);
    case "wall":
      return dice.whole(WALL_JUMP);
    default:
      return otherSite;
  }
}

function drawRoads(dice: Dice, scenario: Scenario): () => RoadPlan {
  const lossy = dice.chance(scenario.lossy);
  const rate = (range: Range): number => (lossy ? dice.between(range) : 0);
  return () => {
    const delay = dice.between(scenario.delay);
    return {
      delay,
      jitter: delay * dice.between(scenario.jitter),
      loss: rate(scenario.loss),
      twice: rate(scenario.twice),
      late: rate(scenario.late),
      mtu: dice.whole(scenario.mtu),
    };
  };
}
