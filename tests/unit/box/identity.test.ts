import { test } from "uvu";
import * as assert from "uvu/assert";
import { Identities, type LocatorSource } from "../../../runtime/box/identity.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { type LocatorList, METHOD_CGA, METHOD_HBA } from "../../../runtime/wire/message.ts";

const HOST = address("fc00:aaaa:1::10");
const GENERATION = 0xfffffffe;

function source(digits: string, priority = 10, weight = 10): LocatorSource {
  return { prefix: prefix(`2001:db8:${digits}::/48`), priority, weight };
}

function identities(sources: readonly LocatorSource[]) {
  const signed: LocatorList[] = [];
  const made = new Identities(
    sources,
    GENERATION,
    (ulid) => (ulid === HOST ? Uint8Array.of(1) : undefined),
    (list) => {
      signed.push(list);
      return Uint8Array.of(signed.length);
    },
  );
  const of = () => made.of(HOST) ?? assert.unreachable();
  return { made, signed, of, addresses: () => of()?.list.locators.map((locator) => locator.address) };
}

test("a list is signed when somebody asks, once", () => {
  const { signed, of } = identities([source("a1"), source("a2")]);
  assert.is(of()?.isSigned, false);
  assert.is(signed.length, 0);
  assert.equal([of()?.signature, of()?.signature], [Uint8Array.of(1), Uint8Array.of(1)]);
  assert.is(of()?.isSigned, true);
  assert.is(signed.length, 1);
});

test("nobody's ULID has no identity", () => {
  assert.is(identities([source("a1")]).made.of(address("fc00:aaaa:1::11")), undefined);
});

test("another set has another generation and signature; locators that stay keep their places", () => {
  const { made, of, addresses } = identities([source("a1"), source("a2")]);
  const before = of();
  assert.is(made.setSources([source("a3"), source("a2")]), true);
  assert.equal(addresses(), [address("2001:db8:a2::10"), address("2001:db8:a3::10")]);
  assert.is.not(of()?.list.generation, before?.list.generation);
  assert.is(of()?.isSigned, false);
});

test("the same set in another order changes nothing; other priorities change only preferences", () => {
  const { made, of, signed } = identities([source("a1"), source("a2", 20)]);
  const before = of();
  assert.is(before?.signature?.[0], 1);
  assert.is(made.setSources([source("a2", 20), source("a1")]), false);
  assert.is(of(), before);
  for (const priority of [30, 40, 50]) {
    assert.is(made.setSources([source("a1", priority), source("a2", 20)]), true);
    assert.is(of()?.list, before?.list);
    assert.equal(of()?.preferences[0], { flags: 0, priority, weight: 10 });
    assert.is(of()?.signature?.[0], 1);
  }
  assert.is(signed.length, 1);
  assert.is(made.setSources([source("a1", 60), source("a2", 20)], true), true);
  assert.is.not(of()?.list.generation, before?.list.generation);
  assert.is(made.setSources([source("a1", 60), source("a2", 20)], true), false, "nothing changed");
});

test("a list cut short: its own generation and signature, with the locator that must be in it", () => {
  const { made, of, signed } = identities([source("a1"), source("a2", 5), source("a3", 7)]);
  const whole = of();
  if (whole === undefined) return assert.unreachable();
  const cut = made.shorten(whole, 2, address("2001:db8:a3::10"));
  assert.equal(
    cut.list.locators.map((locator) => locator.address),
    ["2001:db8:a1::10", "2001:db8:a3::10"],
  );
  assert.equal(
    cut.preferences.map(({ priority }) => priority),
    [10, 7],
  );
  assert.is(cut.list.generation, (GENERATION - 1) >>> 0);
  assert.is(cut.signature?.[0], 1);
  assert.is(made.shorten(whole, 2, address("2001:db8:a3::10")), cut);
  assert.equal(
    made.shorten(whole, 2, address("2001:db8:a1::10")).list.locators.map((locator) => locator.address),
    ["2001:db8:a1::10", "2001:db8:a2::10"],
  );
  assert.is(signed[0], cut.list);
  made.setSources([source("a1"), source("a2")]);
  const next = of()?.list.generation ?? 0;
  // Neither the whole lists nor the cut ones of two sets share a generation.
  assert.is(new Set([whole.list.generation, cut.list.generation, next, (next - 1) >>> 0]).size, 4);
});

/** A host whose set has one member, at a2; `signs`: whether our key may sign for it. */
function withMember(signs: boolean) {
  const signed: LocatorList[] = [];
  const member = address("2001:db8:a2::c0de");
  const made = new Identities(
    [source("a1", 10), source("a2", 20)],
    GENERATION,
    () => Uint8Array.of(1),
    (list) => {
      signed.push(list);
      return Uint8Array.of(7);
    },
    () => ({ members: [address("fc00:aaaa:1::1"), member], signs }),
  );
  return { made, member, signed };
}

test("a member of the set needs no signature; what is none has one, or is no locator", () => {
  const { made, member, signed } = withMember(true);
  const hybrid = made.of(HOST) ?? assert.unreachable();
  assert.equal(hybrid?.list.locators, [
    { address: address("2001:db8:a1::10"), method: METHOD_CGA },
    { address: member, method: METHOD_HBA },
  ]);
  assert.equal([hybrid?.isSigned, hybrid?.signature, signed.length], [false, Uint8Array.of(7), 1]);
  const only = withMember(false);
  const set = only.made.of(HOST);
  assert.equal(set?.list.locators, [{ address: only.member, method: METHOD_HBA }]);
  assert.equal([set?.isSigned, set?.signature, only.signed.length], [true, undefined, 0]);
  assert.equal(set?.preferences, [{ flags: 0, priority: 20, weight: 10 }]);
});

test("preferences follow the locators that are left; without any there is no identity", () => {
  const { made, member } = withMember(false);
  assert.ok(made.of(HOST));
  assert.is(made.setSources([source("a1", 10), source("a2", 33, 5)]), true);
  assert.equal(made.of(HOST)?.preferences, [{ flags: 0, priority: 33, weight: 5 }]);
  assert.is(made.setSources([source("a1")]), true);
  assert.is(made.of(HOST), undefined);
  assert.is(made.setSources([source("a2")]), true);
  assert.equal(made.of(HOST)?.list.locators, [{ address: member, method: METHOD_HBA }]);
});

test("a hybrid's list cut short is signed where it must be", () => {
  const { made, member, signed } = withMember(true);
  const whole = made.of(HOST);
  if (whole === undefined) throw new Error("no identity");
  const cut = made.shorten(whole, 1, member);
  assert.equal([cut.list.locators, cut.signature, signed.length], [[{ address: member, method: METHOD_HBA }], undefined, 0]);
  const other = made.shorten(whole, 1, address("2001:db8:a1::10"));
  assert.equal([other.signature, other.preferences, signed.length], [Uint8Array.of(7), [{ flags: 0, priority: 10, weight: 10 }], 1]);
});

test.run();
