import { test } from "uvu";
import * as assert from "uvu/assert";
import { Hold } from "../../../runtime/box/hold.ts";

const packet = (mark: number, octets = 10): Uint8Array => new Uint8Array(octets).fill(mark);
const marks = (packets: Uint8Array[]): number[] => packets.map((octets) => octets[0]);

test("released in the order they came", () => {
  const hold = new Hold({ packets: 4, octets: 100, total: 1000 }, "keep-oldest");
  for (const mark of [1, 2, 3]) assert.is(hold.push("a", packet(mark)), 0);
  assert.equal(marks(hold.take("a")), [1, 2, 3]);
  assert.equal(hold.take("a"), []);
  assert.is(hold.octets, 0);
  assert.is(hold.keys, 0);
});

test("a full key keeps the oldest while a context is set up", () => {
  const hold = new Hold({ packets: 2, octets: 100, total: 1000 }, "keep-oldest");
  assert.equal(
    [1, 2, 3, 4].map((mark) => hold.push("a", packet(mark))),
    [0, 0, 1, 1],
  );
  assert.equal(marks(hold.take("a")), [1, 2]);
});

test("a full key keeps the newest while a context explores", () => {
  const hold = new Hold({ packets: 2, octets: 100, total: 1000 }, "keep-newest");
  assert.equal(
    [1, 2, 3, 4].map((mark) => hold.push("a", packet(mark))),
    [0, 0, 1, 1],
  );
  assert.equal(marks(hold.take("a")), [3, 4]);
});

test("octets of a key are a bound of their own", () => {
  const hold = new Hold({ packets: 100, octets: 25, total: 1000 }, "keep-newest");
  for (const mark of [1, 2, 3]) hold.push("a", packet(mark));
  assert.equal(marks(hold.take("a")), [2, 3]);
  assert.is(hold.push("a", packet(1, 26)), 1);
  assert.is(hold.keys, 0);
});

test("octets of all keys are bounded, and come back", () => {
  const hold = new Hold({ packets: 100, octets: 100, total: 25 }, "keep-newest");
  assert.is(hold.push("a", packet(1)), 0);
  assert.is(hold.push("b", packet(2)), 0);
  assert.is(hold.push("c", packet(3)), 1);
  hold.take("a");
  assert.is(hold.push("c", packet(4)), 0);
  assert.is(hold.octets, 20);
});

test("the packet is copied", () => {
  const hold = new Hold({ packets: 1, octets: 100, total: 100 }, "keep-oldest");
  const own = packet(7);
  hold.push("a", own);
  own.fill(0);
  assert.equal(marks(hold.take("a")), [7]);
});

test.run();
