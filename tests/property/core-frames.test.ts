/** Whatever comes, the core neither traps nor writes outside the slot, and says what became of it; what goes out comes back the same. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SLOT_HEADROOM } from "../../core-as/layout/lane.ts";
import { COUNTER_NAMES } from "../../core-as/layout/names.ts";
import { DROP_FIRST, FORWARD_IN, FORWARD_OUT, PUNT_FIRST } from "../../core-as/layout/verdict.ts";
import { addressOctets } from "../../runtime/value/address.ts";
import { concat, hex } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { coreModule, outputPacket, putPacket, type Rig, rig, runOne, sampleRecord } from "../lib/core.ts";
import { extension, packetOf, payloadHeader } from "../lib/packet.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const record = sampleRecord(1);
const CANARY = 0xc5;

/** Octets that are likely to get past the first checks: right addresses, headers that mean something, then noise. */
const plausible = fc
  .tuple(
    fc.constantFrom(record.localUlid, record.peerUlid, record.localLocator, record.peerLocator),
    fc.constantFrom(record.peerUlid, record.localUlid, record.localLocator, record.peerLocator),
    fc.constantFrom(0, 43, 60, 140, 58, 44, 17, 59),
    fc.array(
      fc.oneof(
        fc
          .tuple(fc.constantFrom(0, 43, 60, 140, 44, 17), fc.nat(3), fc.nat(2))
          .map(([next, units, fourth]) => extension(next, units, fourth)),
        fc.constantFrom(payloadHeader(17, record.localTag), payloadHeader(60, record.localTag), payloadHeader(17, record.peerTag)),
        fc.uint8Array({ maxLength: 24 }),
      ),
      { maxLength: 10, size: "max" },
    ),
    fc.integer({ min: -20, max: 20 }),
  )
  .map(([source, destination, next, rest, lie]) => {
    const packet = packetOf(source, destination, next, concat(...rest));
    packet[5] += lie;
    return packet;
  });

const virtio = fc.oneof(
  fc.constant(new Uint8Array(10)),
  fc.uint8Array({ minLength: 10, maxLength: 10 }),
  fc.tuple(fc.nat(80), fc.nat(20)).map(([start, offset]) => Uint8Array.of(1, 0, 0, 0, 0, 0, start, 0, offset, 0)),
);
const frame = fc.tuple(virtio, fc.oneof(plausible, fc.uint8Array({ maxLength: 200 })), fc.boolean());

test("any octets in any slot: a verdict, no trap, nothing outside the slot", async () => {
  const world = await rig({ batch: 8, slotOctets: 512 }, { passRouting: true, puntOther: true }, module);
  world.core.add(1, record, 0);
  const { lane, memory } = world;
  const stride = lane.inputOffset(1) - lane.inputOffset(0);
  const first = lane.inputOffset(0) - SLOT_HEADROOM;
  const batch = fc.array(frame, { minLength: 1, maxLength: 8, size: "max" });
  const property = fc.property(batch, (frames) => {
    memory.fill(CANARY, first, first + 8 * stride);
    lane.verdicts.fill(0);
    frames.forEach(([header, octets, lie], slot) => {
      putPacket(world, slot, octets, header);
      if (lie) lane.lengths[slot] = (Math.imul(octets.length + 1, 0x9e37_79b1) >>> 0) % 1000;
    });
    const outputs = lane.run(frames.length, 1);
    let forwarded = 0;
    for (let slot = 0; slot < 8; slot++) {
      const start = first + slot * stride;
      if (slot >= frames.length) {
        assert.is(lane.verdicts[slot], 0);
        assert.ok(memory.subarray(start, start + stride).every((octet) => octet === CANARY));
        continue;
      }
      assert.ok(COUNTER_NAMES.has(lane.verdicts[slot]), `verdict ${lane.verdicts[slot]}`);
      if (lane.verdicts[slot] < PUNT_FIRST) forwarded++;
      // Before: eight octets of headroom and the virtio header there. Behind: nothing past what was read.
      assert.ok(
        memory.subarray(start, start + SLOT_HEADROOM - 8).every((octet) => octet === CANARY),
        "headroom",
      );
      const end = start + SLOT_HEADROOM + 10 + frames[slot][1].length;
      if (lane.verdicts[slot] < DROP_FIRST && lane.lengths[slot] <= end - start - SLOT_HEADROOM) {
        assert.ok(
          memory.subarray(end, start + stride).every((octet) => octet === CANARY),
          "behind",
        );
      }
    }
    assert.is(outputs, forwarded);
    for (let i = 0; i < outputs; i++) {
      const slot = Math.floor((lane.outputOffsets[i] - first) / stride);
      assert.ok(slot < frames.length);
      assert.ok(lane.outputOffsets[i] + lane.outputLengths[i] <= first + (slot + 1) * stride);
      const packet = outputPacket(world, i);
      assert.is((packet[4] << 8) | packet[5], packet.length - 40);
    }
    world.core.drainPunts(100, (packet) => {
      assert.is((packet[4] << 8) | packet[5], packet.length - 40);
    });
  });
  fc.assert(property, { seed, numRuns: 1500 });
});

/** Hop-by-Hop first if at all, then any options and Routing headers that are used up, then something that ends the walk. */
const chain = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.constantFrom(43, 60), { maxLength: 6, size: "max" }),
    fc.array(fc.nat(4), { minLength: 8, maxLength: 8 }),
    fc.constantFrom(6, 17, 44, 50, 51, 58, 59, 140, 41, 253),
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([hopByHop, kinds, units, last, body]) => {
    const all = [...(hopByHop ? [0] : []), ...kinds];
    const headers = all.map((_, i) => extension(all[i + 1] ?? last, units[i], 0));
    return { next: all[0] ?? last, rest: concat(...headers, body), routed: kinds.lastIndexOf(43), first: hopByHop, lengths: units };
  });

async function ends(): Promise<[Rig, Rig]> {
  const near = await rig({}, {}, module);
  const far = await rig({}, {}, module);
  near.core.add(1, record, 0);
  far.core.add(
    1,
    {
      ...record,
      localUlid: record.peerUlid,
      peerUlid: record.localUlid,
      localTag: record.peerTag,
      peerTag: record.localTag,
      localLocator: record.peerLocator,
      peerLocator: record.localLocator,
    },
    0,
  );
  far.core.setPrefixes({ ulid: prefix("fc00:bbbb:1::/48"), generic: prefix("fc00::/7"), locators: [prefix("2001:db8:b3::/48")] });
  return [near, far];
}

test("out at one box and in at the other gives the packet back; the header stands where RFC 5533 §4.6 wants it", async () => {
  const [near, far] = await ends();
  const property = fc.property(chain, ({ next, rest, routed, first, lengths }) => {
    const packet = packetOf(record.localUlid, record.peerUlid, next, rest);
    const sent = runOne(near, packet);
    assert.is(sent.verdict, FORWARD_OUT);
    const wire = sent.out ?? new Uint8Array();
    assert.is(wire.length, packet.length + 8);
    assert.is(hex(wire.subarray(8, 24)), hex(addressOctets(record.localLocator)));
    assert.is(hex(wire.subarray(24, 40)), hex(addressOctets(record.peerLocator)));
    const before = (first ? 1 : 0) + routed + 1;
    const place = 40 + lengths.slice(0, before).reduce((sum, units) => sum + 8 * (units + 1), 0);
    assert.is(hex(wire.subarray(place + 1, place + 8)), hex(payloadHeader(0, record.peerTag).subarray(1)));
    const back = runOne(far, wire);
    assert.is(back.verdict, FORWARD_IN);
    assert.is(hex(back.out ?? new Uint8Array()), hex(packet));
  });
  fc.assert(property, { seed, numRuns: 2000 });
  assert.is(near.core.counters(1).octetsOut, far.core.counters(1).octetsIn);
});

test.run();
