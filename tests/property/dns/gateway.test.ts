/** The gateway among hosts that ask anything and upstreams that say anything, and finished answers against those built anew. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnswerCache } from "../../../runtime/dns/answers.ts";
import { entryFor } from "../../../runtime/dns/image.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { canonicalName, type DnsMessage, type DnsName, type DnsRecord, emitDns, parseDns } from "../../../runtime/wire/index.ts";
import { dnsTarget, playGateway } from "../../fuzz/dns.ts";
import { fuzz } from "../../fuzz/run.ts";
import { anyMessage, PLAIN_EDNS, queryFor } from "../../lib/dns.ts";
import { seed } from "../../lib/seed.ts";
import { Seeded } from "../../lib/shim6world.ts";

test("any order of requests, answers and silences: each request has one answer, bounds hold, nothing is left", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (each) => playGateway(new Seeded(each))),
    { seed, numRuns: 3_000 },
  );
});

test("spoiled messages: no reader throws, the gateway answers each request once", () => {
  assert.is(fuzz(dnsTarget(seed), { seed, first: 0, inputs: 20_000 }).inputs, 20_000);
});

test("a finished answer is the built one with id, spelling and age changed", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(0xffff), fc.nat(200_000), fc.boolean(), fc.boolean(), (any, id, age, dnssecOk, upper) => {
      const [question] = any.questions;
      fc.pre(question !== undefined && any.rcode < 16);
      const edns = any.edns === undefined ? undefined : { ...PLAIN_EDNS, dnssecOk };
      const questions = [{ ...question, class: 1, name: canonicalName(question.name) }];
      const message = {
        ...any,
        id,
        opcode: 0,
        response: true,
        truncated: false,
        recursionDesired: true,
        authenticData: false,
        questions,
        edns,
      };
      const entry = entryFor(message, 1_000, 1_000_000);
      const cache = new AnswerCache({ entries: 4, octets: 100_000 });
      if (entry === undefined) throw new Error("too long");
      cache.put(entry);
      const asked = upper ? (question.name.toUpperCase() as DnsName) : questions[0].name;
      const request = {
        ...queryFor("x", 1, { id, edns, checkingDisabled: any.checkingDisabled }),
        questions: [{ ...questions[0], name: asked }],
      };
      const out = new Uint8Array(65_535);
      const got = parseDns(out.slice(0, cache.answer(emitDns(request), 1_000 + age, out, true)));
      if (got instanceof Reject) throw new Error(got.why);
      const older = (record: DnsRecord) => ({ ...record, ttl: Math.max(0, record.ttl - Math.floor(age / 1000)) });
      assert.equal(spelt(got, same), spelt(message, older));
      assert.is(got.questions[0].name, asked);
    }),
    { seed, numRuns: 1_500 },
  );
});

const same = (record: DnsRecord) => record;
/** Everything in lower case: names end in the question's name, spelt as it was. */
function spelt(message: DnsMessage, change: (record: DnsRecord) => DnsRecord): unknown {
  const lower = (record: DnsRecord) => ({
    ...change(record),
    name: canonicalName(record.name),
    data: record.data.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)),
  });
  const { answers, authority, additional, questions } = message;
  const asked = questions.map((each) => ({ ...each, name: canonicalName(each.name) }));
  return { ...message, questions: asked, answers: answers.map(lower), authority: authority.map(lower), additional: additional.map(lower) };
}

test.run();
