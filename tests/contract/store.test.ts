/** Store: in memory, and SQLite in this runtime. Disks that fail or lose their process: store-faults.test.ts. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryDisk, memoryStore } from "../../adapters/memory/store.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import type { Store, StoredBinding, StoredLease } from "../../runtime/port/store.ts";
import { address } from "../../runtime/value/address.ts";
import { NEVER } from "../../runtime/value/time.ts";
import { errorOf, withScratch } from "../lib/scratch.ts";

const platform = await loadPlatform();

const kinds: [string, (use: (open: () => Store) => Promise<void> | void) => Promise<void>][] = [
  [
    "memory",
    async (use) => {
      const disk = memoryDisk();
      await use(() => memoryStore(disk));
    },
  ],
  ["system", (use) => withScratch((directory) => use(() => platform.openStore(join(directory, "state"))))],
];

const H1 = address("fc00:aaaa:1::1");
const H2 = address("fc00:aaaa:1::2");

function lease(change: Partial<StoredLease> = {}): StoredLease {
  return {
    ulid: H1,
    duid: Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1),
    iaid: 0xffff_ffff,
    state: "bound",
    name: "h1",
    mac: "02:00:00:00:00:01",
    matched: "pool",
    since: 1_790_000_000_000,
    until: 1_790_003_600_000,
    ...change,
  };
}

const binding: StoredBinding = { ulid: H2, source: "dns", locators: ["2001:db8:b3::2", "2001:db8:b4::2"], until: 1_790_000_000_000.5 };

for (const [name, world] of kinds) {
  test(`${name}: what was put is there after it is opened again`, () =>
    world(async (open) => {
      const first = open();
      assert.is(first.cgaParameters().size, 0);
      first.putCga("fc00::2", { name: undefined, pds: new Uint8Array([1, 2, 3]) });
      first.putCga("fc00::1", { name: "h1", pds: new Uint8Array(2_000).fill(5) });
      first.putCga("fc00::2", { name: "h2", pds: new Uint8Array([4]) });
      void first.close();
      await first.close();
      const second = open();
      assert.equal(
        [...second.cgaParameters()],
        [
          ["fc00::1", { name: "h1", pds: new Uint8Array(2_000).fill(5) }],
          ["fc00::2", { name: "h2", pds: new Uint8Array([4]) }],
        ],
      );
      await second.close();
    }));

  test(`${name}: the key is made once`, () =>
    world(async (open) => {
      const key = crypto.getRandomValues(new Uint8Array(1_217));
      const first = open();
      assert.equal(
        first.privateKey(() => key),
        key,
      );
      const duid = first.serverDuid(() => Uint8Array.of(0, 4, 7));
      await first.close();
      const second = open();
      assert.equal(
        second.privateKey(() => assert.unreachable("made a second key") as never),
        key,
      );
      assert.equal(
        second.serverDuid(() => assert.unreachable("made a second DUID") as never),
        duid,
      );
      await second.close();
    }));

  test(`${name}: a group is there as it was given, and what replaces it`, () =>
    world(async (open) => {
      const first = open();
      assert.equal([first.leases(), first.bindings()], [[], []]);
      const endless = lease({ ulid: H2, state: "declined", name: undefined, mac: undefined, until: NEVER, since: 0.5 });
      const frame = Uint8Array.of(9, 0, 3, 7, 9);
      await first.commit({
        leases: [endless, lease({ duid: frame.subarray(1, 4) })],
        cga: [{ ulid: H1, name: "h1", pds: frame.subarray(0, 2) }],
        bindings: [binding, { ...binding, source: "peer", locators: [], until: NEVER }],
      });
      assert.equal(first.leases(), [lease({ duid: Uint8Array.of(0, 3, 7) }), endless]);
      await first.commit({ leases: [lease({ state: "released" })], bindings: [{ ...binding, locators: ["2001:db8::"] }] });
      await first.close();
      const second = open();
      assert.equal(second.leases(), [lease({ state: "released" }), endless]);
      assert.equal([...second.cgaParameters()], [[H1, { name: "h1", pds: Uint8Array.of(9, 0) }]]);
      const [dns, peer] = second.bindings();
      assert.equal(dns, { ...binding, locators: ["2001:db8::"] });
      assert.equal(peer, { ...binding, source: "peer", locators: [], until: NEVER });
      await second.commit({ forgotten: [H1, address("fc00::77")], unbound: [{ ulid: H2, source: "dns" }], leases: [] });
      await second.commit({});
      assert.equal([second.leases(), second.bindings(), second.cgaParameters().size], [[endless], [peer], 1]);
      await second.close();
    }));

  test(`${name}: groups become durable in their order; those on their way are written before it closes`, () =>
    world(async (open) => {
      const store = open();
      const settled: number[] = [];
      const all = Array.from({ length: 2_500 }, async (_, iaid) => {
        await store.commit({ leases: [lease({ iaid }), lease({ ulid: address(`fc00::${iaid.toString(16)}`), iaid })] });
        settled.push(iaid);
      });
      const closed = store.close();
      await Promise.all(all);
      await closed;
      assert.equal(
        settled,
        Array.from({ length: 2_500 }, (_, i) => i),
      );
      assert.is((await errorOf(() => store.commit({}))).code, "closed");
      const again = open();
      assert.is(again.leases().length, 2_501);
      assert.is(again.leases().find(({ ulid }) => ulid === H1)?.iaid, 2_499);
      await again.close();
    }));

  test(`${name}: nothing works after close`, () =>
    world(async (open) => {
      const store = open();
      await store.close();
      for (const use of [
        () => store.cgaParameters(),
        () => store.leases(),
        () => store.bindings(),
        () => store.backup("/nowhere"),
        () => store.commit({}),
        () => store.serverDuid(() => new Uint8Array(1)),
        () => store.putCga("fc00::1", { name: undefined, pds: new Uint8Array(1) }),
        () => store.privateKey(() => new Uint8Array(1)),
      ])
        assert.is((await errorOf(use)).code, "closed");
    }));
}

test("system: only the owner can read; the key is PEM", () =>
  withScratch(async (directory) => {
    const state = join(directory, "deep", "state");
    const store = platform.openStore(state);
    store.privateKey(() => new Uint8Array(100).fill(1));
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    assert.is(mode(state), "700");
    assert.is(mode(join(state, "site-key.pem")), "600");
    assert.is(mode(join(state, "state.db")), "600");
    assert.match(
      readFileSync(join(state, "site-key.pem"), "utf8"),
      /^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/]{64}\n[^-]*-----END PRIVATE KEY-----\n$/,
    );
    chmodSync(join(state, "site-key.pem"), 0o644);
    assert.match(
      (await errorOf(() => store.privateKey(() => new Uint8Array(1)))).message,
      /private key and other users can read it: run `chmod 600/,
    );
    chmodSync(join(state, "site-key.pem"), 0o600);
    writeFileSync(join(state, "site-key.pem"), "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n");
    assert.is((await errorOf(() => store.privateKey(() => new Uint8Array(1)))).code, "corrupt");
    await store.close();
    chmodSync(state, 0o755);
    assert.match((await errorOf(() => platform.openStore(state))).message, /chmod 700/);
  }));

test("system: a file that is no database, and one of a newer version", () =>
  withScratch(async (directory) => {
    writeFileSync(join(directory, "state.db"), "no database at all, but long enough to be looked at as one ".repeat(40));
    const damaged = await errorOf(() => platform.openStore(directory));
    assert.is(damaged.code, "corrupt");
    assert.match(damaged.message, /restore .* from a backup/);
    const { DatabaseSync } = await import("node:sqlite");
    const newer = join(directory, "newer");
    await platform.openStore(newer).close();
    const database = new DatabaseSync(join(newer, "state.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    assert.is((await errorOf(() => platform.openStore(newer))).code, "unsupported");
  }));

test("system: the tables of version 1 become today's, with what is in them", () =>
  withScratch(async (directory) => {
    const { DatabaseSync } = await import("node:sqlite");
    const old = new DatabaseSync(join(directory, "state.db"));
    old.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE cga (ulid TEXT PRIMARY KEY, name TEXT, pds BLOB NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO cga VALUES ('fc00::1', 'h1', x'0102');
      PRAGMA user_version = 1;
    `);
    old.close();
    for (let round = 0; round < 2; round++) {
      const store = platform.openStore(directory);
      assert.equal([...store.cgaParameters()], [["fc00::1", { name: "h1", pds: Uint8Array.of(1, 2) }]]);
      await store.commit({ leases: [lease()] });
      assert.equal(store.leases(), [lease()]);
      await store.close();
    }
  }));

test("system: a group that is wrong in itself is refused alone", () =>
  withScratch(async (directory) => {
    const store = platform.openStore(directory);
    const groups = [lease({ iaid: 1 }), lease({ ulid: H2, since: Number.NaN }), lease({ ulid: H2, iaid: 3 })];
    const settled = await Promise.allSettled(groups.map((wrong) => store.commit({ leases: [lease({ iaid: 9 }), wrong] })));
    assert.equal(
      settled.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(
      store.leases().map(({ ulid, iaid }) => [ulid, iaid]),
      [
        [H1, 9],
        [H2, 3],
      ],
    );
    await store.close();
  }));

test("system: a copy made while groups are written holds whole groups, and opens as a store", () =>
  withScratch(async (directory) => {
    const state = join(directory, "state");
    const store = platform.openStore(state);
    store.privateKey(() => new Uint8Array(100).fill(1));
    store.putCga("fc00::1", { name: "h1", pds: Uint8Array.of(1) });
    await store.commit({ leases: [lease()] });
    const writes = Array.from({ length: 300 }, (_, i) =>
      store.commit({ leases: [lease({ ulid: H1, iaid: i }), lease({ ulid: H2, iaid: i })] }),
    );
    await writes[0];
    const copy = join(directory, "copy.db");
    store.backup(copy);
    await Promise.all(writes);
    assert.is((statSync(copy).mode & 0o777).toString(8), "600");
    assert.is((await errorOf(() => store.backup(copy))).code, "busy");
    assert.is((await errorOf(() => store.backup(join(directory, "none", "copy.db")))).code, "missing");
    assert.equal(readdirSync(directory).sort(), ["copy.db", "state"]);
    await store.close();
    const restored = join(directory, "restored");
    mkdirSync(restored, 0o700);
    renameSync(copy, join(restored, "state.db"));
    const second = platform.openStore(restored);
    assert.is(second.cgaParameters().size, 1);
    const [one, other] = second.leases();
    assert.is(one.iaid, other.iaid);
    await second.close();
  }));

test.run();
