// The fuzzer's short run: every reader of octets, the packet core, a whole box. `npm run fuzz` is the long one.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boxTarget } from "../fuzz/box.ts";
import { coreTarget } from "../fuzz/core.ts";
import { corpus } from "../fuzz/corpus.ts";
import { FuzzFault, fuzz } from "../fuzz/run.ts";
import { wireTarget } from "../fuzz/wire.ts";
import { seed } from "../lib/seed.ts";

const { packets } = corpus(seed);

test("spoiled messages, ICMPv6 quotes, CGA parameters and keys: no reader throws, hangs or takes more memory than its input allows", () => {
  assert.is(fuzz(wireTarget(seed), { seed, first: 0, inputs: 120_000 }).inputs, 120_000);
});

test("spoiled frames through the packet core: a verdict for each, nothing outside its slot", async () => {
  assert.is(fuzz(await coreTarget(packets), { seed, first: 0, inputs: 60_000 }).inputs, 60_000);
});

test("spoiled packets at a box with contexts: it throws nothing and stays within its bounds", async () => {
  assert.is(fuzz(await boxTarget(packets), { seed, first: 0, inputs: 6_000 }).inputs, 6_000);
});

test("the fuzzer finds a fault and says how to play it again", () => {
  const target = {
    name: "made to fail",
    input: () => Uint8Array.of(1, 2),
    play: (_: Uint8Array, index: number) => {
      if (index === 7) throw new Error("found");
    },
  };
  assert.throws(
    () => fuzz(target, { seed: 5, first: 3, inputs: 10 }),
    (error: unknown) => error instanceof FuzzFault && /--seed 5 --first 7 --inputs 1\n0102\n.*found/.test(error.message),
  );
});

test.run();
