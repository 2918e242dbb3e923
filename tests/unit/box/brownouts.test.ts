/** Whole boxes on virtual time, and a provider that carries badly: contexts leave it, the log says so, and they are back when it is good again. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addressAt } from "../../../runtime/value/address.ts";
import { type BoxNet, connected, type SiteBox } from "../../lib/boxpair.ts";
import { Seeded } from "../../lib/shim6world.ts";

const quality = { watch: true, loss: 0.2, delay: 500, interval: 200, standby: 2_000, hold: 10_000 };
const reap = { profile: "fast", quality } as const;
const failback = { kind: "after", hold: 5_000 } as const;

const localOf = ({ box, locators }: SiteBox): number => {
  const [context] = [...box.parts.shim6.contexts()];
  const current = context && box.parts.reap.currentOf(context.id);
  return current === undefined ? -1 : locators.indexOf(current.local);
};

/** Packets both ways every 20 ms. */
function talk(net: BoxNet, a: SiteBox, b: SiteBox, duration: number): void {
  for (const end = net.now + duration; net.now < end; ) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 20);
  }
}

test("30 % loss on the way through one provider: moved with the cause, back after it is good, nothing is said twice", async () => {
  const { net, a, b } = await connected({ reap, failback });
  talk(net, a, b, 10_000);
  assert.is(localOf(a), 0);
  const random = new Seeded(7);
  const bad = a.locators[0];
  const isBad = (packet: Uint8Array) => [8, 24].some((at) => addressAt(packet, at) === bad);
  net.passes = (packet) => !isBad(packet) || random.octets(1)[0] >= 77;
  talk(net, a, b, 15_000);
  assert.is(localOf(a), 1);
  const had = [a.delivered.length, b.delivered.length];
  talk(net, a, b, 20_000);
  net.run(net.now + 100);
  assert.equal([a.delivered.length - had[0], b.delivered.length - had[1]], [1_000, 1_000], "nothing is lost any more");
  const texts = a.box.events.map(({ kind, text }) => `${kind} ${text}`);
  // From that provider two paths lead to the peer.
  assert.is(texts.filter((text) => /^path .* is too bad/.test(text)).length, 2, texts.join("\n"));
  assert.ok(a.count("in-path-brown-out") === 2 && a.count("move-brown-out") + a.count("move-failure") >= 1);
  net.passes = () => true;
  talk(net, a, b, 60_000);
  assert.is(localOf(a), 0, "back");
  assert.is(a.count("in-path-good-again"), 2);
  const view = [...a.box.parts.reap.paths()].find(({ pair, contexts }) => pair.local === bad && contexts > 0);
  assert.ok(view?.loss !== undefined && view.loss < 0.1 && !view.brown && Math.round(view.roundTrip ?? 0) === 10, JSON.stringify(view));
});

test("without the setting nobody asks and nobody leaves", async () => {
  const { net, a, b } = await connected({ reap: { ...reap, quality: { ...quality, watch: false } } });
  talk(net, a, b, 5_000);
  const asked = a.count("out-locator-question");
  talk(net, a, b, 10_000);
  assert.is(a.count("out-locator-question"), asked);
});

test.run();
