/** `pshim6 sim` on a made-up machine: what it prints, what it refuses, how it ends when an invariant breaks. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { memoryOutside } from "../../../adapters/memory/outside.ts";
import { CliMachine, type CliWorld } from "../../lib/clihost.ts";
import { coreModule } from "../../lib/core.ts";

const sound = memoryOutside(coreModule(), createCrypto());

/** A machine whose boxes give every TCP packet to the LAN with an octet changed. */
const spoilt: CliWorld = {
  host: {
    openSimulation: async () => ({
      ...sound,
      plane: (parts) =>
        sound.plane({
          ...parts,
          deliver(packet) {
            if (packet[6] === 6) packet[45] ^= 1;
            parts.deliver(packet);
          },
        }),
    }),
  },
};

test("a sweep: a table, the sums, 0", async () => {
  const { code, out, err } = await new CliMachine().run(["sim", "--seeds", "1-3,9", "--scenario", "calm,failover"]);
  assert.equal([code, err], [0, ""]);
  assert.match(out, /^SCENARIO +SEEDS +VIOLATED/);
  assert.match(out, /^calm +4 +0 /m);
  assert.match(out, /^failover +4 +0 /m);
  assert.match(out, /^8 seeds in .* 0 violated, fingerprint [0-9a-f]{8}$/m);
});

test("the same seeds give the same fingerprint, others another", async () => {
  const run = async (seeds: string) => JSON.parse((await new CliMachine().run(["sim", "--json", "--seeds", seeds])).out);
  const [first, again, other] = [await run("1-2"), await run("1,2"), await run("2-3")];
  assert.is(again.hash, first.hash);
  assert.is.not(other.hash, first.hash);
  assert.equal([first.seeds, first.violations, first.scenarios[0].scenario], [2, 0, "standard"]);
});

test("a violation: seed, invariant, the last events, how to see it again, 1", async () => {
  const { code, out } = await new CliMachine().run(["sim", "--seeds", "1", "--scenario", "calm"], spoilt);
  assert.is(code, 1);
  assert.match(out, /^VIOLATED changed: scenario calm, seed 1, at \d+\.\d{6} s: octet 45 of packet \d+ was/m);
  assert.match(out, /^ {2} +\d+\.\d{6} {2}delivers site/m);
  assert.match(out, /^ {2}replay: pshim6 sim --scenario calm --seeds 1 --trace$/m);
  const json = await new CliMachine().run(["sim", "--seeds", "1", "--scenario", "calm", "--json"], spoilt);
  const [violation, sums] = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal([violation.scenario, violation.seed, violation.invariant], ["calm", 1, "changed"]);
  assert.equal([sums.violations, json.code], [1, 1]);
});

test("--trace and --pcap show one run", async () => {
  const machine = new CliMachine();
  const { code, out } = await machine.run(["sim", "--seeds", "2", "--scenario", "failover", "--trace", "--pcap", "/wire.pcap"]);
  assert.is(code, 0);
  assert.match(out, / leaves {3}\d\.\d → \d\.\d: I1 tag /);
  assert.match(out, /\*\*\* +provider of site/);
  const file = machine.written.get("/wire.pcap");
  assert.ok(file !== undefined && file.length > 1000);
  assert.equal([...(file ?? []).slice(0, 4)], [0xa1, 0xb2, 0xc3, 0xd4]);
});

test("wrong usage", async () => {
  const cases: [string[], RegExp][] = [
    [["--seeds", "nine"], /neither a seed nor a range/],
    [["--seeds", "9-1"], /neither a seed nor a range/],
    [["--scenario", "doom"], /no scenario "doom"; there are calm, standard/],
    [["--pcap", "x.pcap"], /--pcap takes one seed of one scenario/],
  ];
  for (const [words, expected] of cases) {
    const { code, err } = await new CliMachine().run(["sim", ...words]);
    assert.is(code, 2, words.join(" "));
    assert.match(err, expected);
  }
});

test("progress is for terminals", async () => {
  const { err } = await new CliMachine().run(["sim", "--seeds", "1-2", "--scenario", "calm"], { columns: 80 });
  assert.match(err, /\r\d of 2 seeds, \d+ a minute, 0 violated/);
});

test.run();
