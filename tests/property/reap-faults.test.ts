/** Random faults on virtual time: whoever has a working pair for long enough uses one; random events never break the machine. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { REAP_RANDOM_OCTETS, type ReapContext, type ReapEvent, type ReapTiming } from "../../runtime/reap/contract.ts";
import { createReap } from "../../runtime/reap/machine.ts";
import { rfc5534Timing, timingFor } from "../../runtime/reap/profile.ts";
import { address } from "../../runtime/value/address.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import type { Probe, ReapState } from "../../runtime/wire/message.ts";
import { ReapPairWorld, type Side, samePair } from "../lib/reappair.ts";
import { seed } from "../lib/seed.ts";

const A = ["2001:db8:a1", "2001:db8:a2"];
const B = ["2001:db8:b1", "2001:db8:b2"];
const FAST = timingFor("fast", { version: 1, sendTimeout: 150 }, { version: 1, sendTimeout: 150 }, undefined, 20);

const PAIRS = 4;
const CONTEXTS = 3;

/**
 * From the end of the faults: time to notice, then the gaps of one walk over the pairs and back. After exploring for `chaos` ms in
 * vain the next gap is at most that long, and each is twice the one before (RFC 5534 §4.3).
 */
function bound(timing: ReapTiming, chaos: number): number {
  let sum = 2 * timing.sendTimeout + 1_000;
  for (let i = 0; i <= PAIRS; i++) sum += 1.2 * Math.min(timing.maxProbeTimeout, chaos * 2 ** i);
  return sum;
}

/** Bits: which (direction, local, peer) work in each period, and how long it lasts. */
const period = fc.record({
  alive: fc.integer({ min: 0, max: 255 }),
  lasts: fc.integer({ min: 1, max: 3_000 }),
  loss: fc.constantFrom(0, 0, 0.05, 0.3),
});

for (const [name, timing] of [
  ["fast", FAST],
  ["rfc5534", rfc5534Timing()],
] as const) {
  for (const peerBox of [undefined, "box"]) {
    test(`${name}, ${peerBox ?? "alone"}: after any faults both ends find a working pair within the bound`, () => {
      fc.assert(
        fc.property(
          fc.array(period, { minLength: 1, maxLength: 6 }),
          fc.integer({ min: 0, max: 15 }),
          fc.integer({ min: 0, max: 15 }),
          fc.nat(),
          fc.boolean(),
          fc.boolean(),
          (periods, goodA, goodB, worldSeed, exactCore, hold) => {
            const it = new ReapPairWorld({ seed: worldSeed, contexts: CONTEXTS, a: A, b: B, timing, delay: 10, peerBox, exactCore, hold });
            const chaos = periods.reduce((sum, { lasts }) => sum + lasts, 0) + 1_000;
            const calm = 1_000 + chaos;
            const end = calm + bound(timing, chaos);
            const healthy = (): boolean => unhealthy(it) === undefined;
            // At least one pair works in each direction when the faults are over; the two need not be the same.
            const bits = (from: Side, good: number): number => good | (1 << (from === "A" ? worldSeed % 4 : (worldSeed >> 2) % 4));
            let when = 1_000;
            for (const { alive, lasts, loss } of periods) {
              it.at(when, () => {
                it.dead = (from, pair) => !((alive >> index(from, pair.local, pair.peer)) & 1) || it.random() < loss;
              });
              when += lasts;
            }
            it.at(calm, () => {
              it.dead = (from, pair) => !((bits(from, from === "A" ? goodA : goodB) >> (index(from, pair.local, pair.peer) & 3)) & 1);
            });
            const every = timing === FAST ? 40 : 4_000;
            for (let id = 0; id < CONTEXTS; id++) {
              it.traffic(id, "A", every, it.random() * every, end + 40_000);
              it.traffic(id, "B", every, it.random() * every, end + 40_000);
            }
            it.run(calm + 2 * timing.sendTimeout);
            while (!healthy() && it.now < end) it.run(it.now + 100);
            assert.is(unhealthy(it), undefined);
            // And nothing disturbs it any more.
            it.run(it.now + 3 * timing.sendTimeout);
            assert.is(unhealthy(it), undefined);
            it.stop();
            for (let id = 0; id < CONTEXTS; id++) it.remove(id);
            it.run(it.now + 400_000);
            for (const side of ["A", "B"] as const) {
              assert.is(it.reap[side].wakeAt, Number.POSITIVE_INFINITY, "nothing waits any more");
              assert.equal([...it.reap[side].paths()], []);
            }
          },
        ),
        { numRuns: 40, seed },
      );
    });
  }
}

/** What is wrong with the first context that does not send on a working pair; `undefined` = nothing. */
function unhealthy(it: ReapPairWorld): string | undefined {
  for (const side of ["A", "B"] as const) {
    for (let id = 0; id < CONTEXTS; id++) {
      const current = it.reap[side].currentOf(id);
      const core = it.corePair(side, id);
      if (current === undefined || core === undefined || !it.works(side, current)) return `${side} ${id} sends on a dead pair`;
      if (!samePair(core, current)) return `${side} ${id}: the core sends on another pair`;
      if (it.reap[side].stateOf(id) !== "Operational") return `${side} ${id} is ${it.reap[side].stateOf(id)}`;
    }
  }
  return undefined;
}

const LOCALS = A.map((prefix) => address(`${prefix}::1`));
const PEERS = B.map((prefix) => address(`${prefix}::1`));
const anyLocal = fc.constantFrom(...LOCALS, address("2001:db8:ff::1"));
const anyPeer = fc.constantFrom(...PEERS, address("fe80::1"));
const anyId = fc.integer({ min: 0, max: 4 });
const anyReport = fc.record({
  source: fc.oneof(anyLocal, anyPeer),
  destination: fc.oneof(anyLocal, anyPeer),
  nonce: fc.nat(3),
  data: fc.nat(),
});
const anyProbe: fc.Arbitrary<Probe> = fc.record({
  kind: fc.constant("Probe" as const),
  receiverTag: fc.constant(contextTag(1)),
  state: fc.constantFrom<ReapState>("Operational", "Exploring", "InboundOk"),
  sent: fc.array(anyReport, { maxLength: 15 }),
  received: fc.array(anyReport, { maxLength: 15 }),
  options: fc.constant([]),
});
const anyContext: fc.Arbitrary<ReapContext> = fc.record({
  id: anyId,
  current: fc.record({ local: anyLocal, peer: anyPeer }),
  localLocators: fc.subarray(LOCALS),
  peerLocators: fc
    .subarray(PEERS)
    .chain((list) => fc.tuple(...list.map((it) => fc.record({ address: fc.constant(it), preference: fc.record({ flags: fc.nat(3) }) })))),
  peerTag: fc.constant(contextTag(9)),
  peerBox: fc.constantFrom(undefined, "x", "y"),
  timing: fc.constantFrom(FAST, rfc5534Timing()),
});
const anyEvent: fc.Arbitrary<ReapEvent> = fc.oneof(
  fc.record({ kind: fc.constant("context" as const), context: anyContext, fresh: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom("removed" as const, "send-timeout" as const, "payload-received" as const, "payload-sent" as const),
    id: anyId,
  }),
  fc.record({ kind: fc.constant("keepalive-due" as const), id: anyId, last: fc.boolean() }),
  fc.record({ kind: fc.constant("lost" as const), id: anyId, pair: fc.record({ local: anyLocal, peer: anyPeer }) }),
  fc.record({ kind: fc.constant("probe" as const), id: anyId, source: anyPeer, destination: anyLocal, message: anyProbe }),
  fc.constant({ kind: "poll" as const }),
);

test("any events: never throws, sends only between its locators, state returns to zero", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent, fc.nat(2_000)), { maxLength: 200 }), (events) => {
      const reap = createReap({ capacity: 4 });
      const random = new Uint8Array(REAP_RANDOM_OCTETS);
      let now = 0;
      for (const [event, pause] of events) {
        now += pause;
        random[now % random.length]++;
        const effects = reap.step(event, now, random);
        assert.ok(effects.length <= 20, `${effects.length} effects of one event`);
        for (const effect of effects) {
          if (effect.kind !== "send" || effect.message.kind !== "Probe") continue;
          assert.ok(effect.message.sent.length >= 1 && effect.message.sent.length <= 5 && effect.message.received.length <= 5);
          const [own] = effect.message.sent;
          assert.is(own.source, effect.pair.local);
          assert.is(own.destination, effect.pair.peer);
          assert.is(effect.message.state, reap.stateOf(effect.id));
        }
      }
      for (let id = 0; id < 5; id++) reap.step({ kind: "removed", id }, now, random);
      reap.step({ kind: "poll" }, now + 400_000, random);
      assert.is(reap.wakeAt, Number.POSITIVE_INFINITY);
      assert.equal([...reap.paths()], []);
    }),
    { numRuns: 300, seed },
  );
});

function index(from: Side, local: string, peer: string): number {
  const [ours, theirs] = from === "A" ? [A, B] : [B, A];
  const at = (list: readonly string[], locator: string): number => list.findIndex((prefix) => locator.startsWith(`${prefix}:`));
  return (from === "A" ? 0 : 4) + 2 * at(ours, local) + at(theirs, peer);
}

test.run();
