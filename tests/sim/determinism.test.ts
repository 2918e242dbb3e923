/** One seed decides everything: the same run again, whatever ran before, and on every runtime. */
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RUNTIMES } from "../../runtime/cli/host.ts";
import { Capture } from "../../runtime/sim/pcap.ts";
import { commandOf, PROJECT } from "../lib/labhost.ts";
import { openSimulator } from "../lib/sim.ts";

test("the same seed gives the same run, another seed another one", async () => {
  const first = openSimulator();
  const once = await first.run("standard", 7);
  const other = await first.run("standard", 8);
  const again = await first.run("standard", 7);
  const elsewhere = await openSimulator().run("standard", 7);
  assert.equal(again, once);
  assert.equal(elsewhere, once);
  assert.is.not(other.hash, once.hash);
});

test("who watches changes nothing", async () => {
  const simulator = openSimulator();
  const alone = await simulator.run("failover", 3);
  const lines: string[] = [];
  const capture = new Capture();
  const watched = await simulator.run("failover", 3, { line: (text) => lines.push(text), wire: (at, packet) => capture.add(at, packet) });
  assert.equal(watched, alone);
  assert.ok(lines.some((line) => line.includes("leaves")) && lines.some((line) => line.includes("delivers")));
  assert.ok(capture.octets().length > 10_000);
});

test("Node, Deno and Bun agree", () => {
  const said = RUNTIMES.map((runtime) => {
    const [program, ...args] = commandOf(runtime, "tests/lib/simhashes.ts").argv;
    const done = spawnSync(program, args, { cwd: PROJECT, encoding: "utf8" });
    assert.is(done.status, 0, done.stderr);
    return done.stdout;
  });
  assert.ok(said[0].split("\n").length > 20);
  assert.is(said[1], said[0]);
  assert.is(said[2], said[0]);
});

test.run();
