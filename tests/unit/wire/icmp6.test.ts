// ICMPv6 errors: made, read, and rewritten for the host inside (RFC 4443, RFC 5533 §12.5).
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitIcmpError, emitUnreachable, insertPayloadHeader, parseIcmpError, translateIcmpError } from "../../../runtime/wire/index.ts";
import { emitIpv6 } from "../../../runtime/wire/ipv6.ts";

const ROUTER = address("2001:db8:ffff::1");
const A = address("2001:db8:a1::1");
const B = address("2001:db8:b1::1");
const ULID_A = address("fc00:a::1");
const ULID_B = address("fc00:b::1");
const INNER = emitIpv6(ULID_A, ULID_B, 17, new Uint8Array(100).fill(7), 60);

function outer(): Uint8Array {
  const packet = insertPayloadHeader(INNER, A, B, contextTag(0x123));
  if (packet instanceof Reject) throw new Error(packet.why);
  return packet;
}

function read(packet: Uint8Array) {
  const error = parseIcmpError(packet);
  if (error instanceof Reject) throw new Error(error.why);
  return error;
}

function translated(type: number, word: number, quote = outer()): Uint8Array | string {
  const packet = translateIcmpError(emitIcmpError(ROUTER, A, { type, code: 0, word }, quote), ULID_A, ULID_B);
  return packet instanceof Reject ? packet.why : packet;
}

test("a known packet, octet by octet: checksum over the pseudo-header", () => {
  const sent = emitUnreachable(address("fe80::1"), address("fe80::2"), 3, Uint8Array.of(0x60, 0, 0, 0));
  // By hand: fe80 + 1 + fe80 + 2 (addresses) + c (length) + 3a (next header) + 0103 + 6000 = 2 5e4c, folded 5e4e, complement a1b1.
  const expected = "6000000000 0c3a40 fe800000000000000000000000000001 fe800000000000000000000000000002 0103 a1b1 00000000 60000000";
  assert.is(hex(sent), hex(unhex(expected) ?? new Uint8Array()));
});

test("an error about a payload packet names its tag and locators", () => {
  const error = read(emitIcmpError(ROUTER, A, { type: 1, code: 3, word: 0 }, outer()));
  assert.equal(
    { ...error, quote: error.quote.length },
    {
      source: ROUTER,
      destination: A,
      type: 1,
      code: 3,
      word: 0,
      quote: outer().length,
      quoted: { kind: "payload", source: A, destination: B, offset: 40, tag: contextTag(0x123), nextHeader: 17 },
    },
  );
});

test("what is no error, or a broken one, is refused", () => {
  const packet = emitIcmpError(ROUTER, A, { type: 1, code: 3, word: 0 }, outer());
  const why = (bytes: Uint8Array) => {
    const error = parseIcmpError(bytes);
    return error instanceof Reject ? error.why : "taken";
  };
  assert.is(why(packet), "taken");
  for (let at = 8; at < packet.length; at++) {
    const bytes = packet.slice();
    bytes[at] ^= 0x04;
    assert.is(why(bytes), "bad-sum-icmp6", `octet ${at}`);
  }
  assert.is(why(emitIcmpError(ROUTER, A, { type: 128, code: 0, word: 0 }, outer())), "informational-icmp6");
  assert.is(why(outer()), "absent-icmp6");
  assert.is(why(emitIpv6(ROUTER, A, 58, new Uint8Array(7), 64)), "short-icmp6");
});

test("no error is longer than 1280 octets", () => {
  const sent = emitUnreachable(ROUTER, A, 0, new Uint8Array(1500));
  assert.is(sent.length, 1280);
  assert.is(read(sent).quote.length, 1232);
});

test("the host sees the packet it sent, cut where the quote is", () => {
  for (const cut of [48, 60, outer().length]) {
    const packet = translated(1, 0, outer().slice(0, cut));
    if (typeof packet === "string") throw new Error(packet);
    const error = read(packet);
    assert.equal([error.source, error.destination], [ROUTER, ULID_A]);
    assert.is(hex(error.quote), hex(INNER.subarray(0, cut - 8)));
  }
});

test("MTU, pointer and the length of a quote with extensions shrink with the header", () => {
  const word = (result: Uint8Array | string) => (typeof result === "string" ? result : read(result).word);
  assert.is(word(translated(2, 1400)), 1392);
  assert.is(word(translated(2, 4)), 0);
  assert.is(word(translated(4, 6)), 6);
  assert.is(word(translated(4, 40)), "shim6-icmp6");
  assert.is(word(translated(4, 47)), "shim6-icmp6");
  assert.is(word(translated(4, 48)), 40);
  assert.is(word(translated(3, 0x1100_0000)), 0x1000_0000);
  assert.is(word(translated(3, 0)), 0);
  assert.is(word(translated(1, 0xff00_0000)), 0xfe00_0000);
  assert.is(translated(1, 0, INNER), "no-payload-icmp6");
});

test.run();
