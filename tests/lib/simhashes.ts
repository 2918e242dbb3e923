/** Prints the trace hash of some seeds of every scenario, a line each: the same on every runtime. */
import { SCENARIOS } from "../../runtime/sim/scenario.ts";
import { openSimulator } from "./sim.ts";

const SEEDS = [1, 2];

const simulator = openSimulator();
for (const scenario of Object.keys(SCENARIOS)) {
  for (const seed of SEEDS) {
    const { hash, events } = await simulator.run(scenario, seed);
    console.log(`${scenario} ${seed} ${hash} ${events}`);
  }
}
