/** `pshim6 cga`: identifiers made and verified. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { PortError } from "../../../runtime/port/error.ts";
import { address } from "../../../runtime/value/address.ts";
import { PRIVATE_KEY, PUBLIC_KEY, pemOctets, showPem } from "../../../runtime/value/pem.ts";
import { contains, prefix } from "../../../runtime/value/prefix.ts";
import { CliMachine } from "../../lib/clihost.ts";

const SITE = `${readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8")}key: { bits: 1024 }\n`;

function machine(site = SITE): CliMachine {
  const made = new CliMachine();
  made.files.writeText("/site.yaml", site);
  return made;
}

test("an identifier is made, kept and verified", async () => {
  const box = machine();
  const made = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "h1", "--json"]);
  assert.equal([made.code, made.err], [0, ""]);
  const value = JSON.parse(made.out);
  assert.is(value.name, "h1");
  assert.ok(contains(prefix("fc00:aaaa:1::/64"), address(value.address)));
  assert.equal(box.directories, ["/var/lib/pshim6/alpha"]);
  assert.is(box.disk.cga.get(value.address)?.name, "h1");
  assert.ok(box.disk.key !== undefined);

  const right = await box.run(["cga", "verify", value.address, "--pds", value.pds]);
  assert.equal([right.code, right.out], [0, `${value.address} is bound to these parameters: Sec 0, key of 1024 bits\n`]);
  const wrong = await box.run(["cga", "verify", "fc00:aaaa:1::1", "--pds", value.pds]);
  assert.equal([wrong.code, wrong.out], [1, "fc00:aaaa:1::1 is not bound to these parameters: their hash is not that of the address\n"]);
  const other = await box.run(["cga", "verify", "fc00:aaaa:2::1", "--pds", value.pds, "--json"]);
  assert.equal([other.code, JSON.parse(other.out).why], [1, "prefix-cga"]);

  const again = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "h1"]);
  assert.equal([again.code, again.err], [1, `pshim6: h1 has an identifier already, ${value.address}: take another name\n`]);
  const second = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "h2"]);
  assert.match(
    second.out,
    /^address fc00:aaaa:1:.*\npds [0-9a-f]+\n\nunder "hosts:" in the site's settings:\n {2}- { name: h2, ulid: "fc00:aaaa:1:/,
  );
  assert.is(box.disk.cga.size, 2);
  const nameless = await box.run(["cga", "generate", "-c", "/site.yaml"]);
  assert.is(nameless.code, 0);
  assert.is(box.disk.cga.size, 3);
});

test("many at once, each with a name of its own", async () => {
  const box = machine();
  const made = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "desk", "--count", "3", "--json"]);
  assert.is(made.code, 0, made.err);
  const rows: { name: string; address: string; pds: string }[] = JSON.parse(made.out);
  assert.equal(
    rows.map(({ name }) => name),
    ["desk-1", "desk-2", "desk-3"],
  );
  assert.is(new Set(rows.map(({ address }) => address)).size, 3);
  for (const { name, address, pds } of rows) {
    assert.is(box.disk.cga.get(address)?.name, name);
    assert.is((await box.run(["cga", "verify", address, "--pds", pds])).code, 0);
  }
  const again = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "desk", "--count", "4"]);
  assert.equal([again.code, again.err], [1, `pshim6: desk-1 has an identifier already, ${rows[0].address}: take another name\n`]);
  assert.is(box.disk.cga.size, 3, "something was made before the name was refused");
  const nameless = await box.run(["cga", "generate", "-c", "/site.yaml", "--count", "1", "--json"]);
  assert.is(JSON.parse(nameless.out)[0].name, null);
  const text = await box.run(["cga", "generate", "-c", "/site.yaml", "--name", "lamp", "--count", "2"]);
  assert.match(text.out, /settings:\n {2}- \{ name: lamp-1, ulid: "fc00:[^"]+" \}\n {2}- \{ name: lamp-2, ulid: "fc00:[^"]+" \}\n$/);
  const alone = await box.run(["cga", "generate", "--prefix", "fc00:aaaa:1::/64", "--key", "/key.pem", "--count", "2"]);
  assert.is(alone.code, 2);
});

test("several keys: any place, four at most, each once; another box adopts what it may sign for", async () => {
  const [first, second] = [machine(), machine()];
  const ours = await first.run(["cga", "key", "-c", "/site.yaml"]);
  assert.match(ours.out, /^-----BEGIN PUBLIC KEY-----\n/);
  second.disk.key = createCrypto().rsaGenerate(1_024);
  first.files.writeText("/second.pem", (await second.run(["cga", "key", "-c", "/site.yaml"])).out);
  first.files.writeText("/ours.pem", ours.out);
  for (const [flag, name] of [
    ["--extra-key", "h1"],
    ["--first-key", "h2"],
  ]) {
    const made = await first.run(["cga", "generate", "-c", "/site.yaml", "--name", name, flag, "/second.pem", "--json"]);
    assert.is(made.code, 0, made.err);
    const { address: ulid, pds } = JSON.parse(made.out);
    const text = await first.run(["cga", "verify", ulid, "--pds", pds]);
    assert.match(text.out, /Sec 0, keys of 1024, 1024 bits\n$/);
    assert.equal(JSON.parse((await first.run(["cga", "verify", ulid, "--pds", pds, "--json"])).out).furtherKeyBits, [1_024]);
    const adopted = await second.run(["cga", "adopt", ulid, "--pds", pds, "-c", "/site.yaml", "--name", name, "--json"]);
    assert.equal([adopted.code, JSON.parse(adopted.out)], [0, { name, address: ulid, signs: true }], adopted.err);
    assert.is(second.disk.cga.get(ulid)?.name, name);
    assert.is((await second.run(["cga", "adopt", ulid, "--pds", pds, "-c", "/site.yaml"])).code, 0, "again");
  }
  const refused = async (...flags: string[]) => (await first.run(["cga", "generate", "-c", "/site.yaml", ...flags])).err;
  assert.match(await refused("--extra-key", "/ours.pem"), /a key is there twice/);
  assert.match(await refused("--extra-key", "/none.pem"), /there is no file/);
  assert.match(await refused("--extra-key", "/site.yaml"), /holds no public key in PEM form/);
  for (let i = 0; i < 4; i++)
    first.files.writeText(`/${i}.pem`, showPem(PUBLIC_KEY, createCrypto().rsaPublic(createCrypto().rsaGenerate(1_024))));
  const many = [0, 1, 2, 3].flatMap((i) => ["--extra-key", `/${i}.pem`]);
  assert.match(await refused(...many), /5 keys: peers try 4/);
  first.files.writeText("/weak.pem", showPem(PUBLIC_KEY, createCrypto().rsaPublic(createCrypto().rsaGenerate(768))));
  assert.match(await refused("--extra-key", "/weak.pem"), /a key of 768 bits: peers take 1024 to 4096/);
  first.files.writeText("/large.pem", showPem(PUBLIC_KEY, createCrypto().rsaPublic(createCrypto().rsaGenerate(3_072))));
  assert.match(
    await refused("--extra-key", "/large.pem", "--extra-key", "/0.pem"),
    /the parameters have 7\d\d octets, \d+ too many for a handshake: take fewer keys/,
  );
  assert.is(first.disk.cga.size, 2);
});

test("what this box could not prove is not adopted", async () => {
  const box = machine();
  const stranger = machine();
  stranger.disk.key = createCrypto().rsaGenerate(1_024);
  const { address: ulid, pds } = JSON.parse((await stranger.run(["cga", "generate", "-c", "/site.yaml", "--name", "h1", "--json"])).out);
  const adopt = async (...words: string[]) => (await box.run(["cga", "adopt", ...words, "-c", "/site.yaml"])).err;
  assert.match(await adopt(ulid, "--pds", pds), /this box could prove nothing with these parameters/);
  assert.match(await adopt("fc00:aaaa:1::1", "--pds", pds), /is not bound to these parameters: their hash/);
  const alone = JSON.parse((await box.run(["cga", "generate", "--prefix", "fc00:cccc::/64", "--key", "/key.pem"])).out);
  assert.match(await adopt(alone.address, "--pds", alone.pds), /is no address of the site: it must be in fc00:aaaa:1::\/48/);
  assert.is(box.disk.cga.size, 0);
});

test("Sec 2 is searched outside, with a word about how it goes", async () => {
  const box = machine();
  let now = 0;
  const asked: number[] = [];
  const world = {
    columns: 80,
    host: {
      wall: () => now,
      searchModifier: async ({ sec }: { sec: number }, tried: (tries: number) => void): Promise<Uint8Array> => {
        asked.push(sec);
        for (let i = 1; i <= 4; i++) {
          now += 400;
          tried(i * 800_000);
        }
        throw new PortError("failed", "a thread of the search died: enough");
      },
    },
  };
  const stopped = await box.run(["cga", "generate", "-c", "/site.yaml", "--sec", "2"], world);
  assert.equal([stopped.code, stopped.out, asked], [1, "", [2]]);
  assert.match(stopped.err, /^searching a modifier: 4\.2G tries on average; Ctrl-C stops it, and nothing is kept\n/);
  assert.match(stopped.err, /\r1\.6M tried, 2\.0M a second: about 35m\d\ds more {2}\r3\.2M tried/);
  assert.match(stopped.err, /pshim6: a thread of the search died: enough\n$/);
  assert.is(box.disk.cga.size, 0);
});

test("Sec 1 claims its strength and has it", async () => {
  const box = machine();
  const made = JSON.parse((await box.run(["cga", "generate", "-c", "/site.yaml", "--sec", "1", "--json"])).out);
  const verified = await box.run(["cga", "verify", made.address, "--pds", made.pds, "--json"]);
  assert.equal(JSON.parse(verified.out), { ok: true, address: made.address, sec: 1, keyBits: 1024 });
});

test("the subnet", async () => {
  const wide = machine(SITE.replace('["fc00:aaaa:1::/64"]', '["fc00:aaaa:1::/56", "fc00:aaaa:1:100::/64"]'));
  const unclear = await wide.run(["cga", "generate", "-c", "/site.yaml"]);
  assert.equal(
    [unclear.code, unclear.err],
    [1, "pshim6: the LAN has more than one /64: choose one with --subnet out of fc00:aaaa:1::/56, fc00:aaaa:1:100::/64\n"],
  );
  const outside = await wide.run(["cga", "generate", "-c", "/site.yaml", "--subnet", "fc00:aaaa:1:200::/64"]);
  assert.match(outside.err, /--subnet fc00:aaaa:1:200::\/64 is in no LAN subnet/);
  const long = await wide.run(["cga", "generate", "-c", "/site.yaml", "--subnet", "fc00:aaaa:1::/56"]);
  assert.match(long.err, /--subnet must be a \/64/);
  const made = await wide.run(["cga", "generate", "-c", "/site.yaml", "--subnet", "fc00:aaaa:1:42::/64", "--json"]);
  assert.ok(contains(prefix("fc00:aaaa:1:42::/64"), address(JSON.parse(made.out).address)));
});

test("without a site: the key file is made once, for its owner only", async () => {
  const box = new CliMachine();
  const argv = ["cga", "generate", "--prefix", "fc00:aaaa:1::/64", "--key", "/key.pem"];
  const first = await box.run(argv);
  assert.is(first.code, 0, first.err);
  assert.is(box.files.mode("/key.pem"), 0o600);
  const text = box.files.readText("/key.pem") ?? "";
  assert.match(text, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.not.ok(first.out.includes(text.split("\n")[1]), "the key was printed");
  const second = await box.run(argv);
  assert.is(box.files.readText("/key.pem"), text);
  const [one, two] = [JSON.parse(first.out), JSON.parse(second.out)];
  assert.is.not(one.address, two.address);
  assert.is(one.pds.slice(50), two.pds.slice(50), "another key was used");
  assert.is((await box.run(["cga", "verify", two.address, "--pds", two.pds])).code, 0);
});

test("key files that cannot be used", async () => {
  const box = new CliMachine();
  const argv = ["cga", "generate", "--prefix", "fc00:aaaa:1::/64", "--key", "/key.pem"];
  box.files.writeText("/key.pem", "no key", 0o600);
  assert.match((await box.run(argv)).err, /holds no private key in PEM form/);
  box.files.writeText("/key.pem", showPem(PRIVATE_KEY, Uint8Array.of(1, 2, 3)), 0o600);
  assert.equal(await box.run(argv), { code: 1, out: "", err: "pshim6: the private key cannot be read: it must be an RSA key\n" });
  box.files.writeText("/key.pem", showPem(PRIVATE_KEY, Uint8Array.of(1, 2, 3)), 0o644);
  assert.match((await box.run(argv)).err, /can be read by other users: run "chmod 600 \/key\.pem"/);
});

test("PEM text and back", () => {
  for (const length of [1, 47, 48, 49, 1_200]) {
    const der = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
    const text = showPem(PRIVATE_KEY, der);
    assert.ok(text.split("\n").every((line) => line.length <= 64));
    assert.equal(pemOctets(PRIVATE_KEY, `anything before\n${text}and behind`), der);
  }
  assert.is(pemOctets(PRIVATE_KEY, "-----BEGIN PRIVATE KEY-----\n====\n-----END PRIVATE KEY-----"), undefined);
  assert.is(pemOctets(PRIVATE_KEY, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"), undefined);
});

test.run();
