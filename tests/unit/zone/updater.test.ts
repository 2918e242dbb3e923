/** The updater against a name server in memory: what is there in the end, what is sent, what is said. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CLASS_ANY, OPCODE_UPDATE, TYPE_AAAA, TYPE_TXT } from "../../../runtime/wire/dns.ts";
import { dnsName } from "../../../runtime/wire/dns-name.ts";
import { ANSWER_LIMIT, LOOK_INTERVAL, RETRY_MOST } from "../../../runtime/zone/updater.ts";
import { type Fate, Updating } from "../../lib/updating.ts";
import { hostOf, ISP1, ISP2, KEY, ORIGIN, REVERSE, read, shown } from "../../lib/zone.ts";

/** Update messages that were sent. */
function sent(world: Updating) {
  return world.effects
    .flatMap((effect) => (effect.kind === "open" ? [read(effect.octets)] : []))
    .filter(({ opcode }) => opcode === OPCODE_UPDATE);
}

test("hosts come and go, providers too; each time the fewest records", () => {
  const world = new Updating();
  world.want([hostOf(1, "a"), hostOf(2)], [ISP1]);
  assert.is(world.run(), 4, "a look and an update for each of two zones");
  assert.equal(world.there, world.wanted);
  assert.is(world.updater.pending, 0);
  assert.is(world.run(), 0);

  world.want([hostOf(2), hostOf(3, "c")], [ISP1]);
  assert.is(world.run(), 2);
  assert.equal(world.there, world.wanted);

  world.want([hostOf(2), hostOf(3, "c")], [ISP1, ISP2]);
  assert.is(world.run(), 1, "the reverse zone does not change");
  assert.equal(world.there, world.wanted);
  assert.is(sent(world).at(-1)?.authority.length, 2, "one address a host");
  assert.equal(world.told, []);
});

test("after a restart it looks, and sends what differs: also what left meanwhile", () => {
  const world = new Updating();
  world.want([hostOf(1, "a"), hostOf(2, "b")], [ISP1]);
  world.run();
  world.contents = [];
  world.restart();
  world.want([hostOf(2, "b"), hostOf(3, "c")], [ISP1]);
  const before = sent(world).length;
  world.run();
  assert.equal(world.there, world.wanted);
  assert.is(sent(world).slice(before)[0].authority.length, 4, "two go, two come");
  world.restart();
  assert.is(world.run(), 2, "two looks, and nothing to do");
});

test("what somebody else put there stays", () => {
  const world = new Updating();
  const other = (name: string, type: number) => ({ name: dnsName(name), type, class: 1, ttl: 60, data: Uint8Array.of(1, 2) });
  const address = { ...other("www.alpha.example", TYPE_AAAA), data: new Uint8Array(16) };
  const stranger = { ...other("x.alpha.example", 65_280), data: new Uint8Array(16).fill(0xfd) };
  world.server.zones.set(ORIGIN, [other("alpha.example", TYPE_TXT), address, other("a.alpha.example", TYPE_TXT), stranger]);
  world.want([hostOf(1, "a")], [ISP1]);
  world.run();
  const kept = shown([other("alpha.example", TYPE_TXT), address, other("a.alpha.example", TYPE_TXT), stranger]);
  assert.equal(world.there, [...world.wanted, ...kept].sort());
  world.want([], [ISP1]);
  world.run();
  assert.equal(world.there, kept);
});

test("a host's own word takes no name that is there; one that the site named does", () => {
  const world = new Updating();
  const www = { name: dnsName("www.alpha.example"), type: TYPE_AAAA, class: 1, ttl: 60, data: new Uint8Array(16) };
  world.server.zones.set(ORIGIN, [www]);
  world.want([hostOf(1, "www", true)], [ISP1]);
  world.run();
  assert.ok(world.foreign?.has("www"));
  world.want([hostOf(1, "www", true)], [ISP1]);
  world.run();
  assert.equal(world.there, [...world.wanted, ...shown([www])].sort());
  assert.ok(world.there.some((line) => line.startsWith("h-00000000000000000001.")));

  world.want([hostOf(1, "www")], [ISP1]);
  world.run();
  assert.equal(world.there, world.wanted, "the old address is gone");
});

test("a name that appears between the look and the claim: the prerequisite fails, and it looks again", () => {
  const world = new Updating();
  world.want([], [ISP1]);
  world.run();
  const mail = { name: dnsName("mail.alpha.example"), type: TYPE_AAAA, class: 1, ttl: 60, data: new Uint8Array(16) };
  world.server.zones.set(ORIGIN, [mail]);
  world.want([hostOf(1, "mail", true)], [ISP1]);
  world.run();
  assert.ok(!world.there.some((line) => line.startsWith("mail.alpha.example 65280")));
  world.run(world.now + 10_000);
  assert.ok(world.foreign?.has("mail"));
  world.want([hostOf(1, "mail", true)], [ISP1]);
  world.run(world.now + 10_000);
  assert.equal(world.there, [...world.wanted, ...shown([mail])].sort());
});

test("a server that does not show its zone: names are replaced whole, and no host chooses one", () => {
  const world = new Updating();
  world.server.shows = false;
  world.want([hostOf(1, "a"), hostOf(2, "www", true)], [ISP1]);
  world.run();
  assert.is(world.foreign, undefined);
  world.want([hostOf(1, "a"), hostOf(2, "www", true)], [ISP1]);
  world.run();
  assert.equal(world.told.filter((line) => line.includes("warn")).length, 2, "said once for each zone");
  const first = sent(world)[0].authority.filter(({ class: klass }) => klass === CLASS_ANY);
  assert.ok(first.length >= 2, "RRsets are deleted first");
  assert.equal(world.there.filter((line) => !line.startsWith("www.")).sort(), world.wanted);
  // The world in this test drops the name only after it was told of the refusal: the updater takes it away again.
  assert.not.ok(world.there.some((line) => line.startsWith("www.")));
  world.restart();
  world.run();
  assert.equal(world.there, world.wanted);
});

test("state × event: whatever happens to an exchange, it is done again, later and later, and nothing is lost", () => {
  for (const fate of ["unsent", "unanswered", "refused", "harmed"] as const satisfies readonly Fate[]) {
    for (const lost of [0, 1, 2, 3]) {
      const world = new Updating();
      world.fates.push(...Array.from({ length: lost }, (): Fate => "well"), fate, fate, fate);
      world.want([hostOf(1, "a"), hostOf(2, "b", true)], [ISP1]);
      world.run(world.now + 120_000);
      assert.equal(world.there, world.wanted, `${fate} after ${lost}`);
      assert.is(world.updater.pending, 0);
      assert.is(world.fates.length, 0);
      const told = world.told.filter((line) => line.startsWith("warn"));
      assert.ok(told.length >= 1 && told.length <= 3, `${fate} after ${lost}: ${told.join("; ")}`);
      assert.ok(world.told.at(-1)?.startsWith("info the name server follows again"), fate);
    }
  }
});

test("what changes while an update is under way is sent after it", () => {
  const world = new Updating();
  world.want([hostOf(1, "a")], [ISP1]);
  world.run();
  world.fates.push("unanswered");
  world.want([hostOf(1, "a"), hostOf(2, "b")], [ISP1]);
  world.run();
  world.want([hostOf(3, "c")], [ISP1]);
  world.run();
  world.run(world.now + ANSWER_LIMIT + 5_000);
  assert.equal(world.there, world.wanted);
});

test("the waits double, are spread, and have an end; the cause is said once", () => {
  const world = new Updating();
  world.fates.push(...Array.from({ length: 60 }, (): Fate => "refused"));
  world.want([hostOf(1, "a")], [ISP1]);
  const waits: number[] = [];
  for (let i = 0; i < 15; i++) {
    const at = world.now;
    world.run(world.updater.wakeAt + 1e-9);
    waits.push(world.now - at);
  }
  assert.ok(Math.max(...waits) <= RETRY_MOST * 1.25);
  world.run(world.now + 3_600_000);
  assert.equal(world.told.filter((line) => line === "warn it refuses the connection").length, 2, "once for each zone");
});

test("another secret, another key name, another clock: the log says which", () => {
  const said = (serverKey: typeof KEY, ahead = 0) => {
    const world = new Updating({ key: KEY, serverKey });
    world.ahead = ahead;
    world.want([hostOf(1, "a")], [ISP1]);
    world.run();
    assert.is(world.server.updates, 0);
    return world.told[0];
  };
  assert.match(said({ ...KEY, secret: new Uint8Array(32) }), /secret is another one \(BADSIG\)/);
  assert.match(said(KEY, 1_000), /not signed as it should be \(time/);
});

test("without a key", () => {
  const world = new Updating({ key: undefined });
  world.want([hostOf(1, "a")], [ISP1]);
  world.run();
  assert.equal(world.there, world.wanted);
});

test("a server that demands a signature where there is none refuses, and this is said", () => {
  const world = new Updating({ key: undefined, serverKey: KEY });
  world.want([hostOf(1, "a")], [ISP1]);
  world.run();
  assert.ok(world.told.some((line) => line.includes("REFUSED")));
  assert.ok(world.updater.pending > 0);
});

test("a zone that the server does not have keeps the other one waiting for nothing", () => {
  const world = new Updating();
  world.server.zones.delete(REVERSE);
  world.want([hostOf(1, "a")], [ISP1]);
  world.run(world.now + 30_000);
  assert.equal(
    world.there,
    world.wanted.filter((line) => !line.includes("ip6.arpa")),
  );
  assert.equal(world.told.filter((line) => line.includes("NOTAUTH")).length, 1);
});

test("many hosts: messages stay small, and all arrive", () => {
  const world = new Updating();
  world.server.transferRecords = 500;
  world.want(
    Array.from({ length: 3_000 }, (_, i) => hostOf(i + 1, i % 2 === 0 ? `host-${i}` : undefined)),
    [ISP1, ISP2],
  );
  world.run();
  assert.equal(world.there.length, world.wanted.length);
  assert.equal(world.there, world.wanted);
  for (const effect of world.effects) if (effect.kind === "open") assert.ok(effect.octets.length < 65_536);
});

test("once an hour it looks, and mends what others broke", () => {
  const world = new Updating();
  world.want([hostOf(1, "a"), hostOf(2, "b")], [ISP1]);
  world.run();
  world.server.zones.set(ORIGIN, []);
  assert.is(world.run(world.now + LOOK_INTERVAL - 1), 0);
  world.run(world.now + 10);
  assert.equal(world.there, world.wanted);
});

test.run();
