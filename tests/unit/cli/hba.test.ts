/** `pshim6 hba`: sets made and verified. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CliMachine } from "../../lib/clihost.ts";

const SITE = `${readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8")}key: { bits: 1024 }\n`;

function machine(): CliMachine {
  const made = new CliMachine();
  made.files.writeText("/site.yaml", SITE);
  return made;
}

test("a set over the site's subnet and its providers', with the site's key or without", async () => {
  for (const [only, hybrid] of [
    [[], true],
    [["--only"], false],
  ] as const) {
    const box = machine();
    const made = await box.run(["hba", "generate", "-c", "/site.yaml", "--name", "h1", "--json", ...only]);
    assert.equal([made.code, made.err], [0, ""]);
    const { address, pds, locators, ...rest } = JSON.parse(made.out);
    assert.equal(rest, { name: "h1", sec: 0, hybrid });
    assert.match(address, /^fc00:aaaa:1:/);
    assert.equal(
      locators.map(({ provider, locator }: { provider: string; locator: string }) => [provider, locator.slice(0, 14)]),
      [
        ["isp1", "2001:db8:a1:0:"],
        ["isp2", "2001:db8:a2:0:"],
      ],
    );
    assert.equal([...box.disk.cga.keys()], [address]);
    assert.is(box.disk.key !== undefined, hybrid);
    const prefixes = ["fc00:aaaa:1::/64", "2001:db8:a1::/64", "2001:db8:a2::/64"];
    for (const member of [address, ...locators.map(({ locator }: { locator: string }) => locator)]) {
      const verified = await box.run(["hba", "verify", member, "--pds", pds, "--json"]);
      assert.equal(JSON.parse(verified.out), { ok: true, address: member, sec: 0, hybrid, keyBits: hybrid ? 1_024 : null, prefixes });
    }
    const text = await box.run(["hba", "verify", address, "--pds", pds]);
    assert.is(
      text.out,
      `${address} is a member of the set over ${prefixes.join(", ")}: Sec 0, ${hybrid ? "key of 1024 bits" : "no key"}\n`,
    );
    const asCga = await box.run(["cga", "verify", address, "--pds", pds]);
    assert.match(asCga.out, hybrid ? /key of 1024 bits\n$/ : /no key, a set of addresses that sign nothing\n$/);
    const stranger = await box.run(["hba", "verify", "2001:db8:a1::1", "--pds", pds]);
    assert.equal(
      [stranger.code, stranger.out],
      [1, "2001:db8:a1::1 is not bound to these parameters: their hash is not that of the address\n"],
    );
    const again = await box.run(["hba", "generate", "-c", "/site.yaml", "--name", "h1"]);
    assert.equal([again.code, again.err], [1, `pshim6: h1 has an identifier already, ${address}: take another name\n`]);
  }
});

test("the text tells what to write where", async () => {
  const { out } = await machine().run(["hba", "generate", "-c", "/site.yaml", "--name", "h1", "--sec", "1"]);
  assert.match(out, /^address (fc00:\S+)\nlocator (2001:db8:a1:\S+) at isp1\nlocator (2001:db8:a2:\S+) at isp2\npds [0-9a-f]+\n/);
  assert.match(out, / {2}- { name: h1, ulid: "fc00:[^"]+" }\n/);
  assert.match(out, / {2}- { ulid: "fc00:[^"]+", locators: \["2001:db8:a1:[^"]+", "2001:db8:a2:[^"]+"\] }\n$/);
});

test("without a site: any prefixes, a key if one is named", async () => {
  const box = machine();
  const prefixes = ["--prefix", "2001:db8:1::/64", "--prefix", "2001:db8:2::/64"];
  const alone = JSON.parse((await box.run(["hba", "generate", ...prefixes])).out);
  assert.equal([alone.hybrid, alone.members.length], [false, 2]);
  const hybrid = JSON.parse((await box.run(["hba", "generate", ...prefixes, "--key", "/key.pem", "--name", "x"])).out);
  assert.equal([hybrid.hybrid, hybrid.name, box.files.mode("/key.pem")], [true, "x", 0o600]);
  for (const set of [alone, hybrid])
    for (const { address } of set.members) assert.is((await box.run(["hba", "verify", address, "--pds", set.members[0].pds])).code, 0);
  assert.is(box.disk.cga.size, 0);
});

test("wrong usage", async () => {
  const box = machine();
  for (const words of [
    ["--key", "/key.pem"],
    ["--prefix", "2001:db8::/48"],
    ["--prefix", "2001:db8::/64", "--prefix", "2001:db8::/64"],
    ["--prefix", "2001:db8::/64", "-c", "/site.yaml"],
    ["--prefix", "2001:db8::/64", "--only"],
    ["--prefix", "nonsense"],
    ["--sec", "3"],
  ])
    assert.is((await box.run(["hba", "generate", ...words])).code, 2, words.join(" "));
  const cga = JSON.parse((await box.run(["cga", "generate", "-c", "/site.yaml", "--json"])).out);
  assert.match((await box.run(["hba", "verify", cga.address, "--pds", cga.pds])).out, /they are no parameters of a set/);
});

test.run();
