/** Packets cut for a path: put together again they are what they were (RFC 8200 §4.5). */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { concat, hex, putU16, u16, u32 } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { fragmentPacket } from "../../../runtime/wire/fragment.ts";
import { extension, packetOf } from "../../lib/packet.ts";
import { seed } from "../../lib/seed.ts";

const A = address("fc00:aaaa:1::10");
const B = address("fc00:bbbb:1::10");
const FRAGMENT = 44;

interface Piece {
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
  readonly next: number;
  readonly before: Uint8Array;
  readonly data: Uint8Array;
}

/** A fragment whose Fragment header stands at `at`. */
function read(packet: Uint8Array, at: number): Piece {
  assert.is(u16(packet, 4), packet.length - 40);
  const field = u16(packet, at + 2);
  return {
    offset: field & 0xfff8,
    more: (field & 1) === 1,
    identification: u32(packet, at + 4),
    next: packet[at],
    before: packet.subarray(0, at),
    data: packet.subarray(at + 8),
  };
}

function cut(packet: Uint8Array, limit: number, identification = 7): Uint8Array[] {
  const pieces = fragmentPacket(packet, limit, identification);
  if (pieces instanceof Reject) throw new Error(pieces.why);
  return pieces;
}

test("1280 on a path of 1272: two fragments, the first as large as may be", () => {
  const packet = packetOf(
    A,
    B,
    17,
    Uint8Array.from({ length: 1240 }, (_, i) => i),
  );
  const pieces = cut(packet, 1272, 0xdead_beef);
  assert.equal(
    pieces.map((piece) => piece.length),
    [1272, 40 + 8 + 16],
  );
  const [first, second] = pieces.map((piece) => read(piece, 40));
  assert.equal([first.offset, first.more, first.next, first.identification], [0, true, 17, 0xdead_beef]);
  assert.equal([second.offset, second.more, second.next, second.identification], [1224, false, 17, 0xdead_beef]);
  assert.is(hex(concat(first.data, second.data)), hex(packet.subarray(40)));
  assert.is(pieces[0][6], FRAGMENT);
  assert.is(hex(pieces[0].subarray(0, 4)), hex(packet.subarray(0, 4)), "class and label stay");
  assert.is(pieces[0][7], packet[7], "hop limit too");
});

test("what fits stays whole", () => {
  const packet = packetOf(A, B, 17, new Uint8Array(1232));
  assert.equal(cut(packet, 1272).map(hex), [hex(packet)]);
  assert.equal(cut(concat(packet, new Uint8Array(9)), 1272).map(hex), [hex(packet)], "octets behind the packet go");
});

test("any packet behind any headers, cut twice: fragments fit, stay in order, say the same of themselves, and hold it all", () => {
  const headers = fc.constantFrom([], [0], [43], [0, 43], [0, 60, 43], [60, 43]);
  const sizes = fc.tuple(fc.integer({ min: 100, max: 1400 }), fc.integer({ min: 100, max: 1400 }));
  const property = fc.property(headers, fc.uint8Array({ minLength: 1, maxLength: 4000, size: "max" }), sizes, (kinds, body, [one, two]) => {
    const chain = concat(...kinds.map((_, i) => extension(kinds[i + 1] ?? 17)));
    const packet = packetOf(A, B, kinds[0] ?? 17, concat(chain, body));
    const at = 40 + chain.length;
    const once = cut(packet, one);
    const all = once.flatMap((piece) => cut(piece, two, 8));
    if (all.length === 1) {
      assert.is(hex(all[0]), hex(packet));
      return;
    }
    let offset = 0;
    // A packet that the first cut left whole gets its number at the second.
    const identification = once.length > 1 ? 7 : 8;
    all.forEach((octets, i) => {
      assert.ok(octets.length <= Math.min(Math.max(one, two), two));
      const piece = read(octets, at);
      assert.equal([piece.offset, piece.more, piece.identification, piece.next], [offset, i < all.length - 1, identification, 17]);
      assert.ok(!piece.more || piece.data.length % 8 === 0);
      const plain = piece.before.slice();
      plain[kinds.length === 0 ? 6 : at - 8] = 17;
      putU16(plain, 4, packet.length - 40);
      assert.is(hex(plain), hex(packet.subarray(0, at)));
      assert.is(hex(piece.data), hex(packet.subarray(at + offset, at + offset + piece.data.length)));
      offset += piece.data.length;
    });
    assert.is(offset, body.length);
  });
  fc.assert(property, { seed, numRuns: 500 });
});

test("no room, and fragments that no one may send", () => {
  const packet = packetOf(A, B, 17, new Uint8Array(1240));
  for (const limit of [0, 40, 48, 55]) assert.is((fragmentPacket(packet, limit, 1) as Reject).why, "tight-fragment", String(limit));
  assert.is(cut(packet, 56).length, 155);
  const header = (field: number) => Uint8Array.of(17, 0, field >> 8, field & 0xff, 0, 0, 0, 1);
  const ragged = packetOf(A, B, FRAGMENT, concat(header(1), new Uint8Array(1231)));
  assert.is((fragmentPacket(ragged, 1200, 1) as Reject).why, "bad-fragment");
  const beyond = packetOf(A, B, FRAGMENT, concat(header(0xfff8), new Uint8Array(1232)));
  assert.is((fragmentPacket(beyond, 1200, 1) as Reject).why, "bad-fragment");
  assert.is((fragmentPacket(packet.subarray(0, 39), 1200, 1) as Reject).why, "short-ipv6");
  const routed = packetOf(A, B, 43, concat(extension(17, 0, 1), new Uint8Array(1232)));
  assert.is((fragmentPacket(routed, 1200, 1) as Reject).why, "routed-ipv6");
});

test("any octets: a list or a Reject, never a throw", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(500), fc.boolean(), (octets, limit, six) => {
    const packet = octets.slice();
    if (six && packet.length > 0) packet[0] = 0x60;
    const pieces = fragmentPacket(packet, limit, 1);
    assert.ok(pieces instanceof Reject || pieces.every((piece) => piece.length <= limit));
  });
  fc.assert(property, { seed, numRuns: 2000 });
});

test.run();
