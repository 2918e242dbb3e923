/** Large frames: whatever comes, no trap and nothing outside its place; cut and joined, a TCP stream is the same, packet for packet. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SLOT_HEADROOM } from "../../core-as/layout/lane.ts";
import { COUNTER_NAMES } from "../../core-as/layout/names.ts";
import { FORWARD_IN, FORWARD_OUT } from "../../core-as/layout/verdict.ts";
import { planMemory } from "../../runtime/fast/plan.ts";
import { concat, hex, u32 } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { coreModule, putPacket, type Rig, rig, SIZES, sampleRecord } from "../lib/core.ts";
import { ACK, CWR, FIN, isPartialRight, isSumRight, largeHeader, PSH, packetsOf, type Segment, tcpPacket } from "../lib/large.ts";
import { extension, packetOf, payloadHeader } from "../lib/packet.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const record = sampleRecord(1);
const CANARY = 0xc5;
const SPILL = 1 << 15;

interface Output {
  readonly virtio: Uint8Array;
  readonly packet: Uint8Array;
}

/** Runs `frames` as one batch. */
function run(world: Rig, frames: readonly Output[]): Output[] {
  const { lane, memory } = world;
  frames.forEach(({ virtio, packet }, slot) => {
    putPacket(world, slot, packet, virtio);
  });
  const outputs = lane.run(frames.length, 1);
  return Array.from({ length: outputs }, (_, i) => {
    const at = lane.outputOffsets[i];
    return { virtio: memory.slice(at, at + 10), packet: memory.slice(at + 10, at + lane.outputLengths[i]) };
  });
}

const plain = (packet: Uint8Array): Output => ({ virtio: new Uint8Array(10), packet });

const frame = fc
  .tuple(
    fc.constantFrom(record.localUlid, record.peerUlid, record.localLocator, record.peerLocator),
    fc.constantFrom(record.peerUlid, record.localUlid, record.localLocator, record.peerLocator),
    fc.constantFrom(6, 6, 17, 140, 60, 43, 0, 58),
    fc.array(
      fc.oneof(
        fc.constantFrom(payloadHeader(6, record.localTag), payloadHeader(17, record.localTag), extension(6), extension(140, 1, 1)),
        fc.uint8Array({ maxLength: 60 }),
      ),
      { maxLength: 4 },
    ),
    fc.nat(3000),
    fc.oneof(
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      fc
        .tuple(fc.constantFrom(0, 1, 4, 5, 0x84), fc.nat(1600), fc.nat(120), fc.constantFrom(16, 6, 3, 200))
        .map(([kind, size, start, offset]) => Uint8Array.of(1, kind, 0, 0, size & 0xff, size >> 8, start, 0, offset, 0)),
      fc.constantFrom(largeHeader(1), largeHeader(1000), largeHeader(65_535), largeHeader(3, "udp"), largeHeader(1200, "udp")),
    ),
    fc.nat(255),
  )
  .map(([source, destination, next, rest, more, virtio, fill]): Output => {
    const packet = packetOf(source, destination, next, concat(...rest, new Uint8Array(more).fill(fill)));
    if (packet.length > 53 && fill < 128) packet[52] = 0x50 + (fill & 0x70);
    return { virtio, packet };
  });

test("any virtio header before any octets: a verdict, no trap, every frame in its place", async () => {
  const sizes = { ...SIZES, batch: 4, slotOctets: 4096, spillOctets: SPILL };
  const world = await rig(sizes, { passRouting: true, puntOther: true, mtu: 1500 }, module);
  const plan = planMemory(sizes);
  world.core.add(1, record, 0);
  const { lane, memory } = world;
  const stride = lane.inputOffset(1) - lane.inputOffset(0);
  const slots = lane.inputOffset(0) - SLOT_HEADROOM;
  const spill = slots - plan.inLane.slots + plan.inLane.spill;
  const slotsEnd = slots + 4 * stride;
  const spillEnd = spill + SPILL;
  assert.ok(spillEnd <= slots, "the spill lies before the slots, so what is behind it is the first slot's headroom");
  const property = fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.boolean(), (frames, onHold) => {
    world.core.hold(1, onHold);
    memory.fill(CANARY, spillEnd, slots + SLOT_HEADROOM - 8);
    memory.fill(CANARY, slotsEnd, slotsEnd + 64);
    run(world, frames);
    for (let slot = 0; slot < frames.length; slot++) assert.ok(COUNTER_NAMES.has(lane.verdicts[slot]), `verdict ${lane.verdicts[slot]}`);
    assert.ok(
      memory.subarray(spillEnd, slots + SLOT_HEADROOM - 8).every((octet) => octet === CANARY),
      "behind the spill",
    );
    assert.ok(
      memory.subarray(slotsEnd, slotsEnd + 64).every((octet) => octet === CANARY),
      "behind the slots",
    );
    assert.is(lane.run(0, 1), 0, "nothing is left for the next batch");
    world.core.drainPunts(1000, (packet) => assert.is((packet[4] << 8) | packet[5], packet.length - 40));
  });
  fc.assert(property, { seed, numRuns: 1500 });
});

test("of any large frames and packets, every output lies in the spill or in a slot, one behind the other", async () => {
  const sizes = { ...SIZES, batch: 4, slotOctets: 4096, spillOctets: SPILL };
  const world = await rig(sizes, { passRouting: true, mtu: 1500 }, module);
  const plan = planMemory(sizes);
  world.core.add(1, record, 0);
  const { lane } = world;
  const slots = lane.inputOffset(0) - SLOT_HEADROOM;
  const spill = slots - plan.inLane.slots + plan.inLane.spill;
  const property = fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
    const outputs = run(world, frames);
    let free = spill;
    outputs.forEach(({ packet }, i) => {
      const at = lane.outputOffsets[i];
      const end = at + lane.outputLengths[i];
      assert.is((packet[4] << 8) | packet[5], packet.length - 40);
      if (at >= slots) {
        assert.ok(end <= slots + 4 * plan.slotStride);
        return;
      }
      assert.ok(at >= free, "two frames in one place");
      assert.ok(end <= spill + SPILL);
      free = end;
    });
  });
  fc.assert(property, { seed, numRuns: 1500 });
});

async function ends(spillOctets: number): Promise<{ near: Rig; far: Rig; plainFar: Rig }> {
  const sizes = { slotOctets: 66_000, batch: 64, spillOctets };
  const near = await rig(sizes, { mtu: 1500 }, module);
  const far = await rig(sizes, { mtu: 1500 }, module);
  const plainFar = await rig({ slotOctets: 4096, batch: 256 }, { mtu: 1500 }, module);
  near.core.add(1, record, 0);
  for (const world of [far, plainFar]) {
    world.core.add(
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
    world.core.setPrefixes({ ulid: prefix("fc00:bbbb:1::/48"), generic: prefix("fc00::/7"), locators: [prefix("2001:db8:b3::/48")] });
  }
  return { near, far, plainFar };
}

/** Frames of one connection: how much in each, of what size, with what flags. */
const stream = fc.tuple(
  fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 400, max: 1500 }),
      fc.constantFrom(ACK, ACK | PSH, ACK | FIN, ACK | PSH),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  fc.nat(0xffff_ffff),
  fc.constantFrom(0, 4, 12, 40),
);

test("cut at one box, the same segments as a device would send; joined at the other, cut again they are the same", async () => {
  const { near, far, plainFar } = await ends(1 << 19);
  let joined = 0;
  const property = fc.property(stream, fc.integer({ min: 1, max: 64 }), fc.nat(0xffff), ([frames, first, options], batch, spoilt) => {
    let sequence = first;
    const expected: Uint8Array[] = [];
    const wire: Uint8Array[] = [];
    for (const [length, size, flags] of frames) {
      const payload = Uint8Array.from({ length }, (_, i) => Math.imul(i + sequence, 0x9e37_79b1) >>> 24);
      const segment: Segment = {
        source: record.localUlid,
        destination: record.peerUlid,
        sequence,
        flags,
        payload,
        options: new Uint8Array(options).fill(1),
      };
      const virtio = largeHeader(size);
      const packet = tcpPacket(segment, true);
      expected.push(...packetsOf(virtio, packet, 1492 - 60 - options));
      const sent = run(near, [{ virtio, packet }]);
      assert.is(near.lane.verdicts[0], FORWARD_OUT);
      for (const { virtio: header, packet: out } of sent) {
        assert.equal(header, new Uint8Array(10));
        assert.ok(out.length <= 1500);
        wire.push(out);
      }
      sequence = (sequence + length) >>> 0;
    }
    assert.is(wire.length, expected.length);
    // One packet is damaged on its way, after its Shim6 header: its receiver must see that.
    const bad = spoilt % (2 * wire.length);
    if (bad < wire.length) {
      wire[bad][wire[bad].length - 1] ^= 1 + (spoilt & 0x7f);
      expected[bad][expected[bad].length - 1] ^= 1 + (spoilt & 0x7f);
    }
    const restored = wire.flatMap((packet) => run(plainFar, [plain(packet)]).map((output) => output.packet));
    assert.equal(restored.map(hex), expected.map(hex));
    assert.is(restored.filter((packet) => isSumRight(packet)).length, bad < wire.length ? wire.length - 1 : wire.length);
    const arrived: Uint8Array[] = [];
    for (let at = 0; at < wire.length; at += batch) {
      const outputs = run(far, wire.slice(at, at + batch).map(plain));
      for (let i = 0; i < Math.min(batch, wire.length - at); i++) assert.is(far.lane.verdicts[i], FORWARD_IN);
      for (const { virtio, packet } of outputs) {
        if (virtio[1] !== 0) {
          joined++;
          assert.ok(isPartialRight(packet));
        }
        arrived.push(...packetsOf(virtio, packet));
      }
    }
    assert.equal(arrived.map(hex), expected.map(hex));
  });
  fc.assert(property, { seed, numRuns: 150 });
  assert.ok(joined > 100, `${joined} frames were joined`);
  assert.is(near.core.counters(1).octetsOut, plainFar.core.counters(1).octetsIn);
  assert.is(near.core.counters(1).packetsOut, far.core.counters(1).packetsIn);
  assert.is(near.core.totals().get("out-payload-shim6"), far.core.totals().get("in-payload-shim6"));
});

const FLAGS = new Map([
  ["urgent", 0x20],
  ["psh", PSH],
  ["fin", FIN],
  ["syn", 0x02],
  ["cwr", CWR],
  ["ece", 0x40],
]);

/** A packet of one of three flows that mostly continues, and sometimes differs in something that a run must not hide. */
const step = fc.record({
  flow: fc.nat(2),
  length: fc.constantFrom(1000, 1000, 1000, 1000, 700, 1, 0, 1100),
  change: fc.constantFrom(
    "",
    "",
    "",
    "",
    "window",
    "ack",
    "class",
    "hops",
    "options",
    "gap",
    "ecn",
    "urgent",
    "psh",
    "fin",
    "syn",
    "cwr",
    "ece",
    "sum",
  ),
});

test("packets of several flows, alike or not: each flow keeps its order and every octet", async () => {
  const { far } = await ends(1 << 19);
  const near = await rig({ slotOctets: 4096, batch: 256 }, {}, module);
  near.core.add(1, record, 0);
  let joined = 0;
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
    const state = [0, 1, 2].map((flow) => ({
      sequence: (0xffff_f000 + flow) >>> 0,
      window: 500,
      acknowledgement: 1,
      trafficClass: 2,
      hopLimit: 61,
      option: 1,
    }));
    const sent = steps.map(({ flow, length, change }) => {
      const own = state[flow];
      if (change === "window") own.window++;
      if (change === "ack") own.acknowledgement++;
      if (change === "class") own.trafficClass ^= 0x20;
      if (change === "hops") own.hopLimit--;
      if (change === "options") own.option ^= 8;
      if (change === "gap") own.sequence = (own.sequence + 5) >>> 0;
      const flags = FLAGS.get(change) ?? 0;
      const packet = tcpPacket({
        source: record.localUlid,
        destination: record.peerUlid,
        ports: [1000 + flow, 80],
        sequence: own.sequence,
        acknowledgement: own.acknowledgement,
        flags: ACK | flags,
        window: own.window,
        options: Uint8Array.of(1, 1, own.option, 1),
        trafficClass: change === "ecn" ? own.trafficClass | 3 : own.trafficClass,
        hopLimit: own.hopLimit,
        payload: new Uint8Array(length).fill(length + own.sequence),
      });
      if (change === "sum") packet[57] ^= 1;
      own.sequence = (own.sequence + length) >>> 0;
      return packet;
    });
    const wire = sent.flatMap((packet) => run(near, [plain(packet)]));
    const outputs = run(far, wire);
    joined += wire.length - outputs.length;
    const arrived = outputs.flatMap(({ virtio, packet }) => packetsOf(virtio, packet));
    for (const ports of [0, 1, 2].map((flow) => (1000 + flow) * 65_536 + 80)) {
      const of = (packets: readonly Uint8Array[]) => packets.filter((packet) => u32(packet, 40) === ports).map(hex);
      assert.equal(of(arrived), of(sent));
    }
  });
  fc.assert(property, { seed, numRuns: 400 });
  assert.ok(joined > 1000, `${joined} packets went along with others`);
});

test.run();
