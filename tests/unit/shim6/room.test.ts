/** Room: in the table (who gets it, who gives way) and in a control packet (RFC 5533 §5.3, shim6-wire §9). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DISPLACE_IDLE } from "../../../runtime/shim6/constants.ts";
import type { LocalIdentity, Shim6Options } from "../../../runtime/shim6/contract.ts";
import type { Locator } from "../../../runtime/value/address.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket, SHIM6_PACKET_LIMIT } from "../../../runtime/wire/emit.ts";
import { findOption, METHOD_CGA, type Message, type Option } from "../../../runtime/wire/message.ts";
import { A1, B1, Bench, i2For, PAIR, PEER, PEER_TAG, US } from "../../lib/shim6bench.ts";
import { at, fakeIdentity } from "../../lib/shim6world.ts";

/** Peer number `n` of site `site` sets a context up. @returns the effects in a line */
function arrive(bench: Bench, site: number, n: number): string {
  const [ulid, locator] = at(`fc00:d:${site}::${n.toString(16)}`, `3fff:0:${site}::${n.toString(16)}`);
  bench.peerIdentity = fakeIdentity(`box${site}`, ulid, [locator]);
  bench.hear(bench.i2(contextTag(site * 4_096 + n), bench.described(), locator, ulid), locator);
  return bench.summary({ local: US, peer: ulid, fork: 0 });
}

test("peers of one /48 get their share of the table and no more; others and our own hosts still find room", () => {
  const bench = new Bench({ capacity: 8, siteShare: 0.5 });
  for (let n = 1; n <= 4; n++) assert.match(arrive(bench, 1, n), /established/);
  assert.is(arrive(bench, 1, 5), "drop:full-site → IDLE");
  assert.match(arrive(bench, 2, 1), /established/);
  bench.need();
  assert.is(bench.summary(), "I1 → I1-SENT");
  // One that goes makes room for another of the same site.
  const [first] = bench.shim.contexts();
  bench.event({ kind: "discard", id: first.id });
  assert.match(arrive(bench, 1, 5), /established/);
  assert.is(arrive(bench, 1, 6), "drop:full-site → IDLE");
});

test("a share is above 0 and at most everything", () => {
  for (const siteShare of [0, -1, 1.01, Number.NaN]) assert.throws(() => new Bench({ siteShare }), RangeError);
  const whole = new Bench({ capacity: 3, siteShare: 1 });
  for (let n = 1; n <= 3; n++) assert.match(arrive(whole, 1, n), /established/);
});

test("in a full table the context unused for longest gives way, unless all are in use", () => {
  const used = new Map<number, number>();
  const bench = new Bench({ capacity: 4, siteShare: 1 });
  Object.assign(bench.world, { lastUse: (id: number) => used.get(id) });
  for (let site = 1; site <= 4; site++) arrive(bench, site, 1);
  const ids = [...bench.shim.contexts()].map(({ id }) => id);
  for (const id of ids) used.set(id, bench.now);
  assert.is(arrive(bench, 5, 1), "drop:full-context → IDLE");
  bench.now += DISPLACE_IDLE;
  used.set(ids[0], bench.now);
  used.set(ids[1], bench.now - 5);
  used.set(ids[3], bench.now - 7);
  arrive(bench, 5, 1);
  const gone = bench.effects.find((effect) => effect.kind === "removed");
  assert.equal([gone?.kind === "removed" && gone.id, gone?.kind === "removed" && gone.why], [ids[2], "displaced"]);
  assert.match(bench.summary(), /^removed:displaced .*established/);
});

test("a context in set-up is not given up for another", () => {
  const bench = new Bench({ capacity: 1 });
  bench.need();
  bench.now += 1_000;
  assert.is(arrive(bench, 1, 1), "drop:full-context → IDLE");
});

/** An identity as large as `bits` of key make it, with `count` locators. */
function large(bits: number, count: number): LocalIdentity {
  const locators = at(...Array.from({ length: count }, (_, i) => `2001:db8:a${(i + 1).toString(16)}::1`));
  return {
    ulid: US,
    list: { generation: 10, locators: locators.map((address) => ({ address, method: METHOD_CGA })) },
    preferences: locators.map((_, i) => ({ flags: 0, priority: i, weight: 1 })),
    pds: new Uint8Array(bits / 8 + 63).fill(1),
    signature: new Uint8Array(bits / 8).fill(2),
  };
}

function shorten(identity: LocalIdentity, count: number, keep: Locator): LocalIdentity {
  const first = identity.list.locators.slice(0, count);
  if (!first.some(({ address }) => address === keep)) first[count - 1] = { address: keep, method: METHOD_CGA };
  return {
    ...identity,
    list: { generation: identity.list.generation - 1, locators: first },
    preferences: [],
    signature: new Uint8Array(identity.signature?.length ?? 0).fill(3),
  };
}

function sizeOf({ on, ...message }: Message & { readonly on: { readonly local: Locator; readonly peer: Locator } }): number {
  return emitPacket(on.local, on.peer, message).length;
}

function listed(options: readonly Option[]): readonly Locator[] {
  return findOption(options, "locator-list")?.locators.map(({ address }) => address) ?? [];
}

function withIdentity(identity: LocalIdentity, change: Partial<Shim6Options> = {}): Bench {
  const bench = new Bench(change);
  bench.identities.set(US, identity);
  Object.assign(bench.world, { shorten });
  return bench;
}

test("an I2 that would pass 1,280 octets leaves out preferences, then locators; an Update Request brings the rest", () => {
  for (const [bits, count, atLeast] of [
    [2048, 16, 16],
    [3072, 16, 8],
    [4096, 16, 1],
    [4096, 1, 1],
  ]) {
    const identity = large(bits, count);
    const [first] = identity.list.locators;
    const bench = withIdentity(identity);
    const own = identity.list.locators[count - 1].address;
    bench.need(PAIR, [{ local: own, peer: B1 }]);
    const i1 = bench.sent("I1");
    bench.now += 10;
    bench.hear(bench.r1(i1.initiatorNonce), B1, own);
    const i2 = bench.sent("I2");
    const what = `${bits} bits, ${count} locators`;
    assert.ok(sizeOf(i2) <= SHIM6_PACKET_LIMIT, what);
    const told = listed(i2.options);
    assert.ok(told.length >= atLeast && told.includes(own), `${what}: ${told.length}`);
    bench.now += 10;
    bench.hear(bench.r2(i2.initiatorNonce), B1, own);
    assert.equal(bench.view().localLocators, told, what);
    const complete = told.length === count && findOption(i2.options, "locator-preferences") !== undefined;
    assert.is(
      bench.effects.some((effect) => effect.kind === "send"),
      !complete,
      what,
    );
    if (complete) continue;
    const request = bench.sent("UpdateRequest");
    if (told.length < count) assert.is(listed(request.options).length, count, what);
    assert.is(findOption(request.options, "locator-preferences")?.elements.length, count, what);
    assert.ok(sizeOf(request) <= SHIM6_PACKET_LIMIT, what);
    bench.hear({ kind: "UpdateAck", receiverTag: bench.view().localTag, requestNonce: request.requestNonce, options: [] }, B1, own);
    assert.is(bench.view().localLocators.length, count, what);
    assert.ok(bench.view().localLocators.includes(first.address));
  }
});

test("R2 is cut in the same way, and the locator that it goes out from stays in it", () => {
  const identity = large(4096, 16);
  const bench = withIdentity(identity);
  const own = identity.list.locators[15].address;
  bench.hear(bench.i1(), B1, own);
  bench.hear(i2For(bench.sent("R1"), PEER_TAG, PEER, bench.described()), B1, own);
  const r2 = bench.sent("R2");
  assert.ok(sizeOf(r2) <= SHIM6_PACKET_LIMIT);
  assert.ok(listed(r2.options).includes(own) && listed(r2.options).length < 16);
  assert.equal(bench.view().localLocators, listed(r2.options));
  assert.is(listed(bench.sent("UpdateRequest").options).length, 16);
});

test("§7.6 two contexts for one ULID pair, told apart by their instance, live side by side", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const fork = { ...PAIR, fork: 7 };
  bench.need(fork, [{ local: A1, peer: B1 }]);
  const i1 = bench.sent("I1");
  assert.is(findOption(i1.options, "forked-instance")?.identifier, 7);
  bench.now += 10;
  bench.hear(bench.r1(i1.initiatorNonce));
  const other = contextTag(0x7070);
  bench.hear(bench.r2(bench.sent("I2").initiatorNonce, other));
  assert.is(bench.summary(fork), "established:R2 → ESTABLISHED");
  assert.is(bench.view().state, "ESTABLISHED");
  assert.is.not(bench.view(fork).localTag, bench.view().localTag);
  bench.event({ kind: "discard", id: bench.view(fork).id });
  assert.is(bench.view().state, "ESTABLISHED");
});

test.run();
