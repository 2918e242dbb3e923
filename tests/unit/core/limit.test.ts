/** What is larger than the path takes goes to the control thread, and nothing else does. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  DROP_DESTINATION_IP6,
  DROP_LONG_IP6,
  DROP_SOURCE_IP6,
  FORWARD_IN,
  FORWARD_OUT,
  PUNT_BIG,
  PUNT_HOLD,
  PUNT_ROUTER,
} from "../../../core-as/layout/verdict.ts";
import { address } from "../../../runtime/value/address.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { coreModule, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { packetOf, payloadHeader } from "../../lib/packet.ts";

const module = coreModule();
const record = sampleRecord(1);
const other = sampleRecord(2);
const of = (octets: number, { localUlid, peerUlid } = record) => packetOf(localUlid, peerUlid, 17, new Uint8Array(octets - 40));

test("a context's own limit, and no other's", async () => {
  const world = await rig({}, { mtu: 1500 }, module);
  world.core.add(1, { ...record, mtu: 1400 }, 0);
  world.core.add(2, other, 0);
  assert.is(runOne(world, of(1392)).verdict, FORWARD_OUT);
  assert.is(runOne(world, of(1393)).verdict, PUNT_BIG);
  assert.is(runOne(world, of(1492, other)).verdict, FORWARD_OUT);
  assert.is(runOne(world, of(1493, other)).verdict, PUNT_BIG);
  const punted: [number, number, number][] = [];
  world.core.drainPunts(10, (packet, reason, context) => punted.push([packet.length, reason, context]));
  assert.equal(punted, [
    [1393, PUNT_BIG, 1],
    [1493, PUNT_BIG, -1],
  ]);
  assert.is(world.core.counters(1).packetsOut, 1);
});

test("it follows changes, and dies with the context", async () => {
  const world = await rig({}, { mtu: 1500 }, module);
  world.core.add(1, record, 0);
  assert.is(runOne(world, of(1492)).verdict, FORWARD_OUT);
  world.core.update(1, { mtu: 1280 }, 0);
  assert.is(runOne(world, of(1273)).verdict, PUNT_BIG);
  world.core.update(1, { localLocator: other.localLocator }, 0);
  assert.is(runOne(world, of(1273)).verdict, PUNT_BIG, "another change leaves it");
  world.core.update(1, { mtu: 9000 }, 0);
  assert.is(runOne(world, of(1492)).verdict, FORWARD_OUT);
  world.core.update(1, { mtu: 1280 }, 0);
  world.core.remove(1);
  world.core.add(1, record, 0);
  assert.is(runOne(world, of(1492)).verdict, FORWARD_OUT, "the next context with this id starts anew");
  assert.throws(() => world.core.update(1, { mtu: 1279 }, 0), /1279/);
});

test("a context that explores tells of large packets too", async () => {
  const world = await rig({}, { mtu: 1500 }, module);
  world.core.add(1, { ...record, mtu: 1400 }, 0);
  world.core.hold(1, true);
  assert.is(runOne(world, of(1393)).verdict, PUNT_BIG);
  assert.is(runOne(world, of(1392)).verdict, PUNT_HOLD);
});

test("what arrives is not measured", async () => {
  const world = await rig({}, { mtu: 1300 }, module);
  world.core.add(1, record, 0);
  const packet = packetOf(record.peerLocator, record.localLocator, 140, concat(payloadHeader(17, record.localTag), new Uint8Array(1400)));
  assert.is(runOne(world, packet).verdict, FORWARD_IN);
});

test("without an MTU only Payload Length is a limit", async () => {
  const world = await rig({ slotOctets: 70_000, batch: 1, puntOctets: 131_072 }, {}, module);
  world.core.add(1, record, 0);
  assert.is(runOne(world, of(40 + 65_527)).verdict, FORWARD_OUT);
  assert.is(runOne(world, of(40 + 65_528)).verdict, DROP_LONG_IP6);
});

test("a router inside that has no ULID of ours may report to a peer; others may not speak", async () => {
  const world = await rig({}, { mtu: 1500 }, module);
  const router = address("2001:db8:f1::2");
  const report = (next: number, destination = record.peerUlid) => packetOf(router, destination, next, new Uint8Array(60));
  assert.is(runOne(world, report(58)).verdict, PUNT_ROUTER);
  assert.is(runOne(world, report(17)).verdict, DROP_SOURCE_IP6);
  assert.is(runOne(world, report(58, record.localUlid)).verdict, DROP_SOURCE_IP6);
  assert.is(runOne(world, packetOf(record.localUlid, other.localUlid, 58, new Uint8Array(60))).verdict, DROP_DESTINATION_IP6);
});

test.run();
