/** Faults begin and end. Each is undone exactly as it was done, so that overlapping ones end well. */
import type { Millis } from "../value/time.ts";
import type { Machine } from "./machine.ts";
import type { Network, ProviderEnd, Road } from "./network.ts";
import type { FaultPlan } from "./plan.ts";

/** What faults can touch. */
export interface FaultWorld {
  readonly network: Network;
  machineOf(site: number): Machine | undefined;
  end(site: number, provider: number): ProviderEnd;
  /** The provider that carries most of what the site sends now. */
  busiest(site: number): ProviderEnd | undefined;
  /** What counts from the last change on counts anew for this site's contexts. What only gets better is no such change. */
  disturb(site: number): void;
  /** Plans something that the trace shows. */
  at(at: Millis, run: () => void | Promise<void>, what: () => string): void;
  now(): Millis;
  toss(): boolean;
}

/** Plans the beginning and the end of `fault`. */
export function planFault(world: FaultWorld, fault: FaultPlan): void {
  const { network } = world;
  let end = world.end(fault.site, fault.provider);
  const name = `${fault.kind} of site ${fault.site}`;
  const between = (begin: () => void | Promise<void>, finish: () => void | Promise<void>): void => {
    const aim = (): void => {
      if (fault.aimed) end = world.busiest(fault.site) ?? end;
    };
    world.at(
      fault.at,
      () => {
        aim();
        return begin();
      },
      () => `${name}, provider ${end.index}, begins`,
    );
    world.at(fault.until, finish, () => `${name}, provider ${end.index}, ends`);
  };
  switch (fault.kind) {
    case "provider":
      return between(
        () => count(world, end, 1, 1),
        () => count(world, end, -1, -1),
      );
    case "out":
      return between(
        () => count(world, end, 1, 0),
        () => count(world, end, -1, 0),
      );
    case "in":
      return between(
        () => count(world, end, 0, 1),
        () => count(world, end, 0, -1),
      );
    case "road": {
      let road: Road | undefined;
      const block = (by: number): void => {
        if (road !== undefined) road.down += by;
        if (by > 0) world.disturb(fault.site);
      };
      return between(
        () => {
          road = network.roadBetween(end, world.end(fault.other, fault.otherProvider));
          block(1);
        },
        () => block(-1),
      );
    }
    case "flap":
      return planFlap(world, fault, between, () => end, name);
    case "hole":
    case "narrow":
      return planSize(world, fault, () => end, between);
    case "storm":
      return between(
        () => {
          eachRoad(network, end, (road) => {
            road.loss = Math.max(road.loss, fault.other);
          });
          world.disturb(fault.site);
        },
        () =>
          eachRoad(network, end, (road) => {
            road.loss = road.plan.loss;
          }),
      );
    case "kill":
      return planKill(world, fault, between);
    case "stop":
      return between(
        () => {
          world.machineOf(fault.site)?.stop();
          world.disturb(fault.site);
        },
        () => {
          world.machineOf(fault.site)?.resume(world.now(), world.toss());
          world.disturb(fault.site);
        },
      );
    case "rules":
      return between(
        () => world.machineOf(fault.site)?.steer(end.index),
        () => world.machineOf(fault.site)?.steer(undefined),
      );
    case "drain":
      return between(
        () => world.machineOf(fault.site)?.drain(end.index),
        () => world.machineOf(fault.site)?.drain(undefined),
      );
    case "handover":
      return between(
        () => count(world, end, 1, 1),
        () => {
          count(world, end, -1, -1);
          eachRoad(network, end, (road) => {
            road.detour = fault.other;
          });
        },
      );
    case "wall":
      return world.at(
        fault.at,
        () => {
          const machine = world.machineOf(fault.site);
          if (machine !== undefined) machine.wall += fault.other;
        },
        () => name,
      );
  }
}

function count(world: FaultWorld, end: ProviderEnd, out: number, into: number): void {
  end.out += out;
  end.in += into;
  if (out + into > 0) world.disturb(end.site);
}

function eachRoad(network: Network, end: ProviderEnd, change: (road: Road) => void): void {
  for (const road of network.roads) if (road.from === end || road.to === end) change(road);
}

/** Comes and goes during the first half, is dead during the second. */
function planFlap(world: FaultWorld, fault: FaultPlan, between: Between, end: () => ProviderEnd, name: string): void {
  const middle = (fault.at + fault.until) / 2;
  let down = false;
  const turn = (): void => {
    down = !down;
    count(world, end(), down ? 1 : -1, down ? 1 : -1);
  };
  between(turn, turn);
  for (let at = fault.at + fault.other; at < middle; at += fault.other) world.at(at, turn, () => `${name}, provider ${end().index}, turns`);
  world.at(
    middle,
    () => {
      if (!down) turn();
    },
    () => `${name}, provider ${end().index}, stays dead`,
  );
}

type Between = (begin: () => void | Promise<void>, finish: () => void | Promise<void>) => void;

function planSize(world: FaultWorld, fault: FaultPlan, end: () => ProviderEnd, between: Between): void {
  between(
    () =>
      eachRoad(world.network, end(), (road) => {
        road.mtu = Math.min(road.mtu, fault.other);
        road.silent ||= fault.kind === "hole";
      }),
    () =>
      eachRoad(world.network, end(), (road) => {
        road.mtu = road.plan.mtu;
        road.silent = false;
      }),
  );
}

/** A box that is dead already is not killed again: whoever killed it starts it. */
function planKill(world: FaultWorld, fault: FaultPlan, between: Between): void {
  let ours = false;
  between(
    () => {
      const machine = world.machineOf(fault.site);
      ours = machine?.running !== undefined;
      if (ours) machine?.kill();
      world.disturb(fault.site);
    },
    () => {
      world.disturb(fault.site);
      return ours ? world.machineOf(fault.site)?.start(world.now()) : undefined;
    },
  );
}
