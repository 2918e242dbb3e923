// The machine's tools, each against its plain form.
import { createHmac } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUDGETS, LIMITED_SITES } from "../../../runtime/shim6/constants.ts";
import { newContext } from "../../../runtime/shim6/context.ts";
import { Deadlines } from "../../../runtime/shim6/deadlines.ts";
import { Draw } from "../../../runtime/shim6/draw.ts";
import { IdPool } from "../../../runtime/shim6/ids.ts";
import { Limiter } from "../../../runtime/shim6/limiter.ts";
import { KnownPeers } from "../../../runtime/shim6/peers.ts";
import { Recent } from "../../../runtime/shim6/recent.ts";
import { ContextTable } from "../../../runtime/shim6/table.ts";
import { TagPool } from "../../../runtime/shim6/tags.ts";
import { address } from "../../../runtime/value/address.ts";
import { type ContextTag, contextTag } from "../../../runtime/value/tag.ts";
import { at, fakeList, Seeded } from "../../lib/shim6world.ts";

const SEED = Number(globalThis.process?.env.SEED ?? 20260602);
const hmac = (key: Uint8Array, octets: Uint8Array): Uint8Array => new Uint8Array(createHmac("sha256", key).update(octets).digest());

for (const capacity of [1, 31, 32, 33, 1000, 1025, 40_000]) {
  test(`ids: always the smallest free of ${capacity}, as a sorted list would say (seed ${SEED})`, () => {
    const random = new Seeded(SEED);
    const pool = new IdPool(capacity);
    const used = new Set<number>();
    for (let i = 0; i < Math.min(capacity, 3000); i++) {
      assert.is(pool.take(), i);
      used.add(i);
    }
    if (capacity <= 3000) assert.is(pool.take(), -1);
    for (let i = 0; i < 2000; i++) {
      if (random.fraction() < 0.5 && used.size > 0) {
        const id = [...used][random.next() % used.size];
        used.delete(id);
        pool.free(id);
      } else {
        let smallest = 0;
        while (used.has(smallest)) smallest++;
        assert.is(pool.take(), smallest < capacity ? smallest : -1);
        if (smallest < capacity) used.add(smallest);
      }
      if (capacity > 3000 && i === 300) break;
    }
  });
}

test(`deadlines: taken in order, moved and taken out, as a sorted list would say (seed ${SEED})`, () => {
  const random = new Seeded(SEED);
  const deadlines = new Deadlines<{ dueAt: number; heapAt: number }>();
  const items = Array.from({ length: 200 }, () => ({ dueAt: Number.POSITIVE_INFINITY, heapAt: -1 }));
  for (let i = 0; i < 5000; i++) {
    const item = items[random.next() % items.length];
    deadlines.set(item, random.fraction() < 0.2 ? Number.POSITIVE_INFINITY : random.next() % 1000);
    const waiting = items.filter(({ heapAt }) => heapAt >= 0).map(({ dueAt }) => dueAt);
    assert.is(deadlines.next, Math.min(...waiting, Number.POSITIVE_INFINITY));
    if (i % 7 === 0) {
      const now = random.next() % 400;
      const taken = deadlines.take(now);
      const first = Math.min(...waiting, Number.POSITIVE_INFINITY);
      assert.is(taken === undefined, first > now);
      if (taken !== undefined) assert.is(taken.heapAt, -1);
    }
  }
});

test("draw: in order from the seed, then from blocks that HMAC makes; the same again for the same seed", () => {
  const seed = new Seeded(SEED).octets(32);
  const draw = new Draw(seed, hmac);
  assert.is(draw.u32(), ((seed[0] << 24) | (seed[1] << 16) | (seed[2] << 8) | seed[3]) >>> 0);
  const many = Array.from({ length: 1000 }, () => draw.u48());
  assert.is(new Set(many).size, 1000);
  const again = new Draw(seed, hmac);
  again.u32();
  assert.equal(
    Array.from({ length: 1000 }, () => again.u48()),
    many,
  );
  for (let i = 0; i < 1000; i++) {
    const jittered = draw.around(4000);
    assert.ok(jittered >= 2000 && jittered <= 6000);
  }
});

test("tags: 47 bits of random, all of them in use", () => {
  const draw = new Draw(new Seeded(SEED).octets(32), hmac);
  const pool = new TagPool(47, new Set());
  let high = 0;
  let low = 0;
  for (let i = 0; i < 300; i++) {
    const tag = pool.draw(draw) ?? 0;
    assert.ok(tag >= 0 && tag < 2 ** 47);
    if (tag >= 2 ** 46) high++;
    if (tag % 2 === 1) low++;
  }
  assert.ok(high > 100 && high < 200 && low > 100 && low < 200);
});

test("tags: one freed shortly ago is not given out while others are free", () => {
  const draw = new Draw(new Seeded(SEED).octets(32), hmac);
  const used = new Set<ContextTag>();
  const pool = new TagPool(6, used);
  const recent = Array.from({ length: 16 }, (_, i) => contextTag(i));
  for (const tag of recent) pool.free(tag);
  for (let i = 0; i < 48; i++) {
    const tag = pool.draw(draw);
    assert.ok(tag !== undefined && !recent.includes(tag) && !used.has(tag));
    if (tag !== undefined) used.add(tag);
  }
  assert.ok(recent.includes(pool.draw(draw) ?? contextTag(99)));
});

test("recent: bounded, and use keeps an entry", () => {
  const map = new Recent<number, number>(3);
  for (const key of [1, 2, 3]) map.set(key, key);
  map.get(1);
  map.set(4, 4);
  assert.equal([map.size, map.get(1), map.get(2), map.get(4)], [3, 1, undefined, 4]);
});

test("limiter: everybody's budget bounds many sites, and sites beyond the table are still answered", () => {
  const limiter = new Limiter();
  let allowed = 0;
  for (let i = 0; i < LIMITED_SITES * 2; i++) if (limiter.allow("error", address(`2001:db8:${i.toString(16)}::1`), 0)) allowed++;
  assert.is(allowed, BUDGETS.error.total.burst);
  assert.ok(limiter.allow("r1", address("2001:db8:1::1"), 0));
});

test("peers: one of ours at any locator decides, the box before locators, nothing unlearned by silence", () => {
  const [x, y, z] = at("2001:db8:1::1", "2001:db8:2::1", "2001:db8:3::1");
  const peers = new KnownPeers();
  assert.is(peers.nature([x, y], undefined), "unknown");
  peers.learn(x, undefined, "other", undefined);
  assert.is(peers.nature([x, y], undefined), "other");
  peers.learn(y, "box", "ours", 40);
  assert.is(peers.nature([x, y], undefined), "ours");
  assert.is(peers.nature([x, z], "box"), "ours");
  assert.is(peers.roundTrip(y, undefined), 40);
  assert.is(peers.roundTrip(z, "box"), 40);
  peers.learn(y, "box", "unknown", 120);
  assert.is(peers.nature([y], undefined), "ours");
  assert.is(peers.roundTrip(y, undefined), 50);
});

test("table: after the last context is removed no index holds anything", () => {
  const [local, peer, locator] = at("fc00:a::1", "fc00:b::1", "2001:db8:b::1");
  const table = new ContextTable(4, 47);
  const context = newContext(
    table.ids.take(),
    { local, peer, fork: 0 },
    contextTag(5),
    fakeList([local]),
    { local, peer: locator },
    undefined,
  );
  context.peer = {
    tag: contextTag(6),
    locators: [{ address: locator, method: 2, verified: true, preference: { flags: 0 } }],
    generation: 1,
    pds: undefined,
    box: undefined,
    keepaliveSeconds: undefined,
    capabilities: undefined,
  };
  table.add(context);
  table.indexPeer(context);
  assert.is(table.byPeer(contextTag(6), locator), context);
  context.peer = { ...context.peer, tag: contextTag(7) };
  table.indexPeer(context);
  assert.is(table.byPeer(contextTag(6), locator), undefined);
  table.remove(context);
  assert.is(table.residue, 0);
  assert.is(table.ids.take(), 0);
});

test.run();
