/** Packets to a ULID that nobody asked for by name: the reverse tree is asked while they wait (draft §4.2.1, §6 step 4C). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Locate } from "../../../runtime/box/lookups.ts";
import { Lookups } from "../../../runtime/box/lookups.ts";
import type { UlidPair } from "../../../runtime/shim6/contract.ts";
import { type Address, address, type Ulid } from "../../../runtime/value/address.ts";
import { NEVER } from "../../../runtime/value/time.ts";
import { ALPHA, BETA, BoxNet } from "../../lib/boxpair.ts";

/** Somebody to ask, who answers when the test says so. */
function asked(): { readonly locate: Locate; readonly questions: { readonly ulid: Ulid; readonly done: () => void }[] } {
  const questions: { ulid: Ulid; done: () => void }[] = [];
  return { questions, locate: (ulid, done) => questions.push({ ulid, done }) > 0 };
}

test("the packets wait for the answer, then for the context, and arrive in order", async () => {
  const { locate, questions } = asked();
  const net = new BoxNet();
  const a = await net.add({ ...ALPHA, locate });
  const b = await net.add(BETA, [{ ulid: a.ulid, locators: a.locators }]);
  for (const octets of [20, 30, 40]) net.host(a, b.ulid, octets);
  net.run(net.now + 50);
  assert.equal(
    questions.map(({ ulid }) => ulid),
    [b.ulid],
    "asked once",
  );
  assert.is(a.box.held.keys, 1);
  a.box.parts.bindings.learn(
    b.ulid,
    b.locators.map((each) => ({ address: each, preference: { flags: 0 } })),
    NEVER,
    "reverse",
  );
  questions[0].done();
  net.run(net.now + 200);
  assert.equal(
    b.delivered.map(({ length }) => length - 40),
    [20, 30, 40],
  );
  assert.is(a.box.held.keys, 0);
});

test("without an answer the host is told, and the next packet asks again", async () => {
  const { locate, questions } = asked();
  const net = new BoxNet();
  const a = await net.add({ ...ALPHA, locate });
  const stranger = address("fc00:cccc::1");
  net.host(a, stranger);
  net.run(net.now + 50);
  questions[0].done();
  net.run(net.now + 50);
  assert.is(a.count("drop-no-binding"), 1);
  assert.is(a.box.held.keys, 0);
  assert.equal(
    a.delivered.map((packet) => packet[40]),
    [1],
    "ICMPv6 unreachable",
  );
  net.host(a, stranger);
  net.run(net.now + 50);
  assert.is(questions.length, 2);
});

test("nobody to ask: refused at once", async () => {
  const net = new BoxNet();
  const a = await net.add({ ...ALPHA, locate: () => false });
  net.host(a, address("fc00:cccc::1"));
  net.run(net.now + 50);
  assert.is(a.count("drop-no-binding"), 1);
  assert.is(a.box.held.keys, 0);
});

test("bounded in peers and in hosts for each", () => {
  const { locate, questions } = asked();
  const told: UlidPair[] = [];
  const lookups = new Lookups(locate, (pairs) => told.push(...pairs));
  const pair = (local: Address, peer: Address): UlidPair => ({ local, peer, fork: 0 });
  const [us, them] = [address("fc00:aaaa:1::1"), address("fc00:bbbb::")];
  const number = (base: string, n: number) => address(`${base}${(n + 1).toString(16)}`);
  for (let n = 0; n < 1_024; n++) assert.ok(lookups.want(pair(us, number("fc00:bbbb::", n))));
  assert.not(lookups.want(pair(us, them)));
  const first = number("fc00:bbbb::", 0);
  for (let n = 1; n < 256; n++) assert.ok(lookups.want(pair(number("fc00:aaaa:1::", n), first)));
  assert.not(lookups.want(pair(number("fc00:aaaa:1::", 999), first)));
  assert.ok(lookups.want(pair(us, first)), "who waits already goes on waiting");
  assert.is(questions.length, 1_024);
  for (const { done } of questions) done();
  assert.is(lookups.size, 0);
  assert.is(told.length, 1_023 + 256);
  assert.ok(lookups.want(pair(us, them)));
});

test.run();
