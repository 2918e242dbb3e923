/** `pshim6 backup` on a machine in memory. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CliMachine } from "../../lib/clihost.ts";

const SITE = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");

async function machine(): Promise<{ box: CliMachine; state: string }> {
  const box = new CliMachine();
  box.files.writeText("/site.yaml", SITE);
  assert.is((await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "h9"])).code, 0);
  const state = box.directories[0];
  for (const directory of [state, "/copy", "/other"]) box.files.makeDirectory(directory);
  return { box, state };
}

test("a copy without the key, and one with it", async () => {
  const { box, state } = await machine();
  assert.equal(await box.run(["backup", "-c", "/site.yaml", "/copy/state.db"]), {
    code: 0,
    out: `${state} was copied to /copy/state.db\n`,
    err: "",
  });
  assert.is(box.disk.backups.get("/copy/state.db")?.cga.size, 1);
  assert.is(box.files.readText("/copy/site-key.pem"), undefined);
  const { out } = await box.run(["backup", "-c", "/site.yaml", "--with-key", "--json", "/copy/second.db"]);
  assert.equal(JSON.parse(out), { files: ["/copy/second.db", "/copy/site-key.pem"] });
  assert.match(box.files.readText("/copy/site-key.pem") ?? "", /^-----BEGIN PRIVATE KEY-----/);
  assert.is(box.files.mode("/copy/site-key.pem"), 0o600);
  assert.not.match(out, /PRIVATE/);
  // The key that is there is this one.
  assert.is((await box.run(["backup", "-c", "/site.yaml", "--with-key", "/copy/third.db"])).code, 0);
});

test("what is there is not written over", async () => {
  const { box } = await machine();
  assert.is((await box.run(["backup", "-c", "/site.yaml", "/copy/state.db"])).code, 0);
  const again = await box.run(["backup", "-c", "/site.yaml", "/copy/state.db"]);
  assert.equal([again.code, again.out], [1, ""]);
  assert.match(again.err, /\/copy\/state\.db is there already: name a new file/);
  box.files.writeText("/other/site-key.pem", "another");
  const other = await box.run(["backup", "-c", "/site.yaml", "--with-key", "/other/state.db"]);
  assert.match(other.err, /\/other\/site-key\.pem holds another key/);
  assert.is(box.disk.backups.has("/other/state.db"), false);
  assert.is(box.files.readText("/other/site-key.pem"), "another");
});

test("a site that was never there has nothing to copy", async () => {
  const box = new CliMachine();
  box.files.writeText("/site.yaml", SITE);
  const { code, err } = await box.run(["backup", "-c", "/site.yaml", "/copy/state.db"]);
  assert.is(code, 1);
  assert.match(err, /there is nothing in .* yet: nothing to copy/);
  assert.equal(box.directories, []);
  assert.is((await box.run(["backup", "-c", "/site.yaml"])).code, 2);
});

test.run();
