/** Live contexts follow the site's will: reloads, hours, drained and restored providers, lines and paths that come back, meters, loads. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type BoxSite, reconfigureBox } from "../../../runtime/box/assemble.ts";
import { minuteOfWeek } from "../../../runtime/policy/hours.ts";
import { EVERY_FLOW, type Failback, type PolicyMatch, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import { addressAt } from "../../../runtime/value/address.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";
import { WORST_PRIORITY } from "../../../runtime/wire/message.ts";
import { ALPHA, BETA, BoxNet, messagesOf, type SiteBox } from "../../lib/boxpair.ts";

const [ISP1, ISP2] = ALPHA.providers.map(showPrefix);
const AT_ONCE: Failback = { kind: "after", hold: 0 };
const HOLD = 60_000;

type Change = Partial<BoxSite>;

interface World {
  readonly net: BoxNet;
  readonly a: SiteBox;
  readonly b: SiteBox;
  /** Another site.yaml for a. */
  reload(change: Change): void;
}

const named = (plan: typeof ALPHA, priorities: readonly number[] = [0, 10], more: readonly object[] = []): BoxSite["providers"] =>
  plan.providers.map((each, i) => ({ name: `isp${i + 1}`, prefix: each, priority: priorities[i], weight: 10, ...more[i] }));

function rule(use: PolicyUse, match: Partial<PolicyMatch> = {}, failback?: Failback): PolicyRule {
  return { name: use.kind, match: { ...EVERY_FLOW, ...match }, use, failback };
}

/** A context between the hosts, payload both ways, siblings' proofs old. */
async function world(change: Change = {}): Promise<World> {
  const net = new BoxNet();
  const a = await net.add({ ...ALPHA, change: { providers: named(ALPHA), ...change } });
  const b = await net.add({ ...BETA, change: { providers: named(BETA) } }, [{ ulid: a.ulid, locators: a.locators }]);
  const bindings = [{ ulid: b.ulid, locators: b.locators }];
  a.box.parts.bindings.setStatic(bindings);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  net.host(b, a.ulid);
  net.run(net.now + 8_000);
  assert.equal([a.delivered.length, b.delivered.length], [1, 1]);
  return {
    net,
    a,
    b,
    reload: (next) =>
      reconfigureBox(a.box, {
        contexts: { max: 256, idle: 300_000 },
        hold: { packets: 16, octets: 32_768, total: 262_144 },
        reap: { profile: "fast" },
        bindings,
        providers: named(ALPHA),
        ...next,
      }),
  };
}

const pairOf = ({ box }: SiteBox) => {
  const [context] = [...box.parts.shim6.contexts()];
  return box.parts.reap.currentOf(context.id);
};
const at = (side: SiteBox): number => side.locators.map(String).indexOf(pairOf(side)?.local ?? "") + 1;
const moves = (side: SiteBox): string[] =>
  [...side.box.counters.entries()].flatMap(([name, count]) => (name.startsWith("move-") ? [`${name.slice(5)} ${count}`] : []));

/** Packets both ways every 20 ms; every one must arrive, and nobody explores. */
function talk({ net, a, b }: World, duration: number): void {
  const before = [a.delivered.length, b.delivered.length];
  const events = [a, b].map(({ box }) => box.events.length);
  let sent = 0;
  for (const end = net.now + duration; net.now < end; sent++) {
    net.host(a, b.ulid);
    net.host(b, a.ulid);
    net.run(net.now + 20);
  }
  net.run(net.now + 50);
  assert.equal([a.delivered.length - before[0], b.delivered.length - before[1]], [sent, sent]);
  const explored = [a, b].flatMap(({ box }, i) => box.events.slice(events[i]).filter(({ kind }) => kind === "state"));
  assert.equal(explored, []);
}

function broken({ a }: World, prefixes: readonly string[]): void {
  const { identities, shim6 } = a.box.parts;
  if (identities.setBroken(new Set(prefixes), shim6.untold > 0)) a.box.identityChanged();
}

/** What crosses the network by a's locator `number`, either way. */
const goesBy = ({ a }: World, packet: Uint8Array, number: number) =>
  [8, 24].some((offset) => addressAt(packet, offset) === a.locators[number - 1]);

test("a reload pins the context elsewhere: it moves, the peer follows, nothing is lost", async () => {
  const all = await world();
  all.reload({ policy: [rule({ kind: "pin", provider: "isp2" })] });
  talk(all, 1_000);
  assert.equal([at(all.a), pairOf(all.b)?.peer], [2, all.a.locators[1]]);
  assert.equal(moves(all.a), ["policy 1"]);
  assert.equal(moves(all.b), ["peer 1"]);
  const [{ peerLocators }] = [...all.b.box.parts.shim6.contexts()];
  assert.equal(
    peerLocators.map(({ preference: { flags, priority } }) => [flags, priority]),
    [
      [0, WORST_PRIORITY],
      [0, 0],
    ],
    "what is forbidden ranks worst and is not BROKEN",
  );
  all.reload({ policy: [rule({ kind: "pin", provider: "isp1" })] });
  talk(all, 1_000);
  assert.equal([at(all.a), pairOf(all.b)?.peer], [1, all.a.locators[0]]);
});

test("a pinned context never goes elsewhere, not even when its provider dies", async () => {
  const all = await world();
  all.reload({ policy: [rule({ kind: "pin", provider: "isp2" })] });
  talk(all, 1_000);
  all.net.passes = (packet) => !goesBy(all, packet, 2);
  for (let i = 0; i < 200; i++) {
    all.net.host(all.a, all.b.ulid);
    all.net.run(all.net.now + 50);
  }
  assert.is(at(all.a), 2);
});

test("a reload about others, of weights among equals, or of nothing moves nobody who is where it should be", async () => {
  const all = await world();
  all.reload({ policy: [rule({ kind: "pin", provider: "isp2" }, { to: [BETA.providers[0]] })] });
  talk(all, 1_000);
  all.reload({});
  talk(all, 1_000);
  all.reload({ policy: [rule({ kind: "prefer", providers: ["isp1", "isp2"] })] });
  talk(all, 1_000);
  assert.equal([at(all.a), moves(all.a), moves(all.b)], [1, [], []]);
});

test("other priorities move it, and the peer's direction with it", async () => {
  const all = await world();
  all.reload({ providers: named(ALPHA, [20, 10]) });
  talk(all, 2_000);
  assert.equal([at(all.a), moves(all.a)], [2, ["policy 1"]]);
  assert.equal([pairOf(all.b)?.peer, moves(all.b)], [all.a.locators[1], ["peer 1"]]);
});

test("a rule's hours begin and end", async () => {
  const all = await world();
  const minute = (minuteOfWeek(all.net.now) + 2) % 1_440;
  const when = [{ days: [0, 1, 2, 3, 4, 5, 6], from: minute, to: minute + 2 }];
  all.reload({ policy: [rule({ kind: "prefer", providers: ["isp2"] }, { when })] });
  talk(all, 30_000);
  assert.is(at(all.a), 1);
  talk(all, 95_000);
  assert.equal([at(all.a), moves(all.a)], [2, ["hour 1"]]);
  talk(all, 130_000);
  assert.equal([at(all.a), moves(all.a)], [1, ["hour 2"]]);
});

for (const [how, failback, early, late] of [
  ["by default after a minute", undefined, HOLD - 5_000, 20_000],
  ["after two minutes", { kind: "after", hold: 2 * HOLD }, 2 * HOLD - 5_000, 20_000],
  ["at once", AT_ONCE, 0, 7_000],
] as const) {
  test(`a drained provider is restored: contexts go back ${how}`, async () => {
    const all = await world(failback && { failback });
    all.a.box.moves.set(new Set([ISP1]));
    talk(all, 2_000);
    assert.equal([at(all.a), moves(all.a)], [2, ["drain 1"]]);
    all.a.box.moves.set(new Set());
    if (early > 0) talk(all, early);
    if (early > 0) assert.is(at(all.a), 2);
    talk(all, late);
    assert.equal([at(all.a), moves(all.a)], [1, ["drain 1", "restore 1"]]);
  });
}

test("never: they stay; when idle: they go when nobody looks; a rule says it before the site does", async () => {
  for (const [failback, policy] of [
    [{ kind: "never" }, []],
    [AT_ONCE, [rule({ kind: "default" }, {}, { kind: "never" })]],
  ] as const) {
    const all = await world({ failback, policy });
    broken(all, [ISP1]);
    all.net.run(all.net.now + 1_000);
    broken(all, []);
    talk(all, 90_000);
    assert.is(at(all.a), 2);
  }
  const idle = await world({ failback: { kind: "idle" } });
  broken(idle, [ISP1]);
  idle.net.run(idle.net.now + 1_000);
  broken(idle, []);
  talk(idle, 90_000);
  assert.is(at(idle.a), 2, "it is never idle");
  idle.net.run(idle.net.now + 30_000);
  assert.equal([at(idle.a), moves(idle.a).includes("failback 1")], [1, true]);
});

test("the line is back, and the path behind it is dead: nobody goes there, and one question in a while is all", async () => {
  const all = await world();
  broken(all, [ISP1]);
  all.net.run(all.net.now + 1_000);
  all.net.passes = (packet) => !goesBy(all, packet, 1);
  broken(all, []);
  const before = all.a.count("out-locator-question");
  talk(all, 3 * HOLD);
  assert.is(at(all.a), 2);
  const questions = all.a.count("out-locator-question") - before;
  assert.ok(questions > 10 && questions <= 3 * 19, String(questions));
  all.net.passes = () => true;
  talk(all, HOLD - 5_000);
  assert.is(at(all.a), 2);
  talk(all, 40_000);
  assert.is(at(all.a), 1);
});

for (const priorities of [
  [0, 10],
  [10, 10],
]) {
  test(`a path dies and works again, priorities ${priorities.join(" and ")}: nobody told of it, and contexts go back`, async () => {
    const all = await world({ providers: named(ALPHA, priorities) });
    const home = at(all.a);
    all.net.passes = (packet) => !goesBy(all, packet, home);
    for (let i = 0; i < 100; i++) {
      all.net.host(all.a, all.b.ulid);
      all.net.host(all.b, all.a.ulid);
      all.net.run(all.net.now + 20);
    }
    assert.equal([at(all.a), moves(all.a)], [3 - home, ["failure 1"]]);
    talk(all, 2 * HOLD);
    assert.is(at(all.a), 3 - home);
    all.net.passes = () => true;
    talk(all, HOLD - 10_000);
    assert.is(at(all.a), 3 - home);
    talk(all, 45_000);
    assert.equal([at(all.a), moves(all.a)], [home, ["failure 1", "failback 1"]]);
    // The peer's direction goes back where we rank that locator better.
    assert.is(pairOf(all.b)?.peer === all.a.locators[home - 1], priorities[0] !== priorities[1]);
  });
}

test("a metered provider is the last resort and left as soon as another works", async () => {
  const all = await world({ providers: named(ALPHA, [0, 10], [{ metered: true }]), failback: { kind: "never" } });
  assert.is(at(all.a), 2, "whatever the priorities say");
  broken(all, [ISP2]);
  all.net.run(all.net.now + 1_000);
  assert.is(at(all.a), 1);
  broken(all, []);
  talk(all, 7_000);
  assert.equal([at(all.a), moves(all.a).includes("metered 1")], [2, true]);
  all.reload({ providers: named(ALPHA, [0, 10], [{ metered: true }]), policy: [rule({ kind: "pin", provider: "isp1" })] });
  talk(all, 7_000);
  assert.is(at(all.a), 1, "a rule that names it uses it");
});

test("of several with one priority the one that costs least", async () => {
  const all = await world({ providers: named(ALPHA, [10, 10], [{ cost: 5 }, { cost: 2 }]) });
  assert.is(at(all.a), 2);
  all.reload({ providers: named(ALPHA, [10, 10], [{ cost: 1 }, { cost: 2 }]) });
  talk(all, 2_000);
  assert.equal([at(all.a), moves(all.a)], [1, ["policy 1"]]);
});

test("a better provider is added: contexts go there when it has worked for a while", async () => {
  const all = await world({ providers: named(ALPHA).slice(1) });
  assert.is(at(all.a), 2);
  all.reload({});
  talk(all, HOLD - 5_000);
  assert.is(at(all.a), 2);
  talk(all, 20_000);
  assert.equal([at(all.a), moves(all.a)], [1, ["policy 1"]]);
});

test("a full provider: live contexts stay, new ones take the next, and go back when there has been room for a while", async () => {
  const all = await world();
  const { net, a, b } = all;
  a.box.setFull(new Set([ISP1]));
  talk(all, 2_000);
  assert.is(at(a), 1);
  for (const side of [a, b]) side.box.discard([...side.box.parts.shim6.contexts()][0].id);
  net.host(a, b.ulid);
  net.run(net.now + 500);
  net.host(b, a.ulid);
  net.run(net.now + 500);
  talk(all, 2 * HOLD);
  assert.is(at(a), 2, "it is not moved to what is full");
  a.box.setFull(new Set());
  talk(all, HOLD - 5_000);
  assert.is(at(a), 2);
  talk(all, 20_000);
  assert.is(at(a), 1);
});

test("a peer that begins on the wrong provider: our direction goes where the rule wants it", async () => {
  const net = new BoxNet();
  const policy = [rule({ kind: "pin", provider: "isp2" })];
  const a = await net.add({ ...ALPHA, change: { providers: named(ALPHA), policy } });
  const b = await net.add({ ...BETA, change: { providers: named(BETA) } }, [{ ulid: a.ulid, locators: a.locators.slice(0, 1) }]);
  net.host(b, a.ulid);
  net.run(net.now + 3_000);
  net.host(a, b.ulid);
  net.run(net.now + 3_000);
  assert.equal([a.delivered.length, b.delivered.length], [1, 1]);
  assert.equal([at(a), pairOf(b)?.peer], [2, a.locators[1]]);
});

test("towards a peer that keeps to the RFCs contexts go back when they are idle, by a Probe", async () => {
  const all = await world({ failback: AT_ONCE, reap: { profile: "rfc5534" } });
  broken(all, [ISP1]);
  all.net.run(all.net.now + 5_000);
  assert.is(at(all.a), 2);
  broken(all, []);
  all.net.run(all.net.now + 120_000);
  assert.is(at(all.a), 1);
  assert.ok(messagesOf(all.a.sent).some(({ message }) => message.kind === "Probe"));
});

test.run();
