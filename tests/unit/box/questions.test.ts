// Locators that are asked before they are needed, between two whole boxes: what is on the wire, what it is good for, what it leaves alone.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addressAt } from "../../../runtime/value/address.ts";
import { type BoxNet, connected, messagesOf, type SiteBox, twoBoxes } from "../../lib/boxpair.ts";

/** Context set up, its first packets and their Keepalives over; no question yet. */
const SETTLED = 150;
/** The question comes a second after the set-up. */
const ASKED = 2_000;

/** What `box` sends in `duration`, in words. */
function says(net: BoxNet, box: SiteBox, duration: number): string[] {
  const from = box.sent.length;
  net.run(net.now + duration);
  return messagesOf(box.sent.slice(from)).map(({ source, destination, message }) => `${message.kind} ${source} ${destination}`);
}

test("the peer's other locators are asked once, in silence: no Keepalive, no Probe, nobody moves", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + SETTLED);
  const fromB = b.sent.length;
  const asked = says(net, a, ASKED);
  const answered = messagesOf(b.sent.slice(fromB)).map(({ source, destination, message }) => `${message.kind} ${source} ${destination}`);
  const theirs = b.locators.slice(1).map((locator) => `UpdateRequest ${a.locators[0]} ${locator}`);
  const ours = a.locators.slice(1).map((locator) => `UpdateRequest ${b.locators[0]} ${locator}`);
  assert.ok(ours.length > 0);
  assert.equal(asked.filter((it) => it.startsWith("UpdateRequest")).sort(), theirs.sort());
  assert.equal(answered.filter((it) => it.startsWith("UpdateRequest")).sort(), ours.sort());
  assert.equal(
    [...asked, ...answered].filter((it) => !it.startsWith("Update")),
    [],
  );
  assert.is(new Map(b.box.counters.entries()).get("out-locator-question"), ours.length);
  assert.equal(says(net, a, 60_000), []);
  assert.is(a.box.parts.reap.stateOf(1) ?? "Operational", "Operational");
});

test("after that a provider's death needs no question: the box that is told goes straight to the other locator", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + SETTLED + ASKED);
  net.passes = (packet) => addressAt(packet, 8) !== a.locators[0] && addressAt(packet, 24) !== a.locators[0];
  const before = b.delivered.length;
  for (let i = 0; i < 40; i++) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 25);
  }
  assert.ok(b.delivered.length > before + 20);
  const [context] = [...b.box.parts.shim6.contexts()];
  assert.is(b.box.parts.reap.currentOf(context.id)?.peer, a.locators[1]);
});

test("a question that got lost comes again, and stops with the context", async () => {
  const { net, a, b } = await connected();
  net.passes = (packet) => addressAt(packet, 24) !== a.locators[1];
  const asked = says(net, b, 20_000).filter((it) => it === `UpdateRequest ${b.locators[0]} ${a.locators[1]}`);
  assert.ok(asked.length >= 4 && asked.length <= 6, `${asked.length} questions in 20 s`);
  const [context] = [...b.box.parts.shim6.contexts()];
  b.box.discard(context.id);
  assert.equal(says(net, b, 60_000), []);
});

test("towards a peer that keeps to the RFCs nothing is asked", async () => {
  const { net, a, b } = await twoBoxes({ reap: { profile: "rfc5534" } });
  net.host(a, b.ulid);
  net.run(net.now + 300);
  net.host(b, a.ulid);
  const asked = says(net, b, 10_000).filter((it) => it.startsWith("Update"));
  assert.equal(asked, []);
});

test.run();
