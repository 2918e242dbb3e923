/** DNS messages: whatever can be written is read back the same, any octets are read without a throw, what is cut is a beginning. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Reject } from "../../../runtime/value/reject.ts";
import {
  type DnsMessage,
  emitDns,
  lastRecordAt,
  nameOctets,
  nameOf,
  parseDns,
  parseName,
  wireLength,
} from "../../../runtime/wire/index.ts";
import { anyMessage, anyName } from "../../lib/dns.ts";
import { seed } from "../../lib/seed.ts";

const read = (octets: Uint8Array): DnsMessage => {
  const message = parseDns(octets);
  if (message instanceof Reject) throw new Error(`${message.why} at ${message.at}`);
  return message;
};

test("read after written is the same message", () => {
  fc.assert(
    fc.property(anyMessage, (message) => assert.equal(read(emitDns(message)), message)),
    { seed, numRuns: 2000 },
  );
});

test("cut to a limit: sections are beginnings of what they were, nothing is longer, TC says so", () => {
  fc.assert(
    fc.property(anyMessage, fc.integer({ min: 0, max: 700 }), (message, limit) => {
      const whole = emitDns(message);
      const bare = emitDns({ ...message, answers: [], authority: [], additional: [] });
      const octets = emitDns(message, limit);
      const cut = read(octets);
      assert.ok(octets.length <= Math.max(limit, bare.length));
      assert.equal(cut.answers, message.answers.slice(0, cut.answers.length));
      assert.equal(cut.authority, message.authority.slice(0, cut.authority.length));
      assert.equal(cut.additional, message.additional.slice(0, cut.additional.length));
      const lost = cut.answers.length < message.answers.length || cut.authority.length < message.authority.length;
      assert.is(cut.truncated, message.truncated || lost);
      if (whole.length <= limit) assert.equal(cut, message);
      assert.equal([cut.questions, cut.edns], [message.questions, message.edns]);
    }),
    { seed, numRuns: 2000 },
  );
});

test("any octets: no throw; what was read can be written and read", () => {
  fc.assert(
    fc.property(
      anyMessage,
      fc.array(fc.tuple(fc.nat(600), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.nat(40),
      (message, flips, short) => {
        const octets = emitDns(message);
        for (const [at, value] of flips) if (at < octets.length) octets[at] = value;
        const spoilt = octets.slice(0, octets.length - (short < 20 ? 0 : short - 20));
        lastRecordAt(spoilt);
        const second = parseDns(spoilt);
        if (second instanceof Reject) return;
        assert.equal(read(emitDns(second)), second);
      },
    ),
    { seed, numRuns: 5000 },
  );
});

test("names: octets to text to octets, text to name to text", () => {
  fc.assert(
    fc.property(anyName, (name) => {
      assert.is(nameOf(nameOctets(name)), name);
      assert.is(parseName(name), name);
      assert.is(parseName(`${name}.`), name === "" ? "" : name);
      assert.is(wireLength(name), nameOctets(name).length);
    }),
    { seed, numRuns: 2000 },
  );
});

test.run();
