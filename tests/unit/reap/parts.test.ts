/** The parts of the machine one by one: profile, schedule, order, trail, heap, pace, paths, draw. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReapContext, ReapEvent } from "../../../runtime/reap/contract.ts";
import { chacha20Block, Draw } from "../../../runtime/reap/draw.ts";
import { DeadlineHeap, type Due } from "../../../runtime/reap/heap.ts";
import { createReap } from "../../../runtime/reap/machine.ts";
import { Pacer, Walks } from "../../../runtime/reap/pace.ts";
import { isLost, PathTable, proveAlive, sampleRoundTrip, sitePrefix, suspectLost } from "../../../runtime/reap/paths.ts";
import * as profile from "../../../runtime/reap/profile.ts";
import { explorationOrder, gapAfter, Search } from "../../../runtime/reap/search.ts";
import { Trail } from "../../../runtime/reap/trail.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import type { LocatorPair } from "../../../runtime/value/pair.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { PREFERENCE_BROKEN, type Probe, type ReapState } from "../../../runtime/wire/message.ts";

const CAPABLE = (sendTimeout: number) => ({ version: 1, sendTimeout });

test("RFC 5534 §7: constants and defaults", () => {
  const timing = profile.rfc5534Timing();
  assert.is(timing.sendTimeout, 15_000);
  assert.is(timing.keepaliveTimeout, 15_000);
  assert.is(timing.keepaliveInterval, 5_000);
  assert.equal(timing.initialProbeGaps, [500, 500, 500]);
  assert.is(timing.maxProbeTimeout, 60_000);
  assert.is(timing.firstRoundGap, undefined);
});

test("§5.3: the peer's Keepalive Timeout is taken over, 0 is ignored, no value breaks it", () => {
  assert.is(profile.rfc5534Timing(30).keepaliveTimeout, 30_000);
  assert.is(profile.rfc5534Timing(30).keepaliveInterval, 10_000);
  assert.is(profile.rfc5534Timing(0).keepaliveTimeout, 15_000);
  assert.is(profile.rfc5534Timing(0xffff).keepaliveTimeout, 65_535_000);
});

test("towards a peer without CAPABILITIES the timing is the RFC's, whatever the profile", () => {
  assert.equal(profile.timingFor("fast", CAPABLE(150), undefined, undefined, 20), profile.rfc5534Timing());
  assert.equal(profile.timingFor("rfc5534", undefined, CAPABLE(150), 20, 20), profile.rfc5534Timing(20));
});

test("fast: Send Timeout follows the round trip between 150 ms and 15 s", () => {
  for (const [roundTrip, timeout] of [
    [1, 150],
    [20, 150],
    [25, 150],
    [100, 300],
    [600, 1_300],
    [60_000, 15_000],
  ]) {
    const timing = profile.timingFor("fast", CAPABLE(150), CAPABLE(150), undefined, roundTrip);
    assert.is(timing.sendTimeout, timeout);
  }
});

test("fast: a responder that measured nothing takes the initiator's word; nobody measured: the assumption", () => {
  const told = profile.capabilitiesFor("fast", 100);
  const silent = profile.capabilitiesFor("fast", undefined);
  assert.is(profile.timingFor("fast", silent, told, undefined, undefined).sendTimeout, 300);
  assert.is(profile.timingFor("fast", silent, silent, undefined, undefined).sendTimeout, 100 + 2 * profile.ASSUMED_ROUND_TRIP);
  assert.is(profile.timingFor("fast", silent, profile.capabilitiesFor("fast", 5), undefined, undefined).sendTimeout, 150);
  assert.is(profile.capabilitiesFor("rfc5534", 20), undefined);
});

test("fast: Keepalives follow what the peer announced, and what we use is never less than what we announced", () => {
  const timing = profile.timingFor("fast", CAPABLE(900), CAPABLE(600), undefined, 20);
  assert.is(timing.keepaliveTimeout, 600);
  assert.is(timing.keepaliveInterval, 200);
  assert.is(timing.sendTimeout, 900);
  assert.is(profile.timingFor("fast", CAPABLE(150), CAPABLE(0), undefined, 20).keepaliveInterval, 50, "a peer cannot order a storm");
});

test("§4.3 gaps: 0.5 s three times, then doubling to 60 s", () => {
  const timing = profile.rfc5534Timing();
  const gaps = Array.from({ length: 14 }, (_, i) => gapAfter(i + 1, timing, 4));
  assert.equal(gaps, [500, 500, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000]);
  assert.is(gapAfter(5_000, timing, 4), 60_000);
});

test("fast gaps: one round over the pairs, then the RFC's back-off", () => {
  const timing = profile.timingFor("fast", CAPABLE(150), CAPABLE(150), undefined, 20);
  assert.equal(
    Array.from({ length: 8 }, (_, i) => gapAfter(i + 1, timing, 2)),
    [20, 20, 500, 1_000, 2_000, 4_000, 8_000, 16_000],
  );
  const many = Array.from({ length: 12 }, (_, i) => gapAfter(i + 1, timing, 100));
  assert.is(many.filter((gap) => gap === 20).length, 7, "at most eight probes in the first round");
  assert.is(profile.timingFor("fast", CAPABLE(150), CAPABLE(150), undefined, 200).firstRoundGap, 50);
});

const P = (local: number, peer: number): LocatorPair => ({
  local: address(`2001:db8:a${local}::1`),
  peer: address(`2001:db8:b${peer}::1`),
});
const ALL = [P(1, 1), P(1, 2), P(2, 1), P(2, 2)];

test("order of pairs: both ends differ, one end, the current; suspects later, BROKEN last", () => {
  assert.equal(
    explorationOrder(ALL, P(1, 1), () => 0),
    [P(2, 2), P(1, 2), P(2, 1), P(1, 1)],
  );
  assert.equal(
    explorationOrder(ALL, P(1, 1), (pair) => (pair.peer === P(1, 2).peer ? 2 : 0)),
    [P(2, 1), P(1, 1), P(2, 2), P(1, 2)],
  );
  assert.equal(
    explorationOrder(ALL, P(1, 1), (pair) => (pair === ALL[3] ? 1 : 0)),
    [P(1, 2), P(2, 1), P(2, 2), P(1, 1)],
  );
});

test("the walk: current once, then round and round; never the same pair twice running; dead ones to the end", () => {
  const search = new Search(0, [P(2, 2), P(1, 2), P(1, 1)], P(1, 1));
  const walk = (count: number): LocatorPair[] =>
    Array.from({ length: count }, () => {
      const pair = search.next() ?? P(9, 9);
      search.sent(pair);
      return pair;
    });
  assert.equal(walk(5), [P(1, 1), P(2, 2), P(1, 2), P(1, 1), P(2, 2)]);
  search.demote(P(1, 2));
  assert.equal(walk(3), [P(1, 1), P(1, 2), P(2, 2)]);
  assert.is(new Search(0, [], undefined).next(), undefined);
  const answered = new Search(0, [P(2, 2), P(1, 2), P(1, 1)], undefined);
  answered.sent(P(2, 2));
  assert.equal(answered.next(), P(1, 2), "the pair of the answer that has just left is passed over");
  const alone = new Search(0, [P(1, 1)], P(1, 1));
  alone.sent(P(1, 1));
  assert.equal(alone.next(), P(1, 1));
});

test("trail: reports confirm by nonce and addresses, once; five of each, newest first", () => {
  const trail = new Trail();
  for (let nonce = 1; nonce <= 7; nonce++) trail.send(P(1, 1), nonce, nonce);
  const report = (nonce: number, pair = P(1, 1)) => ({ source: pair.local, destination: pair.peer, nonce, data: 0 });
  assert.equal(trail.confirm([report(99), report(6, P(1, 2))]), []);
  assert.equal(
    trail.confirm([report(3), report(6)]).map(({ nonce }) => nonce),
    [6, 3],
  );
  assert.equal(trail.confirm([report(6)]), []);
  assert.equal(
    trail.send(P(2, 1), 8, 8).map(({ nonce }) => nonce),
    [8, 7, 5, 4, 2],
  );
  for (let nonce = 1; nonce <= 7; nonce++) trail.hear(report(nonce));
  trail.hear(report(5));
  assert.equal(
    trail.received.map(({ nonce }) => nonce),
    [5, 7, 6, 4, 3],
  );
  trail.forgetReceived();
  assert.equal(trail.received, []);
});

test("heap: always the earliest on top, whatever was moved or taken out", () => {
  const heap = new DeadlineHeap<Due>();
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  };
  const items = Array.from({ length: 200 }, () => ({ deadline: 0, heapIndex: -1 }));
  for (let i = 0; i < 2_000; i++) {
    const item = items[Math.floor(random() * items.length)];
    if (random() < 0.3) heap.delete(item);
    else heap.set(item, Math.floor(random() * 1_000));
    const inside = items.filter(({ heapIndex }) => heapIndex >= 0);
    assert.is(heap.size, inside.length);
    assert.is(heap.wakeAt, Math.min(Number.POSITIVE_INFINITY, ...inside.map(({ deadline }) => deadline)));
  }
});

test("pacer: so many in a window; walks stop where the budget ends and go on there", () => {
  const pacer = new Pacer(2, 10);
  assert.equal([pacer.take(0), pacer.take(5), pacer.take(9), pacer.take(10)], [true, true, false, true]);
  const walks = new Walks<number, undefined>();
  const seen: number[] = [];
  walks.begin([1, 2, 3, 4, 5], (item) => {
    seen.push(item);
    return item === 4 ? "stop" : "next";
  });
  let room = 2;
  walks.run(undefined, () => room-- > 0);
  assert.equal(seen, [1, 2]);
  walks.run(undefined, () => true);
  assert.equal(seen, [1, 2, 3, 4]);
  assert.not(walks.pending);
});

test("paths: evidence, round trip, /48 names, bounded", () => {
  const table = new PathTable<object>();
  const box = table.enter("x");
  if (box === undefined) throw new Error("full");
  const path = table.path(box, "a", "b", P(1, 1));
  if (path === undefined) throw new Error("full");
  assert.not(isLost(path));
  suspectLost(path, P(1, 1), 10);
  assert.ok(isLost(path));
  proveAlive(box, path, P(1, 1), 9);
  assert.ok(isLost(path), "older evidence than the suspicion");
  proveAlive(box, path, P(1, 1), 10);
  assert.not(isLost(path));
  sampleRoundTrip(path, 80);
  sampleRoundTrip(path, 160);
  assert.is(path.roundTrip, 90);
  assert.is(sitePrefix(address("2001:db8:a1:7::1")), "2001:db8:a1::/48");
  path.members.add({});
  for (let i = 0; i < 1_000; i++) table.path(box, "a", `b${i}`, P(1, 1));
  assert.is(box.paths.size, 64);
  assert.is(table.path(box, "a", "b", P(1, 1)), path, "a path in use stays");
  table.leave(box, 0);
  assert.is(table.wakeAt, 300_000);
  table.expire(300_000);
  assert.equal([...table.views()], []);
});

test("draw: ChaCha20 block of RFC 8439 §2.3.2; fresh words, never the same", () => {
  const state = Uint32Array.from([
    0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918,
    0x1f1e1d1c, 0x00000001, 0x09000000, 0x4a000000, 0x00000000,
  ]);
  const block = new Uint32Array(16);
  chacha20Block(state, block);
  assert.is(hex(new Uint8Array(block.buffer)).slice(0, 32), "10f1e7e4d13b5915500fdd1fa32071c4");
  const draw = new Draw(new Uint8Array(64));
  assert.is(new Set(Array.from({ length: 5_000 }, () => draw.u32())).size > 4_990, true);
});

const CONTEXT: ReapContext = {
  id: 1,
  current: P(1, 1),
  localLocators: [P(1, 1).local, P(2, 1).local],
  peerLocators: [1, 2].map((n) => ({ address: P(1, n).peer, preference: { flags: 0 } })),
  peerTag: contextTag(3),
  peerBox: "x",
  timing: profile.rfc5534Timing(),
};
const RANDOM = new Uint8Array(64);

test("BROKEN for the current peer locator: explore, do not switch blindly", () => {
  const reap = createReap();
  reap.step({ kind: "context", context: CONTEXT, fresh: true }, 0, RANDOM);
  const [first, second] = CONTEXT.peerLocators;
  const broken = { ...CONTEXT, peerLocators: [{ ...first, preference: { flags: PREFERENCE_BROKEN } }, second] };
  const effects = reap.step({ kind: "context", context: broken, fresh: false }, 1, RANDOM);
  assert.is(reap.stateOf(1), "Exploring");
  assert.equal(reap.currentOf(1), P(1, 1));
  const [probe] = effects.filter((effect) => effect.kind === "send");
  assert.equal(probe?.pair, P(2, 2), "another pair first, both ends different");
  assert.equal(reap.step({ kind: "context", context: broken, fresh: false }, 2, RANDOM), []);
});

test("a hint about another pair sends nothing; about the current one it explores, that pair last", () => {
  const reap = createReap();
  reap.step({ kind: "context", context: CONTEXT, fresh: true }, 0, RANDOM);
  assert.equal(reap.step({ kind: "lost", id: 1, pair: P(2, 2) }, 1, RANDOM), []);
  const [probe] = reap.step({ kind: "lost", id: 1, pair: P(1, 1) }, 2, RANDOM).filter((effect) => effect.kind === "send");
  assert.equal(probe?.pair, P(1, 2), "the pair that is said to be dead comes after the others of its kind");
});

test("established anew while exploring: Operational, timers stopped, payload let go", () => {
  const reap = createReap();
  reap.step({ kind: "context", context: CONTEXT, fresh: true }, 0, RANDOM);
  reap.step({ kind: "send-timeout", id: 1 }, 1, RANDOM);
  const effects = reap.step({ kind: "context", context: { ...CONTEXT, current: P(2, 2) }, fresh: true }, 2, RANDOM);
  assert.equal(
    effects.map((effect) => [effect.kind, "state" in effect ? effect.state : "action" in effect ? effect.action : ""].join(" ").trim()),
    ["state Operational", "watch", "send-timer stop", "keepalive-timer stop"],
  );
  assert.equal(reap.currentOf(1), P(2, 2));
});

test("a report in a translated packet: the answer goes where the packet came from, the report is kept as it is", () => {
  const reap = createReap();
  reap.step({ kind: "context", context: CONTEXT, fresh: true }, 0, RANDOM);
  const odd = { source: address("2001:db8:ee::1"), destination: address("2001:db8:ff::1"), nonce: 5, data: 6 };
  const message: Probe = { kind: "Probe", receiverTag: contextTag(1), state: "Exploring", sent: [odd], received: [], options: [] };
  const effects = reap.step({ kind: "probe", id: 1, source: P(2, 2).peer, destination: P(2, 2).local, message }, 1, RANDOM);
  const [answer] = effects.filter((effect) => effect.kind === "send");
  assert.equal(answer?.pair, P(2, 2));
  assert.equal(answer?.message.kind === "Probe" ? answer.message.received : [], [odd]);
});

/** The machine's Probes, oldest first, and a way to answer them. */
function conversation(current: LocatorPair) {
  const reap = createReap();
  const sent: { pair: LocatorPair; message: Probe }[] = [];
  const step = (event: ReapEvent, now: number): void => {
    const random = Uint8Array.from(RANDOM, (_, i) => (now + i) % 251);
    for (const effect of reap.step(event, now, random)) {
      if (effect.kind === "send" && effect.message.kind === "Probe") sent.push({ pair: effect.pair, message: effect.message });
    }
  };
  step({ kind: "context", context: { ...CONTEXT, current }, fresh: true }, 0);
  const probe = (state: ReapState, arrival: LocatorPair, reported: readonly number[], now: number): void => {
    const own = { source: arrival.peer, destination: arrival.local, nonce: 1_000_000 + now, data: 0 };
    const received = reported.map((n) => sent[n].message.sent[0]);
    const message: Probe = { kind: "Probe", receiverTag: contextTag(1), state, sent: [own], received, options: [] };
    step({ kind: "probe", id: 1, source: arrival.peer, destination: arrival.local, message }, now);
  };
  return { reap, sent, step, probe };
}

test("§6.8: the current pair stays if the peer reports it, even beside a better one", () => {
  const { reap, sent, step, probe } = conversation(P(2, 2));
  step({ kind: "send-timeout", id: 1 }, 1_000);
  step({ kind: "poll" }, 1_700);
  assert.equal(
    sent.map(({ pair }) => pair),
    [P(2, 2), P(1, 1)],
  );
  probe("InboundOk", P(1, 1), [1, 0], 1_800);
  assert.equal(reap.currentOf(1), P(2, 2));
});

test("§6.8: a report that is stale beside a newer one does not keep the current pair", () => {
  const { reap, sent, step, probe } = conversation(P(2, 2));
  step({ kind: "send-timeout", id: 1 }, 1_000);
  step({ kind: "poll" }, 4_000);
  assert.equal(sent[1].pair, P(1, 1));
  probe("InboundOk", P(1, 1), [1, 0], 4_100);
  assert.equal(reap.currentOf(1), P(1, 1));
});

test("an answer to InboundOk leaves on a pair that the peer reports, not blindly on the way back", () => {
  const { reap, sent, step, probe } = conversation(P(1, 1));
  step({ kind: "send-timeout", id: 1 }, 1_000);
  step({ kind: "poll" }, 1_700);
  assert.equal(sent[1].pair, P(2, 2));
  for (const now of [1_800, 1_900, 2_000]) {
    probe("InboundOk", P(1, 2), [1], now);
    assert.equal(sent.at(-1)?.pair, P(2, 2));
    assert.is(sent.at(-1)?.message.state, "Operational");
  }
  assert.equal(reap.currentOf(1), P(2, 2));
});

test("an answer to InboundOk without a report: in turn the current pair and the way back", () => {
  const { sent, probe } = conversation(P(1, 1));
  for (const now of [1, 2, 3, 4]) probe("InboundOk", P(2, 2), [], now);
  assert.equal(
    sent.map(({ pair }) => pair),
    [P(1, 1), P(2, 2), P(1, 1), P(2, 2)],
  );
});

test("§5.2: received reports are those since the last entry into Exploring", () => {
  const { sent, step, probe } = conversation(P(1, 1));
  probe("Exploring", P(1, 1), [], 1);
  assert.is(sent[0].message.received.length, 1);
  step({ kind: "send-timeout", id: 1 }, 20_000);
  assert.is(sent[1].message.state, "Exploring");
  assert.is(sent[1].message.received.length, 0);
});

test("full: one more context is refused and counted", () => {
  const reap = createReap({ capacity: 1 });
  reap.step({ kind: "context", context: CONTEXT, fresh: true }, 0, RANDOM);
  assert.equal(reap.step({ kind: "context", context: { ...CONTEXT, id: 2 }, fresh: true }, 0, RANDOM), [
    { kind: "drop", why: "full-reap" },
  ]);
});

test.run();
