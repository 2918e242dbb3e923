// What is written reads back the same; no octets make a reader throw; the checksum finds every change of one word.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeLine } from "../../runtime/cli/decode.ts";
import { encodePacket } from "../../runtime/cli/encode.ts";
import { hex, putU16, u16 } from "../../runtime/value/bytes.ts";
import { Reject } from "../../runtime/value/reject.ts";
import {
  checksum,
  emitMessage,
  emitPacket,
  insertPayloadHeader,
  type ParsedControl,
  parseControl,
  parseIcmpError,
  parsePayload,
  parseQuoted,
  Refusal,
  removePayloadHeader,
  showMessage,
  sum16,
  translateIcmpError,
} from "../../runtime/wire/index.ts";
import { emitIpv6 } from "../../runtime/wire/ipv6.ts";
import { anyAddress, message, tag, unicast } from "../lib/messages.ts";
import { seed } from "../lib/seed.ts";

const SHIM6 = 140;

function check(property: fc.IRawProperty<unknown>, numRuns: number): void {
  fc.assert(property, { seed, numRuns });
}

function taken(parsed: ParsedControl | Reject | Refusal): ParsedControl {
  if (parsed instanceof Reject || parsed instanceof Refusal) throw new Error(`not taken: ${JSON.stringify(parsed)}`);
  return parsed;
}

test("parse(emit(message)) is the message", () => {
  check(
    fc.property(message, unicast, unicast, (sent, source, destination) => {
      const packet = emitPacket(source, destination, sent);
      const parsed = taken(parseControl(packet));
      assert.equal(parsed.message, sent);
      assert.is(parsed.source, source);
      assert.is(parsed.destination, destination);
      const unknown = sent.kind === "Error" ? [] : sent.options.filter((option) => option.kind === "unknown").map((option) => option.type);
      assert.equal(parsed.ignored, unknown);
      assert.is(hex(emitMessage(parsed.message)), hex(packet.subarray(40)));
      assert.ok(showMessage(sent).startsWith(sent.kind));
      assert.not.ok(showMessage(sent).includes("\n"));
    }),
    1500,
  );
});

test("encode(decode(packet)) is the packet", () => {
  check(
    fc.property(message, unicast, unicast, (sent, source, destination) => {
      const packet = emitPacket(source, destination, sent);
      const fields = decodeLine(hex(packet));
      if (fields === undefined) throw new Error("nothing decoded");
      assert.is(hex(encodePacket(JSON.parse(JSON.stringify(fields)))), hex(packet));
    }),
    500,
  );
});

test("a header without the IPv6 header decodes the same but for addresses", () => {
  check(
    fc.property(message, unicast, unicast, (sent, source, destination) => {
      const packet = emitPacket(source, destination, sent);
      const { src, dst, ...whole } = decodeLine(hex(packet)) ?? {};
      assert.equal([src, dst], [source, destination]);
      assert.equal(decodeLine(hex(emitMessage(sent))), whole);
    }),
    200,
  );
});

/** Every reader of octets from the network. What they say does not matter here. */
function readAll(octets: Uint8Array): void {
  parseControl(octets);
  parsePayload(octets);
  parseQuoted(octets);
  parseIcmpError(octets);
  const [a, b] = [LOCAL, PEER];
  removePayloadHeader(octets, a, b);
  insertPayloadHeader(octets, a, b, TAG);
  translateIcmpError(octets, a, b);
  decodeLine(hex(octets));
}
const [LOCAL, PEER] = fc.sample(anyAddress, { seed, numRuns: 2 });
const [TAG] = fc.sample(tag, { seed, numRuns: 1 });

/** The Payload Length and the checksum made right, so that what lies behind them is reached. */
function mended(packet: Uint8Array): Uint8Array {
  const octets = packet.slice();
  if (octets.length < 48 || octets[6] !== SHIM6) return octets;
  putU16(octets, 4, octets.length - 40);
  const length = 8 * (octets[41] + 1);
  if (octets.length < 40 + length || octets[42] >= 0x80) return octets;
  putU16(octets, 44, 0);
  putU16(octets, 44, checksum(octets.subarray(40, 40 + length)));
  return octets;
}

test("arbitrary octets never throw", () => {
  check(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => readAll(octets)),
    2000,
  );
});

test("arbitrary octets in an IPv6 packet never throw", () => {
  const next = fc.constantFrom(SHIM6, 0, 43, 44, 51, 58, 60);
  check(
    fc.property(fc.uint8Array({ maxLength: 400 }), anyAddress, anyAddress, next, (octets, source, destination, nextHeader) => {
      readAll(emitIpv6(source, destination, nextHeader, octets, 64));
    }),
    2000,
  );
});

test("a message with some octets changed, and its checksum made right again, never throws", () => {
  const changes = fc.array(fc.tuple(fc.nat(1279), fc.nat(0xff)), { minLength: 1, maxLength: 4 });
  let refused = 0;
  check(
    fc.property(message, changes, fc.integer({ min: 1, max: 5000 }), (sent, made, cut) => {
      const packet = emitPacket(LOCAL, PEER, sent);
      for (const [at, value] of made) packet[40 + (at % (packet.length - 40))] = value;
      const octets = mended(packet.slice(0, cut));
      readAll(octets);
      const parsed = parseControl(octets);
      if (parsed instanceof Reject || parsed instanceof Refusal) refused++;
      else showMessage(parsed.message);
    }),
    3000,
  );
  assert.ok(refused > 100, `only ${refused} of the changed messages were refused`);
});

test("a chain of the shortest extension headers is walked once, not once a header", () => {
  // 8,191 headers of 8 octets, the last one Shim6: quadratic work would be 33 million steps of several readers.
  const octets = new Uint8Array(65_528);
  for (let at = 0; at + 16 <= octets.length; at += 8) octets[at] = at + 16 === octets.length ? SHIM6 : 60;
  const packet = emitIpv6(LOCAL, PEER, 60, octets, 64);
  assert.instance(parseControl(packet), Reject);
  readAll(packet);
});

test("the checksum finds every change of one word but 0000 for ffff", () => {
  check(
    fc.property(message, fc.nat(), fc.nat(0xffff), (sent, at, value) => {
      const header = emitMessage(sent);
      assert.is(sum16(header), 0xffff);
      const word = 2 * (at % (header.length / 2));
      const was = u16(header, word);
      putU16(header, word, value);
      const same = was === value || (was + value === 0xffff && was * value === 0);
      assert.is(sum16(header) === 0xffff, same);
    }),
    500,
  );
});

test("sum16 is the sum of the words modulo 0xffff, whatever the length", () => {
  check(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(0xffff), (octets, start) => {
      let sum = BigInt(start);
      octets.forEach((octet, i) => {
        sum += BigInt(octet) << (i % 2 === 0 ? 8n : 0n);
      });
      assert.is(BigInt(sum16(octets, start)) % 0xffffn, sum % 0xffffn);
      assert.is(sum16(octets, start) === 0, sum === 0n);
    }),
    500,
  );
});

test("payload header: removal undoes insertion, whatever stands around it", () => {
  const header = (type: number) => fc.nat(3).map((units) => ({ type, octets: new Uint8Array(8 * (units + 1)).fill(units, 1, 2) }));
  const chain = fc
    .tuple(fc.option(header(0)), fc.option(fc.tuple(header(60), header(43))), fc.option(header(43)), fc.option(header(60)))
    .map(([first, routed, routing, last]) => [first, ...(routed ?? []), routing, last].filter((item) => item !== null));
  check(
    fc.property(
      chain,
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(anyAddress, anyAddress, unicast, unicast),
      tag,
      (before, data, ends, ct) => {
        const [ulidSource, ulidDestination, source, destination] = ends;
        const parts = before.map((item, i) => {
          item.octets[0] = before[i + 1]?.type ?? 17;
          return item.octets;
        });
        const octets = Uint8Array.from([...parts.flatMap((part) => [...part]), ...data]);
        const packet = emitIpv6(ulidSource, ulidDestination, before[0]?.type ?? 17, octets, 9);
        const grown = insertPayloadHeader(packet, source, destination, ct);
        if (grown instanceof Reject) throw new Error(grown.why);
        const parsed = parsePayload(grown);
        if (parsed instanceof Reject) throw new Error(parsed.why);
        assert.equal([parsed.source, parsed.destination, parsed.tag], [source, destination, ct]);
        // Behind every header of the list but a Destination Options header at its end.
        const last = before.at(-1)?.type === 60 ? before.length - 1 : before.length;
        assert.is(parsed.offset, 40 + before.slice(0, last).reduce((sum, item) => sum + item.octets.length, 0));
        const shrunk = removePayloadHeader(grown, ulidSource, ulidDestination);
        if (shrunk instanceof Reject) throw new Error(shrunk.why);
        assert.is(hex(shrunk), hex(packet));
      },
    ),
    500,
  );
});

test.run();
