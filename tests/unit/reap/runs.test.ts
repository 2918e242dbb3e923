/** The runs of RFC 5534 Appendix A and of the check-list: two machines, a virtual wire, payload, virtual time. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { rfc5534Timing, timingFor } from "../../../runtime/reap/profile.ts";
import type { Probe } from "../../../runtime/wire/message.ts";
import { cut, isProbe, type PairOptions, ReapPairWorld, type Sent, type Side, samePair } from "../../lib/reappair.ts";

const A = ["2001:db8:a1", "2001:db8:a2"];
const B = ["2001:db8:b1", "2001:db8:b2"];
const FAST = timingFor("fast", { version: 1, sendTimeout: 150 }, { version: 1, sendTimeout: 150 }, undefined, 20);
const RFC = rfc5534Timing();

function world(options: Partial<PairOptions> = {}): ReapPairWorld {
  return new ReapPairWorld({ seed: 1, a: A, b: B, timing: RFC, delay: 10, ...options });
}

function bothWays(it: ReapPairWorld, until: number, every = 100): void {
  it.traffic(0, "A", every, 0, until);
  it.traffic(0, "B", every, every / 2, until);
}

function probes(it: ReapPairWorld): (Sent & { readonly message: Probe })[] {
  return it.sent.filter(isProbe);
}

function line(sent: Sent): string {
  return `${sent.from} ${sent.message.kind === "Probe" ? sent.message.state : "Keepalive"}${sent.lost ? " lost" : ""}`;
}

test("example 1, no communication: nothing is sent", () => {
  const it = world();
  it.run(600_000);
  assert.is(it.sent.length, 0);
  assert.is(it.reap.A.wakeAt, Number.POSITIVE_INFINITY);
});

test("example 2, bidirectional communication: nothing is sent but payload", () => {
  const it = world();
  bothWays(it, 60_000);
  it.run(60_000);
  assert.is(it.sent.length, 0);
});

test("example 3, one way: a Keepalive every interval, the last with the timeout, then the next payload starts over", () => {
  const it = world();
  it.traffic(0, "A", 100, 0, 60_000);
  it.run(60_050);
  assert.equal(new Set(it.sent.map(line)), new Set(["B Keepalive"]));
  const gaps = it.sent.slice(1).map(({ at }, i) => Math.round(at - it.sent[i].at));
  // 5, 10, 15 s after the first payload; the timer is off then, and the next payload, up to 100 ms later, starts it again.
  assert.ok(
    gaps.every((gap) => gap >= 5_000 && gap <= 5_100),
    gaps.join(),
  );
  assert.is(it.sent.length, 12);
  assert.is(it.states.length, 0);
});

test("one way, then silence: Keepalives until the Keepalive Timeout, then nothing", () => {
  const it = world();
  it.at(0, () => it.payload("A", 0));
  it.run(300_000);
  assert.equal(it.sent.map(line), ["B Keepalive", "B Keepalive", "B Keepalive"]);
  assert.equal(
    it.sent.map(({ at }) => Math.round(at)),
    [5_010, 10_010, 15_010],
  );
  assert.is(it.states.length, 0);
});

test("example 4, the path dies both ways and both have payload to send: both move", () => {
  const it = world({ a: ["2001:db8:a1"] });
  it.traffic(0, "A", 100, 0, 60_000);
  it.traffic(0, "B", 100, 30, 60_000);
  it.at(1_000.5, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(60_000);
  const [complaint, answer, end, ...more] = probes(it).slice(2);
  // Both complain on the dead pair; whose second probe leaves first is the jitter's choice.
  assert.equal(
    [complaint, answer, end].map(({ message }) => message.state),
    ["Exploring", "InboundOk", "Operational"],
  );
  assert.is(more.length, 0);
  assert.equal(it.reap.A.currentOf(0), it.pair("A", 0, 1));
  assert.equal(it.reap.B.currentOf(0), it.pair("B", 1, 0));
  assert.is(answer.message.received[0].nonce, complaint.message.sent[0].nonce, "the answer reports the probe it answers");
  assert.equal(answer.message.received[0], {
    source: complaint.pair.local,
    destination: complaint.pair.peer,
    nonce: complaint.message.sent[0].nonce,
    data: 0,
  });
  assert.is(end.message.received[0].nonce, answer.message.sent[0].nonce);
});

test("example 4, the letter of it: only B sees the problem", () => {
  const it = world({ a: ["2001:db8:a1"] });
  it.traffic(0, "B", 100, 0, 60_000);
  it.traffic(0, "A", 6_000, 50, 60_000);
  it.at(1_000.5, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1");
  });
  it.run(60_000);
  assert.equal(probes(it).map(line), ["B Exploring lost", "B Exploring", "A InboundOk", "B Operational"]);
  assert.equal(
    it.states.map(({ side, state, cause }) => `${side} ${state} ${cause}`),
    ["B Exploring send-timeout", "A InboundOk probe-exploring", "B Operational probe-inboundok", "A Operational probe-operational"],
  );
  assert.equal(it.reap.A.currentOf(0), it.pair("A", 0, 1));
});

test("example 5, only A→B dies: A moves, B stays", () => {
  const it = world();
  it.traffic(0, "A", 100, 0, 60_000);
  it.traffic(0, "B", 100, 30, 60_000);
  it.at(1_000.5, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1", "A");
  });
  it.run(60_000);
  assert.equal(probes(it).map(line), ["B Exploring", "A InboundOk lost", "B Exploring", "A InboundOk", "B Operational"]);
  assert.equal(it.reap.B.currentOf(0), it.pair("B", 0, 0), "B's own direction works: it keeps its pair");
  assert.ok(it.works("A", it.corePair("A", 0) ?? it.pair("A", 0, 0)));
  assert.not.equal(it.reap.A.currentOf(0), it.pair("A", 0, 0));
});

test("only B→A dies: B moves, A stays", () => {
  const it = world();
  bothWays(it, 60_000);
  it.at(1_000.5, () => {
    it.dead = cut("2001:db8:a1", "2001:db8:b1", "B");
  });
  it.run(60_000);
  assert.equal(it.reap.A.currentOf(0), it.pair("A", 0, 0));
  assert.not.equal(it.reap.B.currentOf(0), it.pair("B", 0, 0));
  assert.is(it.reap.A.stateOf(0), "Operational");
});

test("each direction has one working pair, not the same: both find theirs", () => {
  for (const timing of [FAST, RFC]) {
    const it = world({ timing });
    bothWays(it, 120_000, 20);
    const onlyA = cut("2001:db8:a2", "2001:db8:b1", "A");
    const onlyB = cut("2001:db8:a1", "2001:db8:b2", "B");
    it.at(1_000, () => {
      it.dead = (from, pair) => !(from === "A" ? onlyA : onlyB)(from, pair);
    });
    it.run(120_000);
    assert.equal(it.reap.A.currentOf(0), it.pair("A", 1, 0));
    assert.equal(it.reap.B.currentOf(0), it.pair("B", 1, 0));
    assert.is(it.reap.A.stateOf(0), "Operational");
    assert.is(it.reap.B.stateOf(0), "Operational");
  }
});

test("all pairs die, one comes back: found within one gap for each pair; probes back off to 60 s (§4.3)", () => {
  const it = world();
  bothWays(it, 1_200_000);
  it.at(1_000, () => {
    it.dead = () => true;
  });
  it.at(600_000, () => {
    it.dead = (from, pair) => !cut("2001:db8:a2", "2001:db8:b2")(from, pair);
  });
  it.run(599_999);
  for (const side of ["A", "B"] as const) {
    const at = probes(it)
      .filter(({ from }) => from === side)
      .map((probe) => probe.at);
    const gaps = at.slice(1).map((time, i) => time - at[i]);
    const nominal = [500, 500, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];
    gaps.forEach((gap, i) => {
      const expected = nominal[i] ?? 60_000;
      assert.ok(gap >= 0.8 * expected - 1e-6 && gap <= 1.2 * expected + 1e-6, `gap ${i}: ${gap}`);
    });
    assert.ok(gaps.length >= 15);
    const walked = probes(it).filter(({ from }) => from === side);
    assert.equal(new Set(walked.map(({ pair }) => `${pair.local} ${pair.peer}`)).size, 4, "every pair is tried");
  }
  it.run(600_000 + 5 * 72_000);
  for (const side of ["A", "B"] as const) {
    assert.is(it.reap[side].stateOf(0), "Operational");
    assert.equal(it.reap[side].currentOf(0), it.pair(side, 1, 1));
  }
});

test("a lost Probe(Operational) is sent again when the peer asks again", () => {
  const it = world({ timing: FAST });
  it.traffic(0, "B", 10, 0, 5_000);
  it.traffic(0, "A", 40, 5, 900); // A falls silent just before: only B can see it
  let dropped = 0;
  it.at(1_000, () => {
    it.dead = (from, pair) => {
      if (cut("2001:db8:a1", "2001:db8:b1")(from, pair)) return true;
      const operational = it.reap.B.stateOf(0) === "Operational" && from === "B" && dropped < 1;
      if (operational) dropped++;
      return operational;
    };
  });
  it.run(5_000);
  assert.is(dropped, 1);
  for (const side of ["A", "B"] as const) assert.is(it.reap[side].stateOf(0), "Operational");
});

test("flapping: the pair dies and returns every second; both ends end on a working pair", () => {
  const it = world({ timing: FAST });
  bothWays(it, 20_000, 10);
  for (let i = 0; i < 8; i++) {
    it.at(1_000 + 1_000 * i, () => {
      it.dead = i % 2 === 0 ? cut("2001:db8:a1", "2001:db8:b1") : cut("2001:db8:a2", "2001:db8:b2");
    });
  }
  it.run(20_000);
  for (const side of ["A", "B"] as const) {
    const current = it.reap[side].currentOf(0);
    assert.ok(current !== undefined && it.works(side, current));
    assert.is(it.reap[side].stateOf(0), "Operational");
    assert.equal(it.corePair(side, 0), current, "the core was told");
  }
});

test("both cores, holding or not: payload flows again after a death", () => {
  for (const hold of [true, false]) {
    for (const exactCore of [true, false]) {
      const it = world({ timing: FAST, hold, exactCore });
      bothWays(it, 5_000, 10);
      it.at(1_000, () => {
        it.dead = cut("2001:db8:a1", "2001:db8:b1");
      });
      it.run(5_100);
      for (const side of ["A", "B"] as const) {
        const times = it.arrived.filter((one) => one.side === side).map(({ at }) => at);
        assert.ok((times.at(-1) ?? 0) > 4_990, `hold ${hold} exact ${exactCore}`);
        assert.is(it.waiting(side, 0), 0);
      }
    }
  }
});

/** Longest silence of payload at either end, over seeds: [median, worst], milliseconds. */
function stalls(options: Pick<PairOptions, "a" | "b" | "timing">, until: number): [number, number] {
  const all: number[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    const it = new ReapPairWorld({ seed, delay: 10, peerBox: "box", ...options });
    const dies = 1_000 + 10 * it.random();
    bothWays(it, until, 10);
    it.at(dies, () => {
      it.dead = cut(options.a[0], options.b[0]);
    });
    it.run(until);
    for (const side of ["A", "B"] as Side[]) {
      const times = it.arrived.filter((one) => one.side === side).map(({ at }) => at);
      all.push(Math.max(...times.slice(1).map((time, i) => time - times[i])));
    }
  }
  all.sort((x, y) => x - y);
  return [all[all.length >> 1], all[all.length - 1]];
}

test("recovery from silent death, 20 ms round trip, payload every 10 ms: bounds reviewed by hand", () => {
  const [median1, worst1] = stalls({ a: A, b: B.slice(0, 1), timing: FAST }, 3_000);
  const [median2, worst2] = stalls({ a: A, b: B, timing: FAST }, 3_000);
  const [median3, worst3] = stalls({ a: A, b: B, timing: RFC }, 20_000);
  assert.ok(median1 <= 220 && worst1 <= 300, `fast 2×1: ${median1} ${worst1}`);
  assert.ok(median2 <= 220 && worst2 <= 300, `fast 2×2: ${median2} ${worst2}`);
  assert.ok(median3 <= 15_700 && worst3 <= 15_700, `rfc5534 2×2: ${median3} ${worst3}`);
});

test("a whole provider dies, 2 × 2: a pair at the other provider is found", () => {
  const it = world({ timing: FAST });
  bothWays(it, 5_000, 10);
  it.at(1_000, () => {
    it.dead = (_, pair) => pair.local.startsWith(A[0]) || pair.peer.startsWith(A[0]);
  });
  it.run(5_000);
  const current = it.reap.A.currentOf(0);
  assert.ok(current !== undefined && samePair(current, it.pair("A", 1, 1)));
});

test.run();
