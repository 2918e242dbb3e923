/** Finished answers: what is patched, who is answered, what is forgotten. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnswerCache, type AnswerEntry, UDP_PAYLOAD } from "../../../runtime/dns/answers.ts";
import { entryFor } from "../../../runtime/dns/image.ts";
import { concat, putU16 } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { type DnsMessage, type DnsRecord, emitDns, parseDns } from "../../../runtime/wire/index.ts";
import { PLAIN_EDNS, queryFor, record } from "../../lib/dns.ts";

const NAME = "www.example.com";
const LIMITS = { entries: 100, octets: 100_000 };
const out = new Uint8Array(65_535);

const entryOf = (message: Partial<DnsMessage>, name = NAME, type = 28, bornAt = 0, until = 60_000): AnswerEntry => {
  const entry = entryFor({ ...queryFor(name, type), response: true, recursionAvailable: true, ...message }, bornAt, until);
  if (entry === undefined) throw new Error("too long");
  return entry;
};
const ANSWERS: readonly DnsRecord[] = [record(`${NAME} 300 CNAME h.example.com`), record("h.example.com 60 AAAA fc00:bbbb:1::10")];
const cacheOf = (...entries: readonly AnswerEntry[]) => {
  const cache = new AnswerCache(LIMITS);
  for (const entry of entries) cache.put(entry);
  return cache;
};
const ask = (cache: AnswerCache, request: DnsMessage | Uint8Array, now = 0, stream = false): DnsMessage | undefined => {
  const length = cache.answer(request instanceof Uint8Array ? request : emitDns(request), now, out, stream);
  if (length === 0) return undefined;
  const message = parseDns(out.slice(0, length));
  if (message instanceof Reject) throw new Error(message.why);
  return message;
};

test("id, spelling and TTLs are the asker's", () => {
  const cache = cacheOf(entryOf({ answers: ANSWERS }));
  const got = ask(cache, queryFor("wWw.eXample.COM", 28, { id: 0xbeef }), 12_900);
  assert.is(got?.id, 0xbeef);
  assert.is(got?.questions[0].name, "wWw.eXample.COM");
  assert.equal(
    got?.answers.map(({ name, ttl }) => [name, ttl]),
    [
      ["wWw.eXample.COM", 288],
      ["h.eXample.COM", 48],
    ],
  );
  assert.is(got?.recursionDesired, true);
});

test("the image itself is not changed", () => {
  const cache = cacheOf(entryOf({ answers: ANSWERS }));
  ask(cache, queryFor("WWW.example.com", 28, { id: 1 }), 50_000);
  assert.equal(ask(cache, queryFor(NAME, 28, { id: 2 }), 0)?.answers, ANSWERS);
});

test("old answers are not given, and time that goes back does no harm", () => {
  const cache = cacheOf(entryOf({ answers: ANSWERS }, NAME, 28, 1000, 61_000));
  assert.ok(ask(cache, queryFor(NAME, 28), 60_999));
  assert.not(ask(cache, queryFor(NAME, 28), 61_000));
  assert.is(ask(cache, queryFor(NAME, 28), 0)?.answers[1].ttl, 60);
});

const DO = { ...PLAIN_EDNS, dnssecOk: true };
test("askers with EDNS, DO and CD have entries of their own", () => {
  const kinds: readonly Partial<DnsMessage>[] = [
    {},
    { checkingDisabled: true },
    { edns: PLAIN_EDNS },
    { edns: DO },
    { edns: DO, checkingDisabled: true },
    { edns: PLAIN_EDNS, checkingDisabled: true },
  ];
  for (const kind of kinds) {
    const cache = cacheOf(entryOf({ ...kind, answers: ANSWERS }));
    for (const asked of kinds) {
      const got = ask(cache, queryFor(NAME, 28, asked));
      assert.is(got !== undefined, asked === kind);
      if (got !== undefined) assert.equal([got.edns, got.checkingDisabled], [kind.edns, kind.checkingDisabled ?? false]);
    }
  }
});

test("AD goes to who set AD or DO", () => {
  const cache = cacheOf(entryOf({ authenticData: true }), entryOf({ authenticData: true, edns: DO }));
  assert.is(ask(cache, queryFor(NAME, 28))?.authenticData, false);
  assert.is(ask(cache, queryFor(NAME, 28, { authenticData: true }))?.authenticData, true);
  assert.is(ask(cache, queryFor(NAME, 28, { edns: DO }))?.authenticData, true);
});

test("EDNS options and unknown flags are nothing", () => {
  const cache = cacheOf(entryOf({ edns: PLAIN_EDNS, answers: ANSWERS }));
  const options = [
    { code: 10, data: new Uint8Array(8) },
    { code: 100, data: new Uint8Array(0) },
  ];
  const got = ask(cache, queryFor(NAME, 28, { edns: { ...PLAIN_EDNS, options, flags: 0x40 } }));
  assert.equal(got?.edns, PLAIN_EDNS);
});

const plain = () => emitDns(queryFor(NAME, 28));
const changed = (at: number, value: number) => {
  const octets = plain();
  putU16(octets, at, value);
  return octets;
};
const opt = (text: readonly number[]) => {
  const octets = concat(plain(), Uint8Array.from(text));
  octets[11] = 1;
  return octets;
};
const UNUSUAL: readonly (readonly [name: string, request: Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["a header alone", plain().slice(0, 12)],
  ["a response", changed(2, 0x8100)],
  ["another opcode", changed(2, 0x2900)],
  ["without RD", changed(2, 0)],
  ["TC", changed(2, 0x0300)],
  ["two questions", changed(4, 2)],
  ["no question", changed(4, 0)],
  ["answers", changed(6, 1)],
  ["authority", changed(8, 1)],
  ["two additional", changed(10, 2)],
  ["an OPT that is not there", changed(10, 1)],
  ["class CH", changed(12 + 17 + 2, 3)],
  ["another type", changed(12 + 17, 1)],
  ["octets behind the end", concat(plain(), Uint8Array.of(0))],
  ["cut", plain().slice(0, -1)],
  ["compressed", changed(12, 0xc00c)],
  ["a label that leaves the message", changed(12, 0x3f77)],
  ["EDNS version 1", opt([0, 0, 41, 4, 208, 0, 1, 0, 0, 0, 0])],
  ["OPT longer than the message", opt([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 1])],
  ["half an option", opt([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 3, 0, 10, 0])],
  ["a record that is not OPT", opt([0, 0, 250, 4, 208, 0, 0, 0, 0, 0, 0])],
];
for (const [name, request] of UNUSUAL)
  test(`not for the table: ${name}`, () => {
    const cache = cacheOf(entryOf({ answers: ANSWERS }), entryOf({ answers: ANSWERS, edns: PLAIN_EDNS }));
    assert.is(cache.answer(request, 0, out), 0);
  });
test("the plain request that those were made of is answered", () => {
  assert.ok(ask(cacheOf(entryOf({ answers: ANSWERS })), plain()));
});

const manyOf = (count: number) => Array.from({ length: count }, (_, i) => record(`${NAME} 60 AAAA 2001:db8::${(i + 1).toString(16)}`));
test("an answer larger than the asker takes goes without records, with TC", () => {
  const cache = cacheOf(
    entryOf({ answers: manyOf(20) }),
    entryOf({ answers: manyOf(20), edns: PLAIN_EDNS }),
    entryOf({ answers: manyOf(60), edns: DO }),
  );
  const cut = ask(cache, queryFor("WWW.example.com", 28, { id: 7 }), 5000);
  assert.equal(
    [cut?.id, cut?.truncated, cut?.answers.length, cut?.questions[0].name, cut?.edns],
    [7, true, 0, "WWW.example.com", undefined],
  );
  assert.is(ask(cache, queryFor(NAME, 28), 0, true)?.answers.length, 20);
  assert.is(ask(cache, queryFor(NAME, 28, { edns: PLAIN_EDNS }))?.answers.length, 20);
  const small = ask(cache, queryFor(NAME, 28, { edns: { ...PLAIN_EDNS, size: 512 } }));
  assert.equal([small?.truncated, small?.answers.length, small?.edns], [true, 0, PLAIN_EDNS]);
  const large = ask(cache, queryFor(NAME, 28, { edns: { ...DO, size: 65_535 } }));
  assert.equal([large?.truncated, large?.edns?.size], [true, UDP_PAYLOAD]);
  assert.is(ask(cache, queryFor(NAME, 28, { edns: DO }), 0, true)?.answers.length, 60);
});

test("an OPT record with options is kept in a cut answer", () => {
  const edns = { ...PLAIN_EDNS, options: [{ code: 15, data: Uint8Array.of(0, 17) }] };
  const cut = ask(cacheOf(entryOf({ answers: manyOf(60), edns })), queryFor(NAME, 28, { edns: PLAIN_EDNS }));
  assert.equal([cut?.truncated, cut?.edns], [true, edns]);
});

test("a later answer to the same requests takes the place of the earlier one", () => {
  const cache = cacheOf(entryOf({ answers: ANSWERS }), entryOf({ rcode: 3 }));
  assert.equal([cache.size, ask(cache, queryFor(NAME, 28))?.rcode], [1, 3]);
});

test("bounded in entries and octets; who is asked for stays", () => {
  for (const limits of [
    { entries: 50, octets: 1e6 },
    { entries: 1000, octets: 5000 },
    { entries: 1, octets: 1e6 },
    { entries: 0, octets: 1e6 },
  ]) {
    const cache = new AnswerCache(limits);
    for (let i = 0; i < 2000; i++) {
      cache.put(entryOf({ answers: [] }, `n${i}.example`));
      assert.ok(cache.size <= limits.entries && cache.octets <= limits.octets);
      if (i > 0) ask(cache, queryFor("n0.example", 28));
    }
    assert.ok(limits.entries < 2 || cache.size > 8);
    cache.clear();
    assert.equal([cache.size, cache.octets, ask(cache, queryFor("n1999.example", 28))], [0, 0, undefined]);
  }
});

test("an entry as large as the whole table is not taken", () => {
  const cache = new AnswerCache({ entries: 10, octets: 60 });
  cache.put(entryOf({ answers: ANSWERS }));
  assert.is(cache.size, 0);
});

test("entries survive the way to another thread", () => {
  const cache = cacheOf(structuredClone(entryOf({ answers: ANSWERS })));
  assert.equal(ask(cache, queryFor(NAME, 28))?.answers, ANSWERS);
});

test.run();
