/** Entropy: seeded in memory, and this runtime's. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { seededEntropy } from "../../adapters/memory/entropy.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import { sameBytes } from "../../runtime/value/bytes.ts";

const platform = await loadPlatform();

for (const [name, entropy] of [["seeded", seededEntropy(7)] as const, ["system", platform.entropy] as const]) {
  test(`${name}: as many octets as asked for, in a new array`, () => {
    for (const count of [0, 1, 16, 65_536, 65_537, 200_000]) assert.is(entropy.bytes(count).length, count);
    assert.is.not(entropy.bytes(8).buffer, entropy.bytes(8).buffer);
  });

  test(`${name}: does not repeat itself and fills the whole array`, () => {
    assert.not(sameBytes(entropy.bytes(32), entropy.bytes(32)));
    const counts = new Array<number>(256).fill(0);
    const octets = entropy.bytes(256 * 800);
    for (const octet of octets) counts[octet]++;
    // 800 expected of each with a deviation of 28: 500 and 1,100 are more than ten away.
    assert.ok(counts.every((count) => count > 500 && count < 1_100));
    assert.ok(octets.subarray(-64).some((octet) => octet !== 0));
  });
}

test("seeded: the same seed gives the same octets, another one others", () => {
  assert.equal(seededEntropy(1).bytes(64), seededEntropy(1).bytes(64));
  assert.not.equal(seededEntropy(1).bytes(64), seededEntropy(2).bytes(64));
});

test.run();
