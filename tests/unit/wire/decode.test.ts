// What `decode` says of lines that are no good packet: one JSON object each, never an exception.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeLine, decodeText } from "../../../runtime/cli/decode.ts";
import { encodePacket } from "../../../runtime/cli/encode.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { vector } from "../../lib/vectors.ts";

test("empty lines and comments are passed over; a line that is not hexadecimal is told", () => {
  assert.is(decodeText("\n# a comment\n  \nzz\n"), '{"verdict":"invalid","error":"not hexadecimal"}\n');
  assert.is(decodeLine("  "), undefined);
});

test("what is dropped or refused says why, and what could be read", () => {
  const probe = decodeLine(hex(vector("bad-probe-counts").octets)) ?? {};
  assert.equal([probe.verdict, probe.error, probe.at], ["drop", "short-shim6", 40]);
  assert.equal(probe.seen, vector("bad-probe-counts").fields);
  const type = decodeLine(hex(vector("bad-unknown-type-low").octets)) ?? {};
  assert.equal([type.verdict, type.error_code, type.pointer], ["error", 0, 42]);
  assert.is(decodeLine(hex(vector("icmp-no-route").octets))?.verdict, "not-shim6");
});

test("a bare header: places count from its first octet", () => {
  const bare = (name: string) => decodeLine(hex(vector(name).octets.subarray(40))) ?? {};
  assert.is(bare("i1-minimal").msg, "I1");
  assert.is(bare("bad-unknown-type-low").pointer, 2);
  assert.is(bare("bad-option-truncated-second").at, 48);
  assert.is(bare("payload-udp").shim6_offset, 0);
  assert.equal(decodeLine("60"), { verdict: "drop", error: "short-shim6", at: 0, seen: {} });
  // The pointer of an Error message is the sender's, not ours.
  assert.is(bare("error-code1").pointer, 56);
});

test("fields that describe no packet are told by name", () => {
  const { fields } = vector("i1-ulid-pair");
  const wrong: readonly [change: object, text: RegExp][] = [
    [{ src: "here" }, /^src: an IPv6 address/],
    [{ initiator_ct: "0x8f0000000000" }, /^initiator_ct: a tag of 47 bits/],
    [{ msg: "I9" }, /^msg: I9 is no message/],
    [{ options: [{ type: 6, name: "ulid_pair" }] }, /^options\[0\]\.sender_ulid: text expected/],
  ];
  for (const [change, text] of wrong) {
    assert.throws(
      () => encodePacket({ ...fields, ...change }),
      (error: unknown) => error instanceof Error && text.test(error.message),
    );
  }
});

test.run();
