/** Odd requests, each answered as RFC 8906 §8 and its neighbours want it; nothing is asked of upstreams for those that are refused. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { concat, putU16, u16, unhex } from "../../../runtime/value/bytes.ts";
import { type DnsMessage, type DnsRecord, dnsName, emitDns } from "../../../runtime/wire/index.ts";
import { NO_FLAGS, PLAIN_EDNS, queryFor } from "../../lib/dns.ts";
import { World } from "../../lib/gateway.ts";

const ZONE = "example";
const RECORDS = ["example 600 SOA 300", "h.example 60 AAAA 2001:db8::1"];
const SOA = 6;
const EDNS1 = { ...PLAIN_EDNS, version: 1 };
const option = (code: number, ...data: number[]) => ({ code, data: Uint8Array.from(data) });
const FOUR = [option(3), option(10, 1, 2, 3, 4, 5, 6, 7, 8), option(8, 0, 1, 0, 0), option(9)];
const soa = (changes: Partial<DnsMessage> = {}) => emitDns(queryFor(ZONE, SOA, changes));
const flagged = (flags: number) => {
  const octets = soa();
  putU16(octets, 2, flags);
  return octets;
};

interface Expected {
  readonly rcode: number;
  /** Answers. */
  readonly answers: number;
  /** The second word of the header without RCODE. */
  readonly flags: number;
  /** DO, or `undefined` without EDNS. */
  readonly edns?: boolean;
}
const [QR, RD, RA, CD] = [0x8000, 0x0100, 0x0080, 0x0010];
const FINE: Expected = { rcode: 0, answers: 1, flags: QR | RD | RA };

const TABLE: readonly (readonly [name: string, request: Uint8Array, expected: Expected])[] = [
  ["§8.1.1 SOA, no EDNS", soa(), FINE],
  ["§8.1.2 a type that nobody knows", emitDns(queryFor(ZONE, 1000)), { ...FINE, answers: 0 }],
  ["§8.1.3.1 CD", soa({ checkingDisabled: true }), { ...FINE, flags: QR | RD | RA | CD }],
  ["§8.1.3.2 AD", soa({ authenticData: true }), FINE],
  ["§8.1.3.3 the reserved bit", flagged(0x0140), FINE],
  ["§8.1.3.4 RD", soa(), FINE],
  ["§8.1.4 opcode 15, header alone", emitDns({ ...NO_FLAGS, id: 1, opcode: 15 }), { rcode: 4, answers: 0, flags: QR | (15 << 11) | RA }],
  ["§8.2.1 EDNS", soa({ edns: PLAIN_EDNS }), { ...FINE, edns: false }],
  ["§8.2.2 EDNS version 1", soa({ edns: EDNS1 }), { ...FINE, rcode: 16, answers: 0, edns: false }],
  ["§8.2.3 an unknown option", soa({ edns: { ...PLAIN_EDNS, options: [option(100)] } }), { ...FINE, edns: false }],
  ["§8.2.4 unknown flags", soa({ edns: { ...PLAIN_EDNS, flags: 0x40 } }), { ...FINE, edns: false }],
  ["§8.2.5 version 1, unknown flags", soa({ edns: { ...EDNS1, flags: 0x40 } }), { ...FINE, rcode: 16, answers: 0, edns: false }],
  [
    "§8.2.6 version 1, an unknown option",
    soa({ edns: { ...EDNS1, options: [option(100)] } }),
    { ...FINE, rcode: 16, answers: 0, edns: false },
  ],
  ["§8.2.8 DO", soa({ edns: { ...PLAIN_EDNS, dnssecOk: true } }), { ...FINE, edns: true }],
  ["§8.2.9 version 1, DO", soa({ edns: { ...EDNS1, dnssecOk: true } }), { ...FINE, rcode: 16, answers: 0, edns: true }],
  ["§8.2.10 NSID, COOKIE, subnet, EXPIRE", soa({ edns: { ...PLAIN_EDNS, options: FOUR } }), { ...FINE, edns: false }],
  ["EDNS size 0 counts as 512 (RFC 6891 §6.2.3)", soa({ edns: { ...PLAIN_EDNS, size: 0 } }), { ...FINE, edns: false }],
  [
    "version 1 and an opcode of the future",
    soa({ edns: EDNS1, opcode: 7 }),
    { rcode: 4, answers: 0, flags: QR | (7 << 11) | RD | RA, edns: false },
  ],
  ["IQUERY", soa({ opcode: 1 }), { rcode: 4, answers: 0, flags: QR | (1 << 11) | RD | RA }],
  ["NOTIFY", soa({ opcode: 4 }), { rcode: 4, answers: 0, flags: QR | (4 << 11) | RD | RA }],
  ["UPDATE", soa({ opcode: 5 }), { rcode: 4, answers: 0, flags: QR | (5 << 11) | RD | RA }],
  ["AXFR", emitDns(queryFor(ZONE, 252)), { ...FINE, rcode: 5, answers: 0 }],
  ["IXFR", emitDns(queryFor(ZONE, 251)), { ...FINE, rcode: 5, answers: 0 }],
  ["MAILB", emitDns(queryFor(ZONE, 253)), { ...FINE, rcode: 4, answers: 0 }],
  ["TKEY", emitDns(queryFor(ZONE, 249)), { ...FINE, rcode: 4, answers: 0 }],
  ["NXNAME", emitDns(queryFor(ZONE, 128)), { ...FINE, rcode: 4, answers: 0 }],
  ["OPT as a question", emitDns(queryFor(ZONE, 41)), { ...FINE, rcode: 1, answers: 0 }],
  ["TSIG as a question", emitDns(queryFor(ZONE, 250)), { ...FINE, rcode: 1, answers: 0 }],
  ["type 0", emitDns(queryFor(ZONE, 0)), { ...FINE, rcode: 1, answers: 0 }],
  ["class CH", soa({ questions: [{ name: dnsName("version.bind"), type: 16, class: 3 }] }), { ...FINE, rcode: 5, answers: 0 }],
  ["class ANY", soa({ questions: [{ name: dnsName(ZONE), type: 6, class: 255 }] }), { ...FINE, rcode: 5, answers: 0 }],
  ["class NONE", soa({ questions: [{ name: dnsName(ZONE), type: 6, class: 254 }] }), { ...FINE, rcode: 1, answers: 0 }],
  ["no question", soa({ questions: [] }), { ...FINE, rcode: 1, answers: 0 }],
  ["two questions", soa({ questions: [...queryFor("a", 1).questions, ...queryFor("b", 1).questions] }), { ...FINE, rcode: 1, answers: 0 }],
  ["a key that nobody has", soa({ additional: [tsig()] }), { ...FINE, rcode: 9, answers: 0 }],
  ["octets behind the end", concat(soa(), Uint8Array.of(0)), { ...FINE, rcode: 1, answers: 0 }],
  ["a question cut short", soa().slice(0, -1), { ...FINE, rcode: 1, answers: 0 }],
  ["two OPT", twoOpt(), { ...FINE, rcode: 1, answers: 0 }],
  [
    "broken octets of another opcode",
    concat(emitDns({ ...NO_FLAGS, opcode: 9 }), Uint8Array.of(0)),
    { rcode: 4, answers: 0, flags: QR | (9 << 11) | RA },
  ],
  ["TC and AA in a request", flagged(0x0700), FINE],
];

function tsig(): DnsRecord {
  return {
    name: dnsName("key"),
    type: 250,
    class: 255,
    ttl: 0,
    data: unhex("00 000000000001 012c 0000 1234 0000 0000") ?? new Uint8Array(0),
  };
}
function twoOpt(): Uint8Array {
  const one = soa({ edns: PLAIN_EDNS });
  const octets = concat(one, one.slice(-11));
  octets[11] = 2;
  return octets;
}

for (const [name, request, expected] of TABLE)
  test(name, () => {
    const world = new World(RECORDS);
    const got = world.send(request);
    const respond = world.of("respond")[0];
    const { rcode, answers, flags, edns } = expected;
    assert.is(got?.id, u16(request, 0));
    assert.equal([got?.rcode, got?.answers.length], [rcode, answers]);
    assert.is(u16(respond.octets, 2) & 0xfff0, flags);
    assert.equal(
      [got?.edns?.dnssecOk, got?.edns?.version, got?.edns?.flags, got?.edns?.options],
      edns === undefined ? [undefined, undefined, undefined, undefined] : [edns, 0, 0, []],
    );
    if (rcode !== 0) assert.equal(world.asked, []);
  });

test("§8.1.5 over TCP, and without RD as RFC 8906 asks servers of zones", () => {
  const world = new World(RECORDS);
  assert.is(world.send(soa(), true)?.answers.length, 1);
});

test("§8.2.7 a cut answer keeps its OPT record", () => {
  const world = new World(Array.from({ length: 60 }, (_, i) => `example 60 TYPE48 ${"00".repeat(40 + i)}`));
  const got = world.ask(ZONE, 48, { edns: { ...PLAIN_EDNS, size: 512, dnssecOk: true } });
  assert.equal([got?.truncated, got?.rcode, got?.edns?.version, got?.edns?.dnssecOk], [true, 0, 0, true]);
});

test("no answer to answers, nor to less than a header", () => {
  const world = new World(RECORDS);
  assert.equal(
    [world.send(soa({ response: true })), world.send(soa().slice(0, 11)), world.send(new Uint8Array(0))],
    [undefined, undefined, undefined],
  );
  assert.equal(
    world.of("drop").map(({ why }) => why),
    ["response-dns", "short-dns", "short-dns"],
  );
});

test.run();
