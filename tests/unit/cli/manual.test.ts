/** The manual page and what it and completion are made of. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { roff } from "../../../runtime/cli/manual.ts";
import { CliMachine } from "../../lib/clihost.ts";

test("text is text in roff, whatever it holds", () => {
  assert.is(roff("a-b \\n 'x' `y` …"), "a\\-b \\en \\(aqx\\(aq \\(gay\\(ga \\[u2026]");
  assert.is(roff(".SH no request"), "\\&.SH no request");
  // A line of the source may begin with a dot only by folding.
  assert.is(roff(`${"x".repeat(77)} .so /etc/passwd`), `${"x".repeat(77)}\n\\&.so /etc/passwd`);
});

test("the page has every verb that help has, and none that it has not", async () => {
  const { code, out } = await new CliMachine().run(["man"]);
  assert.is(code, 0);
  const verbs = [...out.matchAll(/^\.SS "pshim6 ([a-z0-9\\ -]+?)(?: [[<].*)?"$/gm)].map(([, verb]) => verb.trim().replaceAll("\\", ""));
  for (const verb of ["run", "show contexts", "provider drain", "cga generate", "context rehome", "completion", "man"])
    assert.ok(verbs.includes(verb), `${verb} is missing in ${verbs}`);
  for (const verb of ["lab-stream", "completion providers", "provider help"]) assert.not.ok(verbs.includes(verb), verb);
  assert.is(new Set(verbs).size, verbs.length);
});

test("the same page for the same source, when a package says of when it is", async () => {
  const at = (wall: number) => new CliMachine().run(["man"], { wall, environment: { SOURCE_DATE_EPOCH: "1700000000" } });
  assert.match((await at(1)).out, /^\.TH PSHIM6 1 "2023-11-14" "pshim6 1\.2\.3" "pshim6"\n/);
  assert.is((await at(1)).out, (await at(2e12)).out);
});

test("names of providers for completion, and nothing at all without a box", async () => {
  const machine = new CliMachine();
  assert.equal(await machine.run(["completion", "providers"]), { code: 0, out: "", err: "" });
  assert.is((await machine.run(["completion", "tcsh"])).code, 2);
});

test.run();
