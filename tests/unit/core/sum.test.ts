/** Ones-complement sums: the fast one against a plain one, RFC 1624 against summing anew, checksums left to the device. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DROP_SUM_VIRTIO, FORWARD_OUT } from "../../../core-as/layout/verdict.ts";
import { openModule } from "../../../runtime/fast/exports.ts";
import { u16 } from "../../../runtime/value/bytes.ts";
import { coreModule, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { packetOf } from "../../lib/packet.ts";

const module = coreModule();

/** RFC 1071 §4.1, in big-endian words. */
function plainSum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += (octets[i] << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

const swap = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
const filled = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 0x9e37_79b1) >>> 24) & 0xff);

test("sum: every length 0 … 2,000 and some near 64 KiB, at odd places, of all ones too", async () => {
  const { core, lane, memory } = await rig({ slotOctets: 131_072 }, {}, module);
  const raw = await openModule(module, core.shared.memory);
  const at = lane.inputOffset(0);
  const lengths = [...Array.from({ length: 2001 }, (_, i) => i), 65_534, 65_535, 65_536, 100_001];
  for (const length of lengths) {
    for (const octets of [filled(length, length), new Uint8Array(length).fill(0xff)]) {
      const place = at + (length & 3);
      memory.fill(0xaa, place, place + length + 8);
      memory.set(octets, place);
      assert.is(swap(raw.sum(place, length)), plainSum(octets), `length ${length}`);
    }
  }
});

test("adjust: as if summed anew (RFC 1624 §4 and all corners)", async () => {
  const { core } = await rig({}, {}, module);
  const raw = await openModule(module, core.shared.memory);
  // The RFC's example: HC = 0xdd2f, m = 0x5555, m' = 0x3285 gives 0x0000.
  assert.is(raw.adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
  const words = [0x0000, 0x0001, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x1234];
  for (const rest of words)
    for (const was of words)
      for (const now of words) {
        const total = (word: number): number => {
          const sum = rest + 0x0101 + word;
          return (sum & 0xffff) + (sum >>> 16);
        };
        const anew = ~((total(now) & 0xffff) + (total(now) >>> 16)) & 0xffff;
        const before = ~((total(was) & 0xffff) + (total(was) >>> 16)) & 0xffff;
        const got = raw.adjust(before, was, now);
        assert.is(got % 0xffff, anew % 0xffff, `${rest} ${was} ${now}`);
      }
});

test("a checksum left to the device is finished for every length 0 … 2,000", async () => {
  const world = await rig({ slotOctets: 4096 }, {}, module);
  const record = sampleRecord(1);
  world.core.add(0, record, 0);
  const virtio = Uint8Array.from([1, 0, 0, 0, 0, 0, 40, 0, 6, 0]);
  for (let length = 8; length <= 2000; length++) {
    const segment = filled(length, length);
    const packet = packetOf(record.localUlid, record.peerUlid, 17, segment);
    const { verdict, out } = runOne(world, packet, 0, virtio);
    assert.is(verdict, FORWARD_OUT);
    const sent = (out ?? new Uint8Array()).subarray(48);
    const expected = ~plainSum(segment) & 0xffff;
    assert.is(u16(sent, 6), expected === 0 ? 0xffff : expected, `length ${length}`);
    assert.equal(world.memory.slice(world.lane.outputOffsets[0], world.lane.outputOffsets[0] + 10), new Uint8Array(10));
  }
});

for (const [name, protocol, at, sent] of [
  ["UDP", 17, 6, 0xffff],
  ["TCP", 6, 16, 0],
] as const) {
  test(`a finished checksum of 0 is sent as ${sent} in ${name}`, async () => {
    const world = await rig({}, {}, module);
    const record = sampleRecord(1);
    world.core.add(0, record, 0);
    const segment = new Uint8Array(20);
    segment.fill(0xff, 0, 2);
    // The data offset of TCP, and what makes up for it: the sum is 0xffff.
    if (name === "TCP") segment.set([0xaf, 0xff], 0);
    if (name === "TCP") segment[12] = 0x50;
    const { out } = runOne(
      world,
      packetOf(record.localUlid, record.peerUlid, protocol, segment),
      0,
      Uint8Array.from([1, 0, 0, 0, 0, 0, 40, 0, at, 0]),
    );
    assert.is(u16(out ?? new Uint8Array(), 48 + at), sent);
  });
}

test("csum_start and csum_offset outside the packet are refused", async () => {
  const world = await rig({}, {}, module);
  const record = sampleRecord(1);
  world.core.add(0, record, 0);
  const packet = packetOf(record.localUlid, record.peerUlid, 17, new Uint8Array(16));
  for (const [start, offset] of [
    [39, 6],
    [40, 15],
    [40, 7],
    [55, 0],
    [56, 0],
    [65_535, 65_534],
    [0, 0],
  ]) {
    const virtio = Uint8Array.from([1, 0, 0, 0, 0, 0, start & 0xff, start >>> 8, offset & 0xff, offset >>> 8]);
    assert.is(runOne(world, packet, 0, virtio).verdict, DROP_SUM_VIRTIO, `${start} ${offset}`);
  }
});

test.run();
