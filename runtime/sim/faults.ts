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
  /** Plans something; the world is disturbed when it happens. */
  at(at: Millis, what: string, run: () => void | Promise<void>): void;
  now(): Millis;
  toss(): boolean;
}

/** Plans the beginning and the end of `fault`. */
export function planFault(world: FaultWorld, fault: FaultPlan): void {
  const { network } = world;
  const end = world.end(fault.site, fault.provider);
  const name = `${fault.kind} of site ${fault.site}, provider ${fault.provider}`;
  const between = (begin: () => void | Promise<void>, finish: () => void | Promise<void>): void => {
    world.at(fault.at, `${name} begins`, begin);
    world.at(fault.until, `${name} ends`, finish);
  };
  switch (fault.kind) {
    case "provider":
      return between(() => count(end, 1, 1), () => count(end, -1, -1));
    case "out":
      return between(() => count(end, 1, 0), () => count(end, -1, 0));
    case "in":
      return between(() => count(end, 0, 1), () => count(end, 0, -1));
    case "road": {
      const road = network.roadBetween(end, world.end(fault.other, fault.otherProvider));
      if (road === undefined) return;
      return between(
        () => {
          road.down++;
        },
        () => {
          road.down--;
        },
      );
    }
    case "flap":
      return planFlap(world, fault, end, name);
    case "hole":
    case "narrow":
      return planSize(world, fault, end, between);
    case "storm":
      return between(
        () => eachRoad(network, end, (road) => (road.loss = Math.max(road.loss, fault.other))),
        () => eachRoad(network, end, (road) => (road.loss = road.plan.loss)),
      );
    case "kill":
      return planKill(world, fault, between);
    case "stop":
      return between(
        () => world.machineOf(fault.site)?.stop(),
        () => world.machineOf(fault.site)?.resume(world.now(), world.toss()),
      );
    case "wall":
      return world.at(fault.at, name, () => {
        const machine = world.machineOf(fault.site);
        if (machine !== undefined) machine.wall += fault.other;
      });
  }
}

function count(end: ProviderEnd, out: number, into: number): void {
  end.out += out;
  end.in += into;
}

function eachRoad(network: Network, end: ProviderEnd, change: (road: Road) => void): void {
  for (const road of network.roads) if (road.from === end || road.to === end) change(road);
}

function planFlap(world: FaultWorld, fault: FaultPlan, end: ProviderEnd, name: string): void {
  let down = false;
  for (let at = fault.at; at < fault.until; at += fault.other) {
    world.at(at, `${name} turns`, () => {
      down = !down;
      count(end, down ? 1 : -1, down ? 1 : -1);
    });
  }
  world.at(fault.until, `${name} ends`, () => {
    if (down) count(end, -1, -1);
  });
}

function planSize(world: FaultWorld, fault: FaultPlan, end: ProviderEnd, between: (begin: () => void, finish: () => void) => void): void {
  between(
    () =>
      eachRoad(world.network, end, (road) => {
        road.mtu = Math.min(road.mtu, fault.other);
        road.silent ||= fault.kind === "hole";
      }),
    () =>
      eachRoad(world.network, end, (road) => {
        road.mtu = road.plan.mtu;
        road.silent = false;
      }),
  );
}

/** A box that is dead already is not killed again: whoever killed it starts it. */
function planKill(
  world: FaultWorld,
  fault: FaultPlan,
  between: (begin: () => void, finish: () => void | Promise<void>) => void,
): void {
  let ours = false;
  between(
    () => {
      const machine = world.machineOf(fault.site);
      ours = machine?.running !== undefined;
      if (ours) machine?.kill();
    },
    () => (ours ? world.machineOf(fault.site)?.start(world.now()) : undefined),
  );
}
