/** Every verdict, by the frame that earns it. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_NAMES } from "../../../core-as/layout/names.ts";
import * as verdict from "../../../core-as/layout/verdict.ts";
import { address } from "../../../runtime/value/address.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { extension, packetOf, payloadHeader } from "../../lib/packet.ts";

const module = coreModule();
const known = sampleRecord(1);
const held = sampleRecord(2);
const stranger = sampleRecord(9);
const body = Uint8Array.from({ length: 20 }, (_, i) => i);
const out = (next = 17, rest: Uint8Array = body): Uint8Array => packetOf(known.localUlid, known.peerUlid, next, rest);
const into = (next: number, rest: Uint8Array = body): Uint8Array => packetOf(known.peerLocator, known.localLocator, next, rest);
const payload = concat(payloadHeader(17, known.localTag), body);
const control = Uint8Array.from([59, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const chain = (length: number): Uint8Array => concat(...Array.from({ length }, (_, i) => extension(i === length - 1 ? 17 : 60)), body);

const routed = concat(extension(140, 0, 1), payload);
const table: readonly (readonly [string, number, Uint8Array, Uint8Array?])[] = [
  ["host's packet", verdict.FORWARD_OUT, out()],
  ["empty host's packet", verdict.FORWARD_OUT, out(59, new Uint8Array())],
  ["octets behind the packet", verdict.FORWARD_OUT, concat(out(), new Uint8Array(3))],
  ["host that speaks Shim6 itself", verdict.FORWARD_OUT, out(140, payload)],
  ["hop-by-hop in second place is opaque", verdict.FORWARD_OUT, out(60, concat(extension(0), extension(17), body))],
  ["eight extension headers", verdict.FORWARD_OUT, out(60, chain(8))],
  ["payload header", verdict.FORWARD_IN, into(140, payload)],
  ["payload header alone", verdict.FORWARD_IN, into(140, payloadHeader(59, known.localTag))],
  ["payload header behind three others", verdict.FORWARD_IN, into(0, concat(extension(60), extension(43, 2), extension(140), payload))],
  ["unknown pair", verdict.PUNT_NO_CONTEXT, packetOf(known.localUlid, stranger.peerUlid, 17, body)],
  ["context on hold", verdict.PUNT_HOLD, packetOf(held.localUlid, held.peerUlid, 17, body)],
  ["control message", verdict.PUNT_CONTROL, into(140, control)],
  ["control message behind options", verdict.PUNT_CONTROL, into(60, concat(extension(140), control))],
  ["unknown tag", verdict.PUNT_NO_TAG, into(140, payloadHeader(17, contextTag(5)))],
  ["ICMPv6 to a locator", verdict.PUNT_ICMP6, into(58)],
  ["too short", verdict.DROP_SHORT_IP6, out().subarray(0, 39)],
  ["nothing", verdict.DROP_SHORT_IP6, new Uint8Array()],
  ["IPv4", verdict.DROP_VERSION_IP6, concat(Uint8Array.of(0x45), out().subarray(1))],
  ["cut short", verdict.DROP_LENGTH_IP6, out().subarray(0, 59)],
  ["segmented", verdict.DROP_GSO_VIRTIO, out(), Uint8Array.of(0, 4, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["foreign source", verdict.DROP_SOURCE_IP6, packetOf(known.peerUlid, known.localUlid, 17, body)],
  ["foreign source and destination", verdict.DROP_SOURCE_IP6, packetOf(known.peerLocator, known.peerLocator, 17, body)],
  ["to a ULID of the site", verdict.DROP_DESTINATION_IP6, packetOf(known.localUlid, stranger.localUlid, 17, body)],
  [
    "to an address that a host's own Shim6 may have for a ULID",
    verdict.PUNT_NO_CONTEXT,
    packetOf(known.localUlid, known.peerLocator, 17, body),
  ],
  ["to this machine", verdict.DROP_DESTINATION_IP6, packetOf(known.localUlid, address("::1"), 17, body)],
  ["to a neighbour", verdict.DROP_DESTINATION_IP6, packetOf(known.localUlid, address("fe80::1"), 17, body)],
  ["to a group", verdict.DROP_DESTINATION_IP6, packetOf(known.localUlid, address("ff02::1"), 17, body)],
  ["from a ULID to a locator", verdict.DROP_MARTIAN_IP6, packetOf(known.peerUlid, known.localLocator, 140, payload)],
  ["from the site to its locator", verdict.DROP_MARTIAN_IP6, packetOf(known.localUlid, known.localLocator, 140, payload)],
  ["from a group", verdict.DROP_MARTIAN_IP6, packetOf(address("ff02::1"), known.localLocator, 140, payload)],
  ["from nobody", verdict.DROP_MARTIAN_IP6, packetOf(address("::"), known.localLocator, 140, payload)],
  ["cut extension header, out", verdict.DROP_SHORT_EXTENSION, out(0, extension(17).subarray(0, 7))],
  ["long extension header, out", verdict.DROP_SHORT_EXTENSION, out(0, concat(Uint8Array.of(17, 9), body))],
  ["long extension header, in", verdict.DROP_SHORT_EXTENSION, into(0, concat(Uint8Array.of(140, 9), body))],
  ["nine extension headers, out", verdict.DROP_CHAIN_EXTENSION, out(60, chain(9))],
  ["nine extension headers, in", verdict.DROP_CHAIN_EXTENSION, into(60, chain(9))],
  ["segments left, out", verdict.DROP_SEGMENTS_ROUTING, out(43, concat(extension(17, 0, 1), body))],
  ["segments left, in", verdict.DROP_SEGMENTS_ROUTING, into(43, routed)],
  ["cut Shim6 header", verdict.DROP_SHORT_SHIM6, into(140, payload.subarray(0, 7))],
  ["payload header with a length", verdict.DROP_LENGTH_SHIM6, into(140, concat(Uint8Array.of(17, 1), payload.subarray(2)))],
  ["UDP to a locator", verdict.DROP_PROTOCOL_IP6, into(17)],
  ["fragment to a locator", verdict.DROP_PROTOCOL_IP6, into(44)],
];

for (const [name, expected, packet, virtio] of table) {
  test(`${name}: ${COUNTER_NAMES.get(expected)}`, async () => {
    const world = await rig({}, {}, module);
    world.core.add(1, known, 0);
    world.core.add(2, held, 0);
    world.core.hold(2, true);
    const got = runOne(world, packet, 5, virtio);
    assert.is(COUNTER_NAMES.get(got.verdict), COUNTER_NAMES.get(expected));
    assert.is(got.out !== undefined, expected < verdict.PUNT_FIRST);
    const counted = [...world.core.totals()].filter(([, total]) => total > 0).map(([counter]) => counter);
    assert.equal(counted, [COUNTER_NAMES.get(expected)]);
    let punted = 0;
    world.core.drainPunts(10, (copy, reason, context) => {
      punted++;
      assert.equal(copy.slice(), packet);
      assert.is(reason, expected);
      assert.is(context, expected === verdict.PUNT_HOLD ? 2 : -1);
    });
    assert.is(punted, expected >= verdict.PUNT_FIRST && expected < verdict.DROP_FIRST ? 1 : 0);
    if (expected === verdict.PUNT_HOLD) assert.is(world.core.counters(2).lastSent, undefined);
  });
}

test("frame longer than a slot", async () => {
  const world = await rig({}, {}, module);
  world.lane.lengths[0] = world.lane.inputOctets + 1;
  world.lane.run(1, 0);
  assert.is(world.lane.verdicts[0], verdict.DROP_LONG_FRAME);
});

test("64 KiB packets: the longest that still takes eight octets, and the next", async () => {
  const world = await rig({ slotOctets: 66_000, batch: 2 }, {}, module);
  world.core.add(1, known, 0);
  const most = runOne(world, out(17, new Uint8Array(65_527)));
  assert.is(most.verdict, verdict.FORWARD_OUT);
  assert.is(most.out?.length, 65_535 + 40);
  assert.is(runOne(world, out(17, new Uint8Array(65_528))).verdict, verdict.DROP_LONG_IP6);
});

test("with the settings, segments left pass untouched and other packets to a locator are punted", async () => {
  const world = await rig({}, { passRouting: true, puntOther: true }, module);
  for (const packet of [into(43, routed), out(43, concat(extension(17, 0, 1), body))]) {
    const passed = runOne(world, packet);
    assert.is(passed.verdict, verdict.FORWARD_ROUTING);
    assert.equal(passed.out, packet);
  }
  assert.is(runOne(world, into(17)).verdict, verdict.PUNT_OTHER);
});

test("a fork is never chosen for a host's packet, but received by its tag", async () => {
  const world = await rig({}, {}, module);
  world.core.add(1, { ...known, fork: 77 }, 0);
  assert.is(runOne(world, out()).verdict, verdict.PUNT_NO_CONTEXT);
  assert.is(runOne(world, into(140, payload)).verdict, verdict.FORWARD_IN);
  world.core.add(2, { ...known, localTag: contextTag(3) }, 0);
  assert.is(runOne(world, out()).verdict, verdict.FORWARD_OUT);
});

test("a write error counts", async () => {
  const { core, lane } = await rig({}, {}, module);
  lane.countWriteError();
  assert.is(core.totals().get("drop-write-tun"), 1);
});

test.run();
