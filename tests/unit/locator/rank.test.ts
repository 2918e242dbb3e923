/** Order of pairs: reap.md §8 rule by rule, RFC 6724 policy table. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  canBeLocator,
  classify,
  commonPrefixLength,
  SCOPE_GLOBAL,
  SCOPE_LINK_LOCAL,
  SCOPE_SITE_LOCAL,
} from "../../../runtime/locator/policy-table.ts";
import { type LocalChoice, type PeerChoice, rankPairs } from "../../../runtime/locator/rank.ts";
import { address } from "../../../runtime/value/address.ts";
import { putU32 } from "../../../runtime/value/bytes.ts";
import { PREFERENCE_BROKEN, PREFERENCE_TRANSIENT, type Preference } from "../../../runtime/wire/message.ts";

function random(seed: number): Uint8Array {
  const octets = new Uint8Array(4);
  putU32(octets, 0, seed);
  return octets;
}
const local = (text: string, more: Partial<LocalChoice> = {}): LocalChoice => ({
  address: address(text),
  priority: 0,
  weight: 1,
  usable: true,
  ...more,
});
const peer = (text: string, preference: Partial<Preference> = {}): PeerChoice => ({
  address: address(text),
  preference: { flags: 0, ...preference },
});
const show = (locals: LocalChoice[], peers: PeerChoice[], seed = 1, options = {}): string[] =>
  rankPairs(locals, peers, random(seed), options).map((pair) => `${pair.local} ${pair.peer}`);

for (const [text, precedence, label] of [
  ["::1", 50, 0],
  ["2001:db8::1", 40, 1],
  ["::ffff:192.0.2.1", 35, 4],
  ["2002:c000:201::1", 30, 2],
  ["2001::1", 5, 5],
  ["fc00::1", 3, 13],
  ["fdff::1", 3, 13],
  ["::192.0.2.1", 1, 3],
  ["fec0::1", 1, 11],
  ["3ffe::1", 1, 12],
] as const) {
  test(`RFC 6724 §2.1: ${text} has precedence ${precedence}, label ${label}`, () => {
    const found = classify(address(text));
    assert.equal([found.precedence, found.label], [precedence, label]);
  });
}

test("RFC 6724 §3.1, §2.2: scopes and common prefix", () => {
  const scopes = ["fe80::1", "::1", "fec0::1", "fc00::1", "2001:db8::1", "ff02::1", "ff0e::1"].map((text) => classify(address(text)).scope);
  assert.equal(scopes, [SCOPE_LINK_LOCAL, SCOPE_LINK_LOCAL, SCOPE_SITE_LOCAL, SCOPE_GLOBAL, SCOPE_GLOBAL, 2, SCOPE_GLOBAL]);
  const common = (a: string, b: string): number => commonPrefixLength(classify(address(a)).octets, classify(address(b)).octets);
  assert.is(common("2001:db8::1", "2001:db8::1"), 128);
  assert.is(common("2001:db8::1", "2001:db8::3"), 126);
  assert.is(common("8000::", "::"), 0);
});

test("candidates: no multicast, unspecified, loopback, link-local, unusable; unique-local only if routed", () => {
  for (const text of ["ff0e::1", "::", "::1", "fe80::1"]) assert.not(canBeLocator(classify(address(text))), text);
  const locals = [local("2001:db8:a1::1"), local("fe80::1"), local("2001:db8:a2::1", { usable: false }), local("fd00::1")];
  const peers = [peer("2001:db8:b1::1"), peer("ff0e::5"), peer("fd01::1"), peer("fec0::1")];
  assert.equal(show(locals, peers), ["2001:db8:a1::1 2001:db8:b1::1"]);
  assert.equal(show(locals, peers, 1, { uniqueLocal: true }).sort(), [
    "2001:db8:a1::1 2001:db8:b1::1",
    "2001:db8:a1::1 fd01::1",
    "fd00::1 2001:db8:b1::1",
    "fd00::1 fd01::1",
  ]);
});

test("rule 1, BROKEN last but still there; before rule 2, our order of providers", () => {
  const locals = [local("2001:db8:a1::1", { priority: 10 }), local("2001:db8:a2::1", { priority: 20 })];
  const peers = [peer("2001:db8:b1::1", { flags: PREFERENCE_BROKEN }), peer("2001:db8:b2::1")];
  assert.equal(show(locals, peers), [
    "2001:db8:a1::1 2001:db8:b2::1",
    "2001:db8:a2::1 2001:db8:b2::1",
    "2001:db8:a1::1 2001:db8:b1::1",
    "2001:db8:a2::1 2001:db8:b1::1",
  ]);
});

test("rules 3 and 4: the peer's Priority, lower first, absent = 0; then TRANSIENT after stable", () => {
  const peers = [
    peer("2001:db8:b1::1", { priority: 2 }),
    peer("2001:db8:b2::1", { flags: PREFERENCE_TRANSIENT, priority: 1 }),
    peer("2001:db8:b3::1", { priority: 1 }),
    peer("2001:db8:b4::1"),
  ];
  assert.equal(
    show([local("2001:db8:a1::1")], peers).map((pair) => pair.split(" ")[1]),
    ["2001:db8:b4::1", "2001:db8:b3::1", "2001:db8:b2::1", "2001:db8:b1::1"],
  );
});

test("rule 5, RFC 6724: source not deprecated, label, precedence, then the longer common prefix", () => {
  const locals = [local("2001:db8:a1::1", { deprecated: true }), local("2002:c000:201::1"), local("2001:db8:a2::1")];
  assert.equal(show(locals, [peer("2001:db8:b1::1")]), [
    "2001:db8:a2::1 2001:db8:b1::1",
    "2002:c000:201::1 2001:db8:b1::1",
    "2001:db8:a1::1 2001:db8:b1::1",
  ]);
  const peers = [peer("2001:db9::1"), peer("2001:db8:ffff::1"), peer("2002:c000:201::1"), peer("2001:db8:a2:1::1")];
  assert.equal(
    show([local("2001:db8:a2::1")], peers).map((pair) => pair.split(" ")[1]),
    ["2001:db8:a2:1::1", "2001:db8:ffff::1", "2001:db9::1", "2002:c000:201::1"],
  );
});

test("rule 6: shares by weight, ours and the peer's; equal octets give equal order", () => {
  const locals = [local("2001:db8:a1::1", { weight: 60 }), local("2001:db8:a2::1", { weight: 40 }), local("2001:db8:a3::1", { weight: 0 })];
  const peers = [peer("2001:db8:b1::1", { priority: 1, weight: 90 }), peer("2001:db8:b2::1", { priority: 1, weight: 10 })];
  const first = new Map<string, number>();
  const rounds = 4_000;
  for (let seed = 0; seed < rounds; seed++) {
    for (const end of show(locals, peers, Math.imul(seed, 0x9e3779b1) >>> 0)[0].split(" "))
      first.set(end, (first.get(end) ?? 0) + 1 / rounds);
  }
  const near = (text: string, share: number): void =>
    assert.ok(Math.abs((first.get(text) ?? 0) - share) < 0.04, `${text}: ${first.get(text)}`);
  near("2001:db8:a1::1", 0.6);
  near("2001:db8:a2::1", 0.4);
  near("2001:db8:a3::1", 0);
  near("2001:db8:b1::1", 0.9);
  assert.equal(show(locals, peers, 77), show(locals, peers, 77));
  assert.is(show(locals, peers).length, 6, "weight 0 comes last, but comes");
});

test.run();
