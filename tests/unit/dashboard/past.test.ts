/** Samples of paths, put together piece by piece. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryRow } from "../../../runtime/api/flow-rows.ts";
import { goOn, isOfOneRun, NOTHING } from "../../../runtime/dashboard/past.ts";

const row = (from: number, states: string, path = "p"): HistoryRow => ({
  stepMs: 2_000,
  from,
  latest: from + states.length - 1,
  paths: [
    {
      path,
      peerBox: "b",
      localProvider: "isp1",
      peerLocator: "::1",
      states,
      rttMs: [...states].map(() => 5),
      loss: [...states].map(() => 0.1),
    },
  ],
});

test("pieces follow on one another", () => {
  const past = goOn(goOn(NOTHING, row(1, "aa")), row(3, "l"));
  assert.equal(
    [past.latest, past.paths.get("p")?.states, past.paths.get("p")?.rttMs, past.paths.get("p")?.loss],
    [3, "aal", [5, 5, 5], [0.1, 0.1, 0.1]],
  );
});

test("a piece that does not follow takes the place of what was known", () => {
  assert.is(goOn(goOn(NOTHING, row(1, "aa")), row(9, "l")).paths.get("p")?.states, "l");
});

test("an empty piece changes nothing but what is known of paths", () => {
  const past = goOn(goOn(NOTHING, row(1, "aa")), row(3, ""));
  assert.equal([past.latest, past.paths.get("p")?.states], [2, "aa"]);
});

test("a path that the box forgot is forgotten, another one begins", () => {
  const past = goOn(goOn(NOTHING, row(1, "aa", "p")), row(3, "l", "q"));
  assert.equal([...past.paths.keys()], ["q"]);
  assert.is(past.paths.get("q")?.states, "l");
});

test("so many samples are kept", () => {
  let past = NOTHING;
  for (let i = 0; i < 400; i++) past = goOn(past, row(i + 1, i % 2 === 0 ? "a" : "l"));
  assert.equal([past.paths.get("p")?.states.length, past.paths.get("p")?.rttMs.length, past.latest], [150, 150, 400]);
});

test("a box that counts anew was started again", () => {
  const past = goOn(NOTHING, row(1, "aaaa"));
  assert.equal([isOfOneRun(past, 4), isOfOneRun(past, 9), isOfOneRun(past, 1)], [true, true, false]);
});

test.run();
