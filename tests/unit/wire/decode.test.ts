// What `decode` says of lines that are no good packet: one JSON object each, never an exception.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeLine, decodeText } from "../../../runtime/cli/decode.ts";
import { encodePacket } from "../../../runtime/cli/encode.ts";
import type { Fields } from "../../../runtime/cli/fields.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex, putU16 } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket } from "../../../runtime/wire/index.ts";
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

test("with all: reserved bits and padding that are not zero, and octets behind the message", () => {
  const all = (octets: Uint8Array) => decodeLine(hex(octets), true) ?? {};
  const i1 = all(vector("lenient-reserved-bits-i1").octets);
  assert.equal(i1.reserved_bits, [
    { octet: 3, bits: "0xfe" },
    { octet: 6, bits: "0x80" },
  ]);
  const { reserved_bits, ...rest } = i1;
  assert.equal(decodeLine(hex(vector("lenient-reserved-bits-i1").octets)), rest);
  const clean = vector("i2-cga-full").octets;
  assert.equal(all(clean), decodeLine(hex(clean)));
  const longer = Uint8Array.from([...clean, 1, 2, 3, 4, 5]);
  putU16(longer, 4, longer.length - 40);
  assert.is(all(longer).octets_behind, 5);
});

test("every option shows what is in it, CAPABILITIES too; one that is not defined for the message is listed as ignored", () => {
  const packet = emitPacket(address("2001:db8::1"), address("2001:db8::2"), {
    kind: "I1",
    initiatorTag: contextTag(1),
    initiatorNonce: 2,
    options: [
      { kind: "capabilities", version: 1, sendTimeout: 250 },
      { kind: "unknown", type: 99, contents: Uint8Array.of(7) },
    ],
  });
  const fields = decodeLine(hex(packet)) ?? {};
  const options = fields.options as Fields[];
  assert.equal([options[0].name, options[0].version, options[0].send_timeout_ms], ["capabilities", 1, 250]);
  assert.equal([options[1].type, options[1].content], [99, "07"]);
  assert.equal(fields.ignored_options, [99]);
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
