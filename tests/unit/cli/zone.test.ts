/** `pshim6 zone` on a made-up machine. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryStore } from "../../../adapters/memory/store.ts";
import { CliMachine } from "../../lib/clihost.ts";
import { ulidOf } from "../../lib/zone.ts";

const SITE = `
site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1 }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2 }
hosts: [{ name: h1, ulid: "fc00:aaaa:1::10" }]
`;
const ZONE = "zone: { name: alpha.example, listen: ['2001:db8:f1::2'] }\n";

function machine(text = SITE + ZONE): CliMachine {
  const made = new CliMachine();
  made.files.writeText("/site.yaml", text);
  return made;
}

test("hosts of site.yaml, before there ever was a box: nothing is made", async () => {
  const alone = machine();
  const { code, out, err } = await alone.run(["zone", "-c", "/site.yaml", "--forward"]);
  assert.equal([code, err], [0, ""]);
  assert.match(out, /^\$ORIGIN alpha\.example\.\n/);
  assert.match(out, /^@ +IN SOA +ns\.alpha\.example\. hostmaster\.alpha\.example\. 1800000000 /m);
  assert.match(
    out,
    /^h1 +IN AAAA +2001:db8:a1::10\nh1 +IN AAAA +2001:db8:a2::10\nh1 +IN TYPE65280 \\# 16 fc00aaaa000100000000000000000010$/m,
  );
  assert.not.match(out, /PTR/);
  assert.equal(alone.directories, []);
});

test("those with a lease too, and which zones", async () => {
  const leased = machine();
  leased.files.makeDirectory("/var/lib/pshim6/alpha");
  const store = memoryStore(leased.disk);
  const lease = {
    ulid: ulidOf(0x20),
    duid: Uint8Array.of(0, 3, 0, 1),
    iaid: 1,
    name: "laptop",
    mac: undefined,
    matched: "pool",
    since: 0,
  } as const;
  await store.commit({ leases: [{ ...lease, state: "bound", until: 1_800_000_000_001 }] });
  const run = async (...flags: string[]) => (await leased.run(["zone", "-c", "/site.yaml", ...flags])).out;
  assert.match(await run("--forward"), /^laptop +IN TYPE65280/m);
  assert.match(await run("--reverse"), /^\$ORIGIN 1\.0\.0\.0\.a\.a\.a\.a\.0\.0\.c\.f\.ip6\.arpa\.\n[\s\S]*PTR laptop\.alpha\.example\.$/m);
  const count = async (...flags: string[]) => (await run(...flags)).match(/\$ORIGIN/g)?.length;
  assert.is(await count(), 2);
  assert.is(await count("--forward", "--reverse"), 2);
  assert.is(await count("--reverse"), 1);
  assert.is(await count("--locators"), 4);
  assert.is(await count("--origin", "ALPHA.example."), 1);
  assert.match(await run("--serial", "42"), / 42 900 300 /);
  const json = JSON.parse(await run("--json", "--forward"));
  assert.equal(json.zones[0].records.at(-1), { name: "ns.alpha.example", ttl: 300, type: "AAAA", data: "2001:db8:f1::2" });
  const over = await leased.run(["zone", "-c", "/site.yaml"], { wall: 1_800_000_000_001 });
  assert.not.match(over.out, /laptop/, "the lease is over");
});

test("what is missing is said", async () => {
  const plain = await machine(SITE).run(["zone", "-c", "/site.yaml"]);
  assert.is(plain.code, 1);
  assert.match(plain.err, /has no zone: add one/);
  const other = await machine().run(["zone", "-c", "/site.yaml", "--origin", "beta.example"]);
  assert.is(other.code, 1);
  assert.match(other.err, /no such zone; there are alpha\.example, 1\.0\.0\.0/);
  const bare = await machine(`${SITE}zone: { name: alpha.example }\n`).run(["zone", "-c", "/site.yaml"]);
  assert.is(bare.code, 0);
  assert.match(bare.err, /no address is known for the name server ns\.alpha\.example/);
  assert.is((await machine().run(["zone", "-c", "/site.yaml", "--serial", "4294967296"])).code, 2);
});

test.run();
