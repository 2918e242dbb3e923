// Two machines on a wire that loses, repeats and reorders, any seed: both reach ESTABLISHED, agree on the tags, and leave nothing after teardown.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { contextTag } from "../../runtime/value/tag.ts";
import type { Message, Option } from "../../runtime/wire/message.ts";
import { Bench } from "../lib/shim6bench.ts";
import { Net, type Node } from "../lib/shim6pair.ts";
import { at, Seeded } from "../lib/shim6world.ts";

const SEED = Number(globalThis.process?.env.SEED ?? 20260601);
const CONFIG = { seed: SEED, numRuns: 60 };

const A_ULIDS = at("fc00:a::1", "fc00:a::2", "fc00:a::3");
const B_ULIDS = at("fc00:b::1", "fc00:b::2");
const LA = at("2001:db8:a1::1", "2001:db8:a2::1");
const LB = at("2001:db8:b1::1", "2001:db8:b2::1", "2001:db8:b3::1");
const PAIRS = A_ULIDS.flatMap((local) => B_ULIDS.map((peer) => ({ local, peer, fork: 0 })));

function reversed(pair: (typeof PAIRS)[number]): (typeof PAIRS)[number] {
  return { local: pair.peer, peer: pair.local, fork: pair.fork };
}

/** Every pair is established on both sides and the tags are each other's. @returns the pairs for which this does not hold */
function disagreements(a: Node, b: Node): string[] {
  return PAIRS.filter((pair) => {
    const left = a.shim.find(pair);
    const right = b.shim.find(reversed(pair));
    const up = left?.state === "ESTABLISHED" && right?.state === "ESTABLISHED";
    return !up || left.peerTag !== right.localTag || right.peerTag !== left.localTag;
  }).map(({ local, peer }) => `${local} ${peer}: ${a.shim.find({ local, peer, fork: 0 })?.state}`);
}

const wire = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  delay: fc.integer({ min: 1, max: 150 }),
  jitter: fc.integer({ min: 0, max: 200 }),
  loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
  repeat: fc.double({ min: 0, max: 0.3, noNaN: true }),
  starters: fc.array(fc.record({ pair: fc.nat(PAIRS.length - 1), b: fc.boolean(), after: fc.nat(400) }), { minLength: 1, maxLength: 8 }),
});

test(`lossy set-up from either or both sides ends established (seed ${SEED})`, () => {
  fc.assert(
    fc.property(wire, ({ seed, delay, jitter, loss, repeat, starters }) => {
      const net = new Net(seed, { delay, jitter, loss, repeat });
      const a = net.add("A", A_ULIDS, LA);
      const b = net.add("B", B_ULIDS, LB);
      for (const { pair, b: fromB, after } of starters) {
        net.run(net.now + after);
        if (fromB) net.need(b, reversed(PAIRS[pair]), LA);
        else net.need(a, PAIRS[pair], LB);
      }
      // A box that holds traffic asks again when set-up failed; so does this one.
      for (let i = 0; i < 20; i++) {
        net.run(net.now + 100_000);
        for (const pair of PAIRS) if (a.shim.find(pair)?.state !== "ESTABLISHED") net.need(a, pair, LB);
        // What the peer does not have any more comes back when payload meets no context.
        for (const pair of PAIRS) revive(net, a, b, pair);
      }
      net.wire = { delay };
      net.run(net.now + 400_000);
      for (const pair of PAIRS) net.need(a, pair, LB);
      for (const pair of PAIRS) revive(net, a, b, pair);
      net.run(net.now + 400_000);
      assert.equal(disagreements(a, b), []);
      for (const node of [a, b]) {
        for (const { id } of [...node.shim.contexts()]) net.event(node, { kind: "discard", id });
        assert.is([...node.shim.contexts()].length, 0);
        assert.is(node.shim.wakeAt, Number.POSITIVE_INFINITY);
      }
    }),
    CONFIG,
  );
});

/** Payload from each side with the tag it has for the other: what a running connection would send. */
function revive(net: Net, a: Node, b: Node, pair: (typeof PAIRS)[number]): void {
  for (const [from, to, own] of [
    [a, b, pair],
    [b, a, reversed(pair)],
  ] as const) {
    const view = from.shim.find(own);
    if (view?.peerTag === undefined || view.state !== "ESTABLISHED") continue;
    const state = to.shim.findTag(view.peerTag)?.state;
    if (state === "ESTABLISHED" || state === "I2BIS-SENT") continue;
    net.event(to, { kind: "stray-payload", source: view.current.local, destination: view.current.peer, tag: view.peerTag });
  }
}

const restart = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  loss: fc.double({ min: 0, max: 0.25, noNaN: true }),
  tagBits: fc.constantFrom(4, 7, 47),
});

test(`restarts of one side, tags reused in a small space: recovery, never two contexts of one tag (seed ${SEED})`, () => {
  fc.assert(
    fc.property(restart, ({ seed, loss, tagBits }) => {
      const net = new Net(seed, { delay: 10, jitter: 15, loss, repeat: 0.1 });
      const a = net.add("A", A_ULIDS, LA, { tagBits });
      const b = net.add("B", B_ULIDS, LB, { tagBits });
      for (let round = 0; round < 6; round++) {
        if (round % 2 === 1) b.restart(net.random.octets(32));
        for (let i = 0; i < 6; i++) {
          for (const pair of PAIRS) net.need(a, pair, LB);
          for (const pair of PAIRS) revive(net, a, b, pair);
          net.run(net.now + 60_000);
        }
        for (const node of [a, b]) noSharedTag(node);
      }
      net.wire = { delay: 10 };
      for (let i = 0; i < 4; i++) {
        for (const pair of PAIRS) net.need(a, pair, LB);
        for (const pair of PAIRS) revive(net, a, b, pair);
        net.run(net.now + 300_000);
      }
      noSharedTag(a);
      assert.equal(disagreements(a, b), []);
    }),
    CONFIG,
  );
});

function noSharedTag(node: Node): void {
  const usable = [...node.shim.contexts()].filter(({ state }) => state === "ESTABLISHED" || state === "I2BIS-SENT");
  assert.is(new Set(usable.map(({ peerTag }) => peerTag)).size, usable.length);
  const live = [...node.shim.contexts()].filter(({ state }) => state !== "E-FAILED" && state !== "NO-SUPPORT");
  assert.is(new Set(live.map(({ localTag }) => localTag)).size, live.length);
}

const octets = fc.uint8Array({ maxLength: 40 });
const tag = fc.constantFrom(...[0, 1, 0x5555, 2 ** 47 - 1].map(contextTag));
const nonce = fc.nat(0xffffffff);
const ulid = fc.constantFrom(...at("fc00:a::1", "fc00:b::1", "fc00:c::1", "2001:db8:b1::1"));
const option: fc.Arbitrary<Option> = fc.oneof(
  fc.record({ kind: fc.constant("responder-validator" as const), validator: octets }),
  fc.record({ kind: fc.constant("cga-pds" as const), pds: octets }),
  fc.record({ kind: fc.constant("cga-signature" as const), signature: octets }),
  fc.record({ kind: fc.constant("ulid-pair" as const), sender: ulid, receiver: ulid }),
  fc.record({ kind: fc.constant("forked-instance" as const), identifier: fc.nat(3) }),
  fc.record({ kind: fc.constant("keepalive-timeout" as const), seconds: fc.nat(65535) }),
  fc.record({
    kind: fc.constant("locator-list" as const),
    generation: nonce,
    locators: fc.array(fc.record({ address: ulid, method: fc.nat(4) }), { minLength: 1, maxLength: 4 }),
  }),
);
const options = fc.array(option, { maxLength: 5 });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant("I1" as const), initiatorTag: tag, initiatorNonce: nonce, options }),
  fc.record({ kind: fc.constant("R1" as const), initiatorNonce: nonce, responderNonce: nonce, options }),
  fc.record({ kind: fc.constant("I2" as const), initiatorTag: tag, initiatorNonce: nonce, responderNonce: nonce, options }),
  fc.record({ kind: fc.constant("R2" as const), responderTag: tag, initiatorNonce: nonce, options }),
  fc.record({ kind: fc.constant("R1bis" as const), packetTag: tag, responderNonce: nonce, options }),
  fc.record({
    kind: fc.constant("I2bis" as const),
    initiatorTag: tag,
    initiatorNonce: nonce,
    responderNonce: nonce,
    packetTag: tag,
    options,
  }),
  fc.record({ kind: fc.constant("UpdateRequest" as const), receiverTag: tag, requestNonce: nonce, options }),
  fc.record({ kind: fc.constant("UpdateAck" as const), receiverTag: tag, requestNonce: nonce, options }),
  fc.record({ kind: fc.constant("Keepalive" as const), receiverTag: tag, options }),
  fc.record({ kind: fc.constant("Error" as const), code: fc.nat(127), pointer: fc.nat(65535), packet: octets }),
);

test(`whatever a stranger sends, in any order: no state, no throw (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(message, ulid, octets), { minLength: 1, maxLength: 30 }),
      fc.constantFrom("IDLE", "I1-SENT", "ESTABLISHED"),
      (said, state) => {
        const bench = new Bench().enter(state as "IDLE");
        const before = [...bench.shim.contexts()];
        for (const [each, source, packet] of said) {
          bench.now += 7;
          bench.event({
            kind: "message",
            source,
            destination: LA[0],
            message: each,
            packet: new Uint8Array([...new Uint8Array(48), ...packet]),
          });
        }
        assert.equal([...bench.shim.contexts()], before);
      },
    ),
    { ...CONFIG, numRuns: 300 },
  );
});

test("a flood of spoofed I1 and I2 leaves no state and costs no verification", () => {
  const random = new Seeded(5);
  const bench = new Bench();
  let answers = 0;
  const N = 20_000;
  for (let i = 0; i < N; i++) {
    const source = at(`2001:db8:${(random.next() >>> 16).toString(16)}::1`)[0];
    const i1 = bench.i1();
    bench.event({ kind: "message", source, destination: LA[0], message: i1, packet: new Uint8Array(96) });
    if (bench.effects.some(({ kind }) => kind === "send")) answers++;
    const validator: Option = { kind: "responder-validator", validator: random.octets(20) };
    const i2: Message = { ...i1, kind: "I2", responderNonce: 1000, options: [...i1.options, validator, ...bench.described()] };
    bench.event({ kind: "message", source, destination: LA[0], message: i2, packet: new Uint8Array(96) });
  }
  assert.is([...bench.shim.contexts()].length, 0);
  assert.is(bench.shim.wakeAt, Number.POSITIVE_INFINITY);
  assert.is(answers, N);
  assert.is(bench.world.asked.cga, 0);
  assert.is(bench.world.asked.rsa, 0);
});

test.run();
