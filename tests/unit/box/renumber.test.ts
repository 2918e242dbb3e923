/** Whole boxes whose providers change: what the machines agree on reaches the core, the table of bindings and REAP. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { reconfigureBox } from "../../../runtime/box/assemble.ts";
import { prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import type { Option } from "../../../runtime/wire/message.ts";
import { ALPHA, connected, messagesOf, type SiteBox, twoBoxes } from "../../lib/boxpair.ts";

const [A1, A2] = ALPHA.providers;
const A3 = prefix("2001:db8:a3::/48");

/** The box's site has these providers from now on, first the best. */
function provide(site: SiteBox, ...providers: (typeof A1)[]): void {
  const { settings } = site.box;
  reconfigureBox(site.box, {
    contexts: { max: 256, idle: settings.idleTimeout },
    hold: settings.hold,
    reap: { profile: settings.profile },
    bindings: [],
    providers: providers.map((each, i) => ({ prefix: each, priority: 10 * i, weight: 10 })),
  });
}

function only(site: SiteBox) {
  const [view, ...more] = site.box.parts.shim6.contexts();
  if (view === undefined || more.length > 0) throw new Error(`${more.length + 1} contexts`);
  return view;
}

test("the provider in use is taken away: payload waits, moves, and nothing ever leaves from the locator again", async () => {
  const { net, a, b } = await connected();
  const gone = only(a).current.local;
  const left = withPrefix(A1.base === gone || withPrefix(A1, a.ulid) === gone ? A2 : A1, a.ulid);
  const sent = a.sent.length;
  provide(a, withPrefix(A1, a.ulid) === gone ? A2 : A1);
  net.host(a, b.ulid);
  net.run(net.now + 1_000);
  net.host(a, b.ulid);
  net.run(net.now + 1_000);
  const sources = new Set(a.sent.slice(sent).map((packet) => messagesOf([packet])[0]?.source ?? "payload"));
  assert.not.ok(sources.has(gone), `${[...sources]}`);
  assert.equal(a.box.parts.reap.currentOf(only(a).id)?.local, left);
  assert.equal(
    only(b).peerLocators.map(({ address }) => address),
    [left],
  );
  assert.is(b.delivered.length, 3);
  assert.is(a.box.parts.shim6.untold, 0);
});

test("a provider that is given becomes usable once the peer has acknowledged it", async () => {
  const { net, a, b } = await connected();
  const added = withPrefix(A3, a.ulid);
  provide(a, A1, A2, A3);
  assert.not.ok(only(a).localLocators.includes(added));
  net.run(net.now + 100);
  assert.ok(only(a).localLocators.includes(added));
  assert.ok(only(b).peerLocators.some(({ address }) => address === added));
  assert.is(a.box.parts.reap.currentOf(only(a).id)?.local === added, false, "a new locator is no reason to move");
});

test("priority and weight of the providers reach the peer, and a change of them too", async () => {
  const { net, a, b } = await connected();
  const told = () => only(b).peerLocators.map(({ preference }) => [preference.priority, preference.weight]);
  assert.equal(told(), [
    [0, 10],
    [10, 10],
  ]);
  provide(a, A2, A1);
  net.run(net.now + 100);
  assert.equal(told(), [
    [10, 10],
    [0, 10],
  ]);
});

test("locators learnt in a handshake serve the next context to the same ULID, with the peer's preferences", async () => {
  const { net, a, b } = await connected();
  const bound = b.box.parts.bindings.locatorsOf(a.ulid, net.now);
  assert.equal(
    bound.map(({ address, preference }) => [address, preference.priority]),
    [
      [withPrefix(A1, a.ulid), 0],
      [withPrefix(A2, a.ulid), 10],
    ],
  );
  for (const site of [a, b]) site.box.discard(only(site).id);
  b.box.parts.bindings.setStatic([]);
  const delivered = a.delivered.length;
  net.host(b, a.ulid);
  net.run(net.now + 500);
  assert.is(a.delivered.length, delivered + 1);
  assert.is(only(b).current.peer, withPrefix(A1, a.ulid), "the one that the peer prefers");
});

test("forked contexts live beside the default one, in the core too; hosts' packets take the default one", async () => {
  const { net, a, b } = await connected();
  const { pair, id } = only(a);
  a.box.need({ ...pair, fork: 5 });
  net.run(net.now + 500);
  const views = [...a.box.parts.shim6.contexts()];
  assert.equal(
    views.map(({ state, pair: { fork } }) => [state, fork]),
    [
      ["ESTABLISHED", 0],
      ["ESTABLISHED", 5],
    ],
  );
  const { core } = a.box.parts;
  assert.is(core.findPair(pair.local, pair.peer, 5), views[1].id);
  assert.is(core.findPair(pair.local, pair.peer, 0), id);
  const before = core.counters(id).packetsOut;
  net.host(a, b.ulid);
  net.run(net.now + 100);
  assert.is(core.counters(id).packetsOut, before + 1);
  assert.is(core.counters(views[1].id).packetsOut, 0);
});

test("§7.15 a context that went because the peer reused its tag is set up again if it carried traffic lately", async () => {
  for (const quiet of [0, 60_000]) {
    const { net, a, b } = await connected();
    const before = only(a);
    net.run(net.now + quiet);
    const identity = b.box.parts.identities.of(b.ulid);
    if (identity?.signature === undefined || before.peerTag === undefined) return assert.unreachable();
    const named: Option[] = [
      { kind: "ulid-pair", sender: b.ulid, receiver: a.ulid },
      { kind: "forked-instance", identifier: 9 },
    ];
    net.forge(b.locators[0], a.locators[0], { kind: "I1", initiatorTag: before.peerTag, initiatorNonce: 5, options: named });
    net.run(net.now + 50);
    const r1 = messagesOf(a.sent)
      .map(({ message }) => message)
      .find((message) => message.kind === "R1");
    if (r1?.kind !== "R1") return assert.unreachable("no R1");
    const { list, pds, signature } = identity;
    const told: Option[] = [
      { kind: "locator-list", ...list },
      { kind: "cga-pds", pds },
      { kind: "cga-signature", signature },
    ];
    const validator = r1.options.filter(({ kind }) => kind === "responder-validator");
    net.forge(b.locators[0], a.locators[0], {
      kind: "I2",
      initiatorTag: before.peerTag,
      initiatorNonce: 6,
      responderNonce: r1.responderNonce,
      options: [...validator, ...named, ...told],
    });
    net.run(net.now + 500);
    assert.ok(a.box.events.some(({ text }) => text.endsWith("confused")));
    const after = a.box.parts.shim6.find(before.pair);
    assert.is(after?.state, quiet === 0 ? "ESTABLISHED" : undefined);
    assert.is.not(after?.localTag, before.localTag);
  }
});

test("a site with one locator sets contexts up: its ULIDs are routed nowhere, so there is no doing without", async () => {
  const { net, a, b } = await twoBoxes();
  provide(a, A1);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  assert.is(b.delivered.length, 1);
  assert.equal(only(a).localLocators, [withPrefix(A1, a.ulid)]);
});

test.run();
