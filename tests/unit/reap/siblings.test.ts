/** Contexts with the same peer box learn from one another: at once, in order, and never all in the same millisecond. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { rfc5534Timing, timingFor } from "../../../runtime/reap/profile.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { cut, isProbe, ReapPairWorld, type Side, samePair } from "../../lib/reappair.ts";

const A = ["2001:db8:a1", "2001:db8:a2"];
const B = ["2001:db8:b1", "2001:db8:b2"];
const FAST = timingFor("fast", { version: 1, sendTimeout: 150 }, { version: 1, sendTimeout: 150 }, undefined, 20);
const SIDES: readonly Side[] = ["A", "B"];

/** Most Probes that `side` started in any `window` ms, answers included. */
function peak(it: ReapPairWorld, side: Side, window: number): number {
  const at = it.sent.filter((sent) => isProbe(sent) && sent.from === side).map((sent) => sent.at);
  let most = 0;
  for (let i = 0, from = 0; i < at.length; i++) {
    while (at[i] - at[from] >= window) from++;
    most = Math.max(most, i - from + 1);
  }
  return most;
}

test("1,000 contexts, one with traffic: the others follow without a timeout of their own", () => {
  const it = new ReapPairWorld({
    seed: 3,
    contexts: 1_000,
    a: A,
    b: B,
    timing: FAST,
    delay: 10,
    peerBox: "box",
    reap: { probeBurst: 50, probeWindow: 10 },
  });
  it.traffic(0, "A", 10, 0, 3_000);
  it.traffic(0, "B", 10, 5, 3_000);
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(3_000);
  for (const side of SIDES) {
    for (let id = 0; id < 1_000; id++) {
      const current = it.reap[side].currentOf(id);
      assert.ok(current !== undefined && it.works(side, current), `${side} ${id} uses ${current?.local} ${current?.peer}`);
      assert.is(it.reap[side].stateOf(id), "Operational");
    }
    // 50 of its own in a window of 10 ms, seen through any window of that length up to twice that, and answers to the peer's.
    assert.ok(peak(it, side, 10) <= 200, `${side} sent ${peak(it, side, 10)} probes within 10 ms`);
  }
  // One exchange each: only the one that checks the path for all looks at the dead pair, and who has moved is left alone.
  const siblings = it.sent.filter((sent) => isProbe(sent) && sent.id !== 0);
  assert.ok(siblings.filter(({ lost }) => lost).length <= 2);
  assert.ok(siblings.length <= 6 * 999 + 10, `${siblings.length} probes for 999 siblings`);
  const moved = it.moves.filter(({ side }) => side === "A").map(({ at }) => at);
  assert.ok(moved[moved.length - 1] - 1_000 <= 1_000, `the last moved ${moved[moved.length - 1] - 1_000} ms after the death`);
});

test("siblings wait for the answer on the proved path: one question each, from the side that lost the path", () => {
  const it = new ReapPairWorld({ seed: 11, contexts: 500, a: A, b: B, timing: FAST, delay: 10, peerBox: "box", questions: false });
  it.traffic(0, "A", 10, 0, 2_000);
  it.traffic(0, "B", 10, 5, 2_000);
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1", "A"); // B's own direction works: only A calls its siblings
  });
  it.run(2_000);
  assert.is(it.moves.filter(({ side }) => side === "A").length, 500);
  const called = it.sent.filter((sent) => isProbe(sent) && sent.id !== 0 && sent.message.state === "Exploring");
  assert.is(called.filter(({ from }) => from === "A").length, 499, "each sibling asks once, on the proved path");
  const doubts = it.states.filter(({ side, cause }) => side === "B" && cause === "path-doubted");
  assert.is(doubts.length, 1, "one of B's looks whether its own direction is lost, and it is not");
  assert.ok(called.every(({ lost }) => !lost));
  assert.ok(
    it.states.every(({ side, cause }) => side === "A" || cause !== "path-lost"),
    "the peer's complaint alone is no proof for B's path",
  );
});

for (const [questions, most, what] of [
  [true, 24, "costs one exploration for each side, its locators having been asked before"],
  [false, 200, "costs a probe exchange for each host if the questions got lost"],
] as const) {
  for (const talking of [1, 1_000]) {
    test(`1,000 contexts of 10 hosts, ${talking} with traffic: a path's death ${what}`, () => massMove(questions, talking, most));
  }
}

function massMove(questions: boolean, talking: number, most: number): void {
  for (const seed of [12, 112]) {
    const it = new ReapPairWorld({ seed, contexts: 1_000, hosts: 10, a: A, b: B, timing: FAST, delay: 10, peerBox: "box", questions });
    for (let id = 0; id < talking; id++) {
      it.traffic(id, "A", 50, 2_800 + it.random() * 50, 3_500);
      it.traffic(id, "B", 50, 2_800 + it.random() * 50, 3_500);
    }
    it.at(3_000, () => {
      it.dead = cut("2001:db8:a1", "2001:db8:b1");
    });
    it.run(4_000);
    for (const side of SIDES) {
      for (let id = 0; id < 1_000; id++) {
        const current = it.reap[side].currentOf(id);
        assert.ok(current !== undefined && it.works(side, current), `${side} ${id} uses ${current?.local} ${current?.peer}`);
        assert.is(it.reap[side].stateOf(id), "Operational");
      }
    }
    const probes = it.sent.filter(isProbe).length;
    assert.ok(probes <= most, `${probes} probes`);
    const last = Math.max(...it.moves.map(({ at }) => at));
    assert.ok(last - 3_000 <= 400, `the last moved ${last - 3_000} ms after the death`);
  }
}

test("questions: each locator of the peer box once, by one context for all; a lost one again, ever more seldom", () => {
  const it = new ReapPairWorld({ seed: 21, contexts: 300, hosts: 10, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  it.dead = (from, pair) => from === "A" && pair.peer === it.locator("B", 1, 3);
  it.run(40_000);
  for (const side of SIDES) {
    const asked = it.asked.filter(({ from, lost }) => from === side && !lost).map(({ pair }) => pair.peer);
    const silent = side === "A" ? 1 : 0;
    assert.is(asked.length, 10 - silent);
    assert.is(new Set(asked).size, 10 - silent);
  }
  const again = it.asked.filter(({ lost }) => lost).map(({ at }) => at);
  const gaps = again.slice(1).map((at, i) => at - again[i]);
  assert.ok(gaps.length >= 4 && gaps.every((gap, i) => gap >= 0.8 * 1_000 * 2 ** i), gaps.join(" "));
  assert.ok(!it.sent.some(isProbe) && it.states.length === 0, "nothing else happens");
});

test("questions come from contexts with a box of our kind only, and end with the context that asks", () => {
  const other = new ReapPairWorld({ seed: 22, contexts: 5, a: A, b: B, timing: rfc5534Timing(), delay: 10, peerBox: "box" });
  other.run(60_000);
  assert.is(other.asked.length, 0);
  const it = new ReapPairWorld({ seed: 23, contexts: 5, a: A, b: B, timing: FAST, delay: 10, peerBox: "box", questions: false });
  it.run(10_000);
  for (let id = 0; id < 5; id++) it.remove(id);
  const asked = it.asked.length;
  assert.ok(asked > 10);
  it.run(1_000_000);
  assert.is(it.asked.length, asked);
});

test("a peer of another kind: each context explores for itself, within the budget, and none goes where it has not probed", () => {
  const timing = rfc5534Timing();
  const it = new ReapPairWorld({
    seed: 24,
    contexts: 300,
    hosts: 3,
    a: A,
    b: B,
    timing,
    delay: 10,
    peerBox: "box",
    reap: { probeBurst: 20, probeWindow: 10 },
  });
  for (let id = 0; id < 300; id++) {
    it.traffic(id, "A", 1_000, it.random() * 1_000, 60_000);
    it.traffic(id, "B", 1_000, it.random() * 1_000, 60_000);
  }
  it.at(5_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(60_000);
  for (const { at, side, id, pair } of it.moves) {
    const own = it.sent.some((sent) => isProbe(sent) && sent.from === side && sent.id === id && sent.at < at && samePair(sent.pair, pair));
    assert.ok(own, `${side} ${id} moved without a probe of its own`);
  }
  for (const side of SIDES) {
    assert.ok(peak(it, side, 10) <= 120, `${side} sent ${peak(it, side, 10)} probes within 10 ms`);
    for (let id = 0; id < 300; id++) {
      const current = it.reap[side].currentOf(id);
      assert.ok(current !== undefined && it.works(side, current), `${side} ${id}`);
    }
  }
});

test("the way that siblings found is closed to one host: its contexts find their own, and do not go to and fro", () => {
  const it = new ReapPairWorld({
    seed: 25,
    contexts: 100,
    hosts: 10,
    a: A,
    b: [...B, "2001:db8:b3"],
    timing: FAST,
    delay: 10,
    peerBox: "box",
  });
  for (let id = 0; id < 100; id++) {
    it.traffic(id, "A", 50, 2_800 + it.random() * 50, 9_000);
    it.traffic(id, "B", 50, 2_800 + it.random() * 50, 9_000);
  }
  it.at(3_000, () => {
    // Host 4 has one way left, the others two.
    it.dead = (from, pair) => {
      const [a, b] = from === "A" ? [pair.local, pair.peer] : [pair.peer, pair.local];
      if (a.startsWith("2001:db8:a1:") && b.startsWith("2001:db8:b1:")) return true;
      return a.endsWith("::4") && !(a.startsWith("2001:db8:a2:") && b.startsWith("2001:db8:b3:"));
    };
  });
  it.run(9_000);
  for (const side of SIDES) {
    for (let id = 0; id < 100; id++) {
      const current = it.reap[side].currentOf(id);
      assert.ok(current !== undefined && it.works(side, current), `${side} ${id} uses ${current?.local} ${current?.peer}`);
      assert.is(it.reap[side].stateOf(id), "Operational");
      const moves = it.moves.filter((move) => move.side === side && move.id === id);
      assert.ok(moves.length <= 8, `${side} ${id} moved ${moves.length} times`);
    }
  }
});

test("who followed its siblings gives the peer's side two more Send Timeouts, then looks for itself", () => {
  const it = new ReapPairWorld({ seed: 29, contexts: 20, hosts: 1, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  it.traffic(0, "A", 10, 2_900, 3_300);
  it.traffic(0, "B", 10, 2_900, 3_300);
  it.at(3_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(3_300);
  const moved = it.moves.find(({ side, id }) => side === "A" && !it.sent.some((sent) => sent.from === "A" && sent.id === id));
  assert.ok(moved !== undefined);
  for (let i = 0; i < 2; i++) {
    assert.equal(it.step("A", { kind: "send-timeout", id: moved.id }), [{ kind: "send-timer", id: moved.id, action: "restart" }]);
    assert.is(it.reap.A.stateOf(moved.id), "Operational");
  }
  it.step("A", { kind: "send-timeout", id: moved.id });
  assert.is(it.reap.A.stateOf(moved.id), "Exploring");
});

test("the leader goes away while its siblings wait: another one looks, and they do not wait for ever", () => {
  const it = new ReapPairWorld({ seed: 26, contexts: 100, hosts: 1, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  for (let id = 0; id < 100; id++) {
    it.traffic(id, "A", 40, it.random() * 40, 5_000);
    it.traffic(id, "B", 40, it.random() * 40, 5_000);
  }
  let gone = -1;
  it.at(3_000, () => {
    it.dead = () => true;
  });
  it.at(3_200, () => {
    gone = it.sent.filter(isProbe)[0]?.id ?? -1;
    it.remove(gone);
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(5_000);
  for (const side of SIDES) {
    for (let id = 0; id < 100; id++) {
      if (id === gone) continue;
      const current = it.reap[side].currentOf(id);
      assert.ok(current !== undefined && it.works(side, current) && it.reap[side].stateOf(id) === "Operational", `${side} ${id}`);
    }
  }
});

test("nothing works: those who look for themselves double with each patience, until all do", () => {
  const it = new ReapPairWorld({ seed: 27, contexts: 500, hosts: 1, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  for (let id = 0; id < 500; id++) it.traffic(id, "A", 40, 2_900 + it.random() * 40, 4_000);
  it.at(3_000, () => {
    it.dead = () => true;
  });
  const probers = (at: number) => {
    it.run(at);
    return new Set(it.sent.filter((sent) => isProbe(sent) && sent.from === "A").map(({ id }) => id)).size;
  };
  assert.is(probers(3_200), 1);
  assert.ok(probers(3_460) <= 16);
  assert.ok(probers(3_660) <= 64);
  assert.is(probers(6_000), 500);
});

test("the peer's box lost its contexts: the first R1bis sends everybody who waits to ask for itself", () => {
  const it = new ReapPairWorld({ seed: 28, contexts: 50, hosts: 1, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  for (let id = 0; id < 50; id++) it.traffic(id, "A", 20, it.random() * 20, 4_000);
  it.at(3_000, () => {
    it.dead = () => true;
  });
  it.run(3_200);
  const leader = it.sent.find(isProbe)?.id ?? -1;
  it.step("A", { kind: "recovering", id: leader });
  it.run(3_230);
  const asking = new Set(it.sent.filter((sent) => isProbe(sent) && sent.from === "A").map(({ id }) => id));
  assert.is(asking.size, 50);
  const sent = it.sent.filter(({ from }) => from === "A").length;
  for (let id = 0; id < 50; id++) it.step("A", { kind: "recovering", id });
  it.run(10_000);
  assert.is(it.sent.filter(({ from }) => from === "A").length, sent, "who is set up anew rests");
  for (let id = 0; id < 50; id++) it.step("A", { kind: "context", context: it.context("A", id), fresh: true });
  assert.is(it.reap.A.stateOf(leader), "Operational");
});

test("no context goes to a destination that has not answered", () => {
  const it = new ReapPairWorld({ seed: 13, contexts: 60, hosts: 6, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  it.traffic(0, "A", 10, 0, 2_000);
  it.traffic(0, "B", 10, 5, 2_000);
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(3_000);
  for (const { at, side, pair } of it.moves) {
    const probes = it.sent.filter(isProbe);
    const asked = [...probes, ...it.asked].find((sent) => sent.from === side && !sent.lost && sent.at < at && sent.pair.peer === pair.peer);
    assert.ok(asked !== undefined, `${side} went to ${pair.peer} unasked`);
  }
  assert.is(it.moves.filter(({ side }) => side === "A").length, 60);
});

test("1,000 contexts, all with traffic: all recover, the burst is bounded", () => {
  const it = new ReapPairWorld({
    seed: 4,
    contexts: 1_000,
    a: A,
    b: B,
    timing: FAST,
    delay: 10,
    peerBox: "box",
    reap: { probeBurst: 50, probeWindow: 10 },
  });
  for (let id = 0; id < 1_000; id++) {
    it.traffic(id, "A", 50, it.random() * 50, 1_600);
    it.traffic(id, "B", 50, it.random() * 50, 1_600);
  }
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(1_700);
  for (const side of SIDES) {
    for (let id = 0; id < 1_000; id++) {
      const current = it.reap[side].currentOf(id);
      assert.ok(current !== undefined && it.works(side, current) && it.reap[side].stateOf(id) === "Operational", `${side} ${id}`);
    }
    assert.ok(peak(it, side, 10) <= 200, `${side} sent ${peak(it, side, 10)} probes within 10 ms`);
  }
});

test("all pairs dead for ten minutes, then one back: who finds it pulls the others out of their back-off", () => {
  const it = new ReapPairWorld({ seed: 5, contexts: 200, a: A, b: B, timing: rfc5534Timing(), delay: 10, peerBox: "box" });
  for (let id = 0; id < 200; id++) {
    it.at(it.random() * 1_000, () => it.payload("A", id));
    it.at(it.random() * 1_000, () => it.payload("B", id));
  }
  it.at(0, () => {
    it.dead = () => true;
  });
  it.at(600_000, () => {
    it.dead = (from, pair) => !cut("2001:db8:a2", "2001:db8:b2")(from, pair);
  });
  it.run(630_000);
  const back = it.states.filter(({ at, side, state }) => at >= 600_000 && side === "A" && state === "Operational").map(({ at }) => at);
  assert.is(back.length, 200);
  assert.ok(back[199] - back[0] < 1_000, `first ${back[0]}, last ${back[199]}`);
});

test("without a peer box nothing is shared", () => {
  const it = new ReapPairWorld({ seed: 6, contexts: 20, a: A, b: B, timing: FAST, delay: 10, peerBox: undefined });
  it.traffic(0, "A", 10, 0, 2_000);
  it.traffic(0, "B", 10, 5, 2_000);
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(2_000);
  assert.ok(it.sent.every(({ id }) => id === 0));
  assert.equal([...it.reap.A.paths()], []);
});

test("a false alarm moves nobody: the current pair is confirmed and the siblings stay silent", () => {
  const it = new ReapPairWorld({ seed: 7, contexts: 50, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  it.step("A", { kind: "send-timeout", id: 0 });
  it.run(1_000);
  assert.is(it.reap.A.stateOf(0), "Operational");
  assert.equal(it.reap.A.currentOf(0), it.pair("A", 0, 0));
  assert.ok(it.sent.every(({ id }) => id === 0));
});

test("paths: state, round trip, contexts, for `show paths`", () => {
  const it = new ReapPairWorld({ seed: 8, contexts: 10, a: A, b: B.slice(0, 1), timing: FAST, delay: 10, peerBox: "box" });
  it.traffic(0, "A", 10, 0, 2_000);
  it.at(1_000, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(2_000);
  const paths = [...it.reap.A.paths()];
  const lost = paths.find(({ local }) => local === "2001:db8:a1::/48");
  const alive = paths.find(({ local }) => local === "2001:db8:a2::/48");
  assert.is(lost?.state, "lost");
  assert.is(lost?.contexts, 0);
  assert.is(alive?.state, "alive");
  assert.is(alive?.contexts, 10);
  assert.is(Math.round(alive?.roundTrip ?? 0), 20);
  assert.is(alive?.peer, "2001:db8:b1::/48");
});

test("paths are forgotten some minutes after the box's last context", () => {
  const it = new ReapPairWorld({ seed: 9, contexts: 3, a: A, b: B, timing: FAST, delay: 10, peerBox: "box" });
  it.run(100);
  assert.ok([...it.reap.A.paths()].length > 0);
  for (let id = 0; id < 3; id++) it.remove(id);
  it.run(299_000);
  assert.ok([...it.reap.A.paths()].length > 0);
  it.run(301_000);
  assert.equal([...it.reap.A.paths()], []);
  assert.is(it.reap.A.wakeAt, Number.POSITIVE_INFINITY);
});

test("a probe for nobody is dropped and counted", () => {
  const it = new ReapPairWorld({ seed: 10, contexts: 1, a: A, b: B, timing: FAST, delay: 10 });
  const effects = it.step("A", { kind: "keepalive", id: 77, message: { kind: "Keepalive", receiverTag: contextTag(1), options: [] } });
  assert.equal(effects, [{ kind: "drop", why: "no-context-reap" }]);
});

test.run();
