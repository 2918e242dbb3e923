/** What is generated is up to date. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

test("docs/site.yaml.md is what the schema says", () => {
  const script = fileURLToPath(new URL("../../../build/docs.ts", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  assert.is(status, 0, stderr);
});

test.run();
