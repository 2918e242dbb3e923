// Two machines on a virtual wire: how long set-up takes, concurrent set-up, recovery, hold-downs, teardown (RFC 5533 §7.3 to §7.6, §9).
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ContextView, Shim6Options } from "../../../runtime/shim6/contract.ts";
import type { MessageKind } from "../../../runtime/wire/message.ts";
import { Net, type Node } from "../../lib/shim6pair.ts";
import { at } from "../../lib/shim6world.ts";

const [UA, UB, UA2] = at("fc00:a::1", "fc00:b::1", "fc00:a::2");
const LA = at("2001:db8:a1::1", "2001:db8:a2::1");
const LB = at("2001:db8:b1::1", "2001:db8:b2::1");
const AB = { local: UA, peer: UB, fork: 0 };
const BA = { local: UB, peer: UA, fork: 0 };
const RTT = 20;

interface World {
  readonly net: Net;
  readonly a: Node;
  readonly b: Node;
}

function world(seed = 1, change: Partial<Shim6Options> = {}): World {
  const net = new Net(seed, { delay: RTT / 2 });
  return { net, a: net.add("A", [UA, UA2], LA, change), b: net.add("B", [UB], LB, change) };
}

function view(node: Node, pair: typeof AB): ContextView {
  const found = node.shim.find(pair);
  if (found === undefined) throw new Error(`${node.name} has no context`);
  return found;
}

function agree({ a, b }: World): void {
  const left = view(a, AB);
  const right = view(b, BA);
  assert.is(left.state, "ESTABLISHED");
  assert.is(right.state, "ESTABLISHED");
  assert.is(left.peerTag, right.localTag);
  assert.is(right.peerTag, left.localTag);
  assert.equal(
    left.peerLocators.map(({ address }) => address),
    LB,
  );
  assert.equal(
    right.peerLocators.map(({ address }) => address),
    LA,
  );
  assert.ok([...left.peerLocators, ...right.peerLocators].every(({ verified }) => verified));
  assert.is(left.peerBox, "B");
  assert.is(right.peerBox, "A");
}

const BOUND = 2 * RTT + 50;
const LOSSES: readonly (MessageKind | "nothing")[] = ["nothing", "I1", "R1", "I2", "R2"];
for (const lost of LOSSES) {
  for (const single of [false, true]) {
    test(`§7.3 ${lost} lost once, ${single ? "one locator each" : "two locators each"}: established within 2 RTT + 50 ms`, () => {
      const w = world();
      w.net.passes = ({ message, nth }) => message.kind !== lost || nth > 1;
      const pairs = { local: LA[0], peer: LB[0] };
      if (single) w.net.event(w.a, { kind: "need", pair: AB, candidates: [pairs] });
      else w.net.need(w.a, AB, LB);
      w.net.run(3000);
      agree(w);
      const took = Math.max(w.a.establishedAt, w.b.establishedAt);
      assert.ok(took <= BOUND, `${took} ms`);
      assert.is(view(w.a, AB).establishedAt, w.a.establishedAt);
    });
  }
}

test("§7.3 nothing lost: two round trips, the pair of R1, the round trip measured", () => {
  const w = world();
  w.net.need(w.a, AB, LB);
  w.net.run(1000);
  assert.is(w.a.establishedAt, 2 * RTT);
  assert.is(w.b.establishedAt, 1.5 * RTT);
  assert.equal(view(w.a, AB).current, { local: LA[0], peer: LB[0] });
  assert.equal(view(w.b, BA).current, { local: LB[0], peer: LA[0] });
  assert.is(view(w.a, AB).roundTrip, RTT);
  assert.is(w.a.shim.wakeAt, Number.POSITIVE_INFINITY);
});

test("§7.8 the first pair is dead: the second carries set-up within 3 RTT", () => {
  const w = world();
  w.net.passes = ({ source, destination }) => ![source, destination].some((each) => each === LA[0] || each === LB[0]);
  w.net.need(w.a, AB, LB);
  w.net.run(3000);
  agree(w);
  assert.ok(w.a.establishedAt <= 3 * RTT);
  assert.equal(view(w.a, AB).current, { local: LA[1], peer: LB[1] });
});

test("§7.8 a peer known not to be ours gets the RFC's timers only", () => {
  const net = new Net(3, { delay: RTT / 2 });
  const a = net.add("A", [UA, UA2], LA);
  net.add("B", [UB], LB, { capabilities: undefined });
  net.need(a, AB, LB);
  net.run(1000);
  assert.is(view(a, AB).state, "ESTABLISHED");
  assert.is(view(a, AB).peerCapabilities, undefined);
  net.passes = ({ message }) => message.kind !== "R1";
  const before = net.flights.length;
  net.need(a, { local: UA2, peer: UB, fork: 0 }, LB);
  net.run(net.now + 200_000);
  assert.is(net.flights.slice(before).filter(({ message }) => message.kind === "I1").length, 5);
});

test("§7.4 I1s cross: both established by R2, no I2", () => {
  const w = world(4);
  w.net.need(w.a, AB, LB);
  w.net.need(w.b, BA, LA);
  w.net.run(2000);
  agree(w);
  assert.is(w.a.establishedAt, RTT);
  assert.not.ok(w.net.flights.some(({ message }) => message.kind === "I2"));
});

test("§7.4 I1 meets I2", () => {
  const w = world(5);
  w.net.need(w.a, AB, LB);
  w.net.run(RTT * 0.75);
  w.net.need(w.b, BA, LA);
  w.net.run(2000);
  agree(w);
});

function established(seed: number): World {
  const w = world(seed);
  w.net.need(w.a, AB, LB);
  w.net.run(1000);
  return w;
}

test("§7.5 the peer restarts and our payload meets no context: R1bis, I2bis, R2", () => {
  const w = established(6);
  const before = view(w.a, AB);
  w.b.restart(w.net.random.octets(32));
  assert.type(before.peerTag, "number");
  w.net.event(w.b, { kind: "stray-payload", source: LA[0], destination: LB[0], tag: before.peerTag ?? before.localTag });
  w.net.run(w.net.now + 1000);
  agree(w);
  assert.is(view(w.a, AB).localTag, before.localTag);
  assert.is.not(view(w.a, AB).peerTag, before.peerTag);
  assert.ok(w.a.log.some(({ effect }) => effect.kind === "recovering"));
  assert.ok(w.b.log.some(({ effect }) => effect.kind === "established" && effect.cause === "I2bis"));
});

test("§7.5 the peer restarts and starts anew: I1, R1, I2, R2 replace the tags", () => {
  const w = established(7);
  const old = view(w.a, AB);
  w.b.restart(w.net.random.octets(32));
  w.net.need(w.b, BA, LA);
  w.net.run(w.net.now + 1000);
  agree(w);
  assert.is(view(w.a, AB).id, old.id);
  assert.is.not(view(w.a, AB).peerTag, old.peerTag);
});

for (const lost of ["R1bis", "I2bis", "R2"] as const) {
  test(`§7.19 ${lost} lost once during recovery`, () => {
    const w = established(8);
    const tag = view(w.b, BA).localTag;
    w.b.restart(w.net.random.octets(32));
    let spared = false;
    w.net.passes = ({ message }) => {
      if (message.kind !== lost || spared) return true;
      spared = true;
      return false;
    };
    const start = w.net.now;
    w.net.event(w.b, { kind: "stray-payload", source: LA[0], destination: LB[0], tag });
    w.net.run(start + 30);
    w.net.event(w.b, { kind: "stray-payload", source: LA[0], destination: LB[0], tag });
    w.net.run(start + 2 * RTT + 100);
    agree(w);
  });
}

test("§7.19 recovery fails for good: back to I1 with a new record, then E-FAILED, then nothing", () => {
  const w = established(9);
  const { id, peerTag, localTag } = view(w.a, AB);
  w.b.restart(w.net.random.octets(32));
  w.net.event(w.b, { kind: "stray-payload", source: LA[0], destination: LB[0], tag: peerTag ?? localTag });
  w.net.passes = ({ message }) => message.kind === "R1bis";
  w.net.run(w.net.now + 60_000);
  assert.is(view(w.a, AB).state, "I1-SENT");
  assert.is(w.a.log.filter(({ effect }) => effect.kind === "removed" && effect.id === id && effect.why === "failed").length, 1);
  w.net.run(w.net.now + 400_000);
  assert.is(w.a.shim.find(AB), undefined);
  assert.ok(w.a.log.some(({ effect }) => effect.kind === "failed" && effect.why === "no-answer"));
  assert.is(w.a.shim.wakeAt, Number.POSITIVE_INFINITY);
});

test("§7.8 no answer: eight I1s over about two minutes, E-FAILED for 60 s, then another try", () => {
  const w = world(10);
  w.net.passes = () => false;
  w.net.need(w.a, AB, LB);
  w.net.run(500_000, () => w.a.log.some(({ effect }) => effect.kind === "failed"));
  const sent = w.net.flights.filter(({ message }) => message.kind === "I1");
  assert.is(sent.length, 8);
  assert.equal(new Set(sent.map(({ source, destination }) => `${source} ${destination}`)).size, 2);
  assert.equal(new Set(sent.map(({ message }) => message.kind === "I1" && message.initiatorNonce)).size, 1);
  assert.ok(w.net.now >= 62_000 && w.net.now <= 186_000, `${w.net.now}`);
  const gaps = sent.slice(4).map(({ at: t }, i) => t - (i === 0 ? 0 : sent[3 + i].at));
  gaps.forEach((gap, i) => {
    const nominal = 4000 * 2 ** i;
    assert.ok(gap >= nominal / 2 && gap <= nominal * 1.5, `gap ${i}: ${gap}`);
  });
  const failedAt = w.net.now;
  w.net.need(w.a, AB, LB);
  assert.is(w.net.flights.length, 8);
  w.net.run(failedAt + 59_999);
  assert.is(view(w.a, AB).state, "E-FAILED");
  w.net.run(failedAt + 60_000);
  assert.is(w.a.shim.find(AB), undefined);
  w.net.need(w.a, AB, LB);
  assert.is(w.net.flights.length, 9);
});

test("§7.8 NO-SUPPORT only after all peer locators, for ten minutes", () => {
  const w = world(11);
  w.net.passes = () => false;
  w.net.need(w.a, AB, LB);
  const { localTag } = view(w.a, AB);
  w.net.event(w.a, { kind: "unsupported", localTag, source: LA[0], destination: LB[0] });
  assert.is(view(w.a, AB).state, "I1-SENT");
  assert.is(w.net.flights.at(-1)?.destination, LB[1]);
  w.net.event(w.a, { kind: "unsupported", localTag, source: LA[1], destination: LB[1] });
  assert.is(view(w.a, AB).state, "NO-SUPPORT");
  w.net.run(599_999);
  assert.is(view(w.a, AB).state, "NO-SUPPORT");
  w.net.run(600_000);
  assert.is(w.a.shim.find(AB), undefined);
});

test("§7.12 I2 never answered: three rounds, then E-FAILED", () => {
  const w = world(12);
  w.net.passes = ({ message }) => message.kind !== "I2";
  w.net.need(w.a, AB, LB);
  w.net.run(1_000_000, () => w.a.log.some(({ effect }) => effect.kind === "failed"));
  assert.is(view(w.a, AB).state, "E-FAILED");
  // Each round: one I2, three early, and two by the RFC's timer once no other pair is left.
  assert.is(w.net.flights.filter(({ message }) => message.kind === "I2").length, 4 + 6 + 6);
});

/** RFC 6629 §7.7: as if a translator of addresses were on every way from this locator. */
const translatedFrom = (locator: string) => (flight: { readonly source: string; readonly message: { readonly kind: string } }) =>
  flight.source !== locator || (flight.message.kind !== "I2" && flight.message.kind !== "I2bis");

test("RFC 6629 §7.7 a locator that brings R1 and never R2: after one I2_TIMEOUT a pair of other locators", () => {
  const w = world(15);
  w.net.passes = translatedFrom(LA[0]);
  w.net.need(w.a, AB, LB);
  w.net.run(6_000 + 4 * RTT);
  agree(w);
  assert.equal(view(w.a, AB).current, { local: LA[1], peer: LB[1] });
  assert.is(w.net.flights.filter(({ message, source }) => message.kind === "I2" && source === LA[0]).length, 4, "one and three early");
});

test("RFC 6629 §7.7 R1bis by way of a translator: after one I2bis_TIMEOUT the context is made anew by another pair", () => {
  const w = established(16);
  const { id } = view(w.b, BA);
  w.net.event(w.b, { kind: "discard", id });
  w.net.passes = translatedFrom(view(w.a, AB).current.local);
  const { peerTag } = view(w.a, AB);
  assert.ok(peerTag !== undefined);
  w.net.send(LA[0], LB[0], { kind: "Keepalive", receiverTag: peerTag, options: [] });
  w.net.run(w.net.now + 6_000 + 6 * RTT);
  agree(w);
  assert.is(view(w.a, AB).current.local, LA[1]);
});

test("RFC 6629 §7.7 packets pass as they are between ULIDs: who brings R1 and never R2 there gets no context elsewhere", () => {
  const direct = { local: LA[0], peer: LB[0], fork: 0 };
  const net = new Net(17, { delay: RTT / 2 });
  const a = net.add("A", [LA[0]], LA);
  net.add("B", [LB[0]], LB);
  net.passes = translatedFrom(LA[0]);
  net.need(a, direct, LB);
  net.run(1_000_000, () => a.log.some(({ effect }) => effect.kind === "failed"));
  assert.is(view(a, direct).state, "E-FAILED");
  assert.ok(net.flights.every(({ source, destination }) => ![source, destination].some((end) => end === LA[1] || end === LB[1])));
});

test("packets pass as they are between ULIDs: their pair is asked first, and others once it was silent to two repetitions", () => {
  const direct = { local: LA[0], peer: LB[0], fork: 0 };
  const net = new Net(18, { delay: RTT / 2 });
  const a = net.add("A", [LA[0]], LA);
  net.add("B", [LB[0]], LB);
  net.passes = ({ source, destination }) => source !== LA[0] && destination !== LA[0];
  net.need(a, direct, LB);
  net.run(150 + 4 * RTT);
  assert.is(view(a, direct).state, "ESTABLISHED");
  assert.equal(
    net.flights.filter(({ message }) => message.kind === "I1").map(({ source }) => source),
    [LA[0], LA[0], LA[0], LA[1]],
  );
});

test("§9 teardown on both sides leaves nothing", () => {
  const w = established(13);
  w.net.event(w.a, { kind: "discard", id: view(w.a, AB).id });
  w.net.event(w.b, { kind: "discard", id: view(w.b, BA).id });
  for (const node of [w.a, w.b]) {
    assert.is([...node.shim.contexts()].length, 0);
    assert.is(node.shim.wakeAt, Number.POSITIVE_INFINITY);
  }
});

test.run();
