/** From a ULID to its locators by way of the reverse tree, and what of that is proved (draft §4.2.1, §10). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { agree } from "../../../runtime/dns/proof.ts";
import { address } from "../../../runtime/value/address.ts";
import { dnsName, reverseName } from "../../../runtime/wire/index.ts";
import { localOf, World } from "../../lib/gateway.ts";

const ULID = address("fc00:bbbb:1::10");
const POINTER = `${reverseName(ULID)} 60 PTR h2.beta.example`;
const H2 = ["h2.beta.example 300 AAAA 2001:db8:b3::10", "h2.beta.example 300 ULID fc00:bbbb:1::10"];

test("both trees agree", () => {
  const world = new World([POINTER, ...H2]);
  const locators = [{ address: "2001:db8:b3::10", until: world.now + 360_000 }];
  assert.equal(world.locate(ULID), { kind: "located", ulid: ULID, locators, names: ["h2.beta.example"], failed: false });
  assert.equal(world.asked, [`${reverseName(ULID)} 12`, "h2.beta.example 65280", "h2.beta.example 28"]);
  assert.equal(world.of("learn"), []);
});

const NOWHERE: readonly (readonly [name: string, records: readonly string[]])[] = [
  ["no pointer", H2],
  ["a pointer to nobody", [POINTER]],
  ["a name with another ULID", [POINTER, "h2.beta.example 300 AAAA 2001:db8:b3::10", "h2.beta.example 300 ULID fc00:bbbb:1::11"]],
  ["a name without locators", [POINTER, H2[1]]],
  ["a name whose locators cannot be", [POINTER, H2[1], "h2.beta.example 300 AAAA fe80::1"]],
];
for (const [name, records] of NOWHERE)
  test(`not located: ${name}`, () => {
    assert.equal(new World(records).locate(ULID), { kind: "located", ulid: ULID, locators: [], names: [], failed: false });
  });

test("own ULIDs and addresses that are none are not looked up", () => {
  const world = new World([POINTER, ...H2]);
  for (const each of ["fc00:aaaa:1::5", "2001:db8::1"]) assert.equal(world.locate(each)?.locators, []);
  assert.equal(world.asked, []);
});

test("a pointer by way of aliases, several names, one of which lies", () => {
  const world = new World([
    `${reverseName(ULID)} 60 CNAME 10.net.beta.example`,
    "10.net.beta.example 60 PTR h2.beta.example",
    "10.net.beta.example 60 PTR liar.example",
    "liar.example 60 AAAA 2001:db8:66::6",
    "liar.example 60 ULID fc00:bbbb:1::66",
    ...H2,
  ]);
  const located = world.locate(ULID);
  assert.equal([located?.names, located?.locators.map((each) => each.address)], [["h2.beta.example"], ["2001:db8:b3::10"]]);
});

test("nobody can say: failed, and asked again later", () => {
  for (const silent of [12, 65_280, 28]) {
    const world = new World([POINTER, ...H2]);
    world.twist = (fetch, message) => (fetch.type === silent ? "silence" : message);
    assert.equal([world.locate(ULID)?.failed, world.locate(ULID)?.locators], [true, []]);
  }
});

test("it waits for slow ULIDs, and is told once however often it is asked", () => {
  const world = new World([POINTER, ...H2]);
  world.twist = (fetch, message) => (fetch.type === 65_280 ? "late" : message);
  world.locate(ULID);
  world.locate(ULID);
  world.pass(5_000);
  assert.equal(world.of("located"), []);
  world.release();
  assert.is(world.of("located").length, 1);
  assert.equal({ ...world.gateway.totals(), kept: 0 }, { jobs: 0, clients: 0, fetches: 0, kept: 0 });
});

test("more names than a host has: a bounded number is looked at", () => {
  const world = new World(Array.from({ length: 40 }, (_, i) => `${reverseName(ULID)} 60 PTR n${i}.example`));
  world.locate(ULID);
  assert.is(world.asked.length, 5);
});

test("what hosts ask of the reverse tree: own from the zone, others from upstream", () => {
  const own = reverseName(address("fc00:aaaa:1::10"));
  const world = new World([POINTER], {}, localOf(["1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa 60 SOA 60", `${own} 60 PTR h1.alpha.example`]));
  assert.is(world.ask(own, 12)?.answers.length, 1);
  assert.equal(world.asked, []);
  assert.is(world.ask(reverseName(ULID), 12)?.answers.length, 1);
});

test("agreement", () => {
  const [a, b] = [dnsName("a.example"), dnsName("b.example")];
  const at = (text: string, until: number) => ({ address: address(text), until });
  const forward = [
    { name: a, ulids: [ULID], locators: [at("2001:db8::1", 5), at("2001:db8::2", 5)] },
    { name: b, ulids: [address("fc00:bbbb:1::9"), ULID], locators: [at("2001:db8::2", 9)] },
    { name: dnsName("c.example"), ulids: [ULID], locators: [at("2001:db8::3", 9)] },
  ];
  assert.equal(agree(ULID, [a, b], forward), { locators: [at("2001:db8::1", 5), at("2001:db8::2", 9)], names: [a, b] });
  assert.equal(agree(ULID, [], forward), { locators: [], names: [] });
  assert.equal(agree(address("fc00:bbbb:1::8"), [a, b], forward), { locators: [], names: [] });
});

test.run();
