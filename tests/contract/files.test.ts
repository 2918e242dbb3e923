/** Files: in memory, and this runtime's. */
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryFiles } from "../../adapters/memory/files.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import type { Files } from "../../runtime/port/files.ts";
import { errorOf, withScratch } from "../lib/scratch.ts";

const platform = await loadPlatform();

const kinds: [string, (use: (files: Files, directory: string) => Promise<void> | void) => Promise<void>][] = [
  [
    "memory",
    async (use) => {
      const files = memoryFiles();
      files.makeDirectory("/scratch");
      await use(files, "/scratch");
    },
  ],
  ["system", (use) => withScratch((directory) => use(platform.files, directory))],
];

for (const [name, world] of kinds) {
  test(`${name}: what was written is read, with its mode`, () =>
    world((files, directory) => {
      const path = join(directory, "a.txt");
      assert.is(files.readText(path), undefined);
      assert.is(files.mode(path), undefined);
      files.writeText(path, "first\n");
      assert.is(files.readText(path), "first\n");
      assert.is(files.mode(path), 0o644);
      files.writeText(path, "zweite Zeile: grüße 🌍\n", 0o600);
      assert.is(files.readText(path), "zweite Zeile: grüße 🌍\n");
      assert.is(files.mode(path), 0o600);
      files.writeText(path, "", 0o666);
      assert.is(files.readText(path), "");
      assert.is(files.mode(path), 0o666);
      assert.equal(files.list(directory), ["a.txt"]);
    }));

  test(`${name}: directories are made with those above, listed sorted, removed whole`, () =>
    world((files, directory) => {
      const deep = join(directory, "x", "y");
      files.makeDirectory(deep, 0o700);
      files.makeDirectory(deep, 0o755);
      assert.is(files.mode(deep), 0o700);
      for (const file of ["b", "a", "c"]) files.writeText(join(deep, file), file);
      assert.equal(files.list(deep), ["a", "b", "c"]);
      assert.is(files.list(join(directory, "none")), undefined);
      assert.ok(files.remove(join(deep, "b")));
      assert.not(files.remove(join(deep, "b")));
      assert.ok(files.remove(join(directory, "x")));
      assert.equal(files.list(directory), []);
    }));

  test(`${name}: poke writes into what is there and nothing else`, () =>
    world(async (files, directory) => {
      const path = join(directory, "setting");
      assert.is((await errorOf(() => files.poke(path, "1"))).code, "missing");
      files.writeText(path, "0\n");
      files.poke(path, "1\n");
      assert.is(files.readText(path), "1\n");
    }));

  test(`${name}: no directory, no file`, () =>
    world(async (files, directory) => {
      assert.is((await errorOf(() => files.writeText(join(directory, "no", "file"), "text"))).code, "missing");
      assert.match((await errorOf(() => files.readText(directory))).message, /directory/i);
    }));
}

test("system: a text is replaced as a whole and nothing is left beside it", () =>
  withScratch((directory) => {
    const path = join(directory, "zone");
    for (let i = 0; i < 20; i++) platform.files.writeText(path, `${i}\n`.repeat(5_000));
    assert.equal(readdirSync(directory), ["zone"]);
    assert.is(platform.files.readText(path)?.split("\n").length, 5_001);
  }));

test("system: a failed write leaves nothing beside it", () =>
  withScratch(async (directory) => {
    const path = join(directory, "target");
    platform.files.makeDirectory(join(path, "in the way"));
    await errorOf(() => platform.files.writeText(path, "text"));
    assert.equal(readdirSync(directory), ["target"]);
  }));

test("system: a name that points nowhere reads as no file", () =>
  withScratch((directory) => {
    symlinkSync("nowhere", join(directory, "link"));
    assert.is(platform.files.readText(join(directory, "link")), undefined);
  }));

test.run();
