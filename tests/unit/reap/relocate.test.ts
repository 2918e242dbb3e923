/** A locator set that shrinks under a context: the pair that is gone never carries anything again (shim6-state §7). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReapContext, ReapEffect, ReapEvent } from "../../../runtime/reap/contract.ts";
import { createReap } from "../../../runtime/reap/machine.ts";
import { rfc5534Timing, timingFor } from "../../../runtime/reap/profile.ts";
import type { LocatorPair } from "../../../runtime/value/pair.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { PREFERENCE_BROKEN, type Probe, type ProbeReport, type ReapState } from "../../../runtime/wire/message.ts";
import { at, Seeded } from "../../lib/shim6world.ts";

const [A1, A2, B1, B2] = at("2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:b1::1", "2001:db8:b2::1");
const CAPABILITIES = { version: 1, sendTimeout: 150 };
const WHOLE: ReapContext = {
  id: 1,
  current: { local: A1, peer: B1 },
  localLocators: [A1, A2],
  peerLocators: [B1, B2].map((address) => ({ address, preference: { flags: 0 } })),
  peerTag: contextTag(7),
  peerBox: "box",
  timing: rfc5534Timing(),
};

function machine(own: Partial<ReapContext> = {}) {
  const context = { ...WHOLE, ...own };
  const reap = createReap();
  const random = new Seeded(1);
  let now = 0;
  const step = (event: ReapEvent): ReapEffect[] => reap.step(event, now, random.octets(64));
  step({ kind: "context", context, fresh: true });
  return {
    reap,
    step,
    wait: (milliseconds: number) => {
      now += milliseconds;
      return step({ kind: "poll" });
    },
    change: (change: Partial<ReapContext>) => step({ kind: "context", context: { ...context, ...change }, fresh: false }),
  };
}

function probe(state: ReapState, received: readonly ProbeReport[] = []): Probe {
  const sent = [{ source: B1, destination: A2, nonce: 99, data: 0 }];
  return { kind: "Probe", receiverTag: contextTag(5), state, sent, received, options: [] };
}

function probesIn(effects: readonly ReapEffect[]) {
  return effects.flatMap((effect) =>
    effect.kind === "send" && effect.message.kind === "Probe" ? [{ ...effect.pair, message: effect.message }] : [],
  );
}

test("the local end of the current pair goes: exploration at once, never on it", () => {
  const { reap, change, wait } = machine();
  const sent = probesIn(change({ localLocators: [A2] }));
  for (let i = 0; i < 40; i++) sent.push(...probesIn(wait(1_000)));
  assert.is(reap.stateOf(1), "Exploring");
  assert.ok(sent.length > 5);
  assert.ok(sent.every(({ local }) => local === A2));
});

test("the peer's end goes, or is BROKEN: exploration at once", () => {
  const gone = machine();
  assert.is(probesIn(gone.change({ peerLocators: WHOLE.peerLocators.slice(1) }))[0].peer, B2);
  const broken = machine();
  const peerLocators = WHOLE.peerLocators.map((each, i) => (i === 0 ? { ...each, preference: { flags: PREFERENCE_BROKEN } } : each));
  assert.is(probesIn(broken.change({ peerLocators }))[0].peer, B2);
  assert.is(broken.reap.stateOf(1), "Exploring");
});

test("hearing the peer does not end the search while no other pair is proved", () => {
  for (const state of ["InboundOk", "Operational"] as const) {
    const { reap, change, step } = machine();
    const [first] = probesIn(change({ localLocators: [A2] }));
    const effects = step({ kind: "probe", id: 1, source: B1, destination: A2, message: probe(state) });
    assert.is(reap.stateOf(1), "InboundOk", state);
    assert.not.ok(effects.some((effect) => effect.kind === "use-pair"));
    assert.ok(probesIn(effects).every(({ local }) => local === A2));
    step({ kind: "probe", id: 1, source: B1, destination: A2, message: probe(state, first.message.sent.slice(0, 1)) });
    assert.is(reap.stateOf(1), "Operational", state);
    assert.equal(reap.currentOf(1), { local: first.local, peer: first.peer });
  }
});

test("answers leave the pair that is gone alone, whatever way the peer's probe came", () => {
  const { change, step } = machine();
  change({ localLocators: [A2] });
  for (let i = 0; i < 6; i++) {
    const effects = step({ kind: "probe", id: 1, source: B1, destination: i % 2 === 0 ? A1 : A2, message: probe("InboundOk") });
    for (const { local } of probesIn(effects)) assert.is(local, A2);
  }
});

test("a new locator of the peer carries nothing before a probe came back from it", () => {
  const { reap, change } = machine();
  const [b3] = at("2001:db8:b3::1");
  const effects = change({ peerLocators: [...WHOLE.peerLocators, { address: b3, preference: { flags: 0, priority: 0 } }] });
  assert.equal(effects, []);
  assert.equal(reap.currentOf(1), WHOLE.current);
});

/** Between our own boxes, after the second locator of the peer has answered. */
function sharing(asked = true) {
  const { reap, step, wait, change } = machine({ timing: timingFor("fast", CAPABILITIES, CAPABILITIES, undefined, 20) });
  const [question] = wait(2_000).flatMap((effect) => (effect.kind === "ask" ? [effect] : []));
  assert.is(question.pair.peer, B2);
  if (asked) step({ kind: "acknowledged", id: 1, nonce: question.message.requestNonce });
  return { reap, step, wait, change };
}

const moves = (effects: readonly ReapEffect[]) => effects.flatMap((effect) => (effect.kind === "use-pair" ? [effect.pair] : []));
const brokenB1 = WHOLE.peerLocators.map((each, i) => (i === 0 ? { ...each, preference: { flags: PREFERENCE_BROKEN } } : each));

test("between our own boxes a pair whose end is gone is left without a question, where the other destination has answered before", () => {
  const cases: [string, Partial<ReapContext>, LocatorPair][] = [
    ["ours", { localLocators: [A2] }, { local: A2, peer: B1 }],
    ["theirs", { peerLocators: WHOLE.peerLocators.slice(1) }, { local: A1, peer: B2 }],
    ["theirs is BROKEN", { peerLocators: brokenB1 }, { local: A1, peer: B2 }],
    ["both", { localLocators: [A2], peerLocators: brokenB1 }, { local: A2, peer: B2 }],
  ];
  for (const [name, change, pair] of cases) {
    const it = sharing();
    const effects = it.change(change);
    assert.equal(
      effects.filter(({ kind }) => kind !== "ask"),
      [
        { kind: "use-pair", id: 1, from: WHOLE.current, pair, cause: "failure" },
        { kind: "send-timer", id: 1, action: "stop" },
      ],
      name,
    );
    assert.is(it.reap.stateOf(1), "Operational");
    it.step({ kind: "send-timeout", id: 1 });
    assert.is(it.reap.stateOf(1), "Exploring", "it does not work either");
  }
});

test("else it explores: nobody has answered there, or the path is suspect, or the peer is of another kind", () => {
  const never = sharing(false);
  assert.equal(moves(never.change({ peerLocators: brokenB1 })), []);
  assert.is(never.reap.stateOf(1), "Exploring");
  const suspect = sharing();
  suspect.step({ kind: "lost", id: 1, pair: { local: A2, peer: B1 } });
  suspect.step({ kind: "lost", id: 1, pair: { local: A2, peer: B2 } });
  assert.equal(moves(suspect.change({ localLocators: [A2] })), []);
  assert.is(suspect.reap.stateOf(1), "Exploring");
});

test.run();
