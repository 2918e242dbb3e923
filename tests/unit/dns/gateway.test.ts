/** The DNS gateway: what hosts are told of names with ULIDs and without, what is learnt, what is asked of upstreams. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FETCH_LIFE } from "../../../runtime/dns/fetches.ts";
import { CLIENTS_PER_JOB, JOB_LIFE, PATIENCE } from "../../../runtime/dns/gateway.ts";
import { type DnsMessage, dnsName } from "../../../runtime/wire/index.ts";
import { PLAIN_EDNS, record } from "../../lib/dns.ts";
import { HOST, lines, linesOf, localOf, World } from "../../lib/gateway.ts";

const [A, PTR, MX, AAAA, ULID, ANY] = [1, 12, 15, 28, 65_280, 255];
const DO = { ...PLAIN_EDNS, dnssecOk: true };
const H2 = "h2.beta.example";
const BETA = [
  `${H2} 300 AAAA 2001:db8:b3::10`,
  `${H2} 200 AAAA 2001:db8:b4::10`,
  `${H2} 600 ULID fc00:bbbb:1::10`,
  `${H2} 300 A 192.0.2.1`,
  "plain.example 300 AAAA 2001:db8:c::1",
  "plain.example 300 A 192.0.2.2",
];
const codes = (message: DnsMessage | undefined) => message?.edns?.options.map(({ code, data }) => [code, data[1]]);

test("AAAA of a name with a ULID: exactly one, the ULID; the addresses are learnt as locators with their TTLs", () => {
  const world = new World(BETA);
  const got = world.ask("H2.beta.Example", AAAA);
  assert.equal(lines(got?.answers), linesOf("H2.beta.Example 200 AAAA fc00:bbbb:1::10"));
  assert.equal([got?.rcode, got?.recursionAvailable, got?.authoritative, got?.id], [0, true, false, 0x1234]);
  assert.equal(world.asked, [`${H2} 28`, `${H2} 65280`]);
  const until = (seconds: number) => world.now + 1000 * seconds;
  const locators = [
    { address: "2001:db8:b3::10", until: until(360) },
    { address: "2001:db8:b4::10", until: until(260) },
  ];
  assert.equal(world.of("learn"), [{ kind: "learn", ulid: "fc00:bbbb:1::10", locators, names: [H2], until: until(260) }]);
  assert.equal(world.of("asked"), []);
});

test("both types are asked for at once", () => {
  const world = new World(BETA);
  world.twist = () => "late";
  assert.is(world.ask(H2, AAAA), undefined);
  assert.equal(world.asked, [`${H2} 28`, `${H2} 65280`]);
  world.release();
  assert.is(world.responseTo(1)?.answers.length, 1);
});

test("A of a name with a ULID: none, with SOA and EDE 17", () => {
  const world = new World(BETA);
  const got = world.ask(H2, A, { edns: PLAIN_EDNS });
  assert.equal([got?.rcode, got?.answers, got?.authority.map(({ type, name, ttl }) => [type, name, ttl])], [0, [], [[6, H2, 200]]]);
  assert.equal(codes(got), [[15, 17]]);
  assert.is(world.of("learn").length, 1);
  assert.is(world.ask(H2, A)?.edns, undefined);
});

test("ANY of a name with a ULID: the ULID alone (RFC 8482)", () => {
  assert.equal(lines(new World(BETA).ask(H2, ANY)?.answers), linesOf(`${H2} 200 AAAA fc00:bbbb:1::10`));
});

test("names without a ULID: as they are, and nothing is learnt", () => {
  const world = new World(BETA);
  assert.equal(lines(world.ask("plain.example", AAAA)?.answers), linesOf("plain.example 300 AAAA 2001:db8:c::1"));
  assert.equal(lines(world.ask("plain.example", A)?.answers), linesOf("plain.example 300 A 192.0.2.2"));
  assert.is(world.ask("plain.example", ANY)?.answers.length, 2);
  assert.equal([world.of("learn"), world.of("drop")], [[], []]);
});

test("legacy policy: AAAA that hosts could not use are hidden, A stays", () => {
  const world = new World([...BETA, "www.plain.example 60 CNAME plain.example"], { legacy: "hide" });
  const got = world.ask("www.plain.example", AAAA, { edns: PLAIN_EDNS });
  assert.equal(lines(got?.answers), linesOf("www.plain.example 60 CNAME plain.example"));
  assert.equal([got?.authority.map(({ type }) => type), codes(got)], [[6], [[15, 17]]]);
  assert.is(world.ask("plain.example", A)?.answers.length, 1);
  assert.equal(
    world.ask("plain.example", ANY)?.answers.map(({ type }) => type),
    [A],
  );
  assert.is(world.ask(H2, AAAA)?.answers.length, 1);
});

test("addresses of watched names are told before hosts hear of them, with every name on the way", () => {
  const records = [...BETA, "www.plain.example 60 CNAME plain.example"];
  const passed = (watched: readonly string[], name = "www.plain.example", type = AAAA) => {
    const world = new World(records, { watched: watched.map(dnsName) });
    world.ask(name, type);
    const kinds = world.effects.map(({ kind }) => kind);
    if (kinds.includes("passed")) assert.ok(kinds.indexOf("passed") < kinds.indexOf("respond"));
    return world.of("passed").map(({ addresses, names, until }) => [addresses, names, until - world.now]);
  };
  const told = [[["2001:db8:c::1"], ["www.plain.example", "plain.example"], 60_000]];
  assert.equal(passed(["plain.example"]), told);
  assert.equal(passed(["www.plain.example", "other.example"]), told);
  assert.equal(passed(["lain.example"]), [], "another domain");
  assert.equal(passed([]), []);
  assert.equal(passed(["plain.example"], "plain.example", A), [], "IPv4");
  assert.equal(passed(["beta.example"], H2), [], "a name with a ULID");
});

test("negative answers keep their SOA, and its TTL is that of RFC 2308", () => {
  const world = new World(BETA);
  const [none, nothing] = [world.ask("nobody.example", AAAA), world.ask(H2, MX)];
  assert.equal([none?.rcode, none?.authority[0].type, nothing?.rcode, nothing?.authority[0].type], [3, 6, 0, 6]);
  const before = world.asked.length;
  world.pass(299_000);
  assert.is(world.ask("nobody.example", AAAA)?.authority[0].ttl, 301);
  assert.is(world.asked.length, before);
  world.pass(2_000);
  world.ask("nobody.example", AAAA);
  assert.is(world.asked.length, before + 2);
});

test("negative answers without SOA are not kept", () => {
  const world = new World(BETA);
  world.twist = (_, message) => ({ ...message, authority: [] });
  world.ask("nobody.example", MX);
  world.ask("nobody.example", MX);
  assert.is(world.asked.length, 2);
});

test("a ULID without locators counts as none", () => {
  const world = new World(["x.example 60 ULID fc00:bbbb:1::5", "x.example 60 A 192.0.2.5"]);
  const got = world.ask("x.example", AAAA);
  assert.equal([got?.rcode, got?.answers, got?.authority[0].type], [0, [], 6]);
  assert.is(world.ask("x.example", A)?.answers.length, 1);
  assert.equal(world.of("learn"), []);
});

test("several ULIDs: one is told, the same to everybody while it holds; all are learnt", () => {
  const world = new World(["m.example 60 AAAA 2001:db8:b3::1", "m.example 60 ULID fc00:bbbb:1::9", "m.example 60 ULID fc00:bbbb:1::5"]);
  const told = () => lines(world.ask("m.example", AAAA)?.answers);
  assert.equal(told(), linesOf("m.example 60 AAAA fc00:bbbb:1::5"));
  assert.equal(
    world.of("learn").map(({ ulid }) => ulid),
    ["fc00:bbbb:1::5", "fc00:bbbb:1::9"],
  );
  world.records = ["m.example 60 AAAA 2001:db8:b3::1", "m.example 60 ULID fc00:bbbb:1::5", "m.example 60 ULID fc00:bbbb:1::1"].map(record);
  world.pass(61_000);
  assert.equal(told(), linesOf("m.example 60 AAAA fc00:bbbb:1::5"));
  world.records = ["m.example 60 AAAA 2001:db8:b3::1", "m.example 60 ULID fc00:bbbb:1::7", "m.example 60 ULID fc00:bbbb:1::6"].map(record);
  world.pass(61_000);
  assert.equal(told(), linesOf("m.example 60 AAAA fc00:bbbb:1::6"));
});

const LIES: readonly (readonly [name: string, records: readonly string[], drop: string])[] = [
  ["a ULID of the site itself", ["x.example 60 ULID fc00:aaaa:1::5"], "own-ulid-dns"],
  ["a ULID outside the generic prefix", ["x.example 60 ULID 2001:db8::5"], "bad-ulid-dns"],
  ["a ULID of eight octets", ["x.example 60 TYPE65280 fc00bbbb00010000"], "bad-ulid-dns"],
  ...["fc00:cccc::1", "fd12::1", "2001:db8:a1::7", "fe80::1", "ff02::1", "::1", "::", "::ffff:c000:201", "::c000:201"].map(
    (each) => [`the locator ${each}`, ["x.example 60 ULID fc00:bbbb:1::5", `x.example 60 AAAA ${each}`], "bad-locator-dns"] as const,
  ),
];
for (const [name, records, drop] of LIES)
  test(`not believed: ${name}`, () => {
    const world = new World([...records, "x.example 60 AAAA 2001:db8:b3::1"]);
    world.ask("x.example", AAAA);
    assert.equal(
      world.of("drop").map(({ why }) => why),
      [drop],
    );
    const learnt = world.of("learn").flatMap(({ locators }) => locators.map(({ address }) => address));
    assert.equal(learnt, drop === "bad-locator-dns" ? ["2001:db8:b3::1"] : []);
    const alone = new World(records);
    alone.ask("x.example", AAAA);
    assert.equal(alone.of("learn"), []);
  });

test("TTLs of zero: told so, kept by nobody, but long enough in the bindings", () => {
  const world = new World(["z.example 0 AAAA 2001:db8:b3::1", "z.example 0 ULID fc00:bbbb:1::5"]);
  assert.equal(lines(world.ask("z.example", AAAA)?.answers), linesOf("z.example 0 AAAA fc00:bbbb:1::5"));
  assert.is(world.of("respond")[0].entry, undefined);
  assert.is(world.of("learn")[0].until, world.now + 60_000);
  world.ask("z.example", AAAA);
  assert.is(world.asked.length, 4);
});

test("TTLs go down while an answer is kept, and it is asked for anew when they have run out", () => {
  const world = new World(BETA);
  world.ask(H2, AAAA);
  world.pass(150_500);
  assert.is(world.ask(H2, AAAA)?.answers[0].ttl, 50);
  assert.is(world.asked.length, 2);
  world.pass(50_000);
  world.ask(H2, AAAA);
  assert.equal(world.asked.slice(2), [`${H2} 28`]);
});

test("aliases: the ULID of the name at their end, the aliases before it", () => {
  const world = new World([...BETA, `www.beta.example 100 CNAME ${H2}`, "alias.example 90 CNAME www.beta.example"]);
  const got = world.ask("alias.example", AAAA);
  assert.equal(
    lines(got?.answers),
    linesOf("alias.example 90 CNAME www.beta.example", `www.beta.example 100 CNAME ${H2}`, `${H2} 90 AAAA fc00:bbbb:1::10`),
  );
  assert.equal(world.of("learn")[0].names, ["alias.example", H2]);
  assert.equal(world.ask("alias.example", A)?.answers.length, 2);
  assert.is(world.asked.length, 3);
});

test("DNAME: with the CNAME that it means", () => {
  const world = new World([...BETA, "old.example 100 DNAME beta.example"]);
  const got = world.ask("h2.old.example", AAAA);
  assert.equal(
    lines(got?.answers),
    linesOf("old.example 100 DNAME beta.example", `h2.old.example 100 CNAME ${H2}`, `${H2} 100 AAAA fc00:bbbb:1::10`),
  );
  world.twist = (_, message) => ({ ...message, answers: message.answers.filter(({ type }) => type !== 5) });
  assert.equal(lines(world.ask("h2.old.example", A)?.answers)?.slice(1), linesOf(`h2.old.example 100 CNAME ${H2}`));
});

test("a DNAME that makes a name too long: YXDOMAIN (RFC 6672 §2.2)", () => {
  const long = `${"a".repeat(60)}.`.repeat(3);
  const world = new World([`old.example 100 DNAME ${long}example`]);
  assert.is(world.ask(`${long}old.example`, MX)?.rcode, 6);
  world.twist = (_, message) => ({ ...message, rcode: 0 });
  assert.is(world.ask(`${long}old.example`, 16)?.rcode, 6);
});

test("an upstream that leaves aliases unfollowed: they are followed", () => {
  const world = new World([...BETA, `www.beta.example 100 CNAME ${H2}`]);
  world.twist = (_, message) => ({ ...message, answers: message.answers.slice(0, 1), authority: [] });
  assert.equal(lines(world.ask("www.beta.example", AAAA)?.answers)?.slice(1), linesOf(`${H2} 100 AAAA fc00:bbbb:1::10`));
});

test("aliases that lead elsewhere for each type: the ULID's name decides, and its own addresses are its locators", () => {
  const world = new World([...BETA, "cdn.example 60 AAAA 2001:db8:c::9"]);
  world.records = [...world.records, record(`www.example 60 CNAME ${H2}`)];
  world.twist = (fetch, message) =>
    fetch.name === "www.example" && fetch.type === AAAA
      ? { ...message, answers: [record("www.example 60 CNAME cdn.example"), record("cdn.example 60 AAAA 2001:db8:c::9")] }
      : message;
  assert.equal(lines(world.ask("www.example", AAAA)?.answers), linesOf(`www.example 60 CNAME ${H2}`, `${H2} 60 AAAA fc00:bbbb:1::10`));
  assert.equal(
    world.of("learn")[0].locators.map(({ address }) => address),
    ["2001:db8:b3::10", "2001:db8:b4::10"],
  );
});

test("aliases without end: SERVFAIL after a bounded number of questions", () => {
  const world = new World();
  world.twist = (fetch, message) => {
    const next = `n${Number(fetch.name.slice(1).split(".")[0]) + 1}.example`;
    return { ...message, rcode: 0, authority: [], answers: [record(`${fetch.name} 60 CNAME ${next}`)] };
  };
  assert.is(world.ask("n1.example", AAAA)?.rcode, 2);
  assert.ok(world.asked.length < 50);
  const loop = new World(["a.example 60 CNAME b.example", "b.example 60 CNAME a.example"]);
  assert.is(loop.ask("a.example", MX)?.rcode, 2);
});

test("bogus names: SERVFAIL is passed on with its reason, not rewritten, remembered for seconds only", () => {
  const world = new World(BETA);
  const bogus = { edns: { ...PLAIN_EDNS, options: [{ code: 15, data: Uint8Array.of(0, 6, 0x78) }] }, rcode: 2, answers: [], authority: [] };
  world.twist = (fetch, message) => (fetch.checkingDisabled ? message : { ...message, ...bogus });
  const got = world.ask(H2, AAAA, { edns: PLAIN_EDNS });
  assert.equal([got?.rcode, got?.answers, codes(got)], [2, [], [[15, 6]]]);
  assert.equal([world.of("learn"), world.of("respond")[0].entry], [[], undefined]);
  world.ask(H2, AAAA);
  assert.is(world.asked.length, 2);
  world.pass(5_000);
  world.ask(H2, AAAA);
  assert.is(world.asked.length, 4);
  // Who sets CD gets the data as they are, and they are kept nowhere (RFC 6147 §5.5).
  world.pass(5_000);
  for (let i = 0; i < 2; i++) assert.is(world.ask(H2, AAAA, { checkingDisabled: true })?.answers.length, 2);
  assert.equal([world.of("learn"), world.of("respond").every(({ entry }) => entry === undefined)], [[], true]);
});

test("bogus AAAA beside a good ULID: SERVFAIL", () => {
  const world = new World(BETA);
  world.twist = (fetch, message) => (fetch.type === AAAA ? { ...message, rcode: 2, answers: [] } : message);
  assert.equal([world.ask(H2, AAAA)?.rcode, world.of("learn")], [2, []]);
});

test("a bogus alias to a name with a ULID: SERVFAIL, though the ULID's own path is good", () => {
  const world = new World([...BETA, `www.example 60 CNAME ${H2}`]);
  world.twist = (fetch, message) => (fetch.name === "www.example" && fetch.type === AAAA ? { ...message, rcode: 2, answers: [] } : message);
  assert.is(world.ask("www.example", AAAA)?.rcode, 2);
});

test("a ULID that nobody can say anything about: addresses as they are, for a short time", () => {
  const world = new World(BETA);
  world.twist = (fetch, message) => (fetch.type === ULID ? { ...message, rcode: 2, answers: [], authority: [] } : message);
  assert.equal(
    world.ask("plain.example", AAAA)?.answers.map(({ ttl }) => ttl),
    [30],
  );
  world.pass(5_000);
  world.twist = (_, message) => message;
  assert.equal(
    world.ask("plain.example", AAAA)?.answers.map(({ ttl }) => ttl),
    [295],
  );
});

test("a ULID that is slow to come: not waited for beyond patience; a slow AAAA is", () => {
  const world = new World(BETA);
  world.twist = (fetch, message) => (fetch.type === ULID ? "late" : message);
  assert.is(world.ask(H2, AAAA), undefined);
  world.pass(PATIENCE - 1);
  assert.is(world.responseTo(1), undefined);
  world.pass(1);
  assert.is(world.responseTo(1)?.answers.length, 2);
  assert.equal(world.gateway.totals(), { jobs: 0, clients: 0, fetches: 1, kept: 1 });
  world.release();
  assert.equal(lines(world.ask(H2, AAAA)?.answers), linesOf(`${H2} 198 AAAA fc00:bbbb:1::10`));
  const other = new World(BETA);
  other.twist = () => "late";
  other.ask(H2, AAAA);
  other.pass(PATIENCE);
  assert.is(other.responseTo(1), undefined);
  other.release();
  assert.equal(lines(other.responseTo(1)?.answers), linesOf(`${H2} 200 AAAA fc00:bbbb:1::10`));
});

test("upstreams that say nothing: SERVFAIL with a reason; old answers first (RFC 8767)", () => {
  const world = new World(BETA);
  world.twist = () => "silence";
  const got = world.ask(H2, AAAA, { edns: PLAIN_EDNS });
  assert.equal([got?.rcode, codes(got)], [2, [[15, 23]]]);
  const second = new World(BETA);
  second.ask(H2, AAAA, { edns: PLAIN_EDNS });
  second.pass(3_600_000);
  second.twist = () => "silence";
  const stale = second.ask(H2, MX);
  assert.is(stale?.rcode, 2);
  const old = second.ask(H2, AAAA, { edns: PLAIN_EDNS });
  assert.equal(lines(old?.answers), linesOf(`${H2} 30 AAAA fc00:bbbb:1::10`));
  const asked = second.asked.length;
  second.ask(H2, AAAA);
  assert.is(second.asked.length, asked, "nobody is asked again for a while");
  const plain = new World(BETA);
  plain.ask("plain.example", MX);
  plain.ask("nobody.example", MX);
  plain.ask(H2, ULID, { edns: PLAIN_EDNS });
  plain.pass(3_600_000);
  plain.twist = () => "silence";
  assert.equal(codes(plain.ask(H2, ULID, { edns: PLAIN_EDNS })), [[15, 3]]);
  assert.equal(codes(plain.ask("nobody.example", MX, { edns: PLAIN_EDNS })), [[15, 19]]);
  plain.pass(90_000_000);
  assert.is(plain.ask(H2, ULID)?.rcode, 2);
});

test("nobody waits for ever: a job that hears nothing ends with SERVFAIL, a fetch is given up", () => {
  const world = new World(BETA);
  world.twist = () => "late";
  world.ask(H2, AAAA);
  world.pass(JOB_LIFE);
  assert.is(world.responseTo(1)?.rcode, 2);
  assert.equal(
    world.of("drop").map(({ why }) => why),
    ["slow-dns"],
  );
  world.pass(FETCH_LIFE - JOB_LIFE);
  assert.equal({ ...world.gateway.totals(), kept: 0 }, { jobs: 0, clients: 0, fetches: 0, kept: 0 });
  assert.is(world.gateway.wakeAt, Number.POSITIVE_INFINITY);
  world.release();
  assert.equal(
    world.of("drop").map(({ why }) => why),
    ["slow-dns", "late-dns", "late-dns"],
  );
});

test("the same question of many hosts is asked once; beyond a bound hosts are refused", () => {
  const world = new World(BETA);
  world.twist = () => "late";
  for (let i = 0; i < CLIENTS_PER_JOB + 3; i++) world.ask(i % 2 === 0 ? H2 : "H2.Beta.Example", AAAA, { id: i });
  assert.is(world.asked.length, 2);
  assert.equal(world.of("respond").length, 3);
  assert.is(world.gateway.totals().clients, CLIENTS_PER_JOB);
  world.release();
  for (let i = 0; i < CLIENTS_PER_JOB; i++) {
    const got = world.responseTo(i + 1);
    assert.equal([got?.id, got?.questions[0].name, got?.answers.length], [i, i % 2 === 0 ? H2 : "H2.Beta.Example", 1]);
  }
  assert.equal(world.of("respond").filter(({ entry }) => entry !== undefined).length, 1);
  assert.equal({ ...world.gateway.totals(), kept: 0 }, { jobs: 0, clients: 0, fetches: 0, kept: 0 });
});

test("A and AAAA of one name share the fetches", () => {
  const world = new World(BETA);
  world.twist = () => "late";
  world.ask(H2, A);
  world.ask(H2, AAAA);
  assert.equal(world.asked, [`${H2} 1`, `${H2} 65280`, `${H2} 28`]);
});

test("DO and CD: nothing is rewritten, and nothing is learnt from what nobody validated", () => {
  const world = new World([...BETA]);
  world.twist = (_, message) => ({ ...message, additional: [record(`${H2} 60 A 192.0.2.1`)] });
  const got = world.ask(H2, AAAA, { edns: DO, checkingDisabled: true });
  assert.equal([got?.answers.length, got?.additional.length, got?.checkingDisabled, got?.edns?.dnssecOk], [2, 1, true, true]);
  assert.is(world.ask(H2, A, { edns: DO, checkingDisabled: true })?.answers.length, 1);
  world.ask(H2, A, { edns: DO, checkingDisabled: true });
  assert.equal([world.of("learn"), world.asked.length, world.gateway.totals().kept], [[], 3, 0]);
  assert.ok(world.of("fetch").every(({ checkingDisabled, dnssecOk }) => checkingDisabled && dnssecOk));
});

const AUTHENTIC: readonly (readonly [name: string, type: number, changes: Partial<DnsMessage>, ad: boolean])[] = [
  ["rewritten, DO", AAAA, { edns: DO }, true],
  ["rewritten, neither", AAAA, {}, false],
  ["rewritten, AD alone", AAAA, { authenticData: true }, false],
  ["hidden A, DO", A, { edns: DO }, true],
  ["hidden A, AD alone", A, { authenticData: true }, false],
  ["as it is, DO", ULID, { edns: DO }, true],
  ["as it is, AD alone", ULID, { authenticData: true }, true],
  ["as it is, neither", ULID, {}, false],
];
for (const [name, type, changes, ad] of AUTHENTIC)
  test(`AD: ${name} (RFC 6147 §5.5, RFC 6840 §5.7)`, () => {
    const world = new World(BETA);
    world.twist = (_, message) => ({ ...message, authenticData: true });
    assert.is(world.ask(H2, type, changes)?.authenticData, ad);
  });

test("AD of what was put together only if every part was validated", () => {
  const world = new World(BETA);
  world.twist = (fetch, message) => ({ ...message, authenticData: fetch.type === ULID });
  assert.is(world.ask(H2, AAAA, { edns: DO })?.authenticData, false);
});

test("signatures of what was taken away go too, those of aliases stay", () => {
  const world = new World([...BETA, `w.example 60 CNAME ${H2}`]);
  const rrsig = (name: string, type: number) => record(`${name} 60 TYPE46 ${type.toString(16).padStart(4, "0")}00`);
  world.twist = (_, message) => ({ ...message, answers: [...message.answers, rrsig("w.example", 5), rrsig(H2, AAAA), rrsig(H2, ULID)] });
  assert.equal(
    world.ask("w.example", AAAA, { edns: DO })?.answers.map(({ type }) => type),
    [5, 46, 28],
  );
  assert.equal(
    world.ask("w.example", ULID, { edns: DO })?.answers.map(({ type }) => type),
    [5, 46, ULID, 46],
  );
});

test("addresses in the additional section do not slip through", () => {
  const world = new World([...BETA, `beta.example 60 MX 10 ${H2}`]);
  world.twist = (_, message) => ({
    ...message,
    additional: [record(`${H2} 60 A 192.0.2.1`), record(`${H2} 60 AAAA 2001:db8:b3::10`), record("x 1 TXT y")],
  });
  assert.equal(
    world.ask("beta.example", MX)?.additional.map(({ type }) => type),
    [16],
  );
});

const LOCAL = localOf([
  "alpha.example 300 SOA 120",
  "h1.alpha.example 300 AAAA 2001:db8:a1::10",
  "h1.alpha.example 300 A 192.0.2.7",
  "h1.alpha.example 300 ULID fc00:aaaa:1::10",
  "ns.alpha.example 300 AAAA 2001:db8:a1::53",
  "0.a.a.a.a.0.0.c.f.ip6.arpa 300 SOA 120",
]);

test("own names: inside hosts get ULIDs; upstream is not asked", () => {
  const world = new World(BETA, { announce: true }, LOCAL);
  const got = world.ask("h1.alpha.example", AAAA);
  assert.equal([lines(got?.answers), got?.authoritative], [linesOf("h1.alpha.example 300 AAAA fc00:aaaa:1::10"), true]);
  const hidden = world.ask("h1.alpha.example", A);
  assert.equal([hidden?.answers, hidden?.authority.map(({ name }) => name)], [[], ["alpha.example"]]);
  assert.equal(lines(world.ask("ns.alpha.example", AAAA)?.answers), linesOf("ns.alpha.example 300 AAAA 2001:db8:a1::53"));
  assert.equal([world.ask("no.alpha.example", AAAA)?.rcode, world.ask("h1.alpha.example", MX)?.authority.length], [3, 1]);
  assert.is(world.ask("h1.alpha.example", AAAA, { edns: DO, checkingDisabled: true })?.answers[0].data[0], 0x20);
  assert.equal([world.asked, world.of("learn"), world.of("asked")], [[], [], []]);
});

test("an alias from outside to an own name: the site's own word counts", () => {
  const world = new World(["www.example 60 CNAME h1.alpha.example", "h1.alpha.example 60 AAAA 2001:db8:66::6"], {}, LOCAL);
  const got = world.ask("www.example", AAAA);
  assert.equal(lines(got?.answers), linesOf("www.example 60 CNAME h1.alpha.example", "h1.alpha.example 60 AAAA fc00:aaaa:1::10"));
  assert.is(got?.authoritative, false);
});

test("what upstream says of own names is not followed", () => {
  const world = new World(["www.example 60 CNAME h1.alpha.example", "evil.example 60 AAAA 2001:db8:66::6"], {}, LOCAL);
  world.twist = (_, message) => ({
    ...message,
    answers: [...message.answers, record("h1.alpha.example 60 CNAME evil.example"), record("evil.example 60 AAAA 2001:db8:66::6")],
  });
  assert.equal(lines(world.ask("www.example", AAAA)?.answers)?.[1], linesOf("h1.alpha.example 60 AAAA fc00:aaaa:1::10")?.[0]);
});

test("answers of own names are kept for a second only", () => {
  const world = new World([], {}, LOCAL);
  world.ask("h1.alpha.example", AAAA);
  assert.is(world.of("respond")[0].entry?.until, world.now + 1000);
});

test("announced: who was told of which ULID, and such answers are not kept in front", () => {
  const world = new World(BETA, { announce: true });
  world.ask(H2, AAAA);
  world.ask("plain.example", AAAA);
  assert.equal(world.of("asked"), [{ kind: "asked", from: HOST, ulid: "fc00:bbbb:1::10" }]);
  assert.equal(
    world.of("respond").map(({ entry }) => entry !== undefined),
    [false, true],
  );
});

test("entries end with the first thing they were made of", () => {
  const world = new World(BETA);
  world.ask("plain.example", AAAA);
  world.ask(H2, AAAA);
  assert.equal(
    world.of("respond").map(({ entry }) => (entry?.until ?? 0) - world.now),
    [300_000, 200_000],
  );
});

const SPECIAL: readonly (readonly [name: string, type: number, rcode: number, answers: number])[] = [
  ["localhost", A, 0, 1],
  ["a.localhost", AAAA, 0, 1],
  ["localhost", MX, 0, 0],
  ["printer.local", AAAA, 3, 0],
  ["x.invalid", A, 3, 0],
  ["x.onion", A, 3, 0],
  ["_dns.resolver.arpa", 64, 0, 0],
  ["use-application-dns.net", A, 3, 0],
];
for (const [name, type, rcode, answers] of SPECIAL)
  test(`special use: ${name} ${type}`, () => {
    const world = new World();
    const got = world.ask(name, type);
    assert.equal([got?.rcode, got?.answers.length, got?.authority.length, world.asked], [rcode, answers, answers === 0 ? 1 : 0, []]);
  });

test("ipv4only.arpa and the reverse trees are left alone", () => {
  const world = new World([
    "ipv4only.arpa 60 A 192.0.0.170",
    "ipv4only.arpa 60 AAAA 64:ff9b::c000:aa",
    "ipv4only.arpa 60 ULID fc00:bbbb::1",
  ]);
  assert.is(world.ask("ipv4only.arpa", AAAA)?.answers[0].data[1], 0x64);
  assert.is(world.ask("ipv4only.arpa", A)?.answers.length, 1);
  world.ask("0.1.0.0.ip6.arpa", PTR);
  assert.equal(world.asked, ["ipv4only.arpa 28", "ipv4only.arpa 1", "0.1.0.0.ip6.arpa 12"]);
});

test("without RD: what is here, else REFUSED", () => {
  const world = new World(BETA, {}, LOCAL);
  const refused = world.ask(H2, AAAA, { recursionDesired: false, edns: PLAIN_EDNS });
  assert.equal([refused?.rcode, refused?.recursionDesired, codes(refused), world.asked], [5, false, [[15, 20]], []]);
  world.ask(H2, AAAA, { edns: PLAIN_EDNS });
  const kept = world.ask(H2, AAAA, { recursionDesired: false });
  assert.equal([kept?.rcode, kept?.answers.length, kept?.recursionDesired], [0, 1, false]);
  assert.is(world.of("respond").at(-1)?.entry, undefined);
  assert.is(world.ask("h1.alpha.example", AAAA, { recursionDesired: false })?.answers.length, 1);
});

test("an RCODE that is nothing to hosts becomes SERVFAIL", () => {
  for (const [rcode, told] of [
    [1, 2],
    [4, 2],
    [5, 5],
    [16, 2],
    [23, 2],
  ]) {
    const world = new World(BETA);
    world.twist = (_, message) => ({ ...message, rcode, answers: [], authority: [] });
    assert.is(world.ask(H2, MX)?.rcode, told);
  }
});

test("sizes: over UDP what the asker takes, at most 1,232 octets; over TCP everything", () => {
  const world = new World(Array.from({ length: 80 }, (_, i) => `big.example 60 AAAA 2001:db8:c::${(i + 1).toString(16)}`));
  const sizeOf = (changes: Partial<DnsMessage>, stream = false) => {
    const got = world.ask("big.example", AAAA, changes, stream);
    return [got?.truncated, got?.answers.length, world.of("respond").at(-1)?.octets.length];
  };
  assert.equal(sizeOf({}), [true, 0, 29]);
  assert.equal(sizeOf({ edns: { ...PLAIN_EDNS, size: 4096 } }), [true, 0, 40]);
  assert.equal(sizeOf({}, true), [false, 80, 29 + 80 * 28]);
});

test("new settings: what was kept is forgotten if the type of ULIDs is another", () => {
  const world = new World(BETA);
  world.ask(H2, AAAA);
  world.gateway.configure({ ...world.gateway.settings, announce: true });
  world.ask(H2, AAAA);
  assert.is(world.asked.length, 2);
  world.gateway.configure({ ...world.gateway.settings, ulidType: 65_281 });
  assert.is(world.ask(H2, AAAA)?.answers.length, 2);
});

test.run();
