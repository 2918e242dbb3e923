// Checks in their order (RFC 5533 §12.3), options, and what a receiver tells: Reject, Refusal, message.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { hex, putU16, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import {
  checksum,
  emitMessage,
  emitPacket,
  errorFor,
  type Message,
  messageLength,
  OPTION_CAPABILITIES,
  type Option,
  type ParsedControl,
  parseControl,
  parseControlHeader,
  parseControlOptions,
  parseQuoted,
  Refusal,
  showMessage,
} from "../../../runtime/wire/index.ts";
import { emitIpv6 } from "../../../runtime/wire/ipv6.ts";
import { vector } from "../../lib/vectors.ts";

const A = address("2001:db8:a1:10::51");
const B = address("2001:db8:b3:20::9");
const I1: Message = { kind: "I1", initiatorTag: contextTag(0x1a2b3c4d5e6f), initiatorNonce: 0x3687ba81, options: [] };
const UPDATE: Message = { kind: "UpdateRequest", receiverTag: contextTag(0x7f01e2d3c4b5), requestNonce: 1, options: [] };

function octets(text: string): Uint8Array {
  const value = unhex(text);
  if (value === undefined) throw new Error(text);
  return value;
}

/** A packet with these octets as its Shim6 header, whose checksum is made right. */
function packet(header: string, source = A, destination = B): Uint8Array {
  const bytes = octets(header);
  putU16(bytes, 4, 0);
  putU16(bytes, 4, checksum(bytes.subarray(0, 8 * (bytes[1] + 1))));
  return emitIpv6(source, destination, 140, bytes, 64);
}

/** An I1 with these octets as its options. */
function withOptions(text: string, type = "01"): Uint8Array {
  const length = (16 + octets(text).length) / 8 - 1;
  return packet(`3b${length.toString(16).padStart(2, "0")}${type}00 0000 1a2b3c4d5e6f 3687ba81 ${text}`);
}

function why(bytes: Uint8Array): string {
  const parsed = parseControl(bytes);
  if (parsed instanceof Reject) return parsed.why;
  return parsed instanceof Refusal ? `error ${parsed.code} at ${parsed.pointer}` : "taken";
}

function taken(bytes: Uint8Array): ParsedControl {
  const parsed = parseControl(bytes);
  if (parsed instanceof Reject || parsed instanceof Refusal) throw new Error(why(bytes));
  return parsed;
}

test("rfc5533-i1-minimal, octet by octet", () => {
  const header = [
    "3b 01 01 00", // next header 59, Hdr Ext Len 1 (16 octets), P = 0 and type 1, reserved and S = 0
    "1e0e 1a2b3c4d5e6f", // checksum, R = 0 and 47 bits of tag
    "3687ba81", // initiator nonce
  ].join("");
  assert.is(hex(emitMessage(I1)), hex(octets(header)));
  assert.equal(taken(emitIpv6(A, B, 140, octets(header), 64)), { source: A, destination: B, message: I1, offset: 40, ignored: [] });
});

test("an earlier fault is told before a later one", () => {
  // Each packet has the fault named and all later ones of this list.
  const faults = "3b 01 09 01 0000 1a2b3c4d5e6f 3687ba81";
  assert.is(why(new Uint8Array(39)), "short-ipv6");
  assert.is(why(emitIpv6(A, B, 17, octets(faults), 64)), "absent-shim6");
  assert.is(why(emitIpv6(A, B, 140, octets("3b0109"), 64)), "short-shim6");
  assert.is(why(emitIpv6(address("ff02::1"), B, 140, octets(`3b 02 ${faults.slice(6)}`), 64)), "short-shim6");
  assert.is(why(emitIpv6(address("::"), address("::"), 140, octets(faults), 64)), "bad-source-shim6");
  assert.is(why(emitIpv6(A, address("::"), 140, octets(faults), 64)), "bad-destination-shim6");
  assert.is(why(emitIpv6(A, B, 140, octets(faults), 64)), "bad-sum-shim6");
  assert.is(why(packet(faults)), "hip-shim6");
  assert.is(why(packet("3b 00 09 00 0000 1a2b")), "error 0 at 42");
  assert.is(why(packet("3b 00 01 00 0000 1a2b")), "short-shim6");
  // An overrun is told before a critical option, that before a duplicate.
  assert.is(why(withOptions("7fff0000 00000000 000f0001 00000000 000f0004 00000000 7fff0005 00000000")), "short-option-shim6");
  assert.is(why(withOptions("000e0004 00000001 000e0004 00000001 7fff0004 00000000")), "error 1 at 72");
  assert.is(why(withOptions("000e0004 00000001 000e0004 00000001 7ffe0004 00000000")), "duplicate-option-shim6");
});

test("the options of a message are judged apart from its header, so that an unknown tag comes first", () => {
  const bytes = withOptions("7fff0000 00000000", "42");
  const header = parseControlHeader(bytes);
  if (header instanceof Reject || header instanceof Refusal) throw new Error("header not taken");
  assert.is(header.receiverTag, 0x1a2b3c4d5e6f);
  assert.equal(parseControlOptions(header), new Refusal(1, 56));
  const i1 = parseControlHeader(emitPacket(A, B, I1));
  assert.is(i1 instanceof Reject || i1 instanceof Refusal ? undefined : i1.receiverTag, undefined);
});

test("a message behind extension headers is found; pointers count from the IPv6 header", () => {
  const hop = "3c00 0104 0000 0000";
  const options = "8c00 0104 0000 0000";
  const header = octets("3b01 0900 0000 1a2b3c4d5e6f 3687ba81");
  putU16(header, 4, checksum(header));
  assert.is(why(emitIpv6(A, B, 0, octets(hop + options + hex(header)), 64)), "error 0 at 58");
  assert.is(why(emitIpv6(A, B, 43, octets(`8c00 0401 0000 0000${hex(header)}`), 64)), "routed-ipv6");
  assert.is(why(emitIpv6(A, B, 0, octets("8c01 0104 0000 0000"), 64)), "absent-shim6", "a header that runs past the end");
  assert.is(why(emitIpv6(A, B, 44, octets(`8c00 0000 0000 0001${hex(header)}`), 64)), "absent-shim6");
});

test("octets behind Payload Length are no part of the packet", () => {
  const sent = emitPacket(A, B, I1);
  assert.equal(taken(Uint8Array.from([...sent, 1, 2, 3])).message, I1);
  assert.is(why(sent.slice(0, -1)), "short-ipv6");
});

test("what is parsed shares no memory with the packet", () => {
  const { octets: bytes } = vector("i2-cga-full");
  const before = taken(bytes.slice());
  const copy = bytes.slice();
  const after = taken(copy);
  copy.fill(0xee);
  assert.equal(after, before);
});

test("CAPABILITIES: read where it is defined, longer ones too, skipped when it is not ours", () => {
  const head = "a0a6";
  const cases: readonly [text: string, version: number | undefined][] = [
    [`${head}0008 50533601 00000bb8 00000000`, 1],
    [`${head}000a 50533602 00000bb8 ffff0000`, 2],
    [`${head}0007 50533601 00000b 0000000000`, undefined],
    [`${head}0008 50533701 00000bb8 00000000`, undefined],
    [`${head}0008 50533600 00000bb8 00000000`, undefined],
    [`${head}0008 50533601 00000000 00000000`, undefined],
    [`${head}0000 00000000`, undefined],
  ];
  for (const [text, version] of cases) {
    const { message, ignored } = taken(withOptions(text));
    if (message.kind !== "I1") throw new Error(message.kind);
    const expected = version === undefined ? "unknown" : "capabilities";
    assert.is(message.options[0].kind, expected, text);
    assert.equal(ignored, version === undefined ? [OPTION_CAPABILITIES] : []);
    if (message.options[0].kind === "capabilities") assert.equal(message.options[0], { kind: "capabilities", version, sendTimeout: 3000 });
  }
  const twice = taken(withOptions(cases[0][0] + cases[1][0]));
  assert.equal(twice.ignored, [OPTION_CAPABILITIES]);
  assert.equal(taken(withOptions(cases[0][0], "42")).ignored, [OPTION_CAPABILITIES]);
});

test("which option is defined in which message", () => {
  const validator: Option = { kind: "responder-validator", validator: Uint8Array.of(1) };
  const pair: Option = { kind: "ulid-pair", sender: A, receiver: B };
  const rest: Option[] = [
    { kind: "forked-instance", identifier: 7 },
    { kind: "locator-list", generation: 1, locators: [{ address: A, method: 2 }] },
    { kind: "locator-preferences", generation: 1, elementLength: 1, elements: [{ flags: 0 }] },
    { kind: "cga-pds", pds: Uint8Array.of(1) },
    { kind: "cga-signature", signature: Uint8Array.of(1) },
    { kind: "keepalive-timeout", seconds: 3 },
    { kind: "capabilities", version: 1, sendTimeout: 3000 },
  ];
  const options = [validator, pair, ...rest];
  const tag = contextTag(1);
  const report = { source: A, destination: B, nonce: 1, data: 0 };
  const table: readonly [Message, number[]][] = [
    [{ ...I1, options } as Message, [1, 2, 3, 4, 5, 10]],
    [{ kind: "R1", initiatorNonce: 1, responderNonce: 2, options }, [6, 7, 2, 3, 4, 5, 10]],
    [{ kind: "I2", initiatorTag: tag, initiatorNonce: 1, responderNonce: 2, options }, []],
    [{ kind: "R2", responderTag: tag, initiatorNonce: 1, options }, [1, 6, 7]],
    [{ kind: "R1bis", packetTag: tag, responderNonce: 1, options }, [6, 7, 2, 3, 4, 5, 10]],
    [{ kind: "I2bis", initiatorTag: tag, initiatorNonce: 1, responderNonce: 2, packetTag: tag, options }, []],
    [{ ...UPDATE, options } as Message, [1, 6, 7]],
    [{ kind: "UpdateAck", receiverTag: tag, requestNonce: 1, options }, [1, 6, 7, 2, 3, 4, 5, 10, OPTION_CAPABILITIES]],
    [{ kind: "Keepalive", receiverTag: tag, options }, [1, 6, 7, 2, 3, 4, 5, 10, OPTION_CAPABILITIES]],
    [
      { kind: "Probe", receiverTag: tag, state: "Exploring", sent: [report], received: [], options },
      [1, 6, 7, 2, 3, 4, 5, 10, OPTION_CAPABILITIES],
    ],
  ];
  for (const [message, ignored] of table) assert.equal(taken(emitPacket(A, B, message)).ignored, ignored, message.kind);
});

test("locator list: every count has its one length", () => {
  for (const count of [1, 2, 7, 8, 9, 15, 23, 60]) {
    const locators = Array.from({ length: count }, (_, i) => ({ address: address(`2001:db8::${i + 1}`), method: i % 3 }));
    const message: Message = { ...UPDATE, options: [{ kind: "locator-list", generation: 5, locators }] };
    const sent = emitPacket(A, B, message);
    assert.equal(taken(sent).message, message);
    // The locators begin on an 8-octet boundary, and nothing is behind them.
    assert.is(sent.length, 40 + 16 + 4 + 5 + count + ((15 - (count % 8)) % 8) + 16 * count);
    assert.is((sent.length - 16 * count) % 8, 0);
    assert.is(addressAt(sent, sent.length - 16 * count), locators[0].address);
    for (const wrong of [count - 1, count + 1]) {
      const bytes = sent.slice(40);
      bytes[16 + 8] = wrong;
      assert.is(why(packet(hex(bytes))), "bad-list-shim6", `${wrong} for ${count}`);
    }
  }
});

test("what no format can hold is our own mistake", () => {
  const wrong: readonly [Message, RegExp][] = [
    [{ ...I1, initiatorNonce: 2 ** 32 } as Message, /initiator nonce/],
    [{ ...I1, initiatorNonce: -1 } as Message, /initiator nonce/],
    [{ ...UPDATE, options: [{ kind: "locator-list", generation: 1, locators: [] }] } as Message, /at least one/],
    [{ ...UPDATE, options: [{ kind: "keepalive-timeout", seconds: 65536 }] } as Message, /16 bits/],
    [{ kind: "Probe", receiverTag: contextTag(1), state: "Exploring", sent: [], received: [], options: [] }, /reports itself/],
    [{ kind: "Error", code: 1, pointer: 0, packet: new Uint8Array(9) }, /9 octets/],
    [{ kind: "Error", code: 128, pointer: 0, packet: new Uint8Array(8) }, /7 bits/],
    [{ ...I1, options: [{ kind: "unknown", type: 20, contents: new Uint8Array(2100) }] } as Message, /octets/],
  ];
  for (const [message, text] of wrong) assert.throws(() => emitMessage(message), text);
  const long: Message = { ...I1, options: [{ kind: "unknown", type: 20, contents: new Uint8Array(1300) }] } as Message;
  assert.is(messageLength(long), emitMessage(long).length);
  assert.throws(() => emitPacket(A, B, long), /at most 1280/);
});

test("errorFor: at most 1232 octets, a multiple of 8, nothing behind the packet", () => {
  const cases: readonly [payload: number, behind: number, kept: number][] = [
    [16, 0, 56],
    [16, 9, 56],
    [23, 0, 56],
    [24, 0, 64],
    [1191, 0, 1224],
    [1192, 0, 1232],
    [2000, 0, 1232],
  ];
  for (const [payload, behind, kept] of cases) {
    const bytes = emitIpv6(A, B, 140, new Uint8Array(payload), 64);
    const error = errorFor(Uint8Array.from([...bytes, ...new Uint8Array(behind)]), 0, 42);
    assert.is(error.packet.length, kept);
    assert.ok(emitPacket(B, A, error).length <= 1280);
  }
  assert.throws(() => errorFor(new Uint8Array(39), 0, 42), /no IPv6 packet/);
});

test("a quoted message tells its tag and nonce, as far as it is there", () => {
  const sent = emitPacket(A, B, I1);
  const whole = { kind: "control", source: A, destination: B, offset: 40, message: "I1", tag: I1.initiatorTag, nonce: I1.initiatorNonce };
  assert.equal(parseQuoted(sent), whole);
  assert.equal(parseQuoted(sent.slice(0, 55)), { ...whole, nonce: undefined });
  assert.equal(parseQuoted(sent.slice(0, 51)), { ...whole, tag: undefined, nonce: undefined });
  assert.instance(parseQuoted(sent.slice(0, 47)), Reject);
  const r1 = parseQuoted(vector("r1-validator20").octets);
  assert.ok(!(r1 instanceof Reject) && r1.kind === "control" && r1.tag === undefined && r1.nonce === 0x3687ba81);
  const payload = parseQuoted(vector("payload-after-hop-by-hop").octets.slice(0, 56));
  assert.ok(!(payload instanceof Reject) && payload.kind === "payload" && payload.tag === 0x7f01e2d3c4b5 && payload.offset === 48);
});

test("one line shows a message and no key material", () => {
  const { message } = taken(vector("i2-cga-full").octets);
  const line = showMessage(message);
  assert.is(
    line,
    "I2 tag 1a2b3c4d5e6f nonce 86c7ed79 responder-nonce 0000002a <validator 20> " +
      "<ulids fc5a:1c2e:77b0:10:14d3:bbaf:dda3:d72b > fcc3:9e41:2d7:20:18c2:c0dd:3b6e:b992> " +
      "<locators g1 2001:db8:a1:10::51/2,2001:db8:a2:10::51/2> <preferences g1 0/1/10,0/2/20> <pds 187> <signature 128> <keepalive 15s>",
  );
});

test.run();
