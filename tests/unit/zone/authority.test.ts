/** The built-in authority: answers, the odd queries of RFC 8906, sizes, and what it does not answer. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { concat, hex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import {
  CLASS_ANY,
  type DnsMessage,
  type Edns,
  TYPE_AAAA,
  TYPE_ANY,
  TYPE_AXFR,
  TYPE_IXFR,
  TYPE_NS,
  TYPE_OPT,
  TYPE_PTR,
  TYPE_SOA,
  TYPE_TSIG,
  TYPE_TXT,
} from "../../../runtime/wire/dns.ts";
import { emitDns } from "../../../runtime/wire/dns-emit.ts";
import { dnsName, reverseName } from "../../../runtime/wire/dns-name.ts";
import { parseSoa } from "../../../runtime/wire/dns-rdata.ts";
import { type Asker, Authority } from "../../../runtime/zone/authority.ts";
import { contentsOf } from "../../../runtime/zone/contents.ts";
import { AnswerRate } from "../../../runtime/zone/rate.ts";
import { nextSerial } from "../../../runtime/zone/serial.ts";
import { parseTsig } from "../../../runtime/zone/tsig.ts";
import { alphaTerms, hostOf, ISP1, ISP2, read, requestOf, ULID_TYPE, ulidOf } from "../../lib/zone.ts";

const UDP: Asker = { transport: "udp", address: address("2001:db8:9::1") };
const TCP: Asker = { transport: "tcp", address: address("2001:db8:9::1") };
const LOOPBACK: Asker = { transport: "tcp", address: address("::1") };
const EDNS: Edns = { size: 1232, version: 0, dnssecOk: false, flags: 0, options: [] };

function authorityOf(hosts = [hostOf(0x10, "h1"), hostOf(0x20)], providers = [ISP1, ISP2]): Authority {
  const authority = new Authority();
  authority.set(contentsOf(alphaTerms(), hosts, providers), () => 7);
  return authority;
}

function ask(authority: Authority, request: DnsMessage | Uint8Array, asker = UDP): DnsMessage {
  const { messages } = authority.answer(request instanceof Uint8Array ? request : emitDns(request), asker, 0);
  assert.is(messages.length, 1);
  return read(messages[0]);
}

/** rcode, flags and how many records: `NXDOMAIN aa 0/1/0`. */
function brief({ rcode, authoritative, truncated, answers, authority, additional }: DnsMessage): string {
  const names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
  return `${names[rcode] ?? rcode}${authoritative ? " aa" : ""}${truncated ? " tc" : ""} ${answers.length}/${authority.length}/${additional.length}`;
}

const PTR = reverseName(ulidOf(0x10));

test("names and types", () => {
  const authority = authorityOf();
  for (const [name, type, wanted] of [
    ["alpha.example", TYPE_SOA, "NOERROR aa 1/0/0"],
    ["alpha.example", TYPE_NS, "NOERROR aa 1/0/1"],
    ["alpha.example", TYPE_AAAA, "NOERROR aa 0/1/0"],
    ["alpha.example", 1000, "NOERROR aa 0/1/0"],
    ["h1.alpha.example", TYPE_AAAA, "NOERROR aa 2/0/1"],
    ["H1.Alpha.EXAMPLE", TYPE_AAAA, "NOERROR aa 2/0/1"],
    ["h1.alpha.example", ULID_TYPE, "NOERROR aa 1/0/2"],
    ["h1.alpha.example", TYPE_TXT, "NOERROR aa 0/1/0"],
    ["h1.alpha.example", TYPE_SOA, "NOERROR aa 0/1/0"],
    ["h1.alpha.example", TYPE_ANY, "NOERROR aa 1/0/0"],
    ["alpha.example", TYPE_ANY, "NOERROR aa 1/0/0"],
    ["ns.alpha.example", TYPE_AAAA, "NOERROR aa 1/0/0"],
    ["nobody.alpha.example", TYPE_AAAA, "NXDOMAIN aa 0/1/0"],
    ["x.h1.alpha.example", TYPE_AAAA, "NXDOMAIN aa 0/1/0"],
    [PTR, TYPE_PTR, "NOERROR aa 1/0/3"],
    [PTR, TYPE_AAAA, "NOERROR aa 0/1/0"],
    [`f.${PTR.slice(2)}`, TYPE_PTR, "NXDOMAIN aa 0/1/0"],
    [PTR.slice(2), TYPE_PTR, "NOERROR aa 0/1/0"],
    [PTR.slice(30), TYPE_PTR, "NOERROR aa 0/1/0"],
    ["f.1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa", TYPE_PTR, "NXDOMAIN aa 0/1/0"],
    ["example", TYPE_NS, "REFUSED 0/0/0"],
    ["xalpha.example", TYPE_AAAA, "REFUSED 0/0/0"],
    ["0.0.0.a.a.a.a.0.0.c.f.ip6.arpa", TYPE_SOA, "REFUSED 0/0/0"],
    ["", TYPE_NS, "REFUSED 0/0/0"],
  ] as const)
    assert.is(brief(ask(authority, requestOf(name, type))), wanted, `${name} ${type}`);
});

test("answers spell the name as it was asked, and lead on", () => {
  const authority = authorityOf();
  const locators = ask(authority, requestOf("H1.aLPHA.example", TYPE_AAAA));
  assert.equal(
    [...locators.answers, ...locators.additional].map(({ name }) => name),
    ["H1.aLPHA.example", "H1.aLPHA.example", "H1.aLPHA.example"],
  );
  assert.is(locators.additional[0].type, ULID_TYPE);
  assert.is(hex(locators.additional[0].data), "fc00aaaa000100000000000000000010");
  const pointer = ask(authority, requestOf(PTR, TYPE_PTR));
  assert.equal(
    pointer.additional.map(({ name, type }) => `${name} ${type}`),
    [`h1.alpha.example ${TYPE_AAAA}`, `h1.alpha.example ${TYPE_AAAA}`, `h1.alpha.example ${ULID_TYPE}`],
  );
});

test("negative answers say how long they hold (RFC 2308 §3)", () => {
  const { authority } = ask(authorityOf(), requestOf("nobody.alpha.example", TYPE_AAAA));
  const soa = parseSoa(authority[0].data);
  if ("why" in soa) throw new Error(soa.why);
  assert.is(authority[0].ttl, soa.minimum);
  assert.is(authority[0].ttl, 300);
});

test("RFC 8906 §8: every odd query is answered as it should be", () => {
  const authority = authorityOf();
  const soa = (change: Partial<DnsMessage> = {}) => emitDns(requestOf("alpha.example", TYPE_SOA, change));
  const flags = (octets: Uint8Array, first: number, second: number) => {
    const changed = octets.slice();
    changed[2] |= first;
    changed[3] |= second;
    return changed;
  };
  const options = [
    { code: 3, data: new Uint8Array(0) }, //                        NSID
    { code: 8, data: Uint8Array.of(0, 1, 0, 0) }, //                client subnet
    { code: 9, data: new Uint8Array(0) }, //                        EXPIRE
    { code: 10, data: new Uint8Array(8) }, //                       COOKIE
  ];
  const none = { edns: undefined };
  // Section, request, rcode, AA, SOA in the answer, RD, OPT.
  for (const [section, request, rcode, found, rd, opt] of [
    ["8.1.1 zone", soa(), 0, true, false, false],
    ["8.1.3.1 CD", flags(soa(none), 0, 0x10), 0, true, false, false],
    ["8.1.3.2 AD", flags(soa(none), 0, 0x20), 0, true, false, false],
    ["8.1.3.3 Z", flags(soa(none), 0, 0x40), 0, true, false, false],
    ["8.1.3.4 RD", flags(soa(none), 1, 0), 0, true, true, false],
    ["8.1.4 opcode 15, header only", concat(Uint8Array.of(0, 1, 0x78, 0), new Uint8Array(8)), 4, false, false, false],
    ["8.2.1 EDNS", soa({ edns: EDNS }), 0, true, false, true],
    ["8.2.2 EDNS 1", soa({ edns: { ...EDNS, version: 1 } }), 16, false, false, true],
    ["8.2.3 option", soa({ edns: { ...EDNS, options: [{ code: 100, data: new Uint8Array(0) }] } }), 0, true, false, true],
    ["8.2.4 flag", soa({ edns: { ...EDNS, flags: 0x40 } }), 0, true, false, true],
    ["8.2.5 EDNS 1, flag", soa({ edns: { ...EDNS, version: 1, flags: 0x40 } }), 16, false, false, true],
    [
      "8.2.6 EDNS 1, option",
      soa({ edns: { ...EDNS, version: 1, options: [{ code: 100, data: new Uint8Array(0) }] } }),
      16,
      false,
      false,
      true,
    ],
    ["8.2.8 DO", soa({ edns: { ...EDNS, dnssecOk: true } }), 0, true, false, true],
    ["8.2.9 EDNS 1, DO", soa({ edns: { ...EDNS, version: 1, dnssecOk: true } }), 16, false, false, true],
    ["8.2.10 options", soa({ edns: { ...EDNS, options } }), 0, true, false, true],
  ] as const) {
    for (const asker of [UDP, TCP]) {
      const answer = authority.answer(request, asker, 0).messages[0];
      const message = read(answer);
      assert.is(message.rcode, rcode, section);
      assert.is(message.response, true, section);
      assert.is(message.opcode, (request[2] >> 3) & 0xf, section);
      assert.is(message.authoritative, found, section);
      assert.is(
        message.answers.some(({ type }) => type === TYPE_SOA),
        found,
        section,
      );
      assert.is(message.recursionDesired, rd, section);
      assert.is(answer[3] & 0xf0, 0, `${section}: RA, Z, AD, CD`);
      assert.is(message.edns !== undefined, opt, section);
      if (message.edns !== undefined) {
        assert.is(message.edns.version, 0, section);
        assert.is(message.edns.flags, 0, section);
        assert.is(message.edns.options.length, 0, section);
      }
      if (rcode !== 0) assert.is(message.additional.length, 0, section);
    }
  }
  // 8.1.2: an unknown type.
  assert.is(brief(ask(authority, requestOf("alpha.example", 1000))), "NOERROR aa 0/1/0");
});

test("what is not a question", () => {
  const authority = authorityOf();
  const question = { name: dnsName("alpha.example"), type: TYPE_SOA, class: 1 };
  const edns = { edns: EDNS };
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { opcode: 4 }))), "NOTIMP 0/0/0", "NOTIFY");
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { opcode: 5, ...edns }))), "NOTIMP 0/0/0", "UPDATE");
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { questions: [] }))), "FORMERR 0/0/0");
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { questions: [question, question] }))), "FORMERR 0/0/0");
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_OPT))), "FORMERR 0/0/0");
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_TSIG))), "FORMERR 0/0/0");
  assert.is(brief(ask(authority, requestOf("alpha.example", 253))), "NOTIMP 0/0/0");
  for (const klass of [3, 4, 254, CLASS_ANY])
    assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { questions: [{ ...question, class: klass }] }))), "REFUSED 0/0/0");
  const whole = emitDns(requestOf("alpha.example", TYPE_SOA));
  for (let length = 12; length < whole.length; length++)
    assert.is(brief(ask(authority, whole.subarray(0, length))), "FORMERR 0/0/0", `${length} octets`);
  assert.is(brief(ask(authority, concat(whole, Uint8Array.of(0)))), "FORMERR 0/0/0", "something behind it");
  for (let length = 0; length < 12; length++)
    assert.equal(authority.answer(whole.subarray(0, length), UDP, 0), { messages: [], why: "drop-short-dns" });
  assert.equal(authority.answer(emitDns(requestOf("alpha.example", TYPE_SOA, { response: true })), UDP, 0).messages, [], "an answer");
});

test("signed questions: we have no keys (RFC 8945 §5.2.1)", () => {
  const authority = authorityOf();
  const data = concat(
    Uint8Array.of(11, ...new TextEncoder().encode("hmac-sha256"), 0),
    Uint8Array.of(0, 0, 0x65, 0, 0, 0, 1, 44, 0, 2, 9, 9, 0x12, 0x34, 0, 0, 0, 0),
  );
  const record = { name: dnsName("k"), type: TYPE_TSIG, class: CLASS_ANY, ttl: 0, data };
  const answer = ask(authority, requestOf("alpha.example", TYPE_SOA, { additional: [record] }));
  assert.is(brief(answer), "9 0/0/1");
  const tsig = parseTsig(answer.additional[0].data);
  if ("why" in tsig) throw new Error(tsig.why);
  assert.is(tsig.error, 17);
  assert.is(tsig.mac.length, 0);
  const other = { ...record, type: TYPE_TXT, class: 1, data: Uint8Array.of(0) };
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { additional: [record, other] }))), "FORMERR 0/0/0", "not the last");
  assert.is(
    brief(ask(authority, requestOf("alpha.example", TYPE_SOA, { additional: [{ ...record, data: data.subarray(1) }] }))),
    "FORMERR 0/0/0",
  );
});

test("sizes: additional records never cost the answer, an answer too large is cut to TC", () => {
  const providers = Array.from({ length: 16 }, (_, i) => ({ prefix: prefix(`2001:db8:${(0xa1 + i).toString(16)}::/48`), usable: true }));
  const [middle, long] = ["m".repeat(10), "l".repeat(63)];
  const authority = authorityOf([hostOf(1, middle), hostOf(2, long)], providers);
  const over = (asker: Asker, label: string, type: number, edns?: Edns) => {
    const [octets] = authority.answer(emitDns(requestOf(`${label}.alpha.example`, type, { edns })), asker, 0).messages;
    assert.ok(octets.length <= (asker === TCP ? 65_535 : Math.max(512, edns?.size ?? 512)));
    return brief(read(octets));
  };
  assert.is(over(UDP, middle, TYPE_AAAA), "NOERROR aa 16/0/0", "the identifier finds no room");
  assert.is(over(UDP, middle, ULID_TYPE), "NOERROR aa 1/0/0", "RRsets are whole or not there");
  assert.is(over(UDP, middle, TYPE_AAAA, EDNS), "NOERROR aa 16/0/1");
  assert.is(over(UDP, middle, TYPE_AAAA, { ...EDNS, size: 100 }), "NOERROR aa 16/0/0", "less than 512 is 512 (RFC 6891 §6.2.3)");
  assert.is(over(UDP, middle, TYPE_AAAA, { ...EDNS, size: 65_535 }), "NOERROR aa 16/0/1");
  assert.is(over(UDP, long, TYPE_AAAA), "NOERROR aa tc 0/0/0");
  assert.is(over(TCP, long, TYPE_AAAA), "NOERROR aa 16/0/1");
});

test("transfers: to this machine only, by TCP", () => {
  const authority = authorityOf(Array.from({ length: 1_000 }, (_, i) => hostOf(i + 1)));
  for (const type of [TYPE_AXFR, TYPE_IXFR]) {
    assert.is(brief(ask(authority, requestOf("alpha.example", type), TCP)), "REFUSED 0/0/0");
    assert.is(brief(ask(authority, requestOf("alpha.example", type), { ...UDP, address: LOOPBACK.address })), "REFUSED 0/0/0");
    const { messages } = authority.answer(emitDns(requestOf("alpha.example", type)), LOOPBACK, 0);
    const records = messages.flatMap((octets) => read(octets).answers);
    assert.ok(messages.length > 1);
    assert.is(records.length, 2 + 2 + 3_000);
    assert.is(records[0].type, TYPE_SOA);
    assert.is(records.at(-1)?.type, TYPE_SOA);
  }
  assert.is(brief(ask(authority, requestOf("h1.alpha.example", TYPE_AXFR), LOOPBACK)), "9 0/0/0");
});

test("ANY: one RRset by UDP, all by TCP (RFC 8482 §4.1)", () => {
  const authority = authorityOf();
  const types = (asker: Asker, name: string) => ask(authority, requestOf(name, TYPE_ANY), asker).answers.map(({ type }) => type);
  assert.equal(types(UDP, "h1.alpha.example"), [ULID_TYPE]);
  assert.equal(types(TCP, "h1.alpha.example"), [TYPE_AAAA, TYPE_AAAA, ULID_TYPE]);
  assert.equal(types(UDP, "alpha.example"), [TYPE_SOA]);
  assert.equal(types(TCP, "alpha.example"), [TYPE_SOA, TYPE_NS]);
});

test("zones follow: names come and go, serials grow when something changed and not otherwise", () => {
  const authority = authorityOf();
  const set = (hosts: Parameters<typeof contentsOf>[1], builder = contentsOf) =>
    authority.set(builder(alphaTerms(), hosts, [ISP1, ISP2]), (previous) => nextSerial(previous, 5));
  set([hostOf(0x10, "h1")]);
  assert.is(brief(ask(authority, requestOf(reverseName(ulidOf(0x20)), TYPE_PTR))), "NXDOMAIN aa 0/1/0");
  assert.is(authority.zones[0].serial, 8);
  set([]);
  assert.is(brief(ask(authority, requestOf(PTR.slice(2), TYPE_PTR))), "NXDOMAIN aa 0/1/0", "the names above it have gone too");
  assert.equal(
    authority.zones.map(({ serial }) => serial),
    [9, 9],
  );
  authority.set([], () => 1);
  assert.is(brief(ask(authority, requestOf("alpha.example", TYPE_SOA))), "REFUSED 0/0/0");
});

test("for the gateway", () => {
  const authority = authorityOf();
  assert.is(authority.find(dnsName("H1.alpha.example"), ULID_TYPE)?.length, 1);
  assert.equal(authority.find(dnsName("h1.alpha.example"), TYPE_TXT), []);
  assert.is(authority.find(dnsName("h9.alpha.example"), ULID_TYPE), "NXDOMAIN");
  assert.is(authority.find(dnsName("beta.example"), ULID_TYPE), undefined);
});

test("a network that asks too much is sent to TCP, then nothing; others are not", () => {
  const authority = new Authority(new AnswerRate({ perSecond: 10, burst: 20, networks: 4 }));
  authority.set(contentsOf(alphaTerms(), [hostOf(0x10, "h1")], [ISP1]), () => 7);
  const request = emitDns(requestOf("h1.alpha.example", TYPE_AAAA));
  const kinds = (now: number, source: string, count: number) => {
    const seen = { full: 0, truncated: 0, silence: 0 };
    for (let i = 0; i < count; i++) {
      const { messages } = authority.answer(request, { transport: "udp", address: address(source) }, now);
      if (messages.length === 0) seen.silence++;
      else if (read(messages[0]).truncated) {
        seen.truncated++;
        assert.is(messages[0].length, request.length, "no larger than the question");
      } else seen.full++;
    }
    return seen;
  };
  assert.equal(kinds(0, "2001:db8:1::1", 50), { full: 20, truncated: 20, silence: 10 });
  assert.equal(kinds(0, "2001:db8:1:ff::2", 1), { full: 0, truncated: 0, silence: 1 }, "the same /56");
  assert.equal(kinds(0, "2001:db8:1:100::1", 1), { full: 1, truncated: 0, silence: 0 }, "the next one");
  assert.is(
    brief(ask(authority, requestOf("h1.alpha.example", TYPE_AAAA), { transport: "tcp", address: address("2001:db8:1::1") })),
    "NOERROR aa 1/0/1",
  );
  assert.equal(kinds(1_000, "2001:db8:1::1", 30), { full: 10, truncated: 10, silence: 10 });
});

test("the table of networks is bounded", () => {
  const rate = new AnswerRate({ perSecond: 1, burst: 1, networks: 8 });
  for (let i = 0; i < 1_000; i++) rate.take(address(`2001:db8:${i.toString(16)}::1`), 0);
  assert.is(rate.size, 8);
});

test.run();
