/** The sender's side of updates (RFC 5533 §10.1 to §10.3, §10.5; shim6-state §7). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  EARLY_I2_COUNT,
  MAX_UPDATE_TIMEOUT,
  RELIST_BATCH,
  UPDATE_TIMEOUT,
  UPDATE_WINDOW,
  UPDATES_PER_WINDOW,
} from "../../../runtime/shim6/constants.ts";
import type { Shim6Effect, Shim6Options } from "../../../runtime/shim6/contract.ts";
import type { Locator } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket, errorFor } from "../../../runtime/wire/index.ts";
import { findOption, type Message, PREFERENCE_BROKEN, type Preference, type UpdateRequest } from "../../../runtime/wire/message.ts";
import { A1, A2, B1, B2, Bench, US } from "../../lib/shim6bench.ts";
import { at, fakeIdentity } from "../../lib/shim6world.ts";

const [A3, A4] = at("2001:db8:a3::1", "2001:db8:a4::1");

/** The site's locators become these, and the machine hears of it. */
function renumber(bench: Bench, locators: readonly Locator[], generation: number, preferences: readonly Preference[] = []): Shim6Effect[] {
  bench.identities.set(US, { ...fakeIdentity("boxA", US, locators, generation), preferences });
  return bench.event({ kind: "identity", local: US });
}

function acknowledge(bench: Bench, { requestNonce }: UpdateRequest): Shim6Effect[] {
  return bench.hear({ kind: "UpdateAck", receiverTag: bench.view().localTag, requestNonce, options: [] });
}

function established(change: Partial<Shim6Options> = {}, seed = 1): Bench {
  return new Bench(change, seed).enter("ESTABLISHED");
}

/** Instants of every Update Request up to `until`. */
function requests(bench: Bench, until: number): { at: number; message: UpdateRequest; source: Locator; destination: Locator }[] {
  const seen: { at: number; message: UpdateRequest; source: Locator; destination: Locator }[] = [];
  while (bench.shim.wakeAt <= until) {
    bench.now = Math.max(bench.now, bench.shim.wakeAt);
    for (const effect of bench.event({ kind: "poll" }))
      if (effect.kind === "send" && effect.message.kind === "UpdateRequest")
        seen.push({ at: bench.now, message: effect.message, source: effect.source, destination: effect.destination });
  }
  return seen;
}

test("§10.1 a new list goes out at once, with generation and signature, without the parameters that the peer has", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  assert.is(bench.summary(), "UpdateRequest → ESTABLISHED");
  const request = bench.sent("UpdateRequest");
  assert.is(request.receiverTag, bench.view().peerTag);
  assert.is(findOption(request.options, "locator-list")?.generation, 2);
  assert.equal(
    findOption(request.options, "locator-list")?.locators.map(({ address }) => address),
    [A1, A2, A3],
  );
  assert.ok(findOption(request.options, "cga-signature") !== undefined);
  assert.is(findOption(request.options, "cga-pds"), undefined);
  assert.equal(request.on, { local: A1, peer: B1 });
  assert.is(bench.shim.untold, 1);
});

test("§10.1 a new locator is a source after the Acknowledgement, not before; it may be a destination at once", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  const request = bench.sent("UpdateRequest");
  assert.equal(bench.view().localLocators, [A1, A2]);
  bench.hear({ kind: "Keepalive", receiverTag: bench.view().localTag, options: [] }, B1, A3);
  assert.is(bench.summary(), "reap:Keepalive → ESTABLISHED");
  acknowledge(bench, request);
  assert.is(bench.summary(), "told established:update → ESTABLISHED");
  assert.equal(bench.view().localLocators, [A1, A2, A3]);
  assert.is(bench.shim.untold, 0);
});

test("§10.1 a removed locator is no source any more from that instant, nor is anything sent from it", () => {
  const bench = established();
  renumber(bench, [A2], 2);
  assert.is(bench.summary(), "established:update UpdateRequest → ESTABLISHED");
  assert.equal(bench.view().localLocators, [A2]);
  assert.equal(bench.sent("UpdateRequest").on, { local: A2, peer: B1 });
  for (const { source } of requests(bench, bench.now + 200_000)) assert.is(source, A2);
  // The peer has not heard of it: R1bis would tell it that the context is gone, from an address that is not ours.
  bench.hear({ kind: "Keepalive", receiverTag: bench.view().localTag, options: [] }, B1, A1);
  assert.is(bench.summary(), "drop:retired-keepalive → ESTABLISHED");
});

test("§10.1 preferences alone: the generation of the list in use, no list", () => {
  const bench = established();
  const preferences = [
    { flags: PREFERENCE_BROKEN, priority: 1 },
    { flags: 0, priority: 2 },
  ];
  renumber(bench, [A1, A2], 1, preferences);
  assert.is(bench.summary(), "UpdateRequest → ESTABLISHED");
  const { options } = bench.sent("UpdateRequest");
  assert.equal(
    options.map(({ kind }) => kind),
    ["locator-preferences"],
  );
  const said = findOption(options, "locator-preferences");
  assert.equal([said?.generation, said?.elementLength, said?.elements], [1, 2, preferences]);
  acknowledge(bench, bench.sent("UpdateRequest"));
  renumber(bench, [A1, A2], 1, preferences);
  assert.is(bench.summary(), "→ ESTABLISHED");
});

test("§10.1 a list brings its preferences, which replace the old ones", () => {
  const bench = established();
  renumber(bench, [A1, A3], 2, [
    { flags: 0, priority: 3, weight: 4 },
    { flags: 0, priority: 5, weight: 6 },
  ]);
  const said = findOption(bench.sent("UpdateRequest").options, "locator-preferences");
  assert.equal([said?.generation, said?.elementLength, said?.elements.length], [2, 3, 2]);
});

test("a Send Timeout that has changed is told in the Keepalive Timeout option (RFC 5534 §4.1), also that it is 15 again", () => {
  const bench = established();
  for (const seconds of [40, 15]) {
    bench.now += UPDATE_WINDOW;
    bench.options.sendTimeoutSeconds = seconds;
    bench.event({ kind: "identity" });
    const request = bench.sent("UpdateRequest");
    assert.equal(request.options, [{ kind: "keepalive-timeout", seconds }]);
    acknowledge(bench, request);
    bench.event({ kind: "identity" });
    assert.is(bench.summary(), "→ ESTABLISHED");
  }
});

test("§10.2 retransmissions after 4, 8, 16, 32, 64, 120, 120 … s × 0.5 to 1.5, with the same nonce, for ever", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const bench = new Bench({}, seed);
    bench.peerCapabilities = [];
    bench.enter("ESTABLISHED");
    renumber(bench, [A1, A2, A3], 2);
    const { requestNonce } = bench.sent("UpdateRequest");
    let before = bench.now;
    const seen = requests(bench, bench.now + 3_600_000);
    let nominal = UPDATE_TIMEOUT;
    for (const { at: when, message } of seen) {
      const gap = when - before;
      assert.ok(gap >= 0.5 * nominal && gap <= 1.5 * nominal + UPDATE_WINDOW, `seed ${seed}: ${gap} ms where ${nominal} are nominal`);
      assert.is(message.requestNonce, requestNonce);
      before = when;
      nominal = Math.min(2 * nominal, MAX_UPDATE_TIMEOUT);
    }
    assert.ok(seen.length > 20);
  }
});

test("towards our own boxes a lost request costs round trips, not seconds", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  const early = requests(bench, bench.now + 1_000);
  assert.is(early.length, EARLY_I2_COUNT);
});

test("repetitions leave the pair in use for the others: sources that the peer knows, destinations verified", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  const pairs = new Set(requests(bench, bench.now + 600_000).map(({ source, destination }) => `${source} ${destination}`));
  assert.equal([...pairs].sort(), [`${A1} ${B1}`, `${A1} ${B2}`, `${A2} ${B1}`, `${A2} ${B2}`]);
});

test("§10.3 newer information replaces the request: a new nonce, everything that was not acknowledged", () => {
  const bench = established();
  renumber(bench, [A1, A3], 2);
  const first = bench.sent("UpdateRequest");
  bench.now += 1_000;
  renumber(bench, [A1, A3, A4], 3, [{ flags: PREFERENCE_BROKEN }, { flags: 0 }, { flags: 0 }]);
  const second = bench.sent("UpdateRequest");
  assert.is.not(second.requestNonce, first.requestNonce);
  assert.is(findOption(second.options, "locator-list")?.generation, 3);
  assert.is(findOption(second.options, "locator-preferences")?.generation, 3);
  acknowledge(bench, first);
  assert.is(bench.summary(), "drop:late-updateack → ESTABLISHED");
  assert.equal(bench.view().localLocators, [A1]);
  // Preferences alone follow: the list is not acknowledged yet and goes with them.
  bench.now += 1_000;
  renumber(bench, [A1, A3, A4], 3, [{ flags: 0 }, { flags: 0 }, { flags: 0 }]);
  const third = bench.sent("UpdateRequest");
  assert.is(findOption(third.options, "locator-list")?.generation, 3);
  acknowledge(bench, third);
  assert.equal(bench.view().localLocators, [A1, A3, A4]);
  assert.equal(requests(bench, bench.now + 600_000), []);
});

test("§10.5 an Acknowledgement in I2BIS-SENT repeats I2bis; a request that waits is superseded by it", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  const request = bench.sent("UpdateRequest");
  bench.hear(bench.r1bis());
  const i2bis = bench.sent("I2bis");
  assert.is(findOption(i2bis.options, "locator-list")?.generation, 2);
  bench.now += 100;
  acknowledge(bench, request);
  assert.is(bench.summary(), "I2bis drop:late-updateack → I2BIS-SENT");
  bench.hear(bench.r2(i2bis.initiatorNonce));
  assert.is(bench.summary(), "established:R2 → ESTABLISHED");
  assert.equal(bench.view().localLocators, [A1, A2, A3]);
  assert.equal(requests(bench, bench.now + 600_000), []);
});

test("no locator is left that the peer knows: new ones are used, its R1bis starts the recovery that tells it", () => {
  const bench = established();
  renumber(bench, [A3], 2);
  assert.equal(bench.view().localLocators, [A3]);
  assert.equal(bench.sent("UpdateRequest").on, { local: A3, peer: B1 });
  bench.hear(bench.r1bis(), B1, A3);
  assert.is(bench.summary(), "recovering I2bis → I2BIS-SENT");
  bench.hear(bench.r2(bench.sent("I2bis").initiatorNonce), B1, A3);
  assert.is(bench.summary(), "established:R2 → ESTABLISHED");
});

test("set-up goes on with locators that are left, and begins anew where its pair is gone", () => {
  const going = new Bench().enter("I2-SENT");
  renumber(going, [A1, A3], 2);
  assert.is(going.summary(), "→ I2-SENT");
  going.pollUntil(going.shim.wakeAt);
  assert.is(findOption(going.sent("I2").options, "locator-list")?.generation, 2);
  for (const state of ["I1-SENT", "I2-SENT"] as const) {
    const bench = new Bench().enter(state);
    renumber(bench, [A3], 2);
    assert.is(bench.summary(), "I1 → I1-SENT");
    assert.is(bench.sent("I1").on.local, A3);
  }
});

test("recovery whose locator is gone: the context stays usable and the next R1bis begins anew", () => {
  const bench = new Bench().enter("I2BIS-SENT");
  renumber(bench, [A2], 2);
  assert.is(bench.summary(), "established:update UpdateRequest → ESTABLISHED");
  bench.hear(bench.r1bis(), B1, A2);
  assert.is(bench.summary(), "recovering I2bis → I2BIS-SENT");
});

test("§9 a withdrawn ULID ends its contexts, in set-up too", () => {
  const bench = established();
  bench.identities.clear();
  bench.event({ kind: "identity" });
  assert.is(bench.summary(), "removed:withdrawn → IDLE");
  const young = new Bench().enter("I1-SENT");
  young.identities.clear();
  young.event({ kind: "identity" });
  assert.is(young.summary(), "failed:refused removed:withdrawn → IDLE");
});

/** The peer answers `request` with an Error. */
function refuse(bench: Bench, request: UpdateRequest & { on: { local: Locator; peer: Locator } }, code: number): Shim6Effect[] {
  const { on, ...message } = request;
  return bench.hear(errorFor(emitPacket(on.local, on.peer, message), code, 40), on.peer, on.local);
}

test("shim6-state §7: Error 0, 1 and 2 end the request; the old list stays", () => {
  for (const code of [0, 1, 2]) {
    const bench = established();
    renumber(bench, [A1, A2, A3], 2);
    refuse(bench, bench.sent("UpdateRequest"), code);
    assert.is(bench.summary(), "told → ESTABLISHED");
    assert.equal(bench.effects, [{ kind: "told", id: bench.view().id, outcome: "refused", code }]);
    assert.equal(bench.view().localLocators, [A1, A2]);
    assert.equal(requests(bench, bench.now + 600_000), []);
    // The next change says everything again.
    renumber(bench, [A1, A2, A4], 3);
    assert.is(bench.summary(), "UpdateRequest → ESTABLISHED");
  }
});

test("shim6-state §7: Error 3 and 4 bring a complete request, once", () => {
  for (const code of [3, 4]) {
    const bench = established();
    renumber(bench, [A1, A2], 1, [{ flags: 1 }, { flags: 0 }]);
    const first = bench.sent("UpdateRequest");
    bench.now += UPDATE_WINDOW;
    refuse(bench, first, code);
    assert.is(bench.summary(), "UpdateRequest → ESTABLISHED");
    const second = bench.sent("UpdateRequest");
    assert.is.not(second.requestNonce, first.requestNonce);
    assert.equal(
      second.options.map(({ kind }) => kind),
      ["locator-list", "cga-signature", "locator-preferences"],
    );
    refuse(bench, second, code);
    assert.is(bench.summary(), "told → ESTABLISHED");
    assert.equal(requests(bench, bench.now + 600_000), []);
  }
});

test("an Error that quotes no request of ours changes nothing", () => {
  const bench = established();
  renumber(bench, [A1, A2, A3], 2);
  const request = bench.sent("UpdateRequest");
  const wrong: [string, UpdateRequest & { on: { local: Locator; peer: Locator } }][] = [
    ["nonce", { ...request, requestNonce: request.requestNonce ^ 1 }],
    ["tag", { ...request, receiverTag: contextTag(1) }],
    ["pair", { ...request, on: { local: A2, peer: B1 } }],
  ];
  for (const [what, forged] of wrong) {
    refuse(bench, forged, 2);
    assert.is(bench.summary(), "drop:stray-error → ESTABLISHED", what);
  }
  refuse(bench, request, 120);
  assert.is(bench.summary(), "drop:idle-error → ESTABLISHED");
  assert.is(bench.shim.untold, 1);
});

/** A bench with `count` contexts of one host, established by I2 of as many peers of as many sites. */
function crowd(count: number, lastUse?: (id: number) => number): Bench {
  const bench = new Bench({ capacity: count + 1 });
  if (lastUse !== undefined) Object.assign(bench.world, { lastUse });
  for (let i = 0; i < count; i++) {
    const [ulid, locator] = at(
      `fc00:d:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`,
      `3fff:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`,
    );
    bench.peerIdentity = fakeIdentity(`box${i}`, ulid, [locator]);
    if (i % 1_000 === 0) bench.now += 1_000;
    bench.hear(bench.i2(contextTag(1_000 + i), bench.described(), locator, ulid), locator);
  }
  bench.now += 60_000;
  return bench;
}

function sendsOf(effects: readonly Shim6Effect[]): Message[] {
  return effects.flatMap((effect) => (effect.kind === "send" ? [effect.message] : []));
}

test("a change that concerns many contexts is told at a pace, those used last first", () => {
  const count = UPDATES_PER_WINDOW * 5 + 7;
  const bench = crowd(count, (id) => (id % 7 === 3 ? 1_050_000 + id : 1_000_000));
  const tags = new Map([...bench.shim.contexts()].map((view) => [view.peerTag, view.id]));
  const order: number[] = [];
  const take = (effects: readonly Shim6Effect[]): void => {
    const sent = sendsOf(effects);
    assert.ok(sent.length <= UPDATES_PER_WINDOW, `${sent.length} in one window`);
    for (const message of sent) if (message.kind === "UpdateRequest") order.push(tags.get(message.receiverTag) ?? -1);
  };
  take(renumber(bench, [A2, A3], 2));
  assert.is(bench.shim.untold, count);
  for (let windows = 0; order.length < count && windows < 10; windows++) {
    assert.is(bench.shim.wakeAt, bench.now + UPDATE_WINDOW);
    bench.now = bench.shim.wakeAt;
    take(bench.event({ kind: "poll" }));
  }
  assert.is(new Set(order).size, count);
  const used = [...tags.values()].filter((id) => id % 7 === 3).sort((a, b) => b - a);
  assert.equal(order.slice(0, used.length), used);
});

test("every context leaves a removed locator before the box sleeps, however many there are", () => {
  const count = RELIST_BATCH + 100;
  const bench = crowd(count);
  renumber(bench, [A2], 2);
  assert.is(bench.shim.wakeAt, bench.now);
  while (bench.shim.wakeAt <= bench.now) bench.event({ kind: "poll" });
  for (const view of bench.shim.contexts()) assert.equal(view.localLocators, [A2]);
});

test("requests in hand keep to the pace when they are repeated", () => {
  const bench = crowd(UPDATES_PER_WINDOW * 3);
  renumber(bench, [A1, A2, A3], 2);
  const seen = requests(bench, bench.now + 5_000);
  const windows = new Map<number, number>();
  for (const { at: when } of seen) windows.set(when, (windows.get(when) ?? 0) + 1);
  assert.ok(seen.length > UPDATES_PER_WINDOW * 3);
  for (const [when, sent] of windows) assert.ok(sent <= UPDATES_PER_WINDOW, `${sent} at ${when}`);
});

test("BROKEN of the peer's own is handed on to REAP as it came", () => {
  const bench = established();
  const preferences = {
    kind: "locator-preferences",
    generation: 1,
    elementLength: 1,
    elements: [{ flags: PREFERENCE_BROKEN }, { flags: 0 }],
  } as const;
  bench.hear({ kind: "UpdateRequest", receiverTag: bench.view().localTag, requestNonce: 5, options: [preferences] });
  assert.is(bench.summary(), "established:update UpdateAck → ESTABLISHED");
  assert.is(bench.view().peerLocators[0].preference.flags, PREFERENCE_BROKEN);
});

test.run();
