/** The store on disks that are full, read-only or damaged, and when its process is killed; SQLite in this runtime. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadPlatform } from "../../adapters/platform.ts";
import type { StoredLease } from "../../runtime/port/store.ts";
import { address } from "../../runtime/value/address.ts";
import { NEVER } from "../../runtime/value/time.ts";
import { selfArguments } from "../lib/netns.ts";
import { errorOf, withScratch } from "../lib/scratch.ts";
import { seed } from "../lib/seed.ts";
import { cgaOf, GROUP_LEASES, leaseOf } from "../lib/store-load.ts";

const platform = await loadPlatform();
/** A kill falls into another step of a write each time: the more, the better. */
const KILLS = Number(process.env.PSHIM6_KILLS ?? 20);

function lease(i: number, octets = 100): StoredLease {
  const ulid = address(`fc00::${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}`);
  const duid = new Uint8Array(octets);
  return { ulid, duid, iaid: i, state: "bound", name: undefined, mac: undefined, matched: "pool", since: 0, until: NEVER };
}

const INSIDE = "PSHIM6_TEST_MOUNTS";

/** Runs this file in a mount namespace, where there may be one: disks are gone with the process then, however it ends. @returns whether it did */
function ranInNamespace(): boolean {
  if (process.env[INSIDE] !== undefined || spawnSync("unshare", ["--mount", "true"]).status !== 0) return false;
  const words = ["--mount", process.execPath, ...selfArguments(fileURLToPath(import.meta.url))];
  const child = spawnSync("unshare", words, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
  process.exitCode = child.status ?? 1;
  return true;
}

/** Runs `use` with a disk of its own of `kilobytes`, or says why there is none. */
async function withDisk(kilobytes: number, use: (directory: string) => Promise<void>): Promise<void> {
  await withScratch(async (directory) => {
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k,mode=0700`, "none", directory], { encoding: "utf8" });
    if (mounted.status !== 0) {
      console.log(`skipped: no disk of our own can be mounted: ${mounted.stderr?.trim() ?? "`mount` is missing"}`);
      if (process.env.PSHIM6_REQUIRE_PEERS === "1") process.exitCode = 1;
      return;
    }
    try {
      await use(directory);
    } finally {
      spawnSync("umount", ["--lazy", directory]);
    }
  });
}

test("a disk that fills up: a clear refusal, nothing by half, and on it goes when there is room", () =>
  withDisk(2_048, async (disk) => {
    const store = platform.openStore(join(disk, "state"));
    store.putCga("fc00::1", { name: "h1", pds: new Uint8Array(300) });
    writeFileSync(join(disk, "ballast"), new Uint8Array(1_000_000));
    let stored = 0;
    let refused: { code: string; message: string } | undefined;
    while (refused === undefined && stored < 1_000) {
      const group = Array.from({ length: 100 }, (_, i) => lease(100 * stored + i));
      try {
        await store.commit({ leases: group });
        stored++;
      } catch {
        refused = await errorOf(() => store.commit({ leases: group }));
      }
    }
    assert.is(refused?.code, "full");
    assert.match(refused?.message ?? "", /state\.db: its disk is full, and what was to be stored is not: free some room$/);
    assert.is(store.leases().length, 100 * stored);
    assert.is((await errorOf(() => store.backup(join(disk, "copy.db")))).code, "full");
    assert.is(store.cgaParameters().size, 1);
    rmSync(join(disk, "ballast"));
    await store.commit({ leases: [lease(1_000_000)] });
    store.backup(join(disk, "copy.db"));
    await store.close();
    const again = platform.openStore(join(disk, "state"));
    assert.is(again.leases().length, 100 * stored + 1);
    await again.close();
  }));

test("a disk without room for a new store says so", () =>
  withDisk(64, async (disk) => {
    writeFileSync(join(disk, "ballast"), new Uint8Array(60_000));
    const refused = await errorOf(() => platform.openStore(join(disk, "state")));
    assert.is(refused.code, "full", refused.message);
  }));

test("a read-only disk: the store is not opened, and it says why", () =>
  withDisk(2_048, async (disk) => {
    const state = join(disk, "state");
    const store = platform.openStore(state);
    await store.commit({ leases: [lease(1)] });
    await store.close();
    const remount = (how: string) => assert.is(spawnSync("mount", ["-o", `remount,${how}`, disk]).status, 0);
    remount("ro");
    const refused = await errorOf(() => platform.openStore(state));
    assert.is(refused.code, "permission", refused.message);
    assert.match(refused.message, /read-only/);
    remount("rw");
    const again = platform.openStore(state);
    assert.is(again.leases().length, 1);
    await again.close();
  }));

test("a damaged file: found when it is opened or read, never half a list", () =>
  withScratch(async (directory) => {
    for (const [name, damage] of [
      ["cut", (path: string) => truncateSync(path, 9_000)],
      ["overwritten", (path: string) => overwrite(path, 4_096, 60_000)],
      ["headless", (path: string) => overwrite(path, 0, 100)],
    ] as const) {
      const state = join(directory, name);
      mkdirSync(state, 0o700);
      const store = platform.openStore(state);
      await store.commit({ leases: Array.from({ length: 2_000 }, (_, i) => lease(i)) });
      await store.close();
      damage(join(state, "state.db"));
      const refused = await errorOf(async () => {
        const opened = platform.openStore(state);
        try {
          opened.cgaParameters();
          opened.leases();
        } finally {
          await opened.close();
        }
      });
      assert.is(refused.code, "corrupt", `${name}: ${refused.message}`);
      assert.match(refused.message, /restore .* from a backup/);
    }
  }));

function overwrite(path: string, at: number, octets: number): void {
  const file = openSync(path, "r+");
  writeSync(file, new Uint8Array(octets).fill(0x5a), 0, octets, at);
  closeSync(file);
}

test(`killed ${KILLS} times at any instant: what was said to be kept is there, groups are whole`, () =>
  withScratch(async (directory) => {
    const state = join(directory, "state");
    const writer = fileURLToPath(new URL("../lib/store-writer.ts", import.meta.url));
    const keptGroups = new Set<number>();
    const keptCga = new Set<number>();
    let random = seed;
    for (let round = 0; round < KILLS; round++) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      // Some lines in, and a moment later that no line tells.
      const lines = 1 + (random % 97);
      const spin = (random >>> 8) % 3_000;
      const said = await runUntil(writer, state, lines, spin);
      for (const line of said) (line.startsWith("c") ? keptCga : keptGroups).add(Number(line.slice(1)));
      const store = platform.openStore(state);
      const cga = store.cgaParameters();
      for (const i of keptCga) assert.equal(cga.get(cgaOf(i).ulid)?.pds, cgaOf(i).pds, `round ${round}: CGA ${i}`);
      const found = new Map<number, number>();
      for (const stored of store.leases()) {
        const group = stored.iaid;
        found.set(group, (found.get(group) ?? 0) + 1);
        assert.equal(stored, leaseOf(group, (found.get(group) ?? 0) - 1), `round ${round}`);
      }
      for (const [group, count] of found) assert.is(count, GROUP_LEASES, `round ${round}: group ${group} is not whole`);
      for (const group of keptGroups) assert.ok(found.has(group), `round ${round}: group ${group} is lost`);
      assert.equal(
        store.privateKey(() => new Uint8Array(1)),
        new Uint8Array(64).fill(9),
      );
      await store.close();
    }
    assert.ok(keptGroups.size > KILLS && keptCga.size > 0, `${keptGroups.size} groups and ${keptCga.size} CGAs were kept`);
  }));

/** Runs the writer until it has said `lines` lines, spins `spin` rounds, and kills it. @returns all that it said */
function runUntil(writer: string, state: string, lines: number, spin: number): Promise<string[]> {
  const child = spawn(process.execPath, [...selfArguments(writer), state], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (octets: Uint8Array) => {
    said += new TextDecoder().decode(octets);
    if (said.split("\n").length <= lines) return;
    for (let i = 0; i < spin; i++) Math.sqrt(i);
    child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      if (code === null || code === 137) resolve(said.split("\n").slice(0, -1));
      else reject(new Error(`the writer ended with ${code}`));
    });
  });
}

if (!ranInNamespace()) test.run();
