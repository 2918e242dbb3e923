/** Bindings ULID → locators: sources, age, bounds. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createBindings } from "../../../runtime/locator/bindings.ts";
import { address } from "../../../runtime/value/address.ts";

const ULID = address("fc00:bbbb:1::10");
const [B1, B2, B3] = ["2001:db8:b1::10", "2001:db8:b2::10", "2001:db8:b3::10"].map(address);
const bound = (text: typeof B1, flags = 0) => ({ address: text, preference: { flags } });

test("static bindings hold for ever; a ULID named twice joins; a new set replaces the old one", () => {
  const bindings = createBindings();
  bindings.setStatic([
    { ulid: ULID, locators: [B1] },
    { ulid: ULID, locators: [B2, B1] },
  ]);
  assert.equal(
    bindings.locatorsOf(ULID, 1e12).map((locator) => locator.address),
    [B1, B2],
  );
  bindings.setStatic([]);
  assert.equal(bindings.locatorsOf(ULID, 0), []);
});

test("what the peer signed comes first, each locator once, until it is too old", () => {
  const bindings = createBindings();
  bindings.setStatic([{ ulid: ULID, locators: [B1, B2] }]);
  bindings.learn(ULID, [bound(B3), bound(B1, 2)], 1_000);
  assert.equal(bindings.locatorsOf(ULID, 999), [bound(B3), bound(B1, 2), bound(B2)]);
  assert.equal(
    [...bindings.list(999)].map(({ source, until }) => `${source} ${until}`),
    ["static Infinity", "handshake 1000"],
  );
  assert.equal(bindings.locatorsOf(ULID, 1_000), [bound(B1), bound(B2)]);
  bindings.learn(ULID, [bound(B3)], 5_000);
  bindings.forget(ULID);
  assert.equal(bindings.locatorsOf(ULID, 2_000), [bound(B1), bound(B2)]);
  bindings.learn(ULID, [bound(B3)], 5_000);
  bindings.learn(ULID, [], 5_000);
  assert.equal(bindings.locatorsOf(ULID, 2_000), [bound(B1), bound(B2)], "an empty list takes back the earlier one");
});

test("what was proved comes before what the DNS says, and that before the operator; one source forgets alone", () => {
  const bindings = createBindings();
  bindings.setStatic([{ ulid: ULID, locators: [B1] }]);
  bindings.learn(ULID, [bound(B2)], 1_000, "reverse");
  bindings.learn(ULID, [bound(B3)], 2_000, "dns");
  const addresses = (now: number) => bindings.locatorsOf(ULID, now).map((locator) => locator.address);
  assert.equal(addresses(0), [B3, B2, B1]);
  bindings.learn(ULID, [bound(B1, 2)], 3_000);
  assert.equal(addresses(0), [B1, B3, B2]);
  assert.equal(addresses(1_500), [B1, B3]);
  bindings.forget(ULID, "dns");
  assert.equal(addresses(1_500), [B1]);
  assert.equal(
    [...bindings.list(1_500)].map(({ source }) => source),
    ["static", "handshake"],
  );
});

test("what hosts ask for does not drive out what was proved", () => {
  const bindings = createBindings({ capacity: 2 });
  bindings.learn(ULID, [bound(B1)], 9e9);
  for (const n of [1, 2, 3]) bindings.learn(address(`fc00:bbbb::${n}`), [bound(B2)], 9e9, "dns");
  assert.equal(bindings.locatorsOf(ULID, 0), [bound(B1)]);
  assert.equal(bindings.locatorsOf(address("fc00:bbbb::1"), 0), []);
});

test("bounded: the ULID learnt longest ago goes, static ones beyond the room are named", () => {
  const bindings = createBindings({ capacity: 2 });
  const ulids = [1, 2, 3].map((n) => address(`fc00:bbbb::${n}`));
  for (const ulid of ulids) bindings.learn(ulid, [bound(B1)], 9e9);
  assert.equal(
    ulids.map((ulid) => bindings.locatorsOf(ulid, 0).length),
    [0, 1, 1],
  );
  assert.equal(bindings.setStatic(ulids.map((ulid) => ({ ulid, locators: [B1] }))), [ulids[2]]);
  bindings.learn(
    ULID,
    Array.from({ length: 100 }, (_, i) => bound(address(`2001:db8::${i + 1}`))),
    9e9,
  );
  assert.is(bindings.locatorsOf(ULID, 0).length, 32);
});

test.run();
