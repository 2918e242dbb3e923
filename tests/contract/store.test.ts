/** Store: in memory, and SQLite in this runtime. */
import { spawn } from "node:child_process";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryDisk, memoryStore } from "../../adapters/memory/store.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import type { Store } from "../../runtime/port/store.ts";
import { selfArguments } from "../lib/netns.ts";
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

for (const [name, world] of kinds) {
  test(`${name}: what was put is there after it is opened again`, () =>
    world((open) => {
      const first = open();
      assert.is(first.cgaParameters().size, 0);
      first.putCga("fc00::2", { name: undefined, pds: new Uint8Array([1, 2, 3]) });
      first.putCga("fc00::1", { name: "h1", pds: new Uint8Array(2_000).fill(5) });
      first.putCga("fc00::2", { name: "h2", pds: new Uint8Array([4]) });
      first.close();
      first.close();
      const second = open();
      assert.equal(
        [...second.cgaParameters()],
        [
          ["fc00::1", { name: "h1", pds: new Uint8Array(2_000).fill(5) }],
          ["fc00::2", { name: "h2", pds: new Uint8Array([4]) }],
        ],
      );
      second.close();
    }));

  test(`${name}: the key is made once`, () =>
    world((open) => {
      const key = crypto.getRandomValues(new Uint8Array(1_217));
      const first = open();
      assert.equal(
        first.privateKey(() => key),
        key,
      );
      first.close();
      const second = open();
      assert.equal(
        second.privateKey(() => assert.unreachable("made a second key") as never),
        key,
      );
      second.close();
    }));

  test(`${name}: nothing works after close`, () =>
    world(async (open) => {
      const store = open();
      store.close();
      for (const use of [
        () => store.cgaParameters(),
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
    store.close();
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
    platform.openStore(newer).close();
    const database = new DatabaseSync(join(newer, "state.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    assert.is((await errorOf(() => platform.openStore(newer))).code, "unsupported");
  }));

test("system: killed at any instant, nothing that was said to be kept is lost", () =>
  withScratch(async (directory) => {
    const state = join(directory, "state");
    const writer = fileURLToPath(new URL("../lib/store-writer.ts", import.meta.url));
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [...selfArguments(writer), state], { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      // After a different number of lines each round, so that the kill falls into different steps of a write.
      const enough = 3 + 5 * round;
      child.stdout.on("data", (octets: Uint8Array) => {
        said += new TextDecoder().decode(octets);
        if (said.split("\n").length > enough) child.kill("SIGKILL");
      });
      await new Promise((resolve) => child.once("close", resolve));
      const kept = said.split("\n").slice(0, -1).map(Number);
      assert.ok(kept.length >= enough, `the writer ended after ${kept.length} lines`);
      const store = platform.openStore(state);
      const all = store.cgaParameters();
      for (const i of kept)
        assert.equal(all.get(`fc00::${i.toString(16)}`), { name: `h${i}`, pds: new Uint8Array(300).fill(i) }, `entry ${i}`);
      assert.equal(
        store.privateKey(() => new Uint8Array(1)),
        new Uint8Array(64).fill(9),
      );
      store.close();
    }
  }));

test.run();
