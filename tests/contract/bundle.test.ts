/** One bundled file is main thread and worker alike, in this runtime. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runtimeName } from "../../adapters/platform.ts";
import { insideNamespace, selfArguments } from "../lib/netns.ts";

if (insideNamespace(fileURLToPath(import.meta.url))) {
  test("TUN, worker, store and exit status work from a single file", async () => {
    const folder = fileURLToPath(new URL("../../dist/", import.meta.url));
    const outfile = `${folder}bundle-test-${process.pid}.mjs`;
    mkdirSync(folder, { recursive: true });
    try {
      await build({
        entryPoints: [fileURLToPath(new URL("../lib/bundle-entry.ts", import.meta.url))],
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "es2023",
        external: ["koffi", "bun:ffi"],
        banner: {
          js: 'import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
        },
        logLevel: "warning",
      });
      const done = spawnSync(process.execPath, [...selfArguments(outfile), "one", "--two"], { encoding: "utf8" });
      assert.is(done.status, 7, done.stderr);
      assert.is(done.stderr, "");
      assert.equal(JSON.parse(done.stdout), { runtime: runtimeName(), answer: "through the bundle", kept: 1, args: ["one", "--two"] });
    } finally {
      rmSync(outfile, { force: true });
    }
  });
  test.run();
}
