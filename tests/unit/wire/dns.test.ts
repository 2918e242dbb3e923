/** DNS messages and names: golden octets, what is refused, what is cut, and what other programs read. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { concat, hex, putU16, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import {
  addressOfReverse,
  canonicalName,
  type DnsMessage,
  dnsName,
  emitDns,
  emitSoa,
  isBelow,
  labelsOf,
  lastRecordAt,
  moveName,
  nameOctets,
  parentOf,
  parseDns,
  parseName,
  parseSoa,
  questionOctets,
  reverseName,
  sameName,
  wireLength,
} from "../../../runtime/wire/index.ts";
import { pcapHeader, pcapRecord } from "../../../runtime/wire/pcap.ts";
import { NO_FLAGS, PLAIN_EDNS, queryFor, record } from "../../lib/dns.ts";
import { packetOf } from "../../lib/packet.ts";
import { havePeers } from "../../lib/peers.ts";

/** In UDP from port 53; tshark looks at no checksum unless it is told to. */
function udpPacket(message: Uint8Array): Uint8Array {
  const header = octets("0035 c000 0000 0000");
  putU16(header, 4, 8 + message.length);
  return packetOf(address("2001:db8::53"), address("2001:db8::1"), 17, concat(header, message));
}

const octets = (text: string) => unhex(text.replace(/#.*$/gm, "")) ?? new Uint8Array(0);
const read = (bytes: Uint8Array): DnsMessage => {
  const message = parseDns(bytes);
  if (message instanceof Reject) throw new Error(`${message.why} at ${message.at}`);
  return message;
};
const why = (bytes: Uint8Array): string => {
  const message = parseDns(bytes);
  return message instanceof Reject ? message.why : "taken";
};

// RFC 1035 §4.1: www.example AAAA, asked and answered by way of an alias, with EDNS.
const ANSWER = `
  1234 8180               # id; QR RD RA
  0001 0002 0000 0001     # one question, two answers, OPT
  03 777777 07 6578616d706c65 00  001c 0001   # www.example AAAA IN
  c00c 0005 0001 0000003c 0007  04 68312d31 c010   # alias of h1-1.example, TTL 60
  c029 001c 0001 00000e10 0010  20010db8000000000000000000000001
  00 0029 04d0 00 00 8000 0000                 # OPT: 1,232 octets, DO
`;

test("an answer octet by octet, read and written", () => {
  const message = read(octets(ANSWER));
  assert.is(message.id, 0x1234);
  assert.equal(message.questions, [{ name: "www.example", type: 28, class: 1 }]);
  assert.equal(message.answers, [record("www.example 60 CNAME h1-1.example"), record("h1-1.example 3600 AAAA 2001:db8::1")]);
  assert.equal(message.edns, { ...PLAIN_EDNS, dnssecOk: true });
  assert.is(hex(emitDns(message)), hex(octets(ANSWER)));
});

const HEAD = "1234 0100 0001 0000 0000 0000";
const REFUSED: readonly (readonly [name: string, octets: string, why: string])[] = [
  ["nothing", "", "short-dns"],
  ["half a header", "1234 0100 0001", "short-dns"],
  ["a question that is not there", HEAD, "short-dns"],
  ["a question cut in its name", `${HEAD} 03 7777`, "short-dns"],
  ["a question cut behind its name", `${HEAD} 00 0001`, "short-dns"],
  ["octets behind the end", `${HEAD} 00 0001 0001 00`, "trailing-dns"],
  ["a pointer to itself", `${HEAD} c00c 0001 0001`, "bad-name-dns"],
  ["a pointer forward", `${HEAD} c00e 00 0001 0001`, "bad-name-dns"],
  ["a pointer into the header", `${HEAD} c004 0001 0001`, "bad-name-dns"],
  ["a loop through a label", `${HEAD} 01 61 c00c 0001 0001`, "bad-name-dns"],
  ["half a pointer", `${HEAD} c0`, "short-dns"],
  ["label type 01", `${HEAD} 41 00 0001 0001`, "bad-name-dns"],
  ["label type 10", `${HEAD} 81 00 0001 0001`, "bad-name-dns"],
  ["too many records", "1234 8180 0000 ffff ffff 0000", "large-dns"],
  ["a record cut in its fixed part", "1234 8180 0000 0001 0000 0000 00 0001 0001 0000", "short-dns"],
  ["a record cut in its data", "1234 8180 0000 0001 0000 0000 00 0001 0001 00000000 0004 0102", "short-dns"],
  ["an A of five octets", "1234 8180 0000 0001 0000 0000 00 0001 0001 00000000 0005 0102030405", "bad-rdata-dns"],
  ["an AAAA of four octets", "1234 8180 0000 0001 0000 0000 00 001c 0001 00000000 0004 01020304", "bad-rdata-dns"],
  ["an empty A", "1234 8180 0000 0001 0000 0000 00 0001 0001 00000000 0000", "bad-rdata-dns"],
  ["a CNAME with octets behind the name", "1234 8180 0000 0001 0000 0000 00 0005 0001 00000000 0002 0000", "bad-rdata-dns"],
  ["a CNAME whose name leaves its data", "1234 8180 0000 0001 0000 0000 00 0005 0001 00000000 0001 01 6100", "short-dns"],
  ["an SOA of two names alone", "1234 8180 0000 0001 0000 0000 00 0006 0001 00000000 0002 0000", "bad-rdata-dns"],
  ["two OPT", "1234 0100 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", "bad-opt-dns"],
  ["OPT among the answers", "1234 8180 0000 0001 0000 0000 00 0029 04d0 00000000 0000", "bad-opt-dns"],
  ["OPT with a name", "1234 0100 0000 0000 0000 0001 0161 00 0029 04d0 00000000 0000", "bad-opt-dns"],
  ["an EDNS option longer than OPT", "1234 0100 0000 0000 0000 0001 00 0029 04d0 00000000 0004 000a 0001", "bad-opt-dns"],
  ["half an EDNS option", "1234 0100 0000 0000 0000 0001 00 0029 04d0 00000000 0003 000a 00", "bad-opt-dns"],
];
for (const [name, text, expected] of REFUSED) test(`refused: ${name}`, () => assert.is(why(octets(text)), expected));

test("a name of 255 octets is taken, one of 256 is not", () => {
  const label63 = `3f${"61".repeat(63)}`;
  const of = (last: number) => octets(`${HEAD} ${label63.repeat(3)} ${last.toString(16)}${"61".repeat(last)} 00 0001 0001`);
  assert.is(why(of(61)), "taken");
  assert.is(why(of(62)), "bad-name-dns");
});

test("names in RDATA become whole where RFC 3597 §4 wants it; elsewhere the octets stay", () => {
  const tail = (type: string, data: string) =>
    octets(
      `1234 8180 0001 0001 0000 0000 01 61 00 0001 0001 c00c ${type} 0001 00000000 ${(data.length / 2).toString(16).padStart(4, "0")} ${data}`,
    );
  const data = (type: string, text: string) => hex(read(tail(type, text)).answers[0].data);
  assert.is(data("000f", "000ac00c"), "000a016100");
  assert.is(data("0021", "000100020003c00c"), "000100020003016100");
  assert.is(data("0023", "000100020155000162c00c"), "000100020155000162016100");
  assert.is(data("0027", "c00c"), "016100");
  assert.is(data("ff00", "c00c"), "c00c");
  assert.is(data("0041", "0001c00c"), "0001c00c");
});

test("names of new types are written whole, those of RFC 1035 compressed", () => {
  const written = emitDns({
    ...NO_FLAGS,
    questions: [{ name: dnsName("a.example"), type: 33, class: 1 }],
    answers: [record("a.example 1 DNAME b.example"), record("a.example 1 CNAME b.example")],
  });
  assert.is(
    hex(written).slice(2 * (12 + 15)),
    `c00c0027000100000001000b${hex(nameOctets(dnsName("b.example")))}c00c00050001000000010004${"0162c00e"}`,
  );
});

test("a TTL with the highest bit set is zero", () => {
  const message = read(octets("1234 8180 0000 0001 0000 0000 00 ff00 0001 80000001 0000"));
  assert.is(message.answers[0].ttl, 0);
});

test("empty RDATA outside class IN, as updates have it", () => {
  assert.is(read(octets("1234 2800 0000 0000 0001 0000 0161 00 0001 00ff 00000000 0000")).authority[0].data.length, 0);
});

test("an extended RCODE needs EDNS", () => {
  const message = { ...NO_FLAGS, response: true, rcode: 16, edns: PLAIN_EDNS };
  assert.is(read(emitDns(message)).rcode, 16);
  assert.throws(() => emitDns({ ...message, edns: undefined }), /RCODE 16/);
});

test("over the limit whole RRsets go, with TC; question and OPT stay", () => {
  const names = ["a.example", "b.example", "c.example"];
  const answers = names.flatMap((name) => [1, 2, 3].map((i) => record(`${name} 60 AAAA 2001:db8::${i}`)));
  const message = { ...queryFor("a.example", 28, { response: true, edns: PLAIN_EDNS }), answers };
  const whole = emitDns(message);
  for (let limit = 0; limit <= whole.length + 1; limit++) {
    const cut = emitDns(message, limit);
    const { answers: kept, truncated, edns, questions } = read(cut);
    assert.is(kept.length % 3, 0);
    assert.ok(limit < 38 || cut.length <= limit);
    assert.is(truncated, limit < whole.length);
    assert.equal([edns, questions.length], [PLAIN_EDNS, 1]);
  }
});

test("additional records that do not fit go without TC (RFC 2181 §9)", () => {
  const message = {
    ...queryFor("a.example", 15, { response: true }),
    answers: [record("a.example 60 MX 10 b.example")],
    additional: [record("b.example 60 AAAA 2001:db8::1")],
  };
  const cut = read(emitDns(message, emitDns(message).length - 1));
  assert.equal([cut.truncated, cut.answers.length, cut.additional.length], [false, 1, 0]);
});

test("names beyond the reach of pointers are written whole (RFC 1035 §4.1.4)", () => {
  const text = record(`a.example 60 TYPE999 ${"00".repeat(0x3ff0)}`);
  const answers = [
    text,
    record("b.c.test 60 A 1.2.3.4"),
    record("x.b.c.test 60 A 1.2.3.4"),
    record("d.e.test 60 A 1.2.3.4"),
    record("x.d.e.test 60 A 1.2.3.4"),
  ];
  assert.equal(read(emitDns({ ...NO_FLAGS, answers })).answers, answers);
});

test("what was cut leaves no pointer to it", () => {
  const answers = [record("a.example 60 TXT x"), record("long.name.under.b.example 60 AAAA 2001:db8::1")];
  const message = { ...queryFor("a.example", 255, { response: true }), answers, authority: [] };
  const cut = emitDns({ ...message, additional: [record("under.b.example 60 A 1.2.3.4")] }, 60);
  assert.is(read(cut).answers.length, 1);
});

const NAMES: readonly (readonly [text: string, name: string | undefined])[] = [
  ["", ""],
  [".", ""],
  ["a", "a"],
  ["a.", "a"],
  ["A.b.", "A.b"],
  ["a\\.b.c", "a\\.b.c"],
  ["a\\\\.b", "a\\\\.b"],
  ["\\097", "a"],
  ["\\;x", ";x"],
  ["a b", "a\\032b"],
  ["\\255", "\\255"],
  ["\\256", undefined],
  ["\\25", undefined],
  ["a\\", undefined],
  ["a..b", undefined],
  [".a", undefined],
  ["..", undefined],
  ["é", undefined],
  ["a".repeat(63), "a".repeat(63)],
  ["a".repeat(64), undefined],
  [`${"a.".repeat(126)}a`, `${"a.".repeat(126)}a`],
  [`${"a.".repeat(127)}a`, undefined],
];
test("names as people write them", () => {
  for (const [text, name] of NAMES) assert.is(parseName(text), name, text);
});

test("parents, labels, below, same, moved", () => {
  const n = dnsName;
  assert.is(parentOf(n("a\\.b.c")), "c");
  assert.is(parentOf(n("c")), "");
  assert.is(parentOf(n("")), undefined);
  assert.equal(labelsOf(n("a\\.b.C.d")), ["a\\.b", "C", "d"]);
  assert.equal(labelsOf(n("")), []);
  assert.ok(isBelow(n("a.B.c"), n("b.C")) && isBelow(n("b.c"), n("b.c")) && isBelow(n("a"), n("")));
  assert.not(isBelow(n("ab.c"), n("b.c")) || isBelow(n("a\\.b.c"), n("b.c")) || isBelow(n("c"), n("b.c")));
  assert.ok(isBelow(n("a\\\\.b.c"), n("b.c")));
  assert.ok(sameName(n("A.b"), n("a.B")) && !sameName(n("a.b"), n("a.c")));
  assert.is(canonicalName(n("A.\\200.B")), "a.\\200.b");
  assert.is(moveName(n("x.y.a.b"), n("a.b"), n("c")), "x.y.c");
  assert.is(moveName(n("x.y"), n(""), n("c")), "x.y.c");
  assert.is(moveName(n("x.a"), n("a"), n("")), "x");
  assert.is(moveName(n(`${"x".repeat(60)}.a`), n("a"), n("b.".repeat(120))), undefined);
  for (const text of ["", "a", "a.b", "\\.a.\\\\.\\001"]) assert.is(wireLength(n(text)), nameOctets(n(text)).length);
});

test("the reverse tree", () => {
  const name = reverseName(address("fc00:bbbb:1::10"));
  assert.is(name, "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.b.b.b.b.0.0.c.f.ip6.arpa");
  assert.is(addressOfReverse(dnsName(name.toUpperCase())), "fc00:bbbb:1::10");
  for (const other of ["ip6.arpa", name.slice(2), `1.${name}`, name.replace("0.", "x.")])
    assert.is(addressOfReverse(dnsName(other)), undefined);
});

test("SOA", () => {
  const soa = {
    primary: dnsName("ns.example"),
    contact: dnsName("h\\.m.example"),
    serial: 2 ** 32 - 1,
    refresh: 1,
    retry: 2,
    expire: 3,
    minimum: 4,
  };
  assert.equal(parseSoa(emitSoa(soa)), soa);
  assert.instance(parseSoa(emitSoa(soa).slice(1)), Reject);
});

test("where TSIG would begin; the question's octets", () => {
  const bytes = octets(ANSWER);
  assert.is(lastRecordAt(bytes), bytes.length - 11);
  assert.is(lastRecordAt(emitDns(queryFor("a.example", 1))), undefined);
  assert.is(lastRecordAt(bytes.slice(0, 60)), undefined);
  assert.is(hex(questionOctets(bytes) ?? bytes), hex(bytes.subarray(12, 29)));
  assert.is(questionOctets(octets(`${HEAD} c00c 0001 0001`)), undefined);
});

if (havePeers("named-rrchecker"))
  test("BIND reads RDATA as we write it, names with escapes too", () => {
    for (const name of ["a.example", "a\\.b\\032c.\\200.x\\\\y", "A-b_c.\\(\\;\\@"]) {
      const done = spawnSync("named-rrchecker", ["-u"], { input: `IN CNAME ${name}.\n`, encoding: "utf8" });
      assert.is(done.stdout.trim().split(/\s+/).slice(-1)[0].toLowerCase(), hex(nameOctets(dnsName(name))), name);
    }
  });

if (havePeers("tshark"))
  test("tshark reads what we write, and finds nothing wrong", () => {
    const message = {
      ...queryFor("a.b.example", 255, { response: true, edns: PLAIN_EDNS }),
      answers: [
        record("a.b.example 60 AAAA 2001:db8::1"),
        record("a.b.example 60 ULID fc00:bbbb:1::10"),
        record("b.example 3600 MX 10 mail.b.example"),
        record("b.example 3600 SOA 300"),
      ],
    };
    const folder = mkdtempSync(join(tmpdir(), "dns-"));
    try {
      writeFileSync(join(folder, "a.pcap"), concat(pcapHeader(), pcapRecord(0, udpPacket(emitDns(message)))));
      const fields = ["dns.resp.name", "dns.aaaa", "dns.mx.mail_exchange", "dns.soa.mname", "dns.rr.udp_payload_size", "_ws.malformed"];
      const done = spawnSync("tshark", ["-r", join(folder, "a.pcap"), "-T", "fields", ...fields.flatMap((each) => ["-e", each])], {
        encoding: "utf8",
      });
      assert.is(done.stdout.trimEnd(), "a.b.example,a.b.example,b.example,b.example,<Root>\t2001:db8::1\tmail.b.example\tns.example\t1232");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

test("the parts of a message do not share memory with its octets", () => {
  const bytes = concat(octets(ANSWER));
  const message = read(bytes);
  bytes.fill(0);
  assert.is(hex(message.answers[1].data), "20010db8000000000000000000000001");
});

test.run();
