/** Which runtimes are too old for a box, and that they are told so. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkAge, tooOld } from "../../../adapters/newer.ts";
import { selfWords } from "../../../adapters/self.ts";
import { PortError } from "../../../runtime/port/error.ts";

test("versions are compared as numbers", () => {
  for (const fine of [
    "node 22.13.0",
    "node 22.13.0-rc.1",
    "node 26.10.0",
    "deno 2.2.0",
    "deno 3.0.0",
    "bun 1.3.1",
    "bun 1.10.0",
    "memory 0",
  ])
    assert.is(tooOld(fine), undefined, fine);
  for (const old of ["node 20.20.2", "node 22.9.0", "node 9.99.0", "deno 2.1.14", "bun 1.2.99"]) assert.match(tooOld(old) ?? "", old, old);
});

test("who has an old Node hears how to get another one", () => {
  const said = (runtime: string): string => {
    try {
      checkAge(runtime);
    } catch (error) {
      if (error instanceof PortError && error.code === "unsupported") return error.message;
      throw error;
    }
    return "";
  };
  assert.match(said("node 20.20.2"), 'npx -p "node@>=22.13" -p pshim6 pshim6');
  assert.match(said("deno 2.1.0"), /^this is deno 2\.1\.0, and a box needs deno 2\.2 or later$/);
  assert.is(said("node 26.0.0"), "");
});

test("a single executable starts itself, and nothing else", () => {
  const inside = "file:///$bunfs/root/pshim6";
  assert.equal(selfWords(inside, "bun", "bun"), [process.execPath]);
  assert.throws(() => selfWords(inside, "node", "bun"), /this executable is bun alone/);
  assert.equal(selfWords("file:///opt/x/dist/pshim6.mjs", "node", "bun").at(-1), "/opt/x/dist/pshim6.mjs");
});

test.run();
