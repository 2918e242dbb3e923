/** Whoever is on a drained locator leaves it sooner or later, whatever the context is doing when it hears of that, and each time it comes back to it. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReapTiming } from "../../../runtime/reap/contract.ts";
import { rfc5534Timing, timingFor } from "../../../runtime/reap/profile.ts";
import { WORST_PRIORITY } from "../../../runtime/wire/message.ts";
import { ReapPairWorld } from "../../lib/reappair.ts";

const CAPABILITIES = { version: 1, sendTimeout: 150 };
const FAST = timingFor("fast", CAPABILITIES, CAPABILITIES, undefined, 20);
const PROFILES: readonly (readonly [name: string, timing: ReapTiming, patience: number])[] = [
  ["one of our boxes", FAST, 20_000],
  ["a peer that keeps to the RFCs", rfc5534Timing(), 120_000],
];

/** What the contexts 0 and 1 of side B, both with traffic both ways, are brought to at instant 1,000. */
const STATES: Readonly<Record<string, (world: ReapPairWorld) => void>> = {
  Operational: () => undefined,
  Exploring(world) {
    world.dead = () => true;
    world.step("B", { kind: "send-timeout", id: 0 });
    assert.is(world.reap.B.stateOf(0), "Exploring");
  },
  "waiting for a sibling"(world) {
    world.dead = () => true;
    world.step("B", { kind: "send-timeout", id: 1 });
    world.step("B", { kind: "send-timeout", id: 0 });
    assert.is(world.reap.B.stateOf(0), "Exploring");
  },
  InboundOk(world) {
    world.dead = (from) => from === "B";
    world.step("A", { kind: "send-timeout", id: 0 });
    world.run(world.now + 100);
    assert.is(world.reap.B.stateOf(0), "InboundOk");
  },
  "set up anew"(world) {
    world.step("B", { kind: "recovering", id: 0 });
  },
};

function worldOf(timing: ReapTiming): ReapPairWorld {
  const world = new ReapPairWorld({
    seed: 5,
    contexts: 2,
    a: ["2001:db8:a1", "2001:db8:a2"],
    b: ["2001:db8:b1", "2001:db8:b2"],
    timing,
    delay: 10,
    peerBox: "box",
  });
  for (const id of [0, 1]) for (const side of ["A", "B"] as const) world.traffic(id, side, 60, 1, 150_000);
  world.run(1_000);
  return world;
}

/** The peer's first locator is drained, as side B sees it. */
function peerDrains(world: ReapPairWorld, id: number) {
  const context = world.context("B", id);
  const drained = context.peerLocators.map(({ address }, place) => ({
    address,
    preference: { flags: 0, priority: place === 0 ? WORST_PRIORITY : 10, weight: 10 },
  }));
  return { ...context, peerLocators: drained };
}

/** Our first locator is drained: it ranks last. */
function weDrain(world: ReapPairWorld, id: number) {
  const context = world.context("B", id);
  return { ...context, localLocators: context.localLocators.toReversed() };
}

for (const [peer, timing, patience] of PROFILES) {
  for (const [state, bring] of Object.entries(STATES)) {
    test(`${peer}, ${state}: the peer drains its locator`, () => {
      const world = worldOf(timing);
      bring(world);
      world.step("B", { kind: "context", context: peerDrains(world, 0), fresh: false });
      world.dead = () => false;
      if (state === "set up anew") world.step("B", { kind: "context", context: peerDrains(world, 0), fresh: true });
      world.run(world.now + patience);
      assert.is(world.reap.B.stateOf(0), "Operational");
      assert.is(world.corePair("B", 0)?.peer, world.locator("A", 1));
      assert.is(world.reap.B.currentOf(0)?.peer, world.locator("A", 1));
    });

    if (state === "set up anew") continue;
    test(`${peer}, ${state}: the site drains a locator of its own`, () => {
      const world = worldOf(timing);
      bring(world);
      world.step("B", { kind: "context", context: weDrain(world, 0), fresh: false });
      world.step("B", { kind: "leave", id: 0, end: "local", cause: "drain" });
      world.dead = () => false;
      world.run(world.now + patience);
      assert.is(world.reap.B.stateOf(0), "Operational");
      assert.is(world.corePair("B", 0)?.local, world.locator("B", 1));
    });
  }

  test(`${peer}: an exploration that leads back to a drained locator is not the end`, () => {
    const world = worldOf(timing);
    for (const id of [0, 1]) world.step("B", { kind: "context", context: peerDrains(world, id), fresh: false });
    world.run(world.now + patience);
    assert.is(world.corePair("B", 0)?.peer, world.locator("A", 1));
    const drained = [0, 1].map((id) => world.locator("A", 0, id));
    world.dead = (from, pair) => from === "B" && !drained.includes(pair.peer);
    world.run(world.now + 2 * patience);
    assert.is(world.corePair("B", 0)?.peer, world.locator("A", 0), "the only way");
    world.dead = () => false;
    // Where the peer cannot be asked it is tried less and less often.
    world.run(world.now + (timing === FAST ? 60_000 : 1_300_000 - world.now));
    assert.is(world.corePair("B", 0)?.peer, world.locator("A", 1));
  });
}

test("contexts that cannot go ask together: no more questions than one of them has", () => {
  const world = new ReapPairWorld({
    seed: 6,
    contexts: 500,
    hosts: 25,
    a: ["2001:db8:a1", "2001:db8:a2"],
    b: ["2001:db8:b1"],
    timing: FAST,
    delay: 10,
    peerBox: "box",
  });
  world.run(5_000);
  world.dead = (from, pair) => from === "B" && pair.peer.startsWith("2001:db8:a2");
  const before = world.asked.length;
  for (let id = 0; id < 500; id++) world.step("B", { kind: "context", context: peerDrains(world, id), fresh: false });
  world.run(world.now + 30_000);
  assert.ok(world.asked.length - before < 60, String(world.asked.length - before));
  world.dead = () => false;
  world.run(world.now + 10_000);
  for (let id = 0; id < 500; id++) assert.is(world.corePair("B", id)?.peer, world.locator("A", 1, id));
});

test("a scout's question: answered, its path is proved and nobody moves; in vain, it is given up", () => {
  const world = worldOf(FAST);
  const pair = world.pair("B", 1, 0);
  world.step("B", { kind: "scout", id: 0, pair });
  world.run(world.now + 100);
  assert.equal(world.worked, [{ side: "B", id: 0, pair }]);
  assert.equal(world.corePair("B", 0), world.pair("B", 0, 0));
  world.dead = (from, to) => from === "B" && to.local === pair.local;
  const questions = () => world.asked.filter(({ from, pair: to }) => from === "B" && to.local === pair.local).length;
  const before = questions();
  world.step("B", { kind: "scout", id: 0, pair });
  world.step("B", { kind: "scout", id: 0, pair });
  world.run(world.now + 30_000);
  assert.is(questions() - before, 3);
  assert.is(world.worked.length, 1);
});

test.run();
