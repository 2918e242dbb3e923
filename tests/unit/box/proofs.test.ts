/** The DNS as proof of locators (draft §10): only those that both trees have are used, and nothing is asked for who has not answered. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ProofMode, Prove } from "../../../runtime/box/proofs.ts";
import type { Locator, Ulid } from "../../../runtime/value/address.ts";
import { address } from "../../../runtime/value/address.ts";
import { NEVER } from "../../../runtime/value/time.ts";
import { ALPHA, BETA, BoxNet, type SiteBox } from "../../lib/boxpair.ts";

const DNS = {
  listen: [],
  upstreams: [],
  type: 65_280,
  handshake: "packet",
  reverse: true,
  cache: 0,
  timeout: 1_500,
} as const;

/** What both trees say, with a delay of ten milliseconds; a ULID without an entry has none. */
class Trees {
  readonly records = new Map<Ulid, readonly Locator[]>();
  readonly questions: Ulid[] = [];
  readonly #open: (() => void)[] = [];

  prove: Prove = (ulid, done) => {
    this.questions.push(ulid);
    this.#open.push(() => done(this.records.get(ulid), NEVER));
    return true;
  };

  answer(): void {
    for (const each of this.#open.splice(0)) each();
  }
}

async function world(mode: ProofMode): Promise<{ net: BoxNet; a: SiteBox; b: SiteBox; trees: Trees }> {
  const net = new BoxNet();
  const trees = new Trees();
  const change = { dns: { ...DNS, proof: mode } };
  const a = await net.add({ ...ALPHA, change, prove: trees.prove });
  const b = await net.add({ ...BETA, change, prove: trees.prove }, [{ ulid: a.ulid, locators: a.locators }]);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  return { net, a, b, trees };
}

/** Lets time pass while questions are answered as they come. */
function run(net: BoxNet, trees: Trees, time: number): void {
  for (const end = net.now + time; net.now < end; ) {
    net.run(net.now + 10);
    trees.answer();
  }
}

const proved = (site: SiteBox): string[] =>
  [...site.box.parts.shim6.contexts()].flatMap(({ peerLocators }) =>
    peerLocators.filter(({ verified }) => verified).map((each) => each.address),
  );

test("cga: nobody is asked", async () => {
  const { net, a, b, trees } = await world("cga");
  net.host(a, b.ulid);
  run(net, trees, 500);
  assert.is(b.delivered.length, 1);
  assert.equal(trees.questions, []);
});

for (const mode of ["dns", "both"] as const) {
  test(`${mode}: each side asks once, and uses what both trees have`, async () => {
    const { net, a, b, trees } = await world(mode);
    trees.records.set(a.ulid, [a.locators[0]]);
    trees.records.set(b.ulid, b.locators);
    net.host(a, b.ulid);
    run(net, trees, 1_000);
    assert.is(b.delivered.length, 1);
    assert.equal(proved(b), [a.locators[0]]);
    assert.equal(proved(a), [...b.locators]);
    assert.equal([...trees.questions].sort(), [a.ulid, b.ulid].sort());
    assert.is(a.count("in-wait-proof") + b.count("in-wait-proof"), 2);
  });

  test(`${mode}: a peer that the trees do not know gets no context`, async () => {
    const { net, a, b, trees } = await world(mode);
    trees.records.set(b.ulid, b.locators);
    net.host(a, b.ulid);
    run(net, trees, 3_000);
    assert.is(b.delivered.length, 0);
    assert.ok(b.count("drop-unproved-i2") > 0);
    assert.equal([...b.box.parts.shim6.contexts()], []);
  });

  test(`${mode}: who took over a ULID at other locators is refused`, async () => {
    const { net, a, b, trees } = await world(mode);
    trees.records.set(a.ulid, [address("2001:db8:ee::1")]);
    trees.records.set(b.ulid, b.locators);
    net.host(a, b.ulid);
    run(net, trees, 3_000);
    assert.is(b.delivered.length, 0);
    assert.ok(b.count("drop-unproved-i2") > 0);
  });
}

test("dns: locators that the trees did not have are asked for again, not at once", async () => {
  const { net, a, b, trees } = await world("dns");
  trees.records.set(a.ulid, [a.locators[0]]);
  trees.records.set(b.ulid, b.locators);
  net.host(a, b.ulid);
  run(net, trees, 1_000);
  assert.equal(proved(b), [a.locators[0]]);
  trees.records.set(a.ulid, a.locators);
  run(net, trees, 6_000);
  // Another context of the same peer: its I2 lists what was not proved.
  a.box.need({ local: a.ulid, peer: b.ulid, fork: 1 });
  run(net, trees, 1_000);
  assert.is(trees.questions.filter((ulid) => ulid === a.ulid).length, 2);
  const fork = [...b.box.parts.shim6.contexts()].find(({ pair }) => pair.fork === 1);
  assert.equal(
    fork?.peerLocators.map(({ verified }) => verified),
    [true, true],
  );
});

test("both: what the trees say does not replace the signature", async () => {
  const { net, a, b, trees } = await world("both");
  trees.records.set(a.ulid, a.locators);
  trees.records.set(b.ulid, b.locators);
  net.host(a, b.ulid);
  run(net, trees, 1_000);
  assert.is(b.delivered.length, 1);
  assert.ok([...b.box.parts.shim6.contexts()][0].peerBox !== undefined, "the key of the box was verified");
});

test("dns: a key that nobody verified names no box", async () => {
  const { net, a, b, trees } = await world("dns");
  trees.records.set(a.ulid, a.locators);
  trees.records.set(b.ulid, b.locators);
  net.host(a, b.ulid);
  run(net, trees, 1_000);
  assert.is([...b.box.parts.shim6.contexts()][0].peerBox, undefined);
});

test.run();
