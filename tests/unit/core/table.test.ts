/** The context table as TypeScript uses it: limits, refusals, counters, the ring of punts, what it all weighs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as verdict from "../../../core-as/layout/verdict.ts";
import { createCore } from "../../../runtime/fast/core.ts";
import { openLane } from "../../../runtime/fast/lane.ts";
import { planMemory } from "../../../runtime/fast/plan.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, hashKey, PREFIXES, putPacket, type Rig, rig, runOne, SIZES, sampleRecord } from "../../lib/core.ts";
import { packetOf, payloadHeader } from "../../lib/packet.ts";

const module = coreModule();
const MIB = 2 ** 20;
const outOf = (n: number, octets = 20): Uint8Array =>
  packetOf(sampleRecord(n).localUlid, sampleRecord(n).peerUlid, 17, new Uint8Array(octets));
const intoOf = (n: number): Uint8Array =>
  packetOf(
    sampleRecord(n).peerLocator,
    sampleRecord(n).localLocator,
    140,
    concat(payloadHeader(17, sampleRecord(n).localTag), new Uint8Array(20)),
  );

function throwsRange(run: () => void, words: RegExp): void {
  assert.throws(run, (error: Error) => error instanceof RangeError && words.test(error.message));
}

test("1,048,576 contexts with 16 lanes of 256 slots fit in 320 MiB", () => {
  const plan = planMemory({ contexts: 1_048_576, lanes: 16, batch: 256, slotOctets: 2048, puntOctets: MIB });
  assert.ok(plan.octets <= 320 * MIB, `${plan.octets / MIB} MiB`);
});

test("sizes out of range are named", () => {
  throwsRange(() => planMemory({ ...SIZES, contexts: 1_048_577 }), /^contexts/);
  throwsRange(() => planMemory({ ...SIZES, contexts: 0 }), /^contexts/);
  throwsRange(() => planMemory({ ...SIZES, lanes: 17 }), /^lanes/);
  throwsRange(() => planMemory({ ...SIZES, batch: 257 }), /^batch/);
  throwsRange(() => planMemory({ ...SIZES, slotOctets: 100 }), /^slotOctets/);
  throwsRange(() => planMemory({ ...SIZES, puntOctets: 5000 }), /^puntOctets/);
});

test("a hash key of the wrong length is refused", async () => {
  let message = "";
  await createCore(module, SIZES, { hashKey: new Uint8Array(8), now: 0 }).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, /^hashKey/);
});

test("what cannot be added says why, and leaves no trace", async () => {
  const { core } = await rig({}, {}, module);
  core.add(1, sampleRecord(1), 0);
  throwsRange(() => core.add(1, sampleRecord(2), 0), /in use/);
  throwsRange(() => core.add(2, sampleRecord(2, { localTag: sampleRecord(1).localTag }), 0), /local tag/);
  throwsRange(() => core.add(2, sampleRecord(1, { localTag: contextTag(5) }), 0), /ULID pair/);
  throwsRange(() => core.add(64, sampleRecord(2), 0), /not in 0/);
  throwsRange(() => core.add(2, sampleRecord(2, { timing: { ...sampleRecord(2).timing, sendTimeout: 2 ** 31 } }), 0), /^sendTimeout/);
  core.add(2, sampleRecord(2), 0);
  assert.is(core.findTag(contextTag(5)), -1);
});

test("unused ids: changes and questions are refused, the rest does nothing", async () => {
  const { core } = await rig({}, {}, module);
  throwsRange(() => core.update(3, {}, 0), /not in the table/);
  throwsRange(() => core.counters(3), /not in the table/);
  core.remove(3);
  core.hold(3, true);
  core.watch(3, true);
  core.touch(3, "sent", 0);
  core.sendTimer(3, "start", 0);
  core.keepaliveTimer(3, "start", 0);
  core.add(3, sampleRecord(3), 0);
  assert.is(core.counters(3).lastSent, undefined);
});

test("a full table finds every context, and none after they went", async () => {
  const world = await rig({ contexts: 1000 }, {}, module);
  for (let id = 0; id < 1024; id++) world.core.add(id, sampleRecord(id), 0);
  for (let id = 0; id < 1024; id++) assert.is(runOne(world, outOf(id)).verdict, verdict.FORWARD_OUT);
  for (let id = 0; id < 1024; id++) assert.is(runOne(world, intoOf(id)).verdict, verdict.FORWARD_IN);
  for (let id = 0; id < 1024; id++) world.core.remove(id);
  assert.is(runOne(world, outOf(5)).verdict, verdict.PUNT_NO_CONTEXT);
  assert.is(runOne(world, intoOf(5)).verdict, verdict.PUNT_NO_TAG);
});

test("counters and instants", async () => {
  const { core, ...rest } = await rig({}, { now: 10_000 }, module);
  const world: Rig = { core, ...rest };
  core.add(1, sampleRecord(1), 10_000.5);
  runOne(world, outOf(1, 20), 10_100.9);
  runOne(world, outOf(1, 30), 10_200);
  runOne(world, intoOf(1), 10_300);
  core.advance(10_400, 10, () => undefined);
  assert.equal(core.counters(1), { packetsOut: 2, octetsOut: 130, packetsIn: 1, octetsIn: 60, lastSent: 10_200, lastReceived: 10_300 });
  core.remove(1);
  core.add(1, sampleRecord(1), 10_500);
  assert.equal(core.counters(1), { packetsOut: 0, octetsOut: 0, packetsIn: 0, octetsIn: 0, lastSent: undefined, lastReceived: undefined });
});

test("an update moves the next packets, and only as far as it says", async () => {
  const world = await rig({}, {}, module);
  const other = sampleRecord(2);
  world.core.add(1, sampleRecord(1), 0);
  world.core.update(1, { peerLocator: other.peerLocator, peerTag: other.peerTag }, 0);
  const sent = runOne(world, outOf(1)).out;
  const expected = packetOf(
    sampleRecord(1).localLocator,
    other.peerLocator,
    140,
    concat(payloadHeader(17, other.peerTag), new Uint8Array(20)),
  );
  assert.equal(sent, expected);
  assert.is(world.core.findTag(sampleRecord(1).localTag), 1);
});

test("a batch mixes directions, and each slot gets its own verdict", async () => {
  const world = await rig({}, {}, module);
  world.core.add(1, sampleRecord(1), 0);
  world.core.add(2, sampleRecord(2), 0);
  const frames = [outOf(1), intoOf(2), outOf(3), intoOf(3), outOf(2), intoOf(1), new Uint8Array(4)];
  for (const [slot, frame] of frames.entries()) putPacket(world, slot, frame);
  assert.is(world.lane.run(frames.length, 0), 4);
  const { FORWARD_OUT, FORWARD_IN, PUNT_NO_CONTEXT, PUNT_NO_TAG, DROP_SHORT_IP6 } = verdict;
  assert.equal(
    [...world.lane.verdicts.subarray(0, 7)],
    [FORWARD_OUT, FORWARD_IN, PUNT_NO_CONTEXT, PUNT_NO_TAG, FORWARD_OUT, FORWARD_IN, DROP_SHORT_IP6],
  );
  assert.is(world.lane.takeBell(), true);
  assert.is(world.lane.takeBell(), false);
  throwsRange(() => world.lane.run(33, 0), /batch/);
});

test("the punt ring wraps, keeps order, and leaves its last quarter to control messages", async () => {
  const world = await rig({ puntOctets: 4096 }, {}, module);
  const control = packetOf(sampleRecord(1).peerLocator, sampleRecord(1).localLocator, 140, new Uint8Array(16).fill(0, 0, 2));
  let expected = 1;
  let taken = 0;
  for (let n = 1; n <= 200; n++) {
    assert.is(runOne(world, outOf(n, 100 + (n % 7) * 30)).verdict, verdict.PUNT_NO_CONTEXT);
    if (n % 3 === 0) {
      taken += world.core.drainPunts(3, (packet) => {
        assert.equal(packet.slice(), outOf(expected, 100 + (expected % 7) * 30));
        expected++;
      });
    }
  }
  taken += world.core.drainPunts(9, () => undefined);
  assert.is(taken, 200);
  let stored = 0;
  while (runOne(world, outOf(1, 100)).verdict === verdict.PUNT_NO_CONTEXT) stored++;
  assert.ok(stored > 15 && stored < 20, `${stored}`);
  assert.is(runOne(world, control).verdict, verdict.PUNT_CONTROL);
  while (runOne(world, control).verdict === verdict.PUNT_CONTROL) stored++;
  assert.is(runOne(world, control).verdict, verdict.DROP_PUNT_FULL);
  throwsRange(
    () =>
      world.core.drainPunts(1, () => {
        throw new RangeError("taken badly");
      }),
    /badly/,
  );
  assert.is(
    world.core.drainPunts(1000, () => undefined),
    stored,
  );
});

test("lanes count and punt each for themselves", async () => {
  const core = await createCore(module, { ...SIZES, lanes: 3 }, { hashKey: hashKey(), now: 0 });
  const memory = new Uint8Array(core.shared.memory.buffer);
  core.setPrefixes(PREFIXES);
  for (let i = 0; i < 3; i++)
    assert.is(runOne({ core, memory, lane: await openLane(core.shared, i) }, outOf(1)).verdict, verdict.PUNT_NO_CONTEXT);
  assert.is(core.totals().get("punt-no-context"), 3);
  assert.is(
    core.drainPunts(2, () => undefined),
    2,
  );
  assert.is(
    core.drainPunts(2, () => undefined),
    1,
  );
  let refused = "";
  await openLane(core.shared, 3).catch((error: Error) => {
    refused = error.message;
  });
  assert.match(refused, /no lane 3/);
});

test.run();
