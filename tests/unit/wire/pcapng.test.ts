/** pcapng files: golden octets, and blocks that a reader of its own walks through. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { concat, hex, u16, u32 } from "../../../runtime/value/bytes.ts";
import { enhancedPacket, interfaceDescription, nameResolution, sectionHeader } from "../../../runtime/wire/pcapng.ts";
import { seed } from "../../lib/seed.ts";

/** Blocks by type, each checked for its two lengths. */
function blocksOf(file: Uint8Array): { type: number; body: Uint8Array }[] {
  const blocks: { type: number; body: Uint8Array }[] = [];
  for (let at = 0; at < file.length; ) {
    const length = u32(file, at + 4);
    assert.is(length % 4, 0);
    assert.is(u32(file, at + length - 4), length);
    blocks.push({ type: u32(file, at), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function optionsOf(octets: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < octets.length; ) {
    const [code, length] = [u16(octets, at), u16(octets, at + 2)];
    if (code === 0) {
      assert.is(at + 4, octets.length);
      break;
    }
    options.set(code, octets.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return options;
}

test("octet for octet", () => {
  const section = [
    "0a0d0d0a 00000028", // Section Header Block of 40 octets
    "1a2b3c4d 0001 0000 ffffffffffffffff", // big-endian, version 1.0, no length
    "0004 0001 70000000", // shb_userappl "p"
    "00000000 00000028", // no more options; the length again
  ];
  assert.is(hex(sectionHeader("p")), section.join("").replaceAll(" ", ""));
  const device = [
    "00000001 00000030", // Interface Description Block of 48 octets
    "00e5 0000 00040000", // LINKTYPE_IPV6, 262,144 octets
    "0002 0001 61000000 0003 0001 62000000", // if_name "a", if_description "b"
    "0009 0001 09000000", // if_tsresol: nanoseconds
    "00000000 00000030",
  ];
  assert.is(hex(interfaceDescription("a", "b")), device.join("").replaceAll(" ", ""));
  const packet = [
    "00000006 00000038", // Enhanced Packet Block of 56 octets
    "00000001 00000001 00000002", // interface 1, 2^32 + 2 ns
    "00000003 00000003 60616200", // three octets
    "0002 0004 00000002", // epb_flags: outbound
    "0001 0002 63640000", // opt_comment "cd"
    "00000000 00000038",
  ];
  const octets = Uint8Array.of(0x60, 0x61, 0x62);
  const made = enhancedPacket({ interface: 1, at: 2n ** 32n + 2n, outgoing: true, comment: "cd", octets });
  assert.is(hex(made), packet.join("").replaceAll(" ", ""));
  const names = [
    "00000004 00000028", // Name Resolution Block of 40 octets
    "0002 0013 20010db8000000000000000000000001 683100 00", // IPv6: h1, NUL
    "00000000 00000028",
  ];
  assert.is(hex(nameResolution(new Map([[address("2001:db8::1"), "h1"]]))), names.join("").replaceAll(" ", ""));
});

test("any packet and comment come out as they went in", () => {
  const packet = fc.record({
    octets: fc.uint8Array({ maxLength: 99 }),
    comment: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
    at: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    outgoing: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 5 }), (packets) => {
      const blocks = blocksOf(concat(sectionHeader("x"), ...packets.map((each) => enhancedPacket({ ...each, interface: 0 }))));
      assert.is(blocks.length, packets.length + 1);
      packets.forEach(({ octets, comment, at, outgoing }, i) => {
        const { type, body } = blocks[i + 1];
        assert.equal([type, u32(body, 12), u32(body, 16)], [6, octets.length, octets.length]);
        assert.is((BigInt(u32(body, 4)) << 32n) + BigInt(u32(body, 8)), at);
        assert.equal(body.subarray(20, 20 + octets.length), octets);
        const options = optionsOf(body.subarray(20 + octets.length + (-octets.length & 3)));
        assert.equal(options.get(2), Uint8Array.of(0, 0, 0, outgoing ? 2 : 1));
        const said = options.get(1);
        assert.equal(said, comment === undefined ? undefined : new TextEncoder().encode(comment));
      });
    }),
    { seed },
  );
});

test("a comment that is too long is cut between two characters", () => {
  const [{ body }] = blocksOf(
    enhancedPacket({ interface: 0, at: 0n, outgoing: false, comment: `x${"ü".repeat(40_000)}`, octets: new Uint8Array(0) }),
  );
  const comment = optionsOf(body.subarray(20)).get(1) ?? new Uint8Array(0);
  assert.ok(comment.length <= 65_000);
  assert.not.ok(new TextDecoder().decode(comment).includes("\ufffd"));
});

test.run();
