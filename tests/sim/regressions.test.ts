/**
 * Worlds by name that break when the box has a certain fault. What a seed's world contains moves with every draw that the product makes, so a
 * row says what the world must show and where to begin looking: each world on the way must hold, and one must show it all.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SeedResult } from "../../runtime/sim/run.ts";
import { complaint, openSimulator } from "../lib/sim.ts";

interface Row {
  readonly name: string;
  readonly scenario: string;
  /** Where to begin. */
  readonly seed: number;
  /** What the world's trace must show. */
  readonly shows: readonly RegExp[];
  /** What it must have been tried for. */
  readonly proves: (result: SeedResult) => boolean;
}

/** Worlds looked at for each row. */
const SEARCH = 40;

const ROWS: readonly Row[] = [
  {
    name: "acknowledgements of path MTU probes came back over a pair that worked, and kept the Send Timer of RFC 5534's profile from ever expiring",
    scenario: "standard",
    seed: 2508,
    shows: [/leaves .* UpdateAck /, /(?:provider|out|in) of site/, /Exploring \(send-timeout\)/],
    proves: ({ recoveries }) => recoveries > 0,
  },
  {
    name: "packets that the core punted because the context explored came after the exploration had ended, and nobody let them go",
    scenario: "standard",
    seed: 1527,
    shows: [/stop of site .* ends/, /Operational \(probe-operational\)/],
    proves: ({ packets }) => packets > 0,
  },
  {
    name: "the pair in use dies while hosts talk: Send Timeout, walk, another pair",
    scenario: "failover",
    seed: 5,
    shows: [/provider of site/, /Exploring \(send-timeout\)/, /Operational/],
    proves: ({ recoveries }) => recoveries > 0,
  },
  {
    name: "one direction dies: the side that still hears the other answers by another pair",
    scenario: "one-way",
    seed: 43,
    shows: [/(?:out|in|road) of site/, /InboundOk/, /Operational/],
    proves: ({ recoveries }) => recoveries > 0,
  },
  {
    name: "a box loses its contexts and the other one still sends: R1bis, I2bis",
    scenario: "restart",
    seed: 35,
    shows: [/kill of site/, /leaves .* R1bis /, /leaves .* I2bis /, /by R2/],
    proves: ({ made }) => made > 0,
  },
  {
    name: "I1 goes into the void on the first pairs",
    scenario: "failover",
    seed: 17,
    shows: [/lost .*: I1 /, /by R2/],
    proves: ({ made }) => made > 0,
  },
  {
    name: "the process was stopped: packets in its queue come before timers that fell due, or after",
    scenario: "clock",
    seed: 1,
    shows: [/stop of site .* begins/, /stop of site .* ends/],
    proves: ({ checks }) => checks > 0,
  },
  {
    name: "a home address is in use, its mobile node moves and the home agent dies: the context leaves for a locator of the other kind",
    scenario: "home-address",
    seed: 1,
    shows: [/handover of site 1, provider 0, begins/, /provider of site 1/, /Operational/],
    proves: ({ recoveries }) => recoveries > 0,
  },
  {
    name: "what is inside a tunnel is re-homed with it, in pieces where a line has become narrow",
    scenario: "tunnel-ends",
    seed: 1,
    shows: [/provider of site/, /(?:narrow|hole) of site/, /Exploring/],
    proves: ({ recoveries }) => recoveries > 0,
  },
  {
    name: "the R2 to an I1 on another pair was taken for the one to I2: too short a round trip, and a Send Timeout that rang in peace",
    scenario: "calm",
    seed: 6620,
    shows: [/leaves .* I2 /, /by R2, tag/],
    proves: ({ packets }) => packets > 0,
  },
  {
    name: "somebody on the path changes signed lists and replays I2",
    scenario: "on-path",
    seed: 8,
    shows: [/forged .*: UpdateRequest/, /forged .*: I2 |forged .*: R2 /],
    proves: ({ packets }) => packets > 0,
  },
];

const simulator = openSimulator();
for (const { name, scenario, seed, shows, proves } of ROWS) {
  test(name, async () => {
    for (let at = seed; at < seed + SEARCH; at++) {
      const lines: string[] = [];
      const result = await simulator.run(scenario, at, { line: (text) => lines.push(text) });
      assert.is(complaint(result), undefined);
      const trace = lines.join("\n");
      if (proves(result) && shows.every((wanted) => wanted.test(trace))) return;
    }
    assert.unreachable(`no world of ${scenario} from seed ${seed} on shows this any more`);
  });
}

test.run();
