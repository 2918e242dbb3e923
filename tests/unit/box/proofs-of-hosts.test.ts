/**
 * Two whole boxes, the host of one proved by every kind of parameters: a CGA, one with several keys, an HBA set, a hybrid. The other box
 * takes all of them, in handshakes of either side and in updates, and packets move between the locators.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { reconfigureBox } from "../../../runtime/box/assemble.ts";
import { addressAt } from "../../../runtime/value/address.ts";
import { contains, type Prefix, prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import { findOption, METHOD_CGA, METHOD_HBA } from "../../../runtime/wire/message.ts";
import { ALPHA, type BoxNet, messagesOf, type SiteBox, type SitePlan, twoBoxes } from "../../lib/boxpair.ts";

const crypto = createCrypto();
const OTHER = crypto.rsaPublic(crypto.rsaGenerate(1_024));
const [A1, A2] = ALPHA.providers;
const A3 = prefix("2001:db8:a3::/48");

interface Kind {
  readonly name: string;
  readonly plan: Partial<SitePlan>;
  readonly methods: readonly number[];
  readonly signed: boolean;
  /** Locators that the host has after a third provider came: an HBA set is fixed for ever, a signature is not. */
  readonly grown: number;
}

const KINDS: readonly Kind[] = [
  { name: "CGA", plan: {}, methods: [METHOD_CGA, METHOD_CGA], signed: true, grown: 3 },
  { name: "CGA of two keys, ours first", plan: { keys: { behind: [OTHER] } }, methods: [METHOD_CGA, METHOD_CGA], signed: true, grown: 3 },
  { name: "CGA of two keys, ours second", plan: { keys: { first: OTHER } }, methods: [METHOD_CGA, METHOD_CGA], signed: true, grown: 3 },
  { name: "HBA", plan: { hba: "only" }, methods: [METHOD_HBA, METHOD_HBA], signed: false, grown: 2 },
  { name: "hybrid", plan: { hba: "hybrid" }, methods: [METHOD_HBA, METHOD_HBA], signed: false, grown: 3 },
];

function only(site: SiteBox) {
  const [view, ...more] = site.box.parts.shim6.contexts();
  if (view === undefined || more.length > 0) throw new Error(`${more.length + 1} contexts`);
  return view;
}

function meet(net: BoxNet, first: SiteBox, second: SiteBox): void {
  net.host(first, second.ulid);
  net.run(net.now + 500);
  net.host(second, first.ulid);
  net.run(net.now + 100);
  assert.equal([first.delivered.length, second.delivered.length], [1, 1]);
}

function provide(site: SiteBox, ...providers: Prefix[]): void {
  const { settings } = site.box;
  reconfigureBox(site.box, {
    contexts: { max: 256, idle: settings.idleTimeout },
    hold: settings.hold,
    reap: { profile: settings.profile },
    bindings: [],
    providers: providers.map((each, i) => ({ prefix: each, priority: 10 * i, weight: 10 })),
  });
}

for (const { name, plan, methods, signed, grown } of KINDS) {
  for (const begins of ["a", "b"] as const) {
    test(`${name}: its host ${begins === "a" ? "begins" : "answers"}, and the peer takes every locator`, async () => {
      const { net, a, b } = await twoBoxes({}, plan);
      meet(net, ...((begins === "a" ? [a, b] : [b, a]) as [SiteBox, SiteBox]));
      const view = only(b);
      assert.equal([view.state, view.pair.peer], ["ESTABLISHED", a.ulid]);
      assert.equal(
        view.peerLocators.map(({ address, method, verified }) => [address, method, verified]),
        a.locators.map((locator, i) => [locator, methods[i], true]),
      );
      const told = messagesOf(a.sent)
        .map(({ message }) => message)
        .filter((message) => "options" in message && findOption(message.options, "locator-list") !== undefined);
      assert.ok(told.length > 0);
      for (const message of told)
        assert.is("options" in message && findOption(message.options, "cga-signature") !== undefined, signed, "a signature nobody needs");
      // Locators of a set differ in their interface identifiers.
      const identifiers = new Set([a.ulid, ...a.locators].map((each) => withPrefix({ base: prefix("::/64").base, length: 64 }, each)));
      assert.is(identifiers.size, plan.hba === undefined ? 1 : 3);
    });
  }

  test(`${name}: its provider dies, packets arrive on the other locator`, async () => {
    const { net, a, b } = await twoBoxes({}, plan);
    meet(net, a, b);
    const gone = only(a).current.local;
    net.passes = (packet) => addressAt(packet, 8) !== gone && addressAt(packet, 24) !== gone;
    for (let i = 0; i < 40; i++) {
      net.host(a, b.ulid);
      net.host(b, a.ulid);
      net.run(net.now + 100);
    }
    const left = a.locators.find((locator) => locator !== gone);
    assert.is(a.box.parts.reap.currentOf(only(a).id)?.local, left);
    const before = [a.delivered.length, b.delivered.length];
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 100);
    assert.equal([a.delivered.length, b.delivered.length], [before[0] + 1, before[1] + 1]);
    // The host sees its identifier, never a locator.
    for (const packet of a.delivered) assert.equal([addressAt(packet, 8), addressAt(packet, 24)], [b.ulid, a.ulid]);
  });

  test(`${name}: a provider comes and one goes; the peer hears what can be proved`, async () => {
    const { net, a, b } = await twoBoxes({}, plan);
    meet(net, a, b);
    provide(a, A1, A2, A3);
    net.run(net.now + 500);
    assert.is(only(b).peerLocators.length, grown);
    const added = only(b).peerLocators.find(({ address }) => contains(A3, address));
    assert.equal([added?.address, added?.method], grown === 3 ? [withPrefix(A3, a.ulid), METHOD_CGA] : [undefined, undefined]);
    provide(a, A2);
    net.run(net.now + 500);
    assert.equal(
      only(b).peerLocators.map(({ address }) => address),
      [a.locators[1]],
    );
    assert.is(a.box.parts.shim6.untold, 0);
    net.host(b, a.ulid);
    net.run(net.now + 200);
    assert.is(a.delivered.length, 2);
  });
}

test.run();
