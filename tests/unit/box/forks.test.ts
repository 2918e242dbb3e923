/** Whole boxes with rules about ports: which provider carries which flow of one pair of hosts, and what happens when one dies, or the peer knows no forks. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FORK_AGAIN } from "../../../runtime/box/forks.ts";
import { withForks } from "../../../runtime/policy/forks.ts";
import { EVERY_FLOW, type PolicyMatch, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import type { ContextView } from "../../../runtime/shim6/contract.ts";
import { address, addressAt, type Ulid } from "../../../runtime/value/address.ts";
import { putU16 } from "../../../runtime/value/bytes.ts";
import { contains, prefix } from "../../../runtime/value/prefix.ts";
import { emitIcmpError, findOption } from "../../../runtime/wire/index.ts";
import { ALPHA, BETA, BoxNet, messagesOf, type SiteBox } from "../../lib/boxpair.ts";
import { packetOf } from "../../lib/packet.ts";

const UDP = 17;
const SIP = 5060;
const HTTP = 80;
const [ISP1, ISP2] = ALPHA.providers;

const rule = (use: PolicyUse, match: Partial<PolicyMatch> = {}, name = "voice"): PolicyRule => ({
  name,
  match: { ...EVERY_FLOW, protocols: [UDP], ports: [{ first: SIP, last: SIP }], ...match },
  use,
});
const PREFER = rule({ kind: "prefer", providers: ["isp2"] });
const PIN = rule({ kind: "pin", provider: "isp2" });

interface World {
  readonly net: BoxNet;
  readonly a: SiteBox;
  readonly b: SiteBox;
}

async function world(rules: readonly PolicyRule[], peerRules: readonly PolicyRule[] = []): Promise<World> {
  const net = new BoxNet();
  const providersOf = (plan: typeof ALPHA) =>
    plan.providers.map((each, i) => ({ name: `isp${i + 1}`, prefix: each, priority: 10 * i, weight: 10 }));
  const a = await net.add({
    ...ALPHA,
    change: { policy: rules, providers: providersOf(ALPHA), ulid: { routable: [], prefix: ALPHA.ulids } },
  });
  const b = await net.add(
    { ...BETA, change: { policy: peerRules, providers: providersOf(BETA), ulid: { routable: [], prefix: BETA.ulids } } },
    [{ ulid: a.ulid, locators: a.locators }],
  );
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  return { net, a, b };
}

function datagram(from: Ulid, to: Ulid, port: number, octets = 32): Uint8Array {
  const body = new Uint8Array(octets).fill(7);
  putU16(body, 0, 40_000);
  putU16(body, 2, port);
  putU16(body, 4, octets);
  putU16(body, 6, 0x1234);
  return packetOf(from, to, UDP, body);
}

/** What `run` puts on the wire with a payload header, as the provider of its source. */
function carried({ sent }: SiteBox, run: () => void): string[] {
  const before = sent.length;
  run();
  return sent.slice(before).flatMap((packet) => ((packet[42] & 0x80) === 0 ? [] : [providerOf(packet)]));
}

function providerOf(packet: Uint8Array): string {
  const source = addressAt(packet, 8);
  return contains(ISP1, source) ? "isp1" : contains(ISP2, source) ? "isp2" : "other";
}

function sends({ net, a, b }: World, port: number, count = 1, octets = 32): string[] {
  return carried(a, () => {
    for (let i = 0; i < count; i++) {
      a.plane.receive(datagram(a.ulid, b.ulid, port, octets));
      net.run(net.now + 20);
    }
  });
}

/** Both flows, both ways, for so many milliseconds. */
function talk({ net, a, b }: World, millis: number): void {
  const end = net.now + millis;
  while (net.now < end) {
    for (const port of [SIP, HTTP]) {
      a.plane.receive(datagram(a.ulid, b.ulid, port));
      b.plane.receive(datagram(b.ulid, a.ulid, port));
    }
    net.run(net.now + 50);
  }
}

function contextsOf({ box }: SiteBox): ContextView[] {
  return [...box.parts.shim6.contexts()].sort((x, y) => x.pair.fork - y.pair.fork);
}

/** Whether the packet is an I1 for a fork. */
function isForkI1(packet: Uint8Array): boolean {
  return messagesOf([packet]).some(({ message }) => message.kind === "I1" && findOption(message.options, "forked-instance") !== undefined);
}

/** Instance of the context that a flow to `port` goes on now. */
function carrierOf({ a, b }: World, port: number): number {
  const flow = { protocol: UDP, sourcePort: undefined, destinationPort: port, class: 0 };
  return a.box.carrierOf({ local: a.ulid, peer: b.ulid, fork: 0 }, flow).fork;
}

test("voice goes by isp2 and the rest by isp1; nothing waits for the fork", async () => {
  const at = await world([PREFER]);
  assert.is(carrierOf(at, SIP), 0);
  assert.equal(sends(at, SIP), ["isp1"], "the first packet goes with the default context");
  at.net.run(at.net.now + 500);
  assert.equal(sends(at, SIP, 3), ["isp2", "isp2", "isp2"]);
  assert.equal(sends(at, HTTP, 3), ["isp1", "isp1", "isp1"]);
  assert.is(at.b.delivered.length, 7);
  const [base, fork] = contextsOf(at.a);
  assert.is(base.pair.fork, 0);
  assert.is(at.a.box.ruleOf(fork.pair), "voice");
  assert.equal([carrierOf(at, SIP), carrierOf(at, HTTP)], [fork.pair.fork, 0]);
  assert.is(at.a.box.ruleOf(base.pair), undefined);
  assert.equal(
    contextsOf(at.b).map(({ state }) => state),
    ["ESTABLISHED", "ESTABLISHED"],
  );
});

test("what a rule pins waits for its fork and leaves on no other provider", async () => {
  const at = await world([PIN]);
  assert.ok(carrierOf(at, SIP) !== 0);
  const seen = sends(at, SIP, 3);
  at.net.run(at.net.now + 500);
  assert.equal([...seen, ...sends(at, SIP, 3)], Array(6).fill("isp2"));
  assert.equal(sends(at, HTTP, 2), ["isp1", "isp1"]);
  assert.is(at.b.delivered.length, 8);
});

test("isp2 dies: voice moves to isp1, and web does not notice; a flow that is pinned stays where it is", async () => {
  for (const use of [PREFER, PIN]) {
    const at = await world([use]);
    talk(at, 1_000);
    const [base, fork] = contextsOf(at.a);
    assert.equal(sends(at, SIP), ["isp2"]);
    at.net.passes = (packet) => !contains(ISP2, addressAt(packet, 8)) && !contains(ISP2, addressAt(packet, 24));
    const before = at.b.delivered.length;
    talk(at, 30_000);
    assert.is(at.a.box.parts.reap.currentOf(fork.id)?.local, use === PREFER ? at.a.locators[0] : at.a.locators[1]);
    const moves = at.a.box.events.filter(
      ({ kind, text }) => (kind === "moved" || kind === "state") && text.startsWith(`context ${base.id}:`),
    );
    assert.equal(moves, [], "web does not notice");
    const web = at.b.delivered.slice(before).filter((packet) => packet[43] === (HTTP & 0xff)).length;
    assert.is(web, 600);
    if (use === PREFER) assert.equal(sends(at, SIP, 2), ["isp1", "isp1"]);
    else assert.equal(sends(at, SIP, 2), []);
  }
});

test("a peer that does not answer forks: voice goes with the rest, it is said once, and asked again later", async () => {
  const at = await world([PREFER]);
  let asked = 0;
  at.net.passes = (packet) => {
    if (!isForkI1(packet)) return true;
    asked++;
    return false;
  };
  const voice = sends(at, SIP, 20);
  assert.equal(voice, Array(20).fill("isp1"));
  assert.ok(asked > 0);
  const said = () => at.a.box.events.filter(({ kind }) => kind === "failed").length;
  const talked = () => at.a.box.parts.core.totals().get("punt-fork");
  const end = at.net.now + 200_000;
  while (said() === 0 && at.net.now < end) at.net.run(at.net.now + 1_000);
  assert.is(said(), 1);
  const first = talked();
  assert.equal(sends(at, SIP, 5), Array(5).fill("isp1"));
  assert.is(talked(), first, "the core knows: nothing is punted");
  const before = asked;
  at.net.run(at.net.now + FORK_AGAIN + 1_000);
  sends(at, SIP);
  at.net.run(at.net.now + 200_000);
  assert.ok(asked > before);
  assert.is(said(), 1);
  at.net.passes = () => true;
  at.net.run(at.net.now + 3 * FORK_AGAIN);
  sends(at, SIP);
  at.net.run(at.net.now + 1_000);
  assert.equal(sends(at, SIP), ["isp2"]);
});

test("a peer that does not answer forks: what is pinned is refused", async () => {
  const at = await world([PIN]);
  at.net.passes = (packet) => !isForkI1(packet);
  assert.equal(sends(at, SIP, 2), []);
  assert.equal(sends(at, HTTP), ["isp1"]);
  at.net.run(at.net.now + 200_000);
  assert.equal(sends(at, HTTP), ["isp1"]);
  assert.ok(at.a.count("drop-unreachable-peer") >= 2);
  assert.equal(sends(at, SIP), []);
});

test("the default context stays as long as a fork is used, and goes with it", async () => {
  const at = await world([PREFER]);
  sends(at, HTTP);
  for (let minute = 0; minute < 20; minute++) {
    sends(at, SIP);
    at.net.run(at.net.now + 60_000);
  }
  assert.is(contextsOf(at.a).length, 2);
  assert.equal(sends(at, SIP), ["isp2"]);
  at.net.run(at.net.now + 320_000);
  assert.is(contextsOf(at.a).length, 0);
  assert.is(at.b.delivered.length, 22);
});

test("whoever discards a default context discards its forks; one of the forks alone comes again", async () => {
  const at = await world([PREFER]);
  talk(at, 500);
  const [, fork] = contextsOf(at.a);
  at.a.box.discard(fork.id);
  assert.is(contextsOf(at.a).length, 1);
  assert.equal(sends(at, SIP), ["isp1"]);
  at.net.run(at.net.now + 500);
  assert.equal(sends(at, SIP), ["isp2"]);
  const [base] = contextsOf(at.a);
  at.a.box.discard(base.id);
  assert.is(contextsOf(at.a).length, 0);
});

test("other rules: flows go back to the default context, and to forks again, without a packet lost", async () => {
  const at = await world([PREFER]);
  talk(at, 500);
  const { settings } = at.a.box;
  const change = (rules: readonly PolicyRule[]) => {
    at.a.box.configure({ ...settings, policy: settings.policy && { ...settings.policy, rules: withForks(rules, "") } });
    at.net.run(at.net.now + 50);
  };
  for (let round = 0; round < 6; round++) {
    change([]);
    assert.equal(sends(at, SIP), ["isp1"]);
    change([rule({ kind: "default" }, { ports: [{ first: HTTP, last: HTTP }] }, "web"), PREFER]);
    assert.equal(sends(at, SIP), ["isp2"]);
  }
  assert.is(at.a.count("drop-hold-full"), 0);
});

test("two sites with the same rule share the fork, and each sends on the provider that it wants", async () => {
  const at = await world([PREFER], [PREFER]);
  talk(at, 3_000);
  assert.equal(
    [at.a, at.b].map((site) => contextsOf(site).length),
    [2, 2],
  );
  const [, fork] = contextsOf(at.a);
  const [, theirs] = contextsOf(at.b);
  assert.is(theirs.pair.fork, fork.pair.fork);
  assert.is(at.a.box.parts.reap.currentOf(fork.id)?.local, at.a.locators[1]);
  assert.is(at.b.box.parts.reap.currentOf(theirs.id)?.local, at.b.locators[1]);
});

test("rules that pin have forks of their site's own", async () => {
  const at = await world([PIN], [PIN]);
  talk(at, 3_000);
  assert.is(contextsOf(at.a).length, 3);
  const theirs = contextsOf(at.a).filter(({ pair }) => pair.fork !== 0 && at.a.box.ruleOf(pair) === undefined);
  assert.is(theirs.length, 1);
});

test("a peer without rules answers on its default context, and the fork hears signs of life", async () => {
  const at = await world([PREFER]);
  talk(at, 60_000);
  assert.equal(
    at.a.box.events.filter(({ kind }) => kind === "state").map(({ text }) => text),
    [],
  );
  const [, fork] = contextsOf(at.b);
  assert.is(at.b.box.parts.core.counters(fork.id).packetsOut, 0);
});

test("fragments of a datagram go with the default context, since only the first of them shows ports", async () => {
  const at = await world([PREFER]);
  talk(at, 500);
  const whole = datagram(at.a.ulid, at.b.ulid, SIP);
  const fragment = (offset: number) =>
    packetOf(at.a.ulid, at.b.ulid, 44, Uint8Array.from([UDP, 0, offset >> 8, offset & 0xff, 0, 0, 0, 9, ...whole.subarray(40)]));
  const seen = carried(at.a, () => {
    for (const offset of [1, 32]) at.a.plane.receive(fragment(offset));
    at.net.run(at.net.now + 50);
  });
  assert.equal(seen, ["isp1", "isp1"]);
});

test("an ICMPv6 error finds the fork by its tag; what its path does not carry is cut, and leaves where the rule wants it", async () => {
  const at = await world([PIN]);
  const { net, a, b } = at;
  talk(at, 500);
  const [, fork] = contextsOf(a);
  const [large] = [1_240].map((octets) => datagram(a.ulid, b.ulid, SIP, octets));
  a.plane.receive(large);
  net.run(net.now + 50);
  const sent = a.sent.find(({ length }) => length === 1_288);
  assert.ok(sent !== undefined);
  net.launch(emitIcmpError(address("2001:db8:ffff::1"), a.locators[1], { type: 2, code: 0, word: 1_280 }, sent));
  net.run(net.now + 50);
  assert.is(a.count("in-path-mtu"), 1);
  const before = b.delivered.length;
  const seen = carried(a, () => {
    a.plane.receive(large);
    net.run(net.now + 50);
  });
  assert.equal(seen, ["isp2", "isp2"]);
  assert.equal(
    b.delivered.slice(before).map((packet) => packet[6]),
    [44, 44],
  );
  assert.is(a.box.parts.core.counters(fork.id).lastSent, net.now - 50);
});

test("a rule that wants another provider now: the fork moves, and stays the same context", async () => {
  const at = await world([PREFER]);
  talk(at, 500);
  const [, fork] = contextsOf(at.a);
  const { settings } = at.a.box;
  const rules = withForks([rule({ kind: "prefer", providers: ["isp1"] })], "");
  at.a.box.configure({ ...settings, policy: settings.policy && { ...settings.policy, rules } });
  at.a.box.moves.refresh();
  talk(at, 10_000);
  assert.equal(sends(at, SIP), ["isp1"]);
  assert.is(contextsOf(at.a)[1]?.id, fork.id);
});

test("a rule that holds for hours: flows go to the fork when it begins, and back when it ends", async () => {
  // The clock of these worlds is that of the calendar: 1970-01-01 was a Thursday.
  const start = new Date(1000);
  const minute = start.getHours() * 60 + start.getMinutes();
  const days = [0, 1, 2, 3, 4, 5, 6];
  const at = await world([
    rule({ kind: "prefer", providers: ["isp2"] }, { when: [{ days, from: (minute + 2) % 1_440, to: (minute + 4) % 1_440 || 1_440 }] }),
  ]);
  const steady = () => {
    sends(at, SIP);
    at.net.run(at.net.now + 1_000);
    return sends(at, SIP);
  };
  assert.equal(steady(), ["isp1"]);
  at.net.run(1_000 + 150_000);
  assert.equal(steady(), ["isp2"]);
  at.net.run(1_000 + 270_000);
  assert.equal(steady(), ["isp1"]);
});

test("rules for other peers, and rules behind one that takes everything, need no fork", async () => {
  for (const rules of [
    [rule({ kind: "pin", provider: "isp2" }, { to: [prefix("fc00:cccc::/32")] })],
    [rule({ kind: "avoid", providers: ["isp2"] }, { protocols: undefined, ports: undefined }, "all"), PIN],
  ]) {
    const at = await world(rules);
    assert.equal(sends(at, SIP, 2), ["isp1", "isp1"]);
    assert.is(contextsOf(at.a).length, 1);
  }
});

test.run();
