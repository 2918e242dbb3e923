/** One seed, from the draw to the verdict. */
import type { Millis } from "../value/time.ts";
import type { SimOutside } from "./outside.ts";
import { People } from "./people.ts";
import { drawPlan } from "./plan.ts";
import type { Watchers } from "./trace.ts";
import { type Invariant, Violation } from "./violation.ts";
import { World } from "./world.ts";

/** What became of a seed. */
export interface SeedResult {
  readonly scenario: string;
  readonly seed: number;
  /** Of everything that happened, in order: equal hashes, equal runs. */
  readonly hash: string;
  readonly events: number;
  /** Virtual time at the end. */
  readonly virtual: Millis;
  /** Packets that hosts sent. */
  readonly packets: number;
  /** Times that a working pair was demanded and found in use; those of them for which a context had to leave a dead pair. */
  readonly checks: number;
  /** Times that a context was demanded in time and found. */
  readonly made: number;
  readonly recoveries: number;
  /** `undefined`: every invariant held. */
  readonly violation: SeedViolation | undefined;
}

/** What went wrong. */
export interface SeedViolation {
  readonly invariant: Invariant;
  readonly at: Millis;
  readonly what: string;
  /** Where the box threw. */
  readonly stack: string | undefined;
}

/** All simulations of a process: what is dear and the same in each world is computed once. */
export interface Simulator {
  /** Runs `seed` (0 … 2^53 − 1) in the scenario of that name. @throws {RangeError} for an unknown name */
  run(scenario: string, seed: number, watchers?: Watchers): Promise<SeedResult>;
}

/** A simulator on `outside`. */
export function createSimulator(outside: SimOutside): Simulator {
  const people = new People(outside.crypto);
  return {
    async run(scenario, seed, watchers = {}) {
      const world = new World(drawPlan(scenario, seed), people, outside, watchers);
      const violation = await violationOf(world);
      if (violation !== undefined) world.trace.say(violation.at, () => `VIOLATED ${violation.invariant}: ${violation.what}`);
      return {
        scenario,
        seed,
        hash: world.trace.hash,
        events: world.trace.events,
        virtual: world.now,
        packets: world.ledger.next - 1,
        checks: world.liveness.checks,
        made: world.liveness.made,
        recoveries: world.liveness.recoveries,
        violation,
      };
    },
  };
}

async function violationOf(world: World): Promise<SeedViolation | undefined> {
  try {
    await world.run();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return { invariant: error.invariant, at: error.at, what: error.message, stack: undefined };
    const what = error instanceof Error ? error.message : String(error);
    return { invariant: "exception", at: world.now, what, stack: error instanceof Error ? error.stack : undefined };
  }
}
