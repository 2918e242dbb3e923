/** Paths that work badly: what counts as bad, and for how long; who leaves them, where to, and what it costs to know. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { timingFor } from "../../../runtime/reap/profile.ts";
import { HOLD_MOST, PathQuality, type QualitySettings, SAMPLES_LEAST } from "../../../runtime/reap/quality.ts";
import type { LocatorPair } from "../../../runtime/value/pair.ts";
import { type PairOptions, ReapPairWorld, type Side } from "../../lib/reappair.ts";
import { seed } from "../../lib/seed.ts";

const SETTINGS: QualitySettings = { loss: 0.2, delay: 500, interval: 200, standby: 2_000, hold: 10_000 };
const CAPABILITIES = { version: 1, sendTimeout: 150 };

/** Rounds of `count` samples, 200 ms apart: an answer after so many milliseconds, or none. */
type Round = readonly [count: number, sample: number | "lost", brown: boolean];

const tables: readonly (readonly [string, readonly Round[]])[] = [
  ["all is well", [[100, 20, false]]],
  ["too few samples say nothing", [[SAMPLES_LEAST - 1, "lost", false]]],
  ["nothing is answered", [[SAMPLES_LEAST, "lost", true]]],
  [
    "a burst is no brown-out, a long one is",
    [
      [100, 20, false],
      [6, "lost", false],
      [100, 20, false],
      [8, "lost", true],
    ],
  ],
  [
    "good again: after the hold, not before",
    [
      [100, 20, false],
      [8, "lost", true],
      // 26 samples until the loss is half of what is too much, and 10 s.
      [26 + 48, 20, true],
      [4, 20, false],
    ],
  ],
  ["slow", [[SAMPLES_LEAST, 600, true]]],
  [
    "one slow answer is no reason",
    [
      [50, 20, false],
      [1, 3_000, false],
      [50, 20, false],
    ],
  ],
  [
    "slow, and then not much faster",
    [
      [10, 600, true],
      [200, 400, true],
      [200, 20, false],
    ],
  ],
];

for (const [name, rounds] of tables) {
  test(name, () => {
    const quality = new PathQuality();
    let now = 0;
    for (const [count, sample, brown] of rounds) {
      for (let i = 0; i < count; i++) {
        now += 200;
        if (sample === "lost") quality.missed(now, SETTINGS);
        else quality.answered(sample, false, now, SETTINGS);
      }
      assert.is(quality.brown, brown, `${count} × ${sample}: loss ${quality.loss}, delay ${quality.delay}`);
    }
  });
}

test("an answer that comes late takes back what its absence cost", () => {
  const quality = new PathQuality();
  for (let i = 0; i < 100; i++) quality.answered(20, false, i, SETTINGS);
  for (let i = 0; i < 5; i++) {
    quality.missed(100 + i, SETTINGS);
    quality.answered(900, true, 100 + i, SETTINGS);
  }
  assert.is(quality.loss, 0);
});

test("the hold doubles with each brown-out in quick succession, and begins anew after a long good time", () => {
  const quality = new PathQuality();
  let now = 0;
  /** Until it changes. @returns how long that took */
  const until = (brown: boolean): number => {
    const began = now;
    while (quality.brown !== brown) {
      now += 200;
      if (brown) quality.missed(now, SETTINGS);
      else quality.answered(20, false, now, SETTINGS);
    }
    return now - began;
  };
  const holds: number[] = [];
  for (let i = 0; i < 9; i++) {
    until(true);
    holds.push(quality.hold);
    const took = until(false);
    assert.ok(took >= quality.hold, `${took}`);
  }
  assert.equal(holds, [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, HOLD_MOST, HOLD_MOST, HOLD_MOST]);
  now += 10_000_000;
  until(true);
  assert.is(quality.hold, 10_000);
});

test("whatever is measured, it changes no faster than the hold, and shares stay shares", () => {
  const sample = fc.oneof(fc.constant("lost" as const), fc.integer({ min: 0, max: 3_000 }));
  const runs = fc.array(fc.tuple(sample, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 2_000 })), { maxLength: 60 });
  fc.assert(
    fc.property(runs, (steps) => {
      const quality = new PathQuality();
      let now = 0;
      let since = -Number.POSITIVE_INFINITY;
      for (const [what, times, gap] of steps) {
        for (let i = 0; i < times; i++) {
          now += gap;
          const was = quality.brown;
          const changed = what === "lost" ? quality.missed(now, SETTINGS) : quality.answered(what, i % 7 === 3, now, SETTINGS);
          assert.is(changed, was !== quality.brown);
          if (was && !quality.brown) assert.ok(now - since >= quality.hold, "good again before the hold was over");
          if (!was && quality.brown) since = now;
          const { loss = 0 } = quality;
          assert.ok(loss >= 0 && loss <= 1, `${loss}`);
        }
      }
    }),
    { seed, numRuns: 500 },
  );
});

/** Two providers here, one there; `more` = contexts between our own boxes that talk every 20 ms both ways. */
function world(change: Partial<PairOptions> = {}): ReapPairWorld {
  const it = new ReapPairWorld({
    seed,
    contexts: 4,
    a: ["2001:db8:a1", "2001:db8:a2"],
    b: ["2001:db8:b1"],
    timing: timingFor("fast", CAPABILITIES, CAPABILITIES, undefined, 20),
    delay: 10,
    peerBox: "box",
    reap: { quality: () => SETTINGS },
    ...change,
  });
  for (let id = 0; id < (change.contexts ?? 4); id++) for (const side of ["A", "B"] as const) it.traffic(id, side, 50, 10 + id, 3_600_000);
  return it;
}

const uses = (pair: LocatorPair, provider: string): boolean =>
  [pair.local, pair.peer].some((end) => end.startsWith(`2001:db8:${provider}:`));
const on = (it: ReapPairWorld, provider: string): number =>
  [0, 1, 2, 3].filter((id) => (["A", "B"] as const).every((side) => uses(it.corePair(side, id) ?? it.pair(side, 0, 0, id), provider)))
    .length;
/** Questions and answers, and payload in between, are lost at random. */
const lossy =
  (it: ReapPairWorld, provider: string, share: number) =>
  (_: Side, pair: LocatorPair): boolean =>
    uses(pair, provider) && it.random() < share;

test("30 % loss: all leave within seconds, both sides, and stay away while it lasts", () => {
  const it = world();
  it.run(60_000);
  assert.equal([on(it, "a1"), it.moves.length], [4, 0]);
  it.dead = lossy(it, "a1", 0.3);
  it.run(70_000);
  assert.is(on(it, "a2"), 4);
  const moves = it.moves.length;
  it.run(200_000);
  assert.is(it.moves.length, moves, "nobody comes back");
  assert.ok(it.qualities.every(({ pair, brown }) => brown && uses(pair, "a1")));
});

test("a second of delay: the same, and the path is good again when it is fast, after the hold", () => {
  const it = world();
  it.run(60_000);
  it.slow = (pair, now) => (uses(pair, "a1") && now < 120_000 ? 1_000 : 0);
  it.run(70_000);
  assert.is(on(it, "a2"), 4);
  it.run(119_000);
  assert.equal(
    it.qualities.map(({ brown }) => brown),
    [true, true],
  );
  it.run(160_000);
  const good = it.qualities.filter(({ brown }) => !brown);
  assert.is(good.length, 2);
  assert.ok(good.every(({ at }) => at > 120_000 + SETTINGS.hold));
});

test("what is not bad enough is left alone: 2 % each way for ten minutes, whatever the seed", () => {
  for (let i = 0; i < 5; i++) {
    const it = world({ seed: seed + i, contexts: 1 });
    it.run(10_000);
    it.dead = lossy(it, "a1", 0.02);
    it.run(600_000);
    assert.equal(it.qualities, [], `seed ${seed + i}`);
  }
});

test("the only path there is: nobody goes anywhere", () => {
  const it = world({ a: ["2001:db8:a1"] });
  it.run(10_000);
  it.dead = lossy(it, "a1", 0.3);
  it.run(120_000);
  assert.ok(it.moves.every(({ pair }) => uses(pair, "a1")));
  assert.ok(it.qualities.some(({ brown }) => brown));
});

test("all paths are bad: they go to one that is much better, and to no other, and not to and fro", () => {
  const it = world();
  it.run(60_000);
  let second = 700;
  it.slow = (pair) => (uses(pair, "a1") ? 1_900 : second);
  it.run(120_000);
  assert.equal([on(it, "a2"), it.moves.length], [4, 8]);
  assert.is(it.qualities.filter(({ brown }) => brown).length, 4, "both paths, on both sides");
  second = 2_700;
  it.run(180_000);
  assert.equal([on(it, "a2"), it.moves.length], [4, 8], "worse, but not twice as bad as the other one");
});

test("who may only use the bad path stays there", () => {
  const it = world();
  const context = it.context("A", 0);
  it.run(60_000);
  it.step("A", { kind: "context", context: { ...context, localLocators: [context.localLocators[0]] }, fresh: false });
  it.dead = lossy(it, "a1", 0.3);
  it.run(80_000);
  assert.equal(
    [0, 1, 2, 3].map((id) => uses(it.corePair("A", id) ?? context.current, "a1")),
    [true, false, false, false],
  );
});

test("a context that wants to leave for a better provider does not go to a path that is bad", () => {
  const it = world();
  it.run(60_000);
  it.dead = lossy(it, "a1", 0.3);
  it.run(80_000);
  assert.is(on(it, "a2"), 4);
  for (let i = 0; i < 10; i++) {
    it.step("A", { kind: "leave", id: 0, end: "local", cause: "failback" });
    it.run(80_000 + 5_000 * i);
    assert.ok(uses(it.corePair("A", 0) ?? it.pair("A", 0, 0), "a2"));
  }
});

test("what it costs: five questions a second on the path in use and one every two on the other; none while nothing is carried", () => {
  const it = world({ contexts: 40 });
  it.run(30_000);
  const before = it.asked.length;
  it.run(60_000);
  const perSecond = (it.asked.length - before) / 30 / 2;
  assert.ok(perSecond > 5 && perSecond < 6, `${perSecond} questions a second`);
  let active = true;
  const idle = world({ reap: { quality: () => SETTINGS, lastUse: () => (active ? idle.now : 0) } });
  idle.run(60_000);
  active = false;
  idle.run(120_000);
  const asked = idle.asked.length;
  idle.run(300_000);
  assert.is(idle.asked.length, asked);
  active = true;
  idle.run(312_000);
  assert.ok(idle.asked.length > asked);
});

test("off, or with a peer of another kind, nothing is measured; switched off, it is forgotten", () => {
  const off = world({ reap: {} });
  off.run(60_000);
  assert.ok([...off.reap.A.paths()].every(({ loss, brown }) => loss === undefined && !brown));
  let settings: QualitySettings | undefined = SETTINGS;
  const it = world({ reap: { quality: () => settings } });
  it.dead = lossy(it, "a1", 0.3);
  it.run(60_000);
  assert.ok([...it.reap.A.paths()].some(({ brown }) => brown));
  settings = undefined;
  it.run(90_000);
  assert.ok([...it.reap.A.paths()].every(({ loss, brown }) => loss === undefined && !brown));
});

test("a path that died and came back is known to be alive without anybody going there", () => {
  const it = world();
  it.run(60_000);
  it.dead = (_, pair) => uses(pair, "a1");
  it.run(65_000);
  assert.is(on(it, "a2"), 4);
  const state = () => [...it.reap.A.paths()].find(({ pair }) => uses(pair, "a1"))?.state;
  assert.is(state(), "lost");
  it.dead = () => false;
  it.run(70_000);
  assert.is(state(), "alive");
  assert.is(on(it, "a2"), 4);
});

test.run();
