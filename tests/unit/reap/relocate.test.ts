/** A locator set that shrinks under a context: the pair that is gone never carries anything again (shim6-state §7). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReapContext, ReapEffect, ReapEvent } from "../../../runtime/reap/contract.ts";
import { createReap } from "../../../runtime/reap/machine.ts";
import { rfc5534Timing } from "../../../runtime/reap/profile.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { PREFERENCE_BROKEN, type Probe, type ProbeReport, type ReapState } from "../../../runtime/wire/message.ts";
import { at, Seeded } from "../../lib/shim6world.ts";

const [A1, A2, B1, B2] = at("2001:db8:a1::1", "2001:db8:a2::1", "2001:db8:b1::1", "2001:db8:b2::1");
const WHOLE: ReapContext = {
  id: 1,
  current: { local: A1, peer: B1 },
  localLocators: [A1, A2],
  peerLocators: [B1, B2].map((address) => ({ address, preference: { flags: 0 } })),
  peerTag: contextTag(7),
  peerBox: "box",
  timing: rfc5534Timing(),
};

function machine() {
  const reap = createReap();
  const random = new Seeded(1);
  let now = 0;
  const step = (event: ReapEvent): ReapEffect[] => reap.step(event, now, random.octets(64));
  step({ kind: "context", context: WHOLE, fresh: true });
  return {
    reap,
    step,
    wait: (milliseconds: number) => {
      now += milliseconds;
      return step({ kind: "poll" });
    },
    change: (change: Partial<ReapContext>) => step({ kind: "context", context: { ...WHOLE, ...change }, fresh: false }),
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

test.run();
