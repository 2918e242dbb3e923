/** Leases over time: lifetimes, restarts, calendars that jump, tables that are full, disks that are not there. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OFFER_LIMIT, OFFER_TIME, Offers } from "../../../runtime/dhcp6/offers.ts";
import { CgaPool } from "../../../runtime/dhcp6/pool.ts";
import { HELD_LIMIT } from "../../../runtime/dhcp6/server.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { emitDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import { CONFIRM, DECLINE, RELEASE, RENEW, REQUEST, SOLICIT, STATUS_NO_ADDRS_AVAIL } from "../../../runtime/wire/dhcp6-number.ts";
import { clientId, Dhcp6World, HOUR, iaNa, plainMaker, SUBNET, serverId, told } from "../../lib/dhcp6.ts";

const request = (world: Dhcp6World, n: number) => told(world.ask(REQUEST, [clientId(n), serverId, iaNa(1)])).living[0];
const news = (world: Dhcp6World) =>
  world.seen.splice(0).flatMap((effect) => (effect.kind === "lease" ? [[effect.ulid, effect.living, effect.pds !== undefined]] : []));

test("a lease is heard of when it is durable, when it ends, and when the host is back; parameters come once", () => {
  const world = new Dhcp6World();
  const ulid = request(world, 1);
  assert.equal(news(world), [[ulid, true, true]]);
  world.ask(RENEW, [clientId(1), serverId, iaNa(1, ulid)]);
  assert.equal(news(world), []);
  world.pass(24 * HOUR - 1);
  assert.equal(news(world), []);
  world.pass(1);
  assert.equal(news(world), [[ulid, false, false]]);
  assert.is(request(world, 1), ulid);
  assert.equal(news(world), [[ulid, true, false]]);
  world.ask(DECLINE, [clientId(1), serverId, iaNa(1, ulid)]);
  assert.equal(news(world), [[ulid, false, false]]);
});

test("wakeAt: the end of the oldest offer, of the oldest lease, or never", () => {
  const world = new Dhcp6World();
  assert.is(world.server.wakeAt, Number.POSITIVE_INFINITY);
  request(world, 1);
  assert.is(world.server.wakeAt, world.now + 24 * HOUR);
  world.ask(SOLICIT, [clientId(2), iaNa(1)]);
  assert.is(world.server.wakeAt, world.now + OFFER_TIME);
  world.pass(OFFER_TIME);
  assert.is(world.server.sizes.offers, 0);
});

test("an offer that was let go goes to the next who comes; the first one gets another and keeps it", () => {
  const world = new Dhcp6World();
  const [offered] = told(world.ask(SOLICIT, [clientId(1), iaNa(1)])).living;
  world.pass(OFFER_TIME);
  assert.is(request(world, 2), offered);
  assert.is.not(request(world, 1), offered);
});

test("the calendar jumps while the server runs: no lease ends by it, and rows say the new calendar's time", () => {
  const world = new Dhcp6World();
  const ulid = request(world, 1);
  for (const jump of [10 * 365 * 24 * HOUR, -20 * 365 * 24 * HOUR]) {
    world.wall += jump;
    world.pass(HOUR);
    assert.is(world.server.sizes.living, 1);
  }
  const [row] = world.server.rows(world.now, world.wall);
  assert.equal([row.ulid, row.state, row.until - world.wall], [ulid, "bound", 22 * HOUR]);
});

test("over a restart the calendar counts, but for leases that were bound never less than T1 nor more than a valid lifetime is left", () => {
  const left = (away: number): number => {
    const world = new Dhcp6World();
    request(world, 1);
    world.wall += away;
    world.now = 5;
    world.restart();
    return world.server.wakeAt - world.now;
  };
  assert.is(left(0), 24 * HOUR);
  assert.is(left(10 * HOUR), 14 * HOUR);
  assert.is(left(23 * HOUR), 6 * HOUR);
  assert.is(left(10 * 365 * 24 * HOUR), 6 * HOUR);
  assert.is(left(-10 * 365 * 24 * HOUR), 24 * HOUR);
});

test("a restart forgets nothing: hosts that were bound, gone or refused are as they were", () => {
  const world = new Dhcp6World();
  const [bound, gone, bad] = [1, 2, 3].map((n) => request(world, n));
  world.ask(RELEASE, [clientId(2), serverId, iaNa(1, gone)]);
  world.ask(DECLINE, [clientId(3), serverId, iaNa(1, bad)]);
  const before = world.server.rows(world.now, world.wall);
  world.restart();
  assert.equal(new Set(world.server.rows(world.now, world.wall)), new Set(before));
  assert.is(request(world, 1), bound);
  assert.is(request(world, 2), gone);
  assert.not([bound, gone, bad].includes(request(world, 3)));
});

test("the table is full of living leases: NoAddrsAvail, said aloud, and nothing is forgotten; the others renew", () => {
  const world = new Dhcp6World({ max: 3 });
  const ulids = [1, 2, 3].map((n) => request(world, n));
  assert.equal(told(world.ask(REQUEST, [clientId(4), serverId, iaNa(1)])).status, [STATUS_NO_ADDRS_AVAIL]);
  assert.equal(told(world.ask(SOLICIT, [clientId(4), iaNa(1)])).status, [STATUS_NO_ADDRS_AVAIL]);
  assert.equal(
    world.seen.filter(({ kind }) => kind === "exhausted"),
    [
      { kind: "exhausted", leases: 3 },
      { kind: "exhausted", leases: 3 },
    ],
  );
  assert.equal(told(world.ask(RENEW, [clientId(1), serverId, iaNa(1, ulids[0])])).living, [ulids[0]]);
  assert.is(world.disk.size, 3);
});

test("the table is full and leases have ended: declined ones are forgotten first, then the longest ended, a reservation's last", () => {
  const mine = { name: "mine", duid: undefined, mac: "02:00:00:00:00:01", relay: undefined, ulid: undefined };
  const world = new Dhcp6World({ max: 4, reservations: [mine] });
  const ulids = [1, 2, 3, 4].map((n) => request(world, n));
  for (const n of [1, 3, 2]) world.ask(RELEASE, [clientId(n), serverId, iaNa(1, ulids[n - 1])]);
  world.ask(DECLINE, [clientId(4), serverId, iaNa(1, ulids[3])]);
  const gone: string[] = [];
  for (const n of [11, 12, 13, 14]) {
    request(world, n);
    gone.push(...ulids.filter((ulid) => !world.disk.has(ulid) && !gone.includes(ulid)));
  }
  assert.equal(gone, [ulids[3], ulids[2], ulids[1], ulids[0]]);
  for (const ulid of ulids) assert.ok(world.cga.has(ulid), "parameters stay");
});

test("a commit that fails: no answer, no lease, nothing heard of; the next try gets one", () => {
  const world = new Dhcp6World();
  const wire = emitDhcp6({ kind: "message", type: REQUEST, transaction: 1, options: [clientId(1), serverId, iaNa(1)] });
  world.raw(wire);
  assert.is(world.step({ kind: "settled" })[0]?.kind, "store");
  world.raw(emitDhcp6({ kind: "message", type: REQUEST, transaction: 2, options: [clientId(2), serverId, iaNa(1)] }));
  assert.equal(
    world.step({ kind: "failed" }).map((effect) => (effect.kind === "count" ? effect.name : effect.kind)),
    ["drop-store-dhcp6", "drop-store-dhcp6"],
  );
  assert.equal(world.server.sizes, { living: 0, known: 0, offers: 0, contacts: 0 });
  assert.equal(world.settle(), []);
  assert.ok(request(world, 1));
  assert.is(world.disk.size, 1);
});

test("a commit that fails puts back what was there: lifetimes, names, what was forgotten, what was given back", () => {
  const world = new Dhcp6World({ max: 2 });
  const first = request(world, 1);
  const second = request(world, 2);
  world.ask(RELEASE, [clientId(2), serverId, iaNa(1, second)]);
  const before = world.server.rows(world.now, world.wall);
  world.now += HOUR;
  const send = (type: number, n: number, ...rest: Parameters<typeof iaNa>) =>
    world.raw(emitDhcp6({ kind: "message", type, transaction: n, options: [clientId(n), serverId, iaNa(...rest)] }));
  send(RENEW, 1, 1, first);
  send(REQUEST, 3, 1);
  world.step({ kind: "settled" });
  send(RELEASE, 1, 1, first);
  send(REQUEST, 4, 1);
  world.step({ kind: "failed" });
  world.now -= HOUR;
  assert.equal(new Set(world.server.rows(world.now, world.wall)), new Set(before));
  assert.is(request(world, 2), second);
});

test("while a group is on its way another gathers, and there are never two", () => {
  const world = new Dhcp6World();
  const send = (n: number) =>
    world.raw(emitDhcp6({ kind: "message", type: REQUEST, transaction: n, options: [clientId(n), serverId, iaNa(1)] }));
  send(1);
  assert.is(world.step({ kind: "settled" }).length, 1);
  send(2);
  send(3);
  assert.is(world.step({ kind: "settled" }).length, 0);
  const after = world.step({ kind: "stored" });
  assert.equal(
    after.map((effect) => (effect.kind === "store" ? effect.leases.length : effect.kind)),
    ["lease", "reply", 2],
  );
  assert.equal(
    world.step({ kind: "stored" }).map(({ kind }) => kind),
    ["lease", "lease", "reply", "reply"],
  );
});

test("what says nothing of leases does not wait for the disk", () => {
  const world = new Dhcp6World();
  world.raw(emitDhcp6({ kind: "message", type: REQUEST, transaction: 1, options: [clientId(1), serverId, iaNa(1)] }));
  for (const type of [SOLICIT, CONFIRM]) {
    const options = [clientId(2), iaNa(1, address("fc00:a:1:1::5"))];
    const effects = world.raw(emitDhcp6({ kind: "message", type, transaction: 1, options }));
    assert.ok(effects.some(({ kind }) => kind === "reply"));
  }
});

test("a disk that does not answer: replies that wait have a limit, and what comes then is dropped before it is read", () => {
  const world = new Dhcp6World({ max: 10 });
  request(world, 1);
  const renew = emitDhcp6({
    kind: "message",
    type: RENEW,
    transaction: 1,
    options: [clientId(1), serverId, iaNa(1, address("fc00:a:1:1::1"))],
  });
  for (let i = 0; i <= HELD_LIMIT; i++) world.raw(renew);
  assert.is(world.counts.get("drop-busy-dhcp6"), 1);
  world.settle();
  assert.ok(world.ask(RENEW, [clientId(1), serverId, iaNa(1, address("fc00:a:1:1::1"))]));
});

test("strangers who solicit: offers have a limit, and their addresses come back", () => {
  const maker = plainMaker();
  const pool = new CgaPool(maker, { own: 4, behind: 4 });
  pool.prepare(prefix(SUBNET));
  const offers = new Offers(pool);
  for (let i = 0; i < OFFER_LIMIT + 50; i++) offers.offer(`${i}`, prefix(SUBNET), i / 1e6);
  assert.is(offers.size, OFFER_LIMIT);
  assert.is(maker.made, OFFER_LIMIT, "the oldest offer's address serves the newest client");
  offers.expire(OFFER_TIME + 1);
  assert.is(offers.size, 0);
  assert.ok(pool.ready(prefix(SUBNET)) <= 8);
});

test("the pool: filled in slices to its size and no further, per link, for a limited number of links", () => {
  const maker = plainMaker();
  const pool = new CgaPool(maker, { own: 100, behind: 10 });
  pool.prepare(prefix(SUBNET));
  assert.ok(pool.isLow);
  const work = pool.fill();
  work.next();
  assert.is(pool.ready(prefix(SUBNET)), 64);
  assert.not(pool.isLow, "somebody is at it");
  assert.equal([...pool.fill()], []);
  while (!work.next().done);
  assert.is(pool.ready(prefix(SUBNET)), 100);
  assert.not(pool.isLow);
  for (let i = 0; i < 200; i++) assert.ok(pool.take(prefix(`fc00:a:1:${(i + 256).toString(16)}::/64`)));
  for (const _ of pool.fill());
  assert.is(maker.made, 100 + 200 + 63 * 10);
});

test("addresses that take long to make are not made while a host waits, but when there is time", () => {
  const world = new Dhcp6World({}, { quick: false, sizes: { own: 2, behind: 1 } });
  assert.equal(told(world.ask(SOLICIT, [clientId(1), iaNa(1)])).status, [STATUS_NO_ADDRS_AVAIL]);
  assert.is(world.maker.made, 0);
  for (const _ of world.pool.fill());
  assert.is(world.maker.made, 2);
  assert.ok(request(world, 1));
  assert.ok(world.pool.ready(prefix(SUBNET)) === 1 && !world.pool.isLow);
});

test("an address that somebody has by the time it is taken from the pool is passed over", () => {
  const taken = new Set<string>();
  const pool = new CgaPool({ ...plainMaker(), isTaken: (ulid) => taken.has(ulid) }, { own: 3, behind: 3 });
  pool.prepare(prefix(SUBNET));
  for (const _ of pool.fill());
  taken.add("fc00:a:1:1::3").add("fc00:a:1:1::2");
  assert.is(pool.take(prefix(SUBNET))?.address, "fc00:a:1:1::1");
});

test.run();
