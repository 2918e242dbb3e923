/** SVCB and HTTPS: hints of addresses (RFC 9460 §7.3, §8). */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hasHints, parseService, rewriteHints } from "../../../runtime/dns/svcb.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { dnsName, nameOctets } from "../../../runtime/wire/index.ts";
import { PLAIN_EDNS, record } from "../../lib/dns.ts";
import { World } from "../../lib/gateway.ts";

const octets = (text: string) => unhex(text) ?? new Uint8Array(0);
const HTTPS = 65;
const ALPN = "0001 0003 026832";
const HINT4 = "0004 0004 c0000201";
const HINT6 = "0006 0020 20010db800b300000000000000000010 20010db800b400000000000000000010";
const ULID = "fc00bbbb000100000000000000000010";
const service = (text: string) => {
  const value = parseService(octets(text));
  if (value instanceof Reject) throw new Error(value.why);
  return value;
};

const REWRITTEN: readonly (readonly [name: string, before: string, after: string, without: string])[] = [
  ["both hints", `0001 00 ${ALPN} ${HINT4} ${HINT6}`, `0001 00 ${ALPN} 0006 0010 ${ULID}`, `0001 00 ${ALPN}`],
  ["IPv4 alone", `0001 00 ${ALPN} ${HINT4}`, `0001 00 ${ALPN}`, `0001 00 ${ALPN}`],
  [
    "mandatory: alpn, ipv4hint, ipv6hint",
    `0001 00 0000 0006 000100040006 ${ALPN} ${HINT4} ${HINT6}`,
    `0001 00 0000 0004 00010006 ${ALPN} 0006 0010 ${ULID}`,
    `0001 00 0000 0002 0001 ${ALPN}`,
  ],
  ["mandatory: ipv4hint alone", `0001 00 0000 0002 0004 ${HINT4}`, "0001 00", "0001 00"],
  ["other keys stay", `0002 0161 00 ${HINT6} ff00 0001 aa`, `0002 0161 00 0006 0010 ${ULID} ff00 0001 aa`, "0002 0161 00 ff00 0001 aa"],
];
for (const [name, before, after, without] of REWRITTEN)
  test(`rewritten: ${name}`, () => {
    assert.ok(hasHints(service(before)));
    assert.is(hex(rewriteHints(service(before), address("fc00:bbbb:1::10"))), hex(octets(after)));
    assert.is(hex(rewriteHints(service(before), undefined)), hex(octets(without)));
  });

test("hints of nobody: AliasMode, and services without", () => {
  assert.not(hasHints(service(`0001 00 ${ALPN}`)));
  assert.not(hasHints(service(`0000 0161 00 ${HINT6}`)));
});

for (const [name, text] of [
  ["nothing", ""],
  ["a priority alone", "0001"],
  ["a target cut short", "0001 0561"],
  ["a compressed target", "0001 c00c"],
  ["half a key", "0001 00 0001 00"],
  ["a value cut short", "0001 00 0001 0003 02"],
  ["keys out of order", `0001 00 ${HINT6} ${HINT4}`],
  ["a key twice", `0001 00 ${ALPN} ${ALPN}`],
])
  test(`not read: ${name}`, () => assert.instance(parseService(octets(text)), Reject));

const https = (name: string, data: string) => record(`${name} 300 TYPE65 ${hex(octets(data))}`);
const H2 = ["h2.beta.example 300 AAAA 2001:db8:b3::10", "h2.beta.example 100 ULID fc00:bbbb:1::10"];
const OTHER = hex(nameOctets(dnsName("h2.beta.example")));

test("the answer: hints become the ULID of the target, which is learnt; others stay", () => {
  const world = new World([...H2, "plain.example 60 AAAA 2001:db8:c::1"]);
  const own = https("h2.beta.example", `0001 00 ${ALPN} ${HINT4} ${HINT6}`);
  const other = https("www.example", `0001 ${OTHER} ${HINT6}`);
  const plain = https("plain.example", `0001 00 ${HINT6}`);
  world.records = [...world.records, own, other, plain];
  const got = world.ask("h2.beta.example", HTTPS, { edns: PLAIN_EDNS });
  assert.is(hex(got?.answers[0].data ?? octets("")), hex(octets(`0001 00 ${ALPN} 0006 0010 ${ULID}`)));
  assert.is(got?.answers[0].ttl, 100);
  assert.is(hex(world.ask("www.example", HTTPS)?.answers[0].data ?? octets("")), hex(octets(`0001 ${OTHER} 0006 0010 ${ULID}`)));
  assert.equal(world.ask("plain.example", HTTPS)?.answers, [plain]);
  assert.equal(
    world.of("learn").map(({ names }) => names),
    [["h2.beta.example"], ["h2.beta.example"]],
  );
  const raw = world.ask("h2.beta.example", HTTPS, { edns: { ...PLAIN_EDNS, dnssecOk: true }, checkingDisabled: true });
  assert.equal(raw?.answers, [own]);
});

test("signatures of a changed record go, AD stays if all was validated; without change both stay", () => {
  const world = new World([...H2, "h2.beta.example 300 TYPE46 004100", "plain.example 300 TYPE46 004100"]);
  world.records = [...world.records, https("h2.beta.example", `0001 00 ${HINT6}`), https("plain.example", `0001 00 ${HINT6}`)];
  world.twist = (fetch, message) => ({
    ...message,
    authenticData: true,
    answers: [...message.answers, ...world.records.filter(({ type, name }) => type === 46 && name === fetch.name)],
  });
  const DO = { edns: { ...PLAIN_EDNS, dnssecOk: true } };
  const [changed, same] = [world.ask("h2.beta.example", HTTPS, DO), world.ask("plain.example", HTTPS, DO)];
  assert.equal([changed?.answers.map(({ type }) => type), changed?.authenticData], [[65], true]);
  assert.equal([same?.answers.map(({ type }) => type), same?.authenticData], [[65, 46], true]);
  assert.is(world.ask("h2.beta.example", HTTPS, { authenticData: true })?.authenticData, false);
});

test("a record that cannot be read is left out and counted", () => {
  const world = new World();
  world.records = [https("x.example", "0001 c00c"), https("x.example", `0002 00 ${ALPN}`)];
  assert.is(world.ask("x.example", HTTPS)?.answers.length, 1);
  assert.equal(
    world.of("drop").map(({ why }) => why),
    ["bad-svcb-dns"],
  );
});

test("many targets: a bounded number is looked up, hints of the others go", () => {
  const world = new World();
  world.records = Array.from({ length: 30 }, (_, i) => https("x.example", `0001 ${hex(nameOctets(dnsName(`t${i}.example`)))} ${HINT6}`));
  const got = world.ask("x.example", HTTPS, {}, true);
  assert.is(got?.answers.filter(({ data }) => !data.includes(0x20)).length, 22);
  assert.is(world.of("fetch").filter(({ type }) => type === 65_280).length, 8);
});

test.run();
