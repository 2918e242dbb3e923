/** A provider is drained between two whole boxes: contexts leave it without a packet lost or held, and both directions go. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MOVE_AGAIN } from "../../../runtime/box/moves.ts";
import { addressAt } from "../../../runtime/value/address.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";
import { ALPHA, type BoxNet, connected, messagesOf, type SiteBox } from "../../lib/boxpair.ts";

const [ISP1, ISP2] = ALPHA.providers.map(showPrefix);
const current = ({ box }: SiteBox) => {
  const [context] = [...box.parts.shim6.contexts()];
  return box.parts.reap.currentOf(context.id);
};
const drainOf = (_net: BoxNet, { box }: SiteBox) => box.moves;

/** Packets both ways every 10 ms. @returns how many each side was sent, and got */
function talk(net: BoxNet, a: SiteBox, b: SiteBox, duration: number): { readonly sent: number; readonly got: readonly number[] } {
  const before = [a.delivered.length, b.delivered.length];
  let sent = 0;
  for (const end = net.now + duration; net.now < end; sent++) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 10);
  }
  net.run(net.now + 50);
  return { sent, got: [a.delivered.length - before[0], b.delivered.length - before[1]] };
}

test("both directions leave, nothing is lost, nothing waits, nobody explores", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + 3_000);
  const events = a.box.events.length;
  drainOf(net, a).set(new Set([ISP1]));
  const { sent, got } = talk(net, a, b, 1_000);
  assert.equal(got, [sent, sent]);
  assert.equal(current(a), { local: a.locators[1], peer: b.locators[0] });
  assert.equal(current(b), { local: b.locators[0], peer: a.locators[1] });
  assert.is(a.count("drop-full-hold") + b.count("drop-full-hold"), 0);
  const kinds = a.box.events.slice(events).map(({ kind }) => kind);
  assert.not.ok(kinds.includes("state"), kinds.join(" "));
});

test("a new context avoids it, what still comes there is taken in, and restoring moves nobody back", async () => {
  const { net, a, b } = await connected();
  const drain = drainOf(net, a);
  drain.set(new Set([ISP1]));
  net.run(net.now + 2_000);
  const [context] = [...a.box.parts.shim6.contexts()];
  a.box.discard(context.id);
  b.box.discard([...b.box.parts.shim6.contexts()][0].id);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  assert.is(current(a)?.local, a.locators[1]);
  drain.set(new Set());
  net.run(net.now + 2 * MOVE_AGAIN);
  assert.is(current(a)?.local, a.locators[1]);
  const { sent, got } = talk(net, a, b, 200);
  assert.equal(got, [sent, sent]);
});

test("the others do not answer: contexts stay where they are, and leave as soon as they can", async () => {
  const { net, a, b } = await connected();
  net.run(net.now + 3_000);
  net.passes = (packet) => ![8, 24].some((at) => addressAt(packet, at) === a.locators[1]);
  drainOf(net, a).set(new Set([ISP1]));
  const first = talk(net, a, b, 4_000);
  assert.equal(first.got, [first.sent, first.sent]);
  assert.is(current(a)?.local, a.locators[0]);
  net.passes = () => true;
  // The suspicion against the pair that did not answer grows old first.
  talk(net, a, b, 70_000);
  assert.is(current(a)?.local, a.locators[1]);
});

test("all providers drained is as good as none", async () => {
  const { net, a, b } = await connected();
  drainOf(net, a).set(new Set([ISP1, ISP2]));
  const { sent, got } = talk(net, a, b, 1_000);
  assert.equal(got, [sent, sent]);
  assert.is(current(a)?.local, a.locators[0]);
  assert.equal(
    messagesOf(a.sent).filter(({ message }) => message.kind === "Probe"),
    [],
  );
});

test("towards a peer that keeps to the RFCs a Probe asks, and packets wait for its answer", async () => {
  const { net, a, b } = await connected({ reap: { profile: "rfc5534" } });
  drainOf(net, a).set(new Set([ISP1]));
  const { sent, got } = talk(net, a, b, 2_000);
  assert.equal(got, [sent, sent]);
  assert.is(current(a)?.local, a.locators[1]);
  assert.ok(messagesOf(a.sent).some(({ message }) => message.kind === "Probe"));
});

test.run();
