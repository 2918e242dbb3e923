/**
 * Boxes whose hosts the internet reaches at their ULID: packets pass without a context, one is set up when there has been enough of
 * them, and when the provider of the ULID dies they go on by the other one (RFC 5533 §11.1, §12.1; RFC 6629 §2, §5.1.2).
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Deferral } from "../../../runtime/box/deferral.ts";
import type { PairRules } from "../../../runtime/fast/contract.ts";
import type { LocalIdentity, UlidPair } from "../../../runtime/shim6/contract.ts";
import { type Address, address, addressAt } from "../../../runtime/value/address.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { emitIcmpError, emitPacket, parseControl, Refusal, removePayloadHeader } from "../../../runtime/wire/index.ts";
import { ALPHA, BETA, BoxNet, messagesOf, type SiteBox, type SitePlan } from "../../lib/boxpair.ts";
import { packetOf } from "../../lib/packet.ts";

const after = (packets: number): PairRules => ({ others: { packets, octets: 0, millis: 0 }, ports: [] });
const alpha = (packets = 5): SitePlan => ({ ...ALPHA, routable: { subnet: prefix("2001:db8:a1:1::/64"), rules: after(packets) } });
const beta = (packets = 1000): SitePlan => ({ ...BETA, routable: { subnet: prefix("2001:db8:b3:1::/64"), rules: after(packets) } });

async function twoRoutable(first = alpha(), second = beta()) {
  const net = new BoxNet();
  const a = await net.add(first);
  const b = await net.add(second);
  return { net, a, b };
}

/** Packets of both hosts in turn, `gap` apart. */
function talk(net: BoxNet, a: SiteBox, b: SiteBox, rounds: number, gap = 20): void {
  for (let i = 0; i < rounds; i++) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + gap);
  }
}

const kinds = (site: SiteBox) => messagesOf(site.sent).map(({ message }) => message.kind);
const isControl = (packet: Uint8Array) => packet[6] === 140;
const contextOf = (site: SiteBox, peer: SiteBox) => site.box.parts.shim6.find({ local: site.ulid, peer: peer.ulid, fork: 0 });
/** Addresses of the latest packet with a host's payload. */
function latest(site: SiteBox): { readonly source: Address; readonly destination: Address; readonly plain: boolean } {
  const packet = site.sent.findLast((each) => each[6] === 17 || (each[6] === 140 && (each[42] & 0x80) !== 0)) ?? new Uint8Array(40);
  return { source: addressAt(packet, 8), destination: addressAt(packet, 24), plain: packet[6] === 17 };
}

test("the first packets pass as they are; after enough of them a context comes up, and they still do", async () => {
  const { net, a, b } = await twoRoutable();
  talk(net, a, b, 2);
  assert.equal([a.delivered.length, b.delivered.length], [2, 2]);
  assert.equal([a.sent, b.sent].flat().filter(isControl), []);
  assert.equal(b.delivered[0], packetOf(a.ulid, b.ulid, 17, new Uint8Array(20).fill(7)));
  talk(net, a, b, 10);
  assert.equal(kinds(a).slice(0, 2), ["I1", "I2"]);
  assert.equal(kinds(b).slice(0, 2), ["R1", "R2"]);
  const [i1] = messagesOf(a.sent);
  assert.equal([i1.source, i1.destination], [a.ulid, b.ulid]);
  for (const [site, peer] of [
    [a, b],
    [b, a],
  ]) {
    assert.is(contextOf(site, peer)?.state, "ESTABLISHED");
    assert.equal(latest(site), { source: site.ulid, destination: peer.ulid, plain: true });
    assert.equal(
      contextOf(site, peer)?.peerLocators.map((each) => [each.address, each.verified]),
      peer.locators.map((locator) => [locator, true]),
    );
  }
  assert.equal([a.delivered.length, b.delivered.length], [12, 12]);
  assert.is(a.count("out-deferred-context"), 1);
  assert.is(b.count("out-deferred-context"), 0);
});

test("the provider of the ULID dies: packets go on by the other one, with a header, to the ULID as before", async () => {
  const { net, a, b } = await twoRoutable();
  talk(net, a, b, 10);
  net.disown(ALPHA.providers[0]);
  net.passes = (packet) => addressAt(packet, 8) !== a.ulid;
  const before = [a.delivered.length, b.delivered.length];
  talk(net, a, b, 200, 50);
  assert.equal([latest(a).source, latest(a).plain], [a.locators[1], false]);
  assert.ok(b.locators.includes(latest(a).destination));
  assert.equal([latest(b).destination, latest(b).plain], [a.locators[1], false]);
  assert.ok(a.delivered.length > before[0] + 150 && b.delivered.length > before[1] + 150);
  assert.equal(b.delivered.at(-1), packetOf(a.ulid, b.ulid, 17, new Uint8Array(20).fill(7)));
});

test("I1 goes where the packets go already, whatever the site prefers", async () => {
  const second: SitePlan = { ...alpha(3), routable: { subnet: prefix("2001:db8:a2:1::/64"), rules: after(3) } };
  const { net, a, b } = await twoRoutable(second);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: [b.locators[1], b.ulid] }]);
  talk(net, a, b, 5);
  const [i1] = messagesOf(a.sent);
  assert.equal([i1.message.kind, i1.source, i1.destination], ["I1", a.ulid, b.ulid]);
  assert.is(a.ulid, a.locators[1]);
  assert.equal(latest(a), { source: a.ulid, destination: b.ulid, plain: true });
});

test("both sides find at once that it is time: one context", async () => {
  const { net, a, b } = await twoRoutable(alpha(4), beta(4));
  talk(net, a, b, 12);
  assert.equal([contextOf(a, b)?.state, contextOf(b, a)?.state], ["ESTABLISHED", "ESTABLISHED"]);
  assert.is(contextOf(a, b)?.peerTag, contextOf(b, a)?.localTag);
  assert.equal([a.delivered.length, b.delivered.length], [12, 12]);
});

test("a single locator: takes part, but does not begin", async () => {
  const single: SitePlan = { ...alpha(3), providers: [ALPHA.providers[0]] };
  const { net, a, b } = await twoRoutable(single, beta(30));
  talk(net, a, b, 10);
  assert.equal([a.sent, b.sent].flat().filter(isControl), []);
  assert.ok(a.count("skip-one-locator") > 0);
  talk(net, a, b, 10);
  assert.equal([contextOf(a, b)?.state, contextOf(b, a)?.state], ["ESTABLISHED", "ESTABLISHED"]);
  net.disown(BETA.providers[0]);
  net.passes = (packet) => addressAt(packet, 8) !== b.ulid;
  const before = a.delivered.length;
  talk(net, a, b, 200, 50);
  assert.equal(latest(a), { source: a.ulid, destination: b.locators[1], plain: false });
  assert.ok(a.delivered.length > before + 150);
});

test("a host that made its address itself: its packets pass, nothing more", async () => {
  const { net, a, b } = await twoRoutable();
  const host = address("2001:db8:a1:1::1234");
  for (let i = 0; i < 20; i++) {
    a.plane.receive(packetOf(host, b.ulid, 17, new Uint8Array(20)));
    net.run(net.now + 10);
  }
  assert.is(b.delivered.length, 20);
  assert.ok(a.count("skip-no-cga") > 0);
  assert.equal(a.sent.filter(isControl), []);
});

test("a peer without Shim6 that says so: packets pass all the while, and it is not asked again during the hold-down", async () => {
  const { net, a } = await twoRoutable();
  const peer = address("2001:db8:e001::1");
  let asked = 0;
  net.passes = (packet) => {
    if (addressAt(packet, 24) === peer && isControl(packet)) {
      asked++;
      net.launch(emitIcmpError(peer, addressAt(packet, 8), { type: 4, code: 1, word: 6 }, packet));
    }
    return true;
  };
  for (let i = 0; i < 100; i++) {
    net.host(a, peer);
    a.plane.receive(packetOf(peer, a.ulid, 17, new Uint8Array(20)));
    net.run(net.now + 1000);
  }
  assert.is(asked, 1);
  const state = a.box.parts.shim6.find({ local: a.ulid, peer, fork: 0 })?.state;
  assert.is(state, "NO-SUPPORT");
  assert.is(net.strays.filter((each) => !isControl(each)).length, 100);
  assert.is(a.delivered.length, 100);
  assert.is(a.count("drop-unreachable-peer"), 0);
});

test("a peer that says nothing is asked ever more seldom", async () => {
  const { net, a } = await twoRoutable();
  const peer = address("2001:db8:e001::1");
  for (let i = 0; i < 3600; i++) {
    net.host(a, peer);
    net.run(net.now + 1000);
  }
  assert.is(net.strays.filter((each) => !isControl(each)).length, 3600);
  assert.is(a.count("out-deferred-context"), 6);
});

test("errors from the net: about a host's own packet they are the host's; made up, they are nobody's", async () => {
  const { net, a, b } = await twoRoutable(alpha(1000));
  net.host(a, b.ulid);
  const router = address("2001:db8:e001::1");
  const big = { type: 2, code: 0, word: 1300 };
  const about = (source: Address, octets: number) => packetOf(source, b.ulid, 17, new Uint8Array(octets));
  const errors = [
    [emitIcmpError(router, a.ulid, { type: 1, code: 0, word: 0 }, about(a.ulid, 60)), "in-plain-icmp6"],
    [emitIcmpError(router, a.ulid, big, about(a.ulid, 1400)), "in-plain-icmp6"],
    [emitIcmpError(router, a.ulid, { type: 1, code: 0, word: 0 }, about(b.ulid, 60)), "drop-foreign-icmp6"],
    [concat(emitIcmpError(router, a.ulid, big, about(a.ulid, 60)).fill(9, 50)), "drop-bad-sum-icmp6"],
  ] as const;
  for (const [packet, counter] of errors) {
    const [before, had] = [a.count(counter), a.delivered.length];
    a.plane.receive(packet);
    assert.is(a.count(counter), before + 1);
    assert.equal(a.delivered.slice(had), counter === "in-plain-icmp6" ? [packet] : []);
  }
});

test("errors from the net about a pair that has a context: REAP looks, and the path's MTU is known to it", async () => {
  const { net, a, b } = await twoRoutable();
  talk(net, a, b, 10);
  const router = address("2001:db8:e001::1");
  const delivered = a.delivered.length;
  a.plane.receive(emitIcmpError(router, a.ulid, { type: 1, code: 0, word: 0 }, packetOf(a.ulid, b.ulid, 17, new Uint8Array(60))));
  assert.is(a.count("in-doubt-icmp6"), 1);
  assert.is(a.delivered.length, delivered, "the box does something about it");
  net.run(net.now + 100);
  assert.ok(kinds(a).includes("Probe"));
  a.plane.receive(emitIcmpError(router, a.ulid, { type: 2, code: 0, word: 1300 }, packetOf(a.ulid, b.ulid, 17, new Uint8Array(60))));
  assert.is(a.count("drop-false-big-icmp6"), 1, "a packet of 100 octets is not too big for 1300");
});

test("a packet that is lost before the context is there is lost, nothing is held back", async () => {
  const { net, a, b } = await twoRoutable(alpha(1));
  net.passes = (packet) => !isControl(packet);
  net.host(a, b.ulid);
  net.run(net.now + 100);
  assert.equal([b.delivered.length, a.box.held.keys], [1, 0]);
  net.run(net.now + 200_000);
  assert.is(contextOf(a, b)?.peerTag, undefined);
});

test("the ULID's provider is dead from the start: the context comes up by the other one, and takes the host's next packet", async () => {
  const { net, a, b } = await twoRoutable(alpha(3));
  net.disown(ALPHA.providers[0]);
  net.passes = (packet) => addressAt(packet, 8) !== a.ulid;
  for (let i = 0; i < 20; i++) {
    net.host(a, b.ulid);
    net.run(net.now + 1000);
  }
  assert.is(contextOf(a, b)?.state, "ESTABLISHED");
  assert.equal(latest(a), { source: a.locators[1], destination: b.ulid, plain: false });
  assert.ok(b.delivered.length > 10);
});

test("to an unroutable ULID a routable one asks at once, as all do", async () => {
  const net = new BoxNet();
  const a = await net.add(alpha(1000));
  const b = await net.add(BETA);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  assert.is(contextOf(a, b)?.state, "ESTABLISHED");
  assert.equal(b.delivered, [packetOf(a.ulid, b.ulid, 17, new Uint8Array(20).fill(7))]);
  assert.is(latest(a).plain, false);
  const [payload] = a.sent.filter((each) => isControl(each) && parseControl(each) instanceof Reject);
  assert.ok(removePayloadHeader(payload, a.ulid, b.ulid) instanceof Uint8Array);
});

test("an I1 for a routable ULID of nobody is dropped", async () => {
  const { net, a, b } = await twoRoutable(alpha(1));
  net.host(a, b.ulid);
  const [i1] = messagesOf(a.sent);
  b.plane.receive(emitPacket(a.ulid, address("2001:db8:b3:1::99"), i1.message));
  assert.ok(!(parseControl(a.sent[1]) instanceof Refusal));
  assert.is(b.count("drop-foreign-locator-i1") + b.count("drop-foreign-ulid-i1"), 1);
});

test("due pairs, decided: what is known is left alone, the wait doubles, and is forgotten", async () => {
  const world = await twoRoutable();
  talk(world.net, world.a, world.b, 10);
  const view = contextOf(world.a, world.b);
  const [us, peer, other] = ["2001:db8:a1:1::1", "2001:db8:b3:1::1", "2001:db8:b3:1::2"].map(address);
  const asked: UlidPair[] = [];
  const counts: string[] = [];
  let known = false;
  const locators = [us, us].map((each) => ({ address: each, method: 2 }));
  const identity: Pick<LocalIdentity, "ulid" | "list"> = { ulid: us, list: { generation: 1, locators } };
  const deferral = new Deferral({
    shim6: { find: () => (known ? view : undefined) },
    identities: { of: (ulid) => (ulid === us ? { ...identity, preferences: [], pds: new Uint8Array(), signature: undefined } : undefined) },
    count: (name) => void counts.push(name),
    need: (pair) => void asked.push(pair),
  });
  const header = (source: Address, destination: Address) => packetOf(source, destination, 6, new Uint8Array());
  const table: readonly (readonly [number, Uint8Array, boolean, string])[] = [
    [0, header(us, peer), true, "known"],
    [0, header(us, peer), false, "out-deferred-context"],
    [59_999, header(us, peer), false, "skip-asked-lately"],
    [59_999, header(other, us), false, "out-deferred-context"],
    [60_000, header(peer, us), false, "out-deferred-context"],
    [179_999, header(us, peer), false, "skip-asked-lately"],
    [180_000, header(us, peer), false, "out-deferred-context"],
    [420_000, header(us, peer), false, "out-deferred-context"],
    [899_999, header(us, peer), false, "skip-asked-lately"],
    [2_280_001, header(us, peer), false, "out-deferred-context"],
    [2_340_001, header(us, peer), false, "out-deferred-context"],
    [2_340_001, header(peer, other), false, "skip-no-cga"],
  ];
  for (const [now, packet, isKnown, counter] of table) {
    known = isKnown;
    counts.length = 0;
    deferral.due(packet, now);
    assert.equal(counts, isKnown ? [] : [counter], `at ${now}`);
  }
  assert.is(asked.length, 7);
  assert.ok(asked.every((pair) => pair.local === us));
});

test.run();
