/** Some seeds of every scenario: no invariant breaks. The thousands are run by `pshim6 sim`; PSHIM6_SEED moves the window. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SCENARIOS } from "../../runtime/sim/scenario.ts";
import { seed } from "../lib/seed.ts";
import { complaint, openSimulator } from "../lib/sim.ts";

/** A third of a second or so for each scenario. */
const PACKETS_EACH = 9_000;
const SEEDS_MOST = 30;

const simulator = openSimulator();
const powers = new Map<string, { seeds: number; checks: number; recoveries: number; packets: number }>();

for (const scenario of Object.keys(SCENARIOS)) {
  test(`${scenario}: every invariant holds`, async () => {
    const power = { seeds: 0, checks: 0, recoveries: 0, packets: 0 };
    powers.set(scenario, power);
    for (let at = seed; at < seed + SEEDS_MOST && power.packets < PACKETS_EACH; at++) {
      const result = await simulator.run(scenario, at);
      assert.is(complaint(result), undefined);
      power.seeds++;
      power.packets += result.packets;
      power.checks += result.checks;
      power.recoveries += result.recoveries;
    }
  });
}

test("the scenarios do what they are for: contexts were on dead pairs and left them", () => {
  for (const scenario of ["failover", "one-way"]) assert.ok((powers.get(scenario)?.recoveries ?? 0) > 0, scenario);
  for (const [scenario, { packets }] of powers) assert.ok(packets > 100, scenario);
});

test.run();
