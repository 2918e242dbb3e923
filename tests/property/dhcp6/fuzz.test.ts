// The short run of the DHCPv6 fuzzer; `npm run fuzz -- --target dhcp6` is the long one.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { dhcp6Target } from "../../fuzz/dhcp6.ts";
import { fuzz } from "../../fuzz/run.ts";
import { seed } from "../../lib/seed.ts";

test("spoiled messages in spoiled relays: nothing throws, hangs, fills a table or is answered by much more than was asked", () => {
  assert.is(fuzz(dhcp6Target(), { seed, first: 0, inputs: 25_000 }).inputs, 25_000);
});

test.run();
