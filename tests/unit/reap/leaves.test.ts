/** Contexts that leave a locator although it works: when they go, where they go, when they stay. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReapContext, ReapEffect, ReapEvent } from "../../../runtime/reap/contract.ts";
import { LEAVE_AGAIN, LEAVE_PATIENCE, LEAVE_QUESTIONS } from "../../../runtime/reap/leaves.ts";
import { createReap } from "../../../runtime/reap/machine.ts";
import { rfc5534Timing, timingFor } from "../../../runtime/reap/profile.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { PREFERENCE_BROKEN, WORST_PRIORITY } from "../../../runtime/wire/message.ts";
import { at, Seeded } from "../../lib/shim6world.ts";

const [A1, A2, A3, B1, B2] = at("2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:a3::1", "2001:db8:b1::1", "2001:db8:b2::1");
const peers = (first: number, second: number) =>
  [B1, B2].map((address, i) => ({ address, preference: { flags: 0, priority: [first, second][i], weight: 10 } }));
const CAPABILITIES = { version: 1, sendTimeout: 150 };
const WHOLE: ReapContext = {
  id: 1,
  current: { local: A1, peer: B1 },
  // As the box ranks them when A1 is drained.
  localLocators: [A2, A3, A1],
  peerLocators: peers(10, 20),
  peerTag: contextTag(7),
  peerBox: "box",
  timing: timingFor("fast", CAPABILITIES, CAPABILITIES, undefined, 20),
};

function machine(change: Partial<ReapContext> = {}) {
  const context = { ...WHOLE, ...change };
  const reap = createReap();
  const random = new Seeded(1);
  let now = 1_000_000;
  const step = (event: ReapEvent): ReapEffect[] => reap.step(event, now, random.octets(64));
  step({ kind: "context", context, fresh: true });
  return {
    reap,
    step,
    /** Polls when it wants to be, for `milliseconds`. */
    wait(milliseconds: number): ReapEffect[] {
      const end = now + milliseconds;
      const all: ReapEffect[] = [];
      while (reap.wakeAt <= end) {
        now = Math.max(now, reap.wakeAt);
        all.push(...step({ kind: "poll" }));
      }
      now = end;
      return all;
    },
    change: (to: Partial<ReapContext>) => step({ kind: "context", context: { ...context, ...to }, fresh: false }),
  };
}

const asks = (effects: readonly ReapEffect[]) => effects.flatMap((effect) => (effect.kind === "ask" ? [effect] : []));
/** Questions of {@link Asks} go to other locators of the peer. */
const onOther = (effects: readonly ReapEffect[]) => asks(effects).filter(({ pair }) => pair.local !== A1);

test("a question on the best other locator first; the pair changes with its answer, and nothing else happens", () => {
  const { reap, step } = machine();
  const begun = step({ kind: "leave", id: 1, end: "local", cause: "drain" });
  const [question, ...more] = asks(begun);
  assert.equal([more.length, begun.length, question.pair], [0, 1, { local: A2, peer: B1 }]);
  assert.equal(step({ kind: "leave", id: 1, end: "local", cause: "drain" }), [], "it is about to");
  assert.ok(reap.isAsking(1, question.message.requestNonce));
  const heard = step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
  assert.equal(heard, [{ kind: "use-pair", id: 1, from: { local: A1, peer: B1 }, pair: { local: A2, peer: B1 }, cause: "drain" }]);
  assert.equal(step({ kind: "leave", id: 1, end: "local", cause: "drain" }), [], "there is no better one");
});

test("a sibling's proof is enough for a while", () => {
  const { step, wait } = machine();
  const sibling = { ...WHOLE, id: 2 };
  step({ kind: "context", context: sibling, fresh: true });
  const [question] = asks(step({ kind: "leave", id: 1, end: "local", cause: "drain" }));
  step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
  assert.equal(step({ kind: "leave", id: 2, end: "local", cause: "drain" }), [
    { kind: "use-pair", id: 2, from: { local: A1, peer: B1 }, pair: { local: A2, peer: B1 }, cause: "drain" },
  ]);
  wait(60_000);
  step({ kind: "context", context: { ...WHOLE, id: 3 }, fresh: true });
  assert.is(asks(step({ kind: "leave", id: 3, end: "local", cause: "drain" })).length, 1, "an old one is not");
});

test("no answer: again, then the next locator, then a rest; a late answer counts", () => {
  const { step, wait, reap } = machine();
  const first = asks(step({ kind: "leave", id: 1, end: "local", cause: "drain" }));
  const rest = onOther(wait(LEAVE_PATIENCE * 2 ** LEAVE_QUESTIONS));
  assert.equal(
    [...first, ...rest].filter(({ pair }) => pair.local === A2).map(({ message }) => message.requestNonce).length >= LEAVE_QUESTIONS,
    true,
  );
  assert.is(
    new Set([...first, ...rest].filter(({ pair }) => pair.local === A2 && pair.peer === B1).map(({ message }) => message.requestNonce))
      .size,
    1,
  );
  wait(3 * LEAVE_PATIENCE * 2 ** LEAVE_QUESTIONS * 4);
  assert.equal(reap.currentOf(1), { local: A1, peer: B1 });
  assert.is(reap.stateOf(1), "Operational");
  const later = onOther(wait(2 * LEAVE_AGAIN));
  assert.ok(later.length > 0, "it tries again");
  const last = later[later.length - 1];
  step({ kind: "acknowledged", id: 1, nonce: last.message.requestNonce });
  assert.equal(reap.currentOf(1), last.pair);
});

test("the peer gives ranks anew: who is overtaken leaves, who is not, or by one that has come back, stays", () => {
  const ranks: [before: [number, number, number?], after: [number, number, number?], leaves: boolean][] = [
    [[10, 20], [30, 20], true],
    [[10, 20], [15, 20], false],
    [[10, 20], [20, 20], false],
    [[20, 20], [20, 10], true],
    [[20, 10], [20, 5], false],
    [[10, WORST_PRIORITY, PREFERENCE_BROKEN], [10, 5], false],
    [[10, 20], [10, 5, PREFERENCE_BROKEN], false],
    [[10, WORST_PRIORITY], [10, 5], false],
  ];
  for (const [before, after, leaves] of ranks) {
    const locators = ([first, second, flags = 0]: readonly [number, number, number?]) =>
      peers(first, second).map((each, i) => (i === 0 ? each : { ...each, preference: { ...each.preference, flags } }));
    const { step, change, reap } = machine({ localLocators: [A1, A2], peerLocators: locators(before) });
    const [question] = onPeer(change({ localLocators: [A1, A2], peerLocators: locators(after) }));
    assert.is(question !== undefined, leaves, JSON.stringify([before, after]));
    if (question === undefined) continue;
    step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
    assert.is(reap.currentOf(1)?.peer, B2);
  }
});

test("the peer drains its locator: that end is left", () => {
  const { step, change, reap } = machine({ localLocators: [A1, A2] });
  const [question] = onPeer(change({ peerLocators: peers(WORST_PRIORITY, 20), localLocators: [A1, A2] }));
  assert.equal(question.pair, { local: A1, peer: B2 });
  step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
  assert.equal(reap.currentOf(1), { local: A1, peer: B2 });
});

function onPeer(effects: readonly ReapEffect[]) {
  return asks(effects).filter(({ pair }) => pair.peer === B2);
}

test("the peer takes it back, the pair is lost meanwhile, the context goes: the question is forgotten", () => {
  const drained = { peerLocators: peers(WORST_PRIORITY, 20), localLocators: [A1, A2] };
  const back = machine({ localLocators: [A1, A2] });
  back.change(drained);
  back.change({ peerLocators: peers(10, 20), localLocators: [A1, A2] });
  back.wait(20_000);
  assert.equal(back.reap.currentOf(1), { local: A1, peer: B1 });
  const lost = machine();
  const [question] = asks(lost.step({ kind: "leave", id: 1, end: "local", cause: "drain" }));
  lost.step({ kind: "lost", id: 1, pair: { local: A1, peer: B1 } });
  assert.is(lost.reap.stateOf(1), "Exploring");
  lost.step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
  assert.is(lost.reap.stateOf(1), "Exploring");
  const gone = machine();
  gone.step({ kind: "leave", id: 1, end: "local", cause: "drain" });
  gone.step({ kind: "removed", id: 1 });
  assert.equal(asks(gone.wait(60_000)), []);
});

test("a peer that keeps to the RFCs is asked by a Probe", () => {
  const { step, reap } = machine({ timing: rfc5534Timing() });
  const effects = step({ kind: "leave", id: 1, end: "local", cause: "drain" });
  assert.is(reap.stateOf(1), "Exploring");
  assert.ok(effects.some((effect) => effect.kind === "send" && effect.message.kind === "Probe" && effect.pair.local === A2));
});

test.run();
