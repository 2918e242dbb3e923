/**
 * The internet between the sites: each provider of a site is joined with each provider of the other sites by two roads, one for
 * each direction. What breaks is counted, not switched: two faults may overlap.
 */
import { u48 } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";
import type { Agenda } from "./agenda.ts";
import type { Dice } from "./dice.ts";
import type { RoadPlan } from "./plan.ts";

/** One end of a provider at one site. */
export interface ProviderEnd {
  readonly site: number;
  readonly index: number;
  /** First six octets of its locators. */
  readonly key: number;
  /** Faults that hold now: 0 = it works. */
  out: number;
  in: number;
}

/** From one provider to another, one way. */
export interface Road {
  readonly from: ProviderEnd;
  readonly to: ProviderEnd;
  readonly plan: RoadPlan;
  down: number;
  /** What passes at present. */
  mtu: number;
  /** Packets that are too long: whether anybody says so. */
  silent: boolean;
  loss: number;
  /** On top of the plan's delay, at present and at most. */
  detour: Millis;
  readonly detourMost: Millis;
  /** When the last packet arrives: later ones do not pass it, but for those that are held back. */
  lastAt: Millis;
}

/** What the network tells the world. */
export interface NetworkEvents {
  arrive(packet: Uint8Array, road: Road): void;
  lost(packet: Uint8Array, road: Road | undefined, why: string): void;
  /** A router on the road says that `packet` is longer than `mtu`. */
  tooBig(packet: Uint8Array, road: Road, mtu: number): void;
}

/** All roads. */
export class Network {
  readonly ends: readonly ProviderEnd[];
  readonly roads: readonly Road[];
  /** No loss, no duplicates, nothing held back from now on. */
  perfect = false;
  readonly #byKey = new Map<number, ProviderEnd>();
  readonly #byEnds = new Map<ProviderEnd, Map<ProviderEnd, Road>>();
  readonly #dice: Dice;
  readonly #agenda: Agenda;
  readonly #events: NetworkEvents;

  constructor(ends: readonly ProviderEnd[], roads: readonly Road[], dice: Dice, agenda: Agenda, events: NetworkEvents) {
    this.ends = ends;
    this.roads = roads;
    this.#dice = dice;
    this.#agenda = agenda;
    this.#events = events;
    for (const end of ends) {
      this.#byKey.set(end.key, end);
      this.#byEnds.set(end, new Map());
    }
    for (const road of roads) this.#byEnds.get(road.from)?.set(road.to, road);
  }

  /** The provider that an address at `at` of `packet` belongs to. */
  endAt(packet: Uint8Array, at: number): ProviderEnd | undefined {
    return this.#byKey.get(u48(packet, at));
  }

  roadBetween(from: ProviderEnd, to: ProviderEnd): Road | undefined {
    return this.#byEnds.get(from)?.get(to);
  }

  /** Takes a packet whose source is a locator of `from`. `packet` is the network's from now on. */
  send(now: Millis, packet: Uint8Array, from: ProviderEnd, destination: ProviderEnd): void {
    const road = this.roadBetween(from, destination);
    if (road === undefined) return this.#events.lost(packet, undefined, "no road");
    if (from.out > 0) return this.#events.lost(packet, road, "uplink down");
    if (road.down > 0) return this.#events.lost(packet, road, "road down");
    if (destination.in > 0) return this.#events.lost(packet, road, "downlink down");
    if (packet.length > road.mtu) {
      this.#events.lost(packet, road, "too big");
      if (!road.silent) this.#events.tooBig(packet, road, road.mtu);
      return;
    }
    const { plan } = road;
    if (this.#chance(road.loss)) return this.#events.lost(packet, road, "lost");
    this.#carry(now, packet, road);
    if (this.#chance(plan.twice)) this.#carry(now, packet, road);
  }

  /** Puts a packet onto the last stretch towards `end`, as if some road had brought it. */
  inject(now: Millis, packet: Uint8Array, road: Road): void {
    this.#plan(now + road.plan.delay + road.detour, packet, road);
  }

  #carry(now: Millis, packet: Uint8Array, road: Road): void {
    const { plan } = road;
    const arrival = now + plan.delay + road.detour + (plan.jitter > 0 ? plan.jitter * this.#dice.fraction() : 0);
    if (this.#chance(plan.late)) return this.#plan(arrival + (plan.delay + road.detour) * this.#dice.fraction(), packet, road);
    road.lastAt = Math.max(road.lastAt, arrival);
    this.#plan(road.lastAt, packet, road);
  }

  #plan(at: Millis, packet: Uint8Array, road: Road): void {
    this.#agenda.at(at, () => this.#events.arrive(packet, road));
  }

  #chance(probability: number): boolean {
    return !this.perfect && this.#dice.chance(probability);
  }
}

/** Whether what leaves by `road` arrives, at least when it is small. */
export function works({ from, to, down }: Road): boolean {
  return from.out === 0 && down === 0 && to.in === 0;
}
