/** How paths fared, sampled on virtual time. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PAST_PATHS, PAST_SAMPLES, PAST_STEP, Past, pathIdOf } from "../../../runtime/box/past.ts";
import type { PathView } from "../../../runtime/reap/contract.ts";
import { address } from "../../../runtime/value/address.ts";

const view = (change: Partial<PathView> = {}): PathView => ({
  peerBox: "ab".repeat(32),
  local: "a1",
  peer: "b3",
  pair: { local: address("2001:db8:a1::1"), peer: address("2001:db8:b3::1") },
  state: "alive",
  since: 0,
  roundTrip: 10,
  loss: 0.25,
  brown: false,
  contexts: 1,
  ...change,
});

function world(first: PathView[] = [view()]) {
  const state = { now: 0, views: first };
  let due: (() => void) | undefined;
  let at = 0;
  const past = new Past({
    paths: () => state.views,
    now: () => state.now,
    later: (when, run) => {
      at = when;
      due = run;
    },
  });
  const step = (...views: PathView[]) => {
    state.views = views;
    state.now = at;
    due?.();
  };
  return { past, step, state };
}

const row = (past: Past, after = 0) => past.row(after, () => "isp1");

test("samples come at their pace, the first at once", () => {
  const { past, step, state } = world();
  assert.equal(row(past), {
    stepMs: PAST_STEP,
    latest: 1,
    from: 1,
    paths: [
      {
        path: pathIdOf(view()),
        peerBox: "ab".repeat(32),
        localProvider: "isp1",
        peerLocator: "2001:db8:b3::1",
        states: "a",
        rttMs: [10],
        loss: [0.25],
      },
    ],
  });
  step(view({ state: "lost" }));
  step(view({ state: "unknown", loss: undefined }));
  assert.is(state.now, 2 * PAST_STEP);
  step(view({ brown: true }));
  const [path] = row(past).paths;
  // The round trip of a path that is lost is that of better days.
  assert.equal([path.states, path.rttMs, path.loss], ["alub", [10, null, null, 10], [0.25, 0.25, null, 0.25]]);
});

test("only what is new is told to who says what it has", () => {
  const { past, step } = world();
  step(view({ roundTrip: 11 }));
  step(view({ roundTrip: 12 }));
  assert.equal([row(past, 2).from, row(past, 2).paths[0].rttMs], [3, [12]]);
  assert.equal([row(past, 3).from, row(past, 3).paths[0].states], [4, ""]);
  assert.equal([row(past, 99).from, row(past, 99).latest], [4, 3]);
});

test("the ring forgets the oldest", () => {
  const { past, step } = world();
  for (let i = 2; i <= PAST_SAMPLES + 7; i++) step(view({ roundTrip: i }));
  const { from, latest, paths } = row(past);
  assert.equal([from, latest], [8, PAST_SAMPLES + 7]);
  assert.equal([paths[0].rttMs.length, paths[0].rttMs[0], paths[0].rttMs.at(-1)], [PAST_SAMPLES, 8, PAST_SAMPLES + 7]);
});

test("a path that comes later has no past, one that goes keeps its own until all of it is old", () => {
  const { past, step } = world();
  const second = view({ local: "a2" });
  step(second);
  step(second);
  assert.equal(
    row(past).paths.map(({ states }) => states),
    ["a--", "-aa"],
  );
  for (let i = 0; i < PAST_SAMPLES; i++) step(second);
  assert.equal(row(past).paths.length, 1);
});

test("so many paths are followed: those with most contexts", () => {
  const { past } = world(Array.from({ length: 100 }, (_, i) => view({ local: `a${i}`, contexts: i })));
  const { paths } = row(past);
  assert.is(paths.length, PAST_PATHS);
  assert.ok(paths.every(({ path }) => Number(path.split(" ")[1].slice(1)) >= 100 - PAST_PATHS));
});

test.run();
