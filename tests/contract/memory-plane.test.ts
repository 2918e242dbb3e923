/** The packet plane in memory, with the stand-in lane: the same promises as tests/contract/plane.test.ts finds on a kernel. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { virtualClock } from "../../adapters/memory/clock.ts";
import { joinPlanes, type MemoryPlane, memoryPlane } from "../../adapters/memory/plane.ts";
import type { PacketHandlers } from "../../runtime/port/packet.ts";
import { type Address, address, addressAt, putAddress } from "../../runtime/value/address.ts";
import { putU16, u16 } from "../../runtime/value/bytes.ts";
import { openEchoCore, openEchoLane, PUNT_PORT, PUNT_REASON } from "../lib/echo.ts";
import { errorOf } from "../lib/scratch.ts";

const HERE = address("fc00:1::1");
const THERE = address("fc00:1::2");
const NOTHING: PacketHandlers = { punt: () => undefined, activity: () => undefined, failed: () => undefined };

function udpPacket(from: Address, to: Address, port: number, mark: number): Uint8Array {
  const packet = new Uint8Array(50);
  packet[0] = 0x60;
  packet[6] = 17;
  putAddress(from, packet, 8);
  putAddress(to, packet, 24);
  putU16(packet, 40, 1000);
  putU16(packet, 42, port);
  putU16(packet, 48, mark);
  return packet;
}

async function openPlane(deliver: (packet: Uint8Array) => void): Promise<MemoryPlane> {
  const core = await openEchoCore();
  const { now } = virtualClock(77);
  return memoryPlane({ core, lane: await openEchoLane(core.shared, 0), now, deliver });
}

test("what is received is run in batches and delivered in order", async () => {
  const delivered: Uint8Array[] = [];
  const plane = await openPlane((packet) => delivered.push(packet));
  plane.receive(udpPacket(HERE, THERE, 7, 0));
  assert.is(delivered.length, 0, "lost before start");
  await plane.start(NOTHING);
  plane.receive(...Array.from({ length: 300 }, (_, i) => udpPacket(HERE, THERE, 7, i)));
  assert.equal(
    delivered.map((packet) => u16(packet, 48)),
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.is(addressAt(delivered[0], 8), THERE);
  assert.is(addressAt(delivered[0], 24), HERE);
  plane.receive(new Uint8Array(9_000).fill(0x60));
  assert.is(delivered.length, 300, "a frame larger than a slot is lost");
});

test("punts and the clock reach the handlers", async () => {
  const plane = await openPlane(() => assert.unreachable("delivered"));
  const seen: unknown[] = [];
  await plane.start({
    punt: (packet, reason, context) => seen.push([u16(packet, 48), reason, context]),
    activity: (now) => seen.push(now),
    failed: () => undefined,
  });
  plane.receive(udpPacket(HERE, THERE, PUNT_PORT, 1), udpPacket(HERE, THERE, PUNT_PORT, 2));
  assert.equal(seen, [[1, PUNT_REASON, -1], [2, PUNT_REASON, -1], 77]);
});

test("send copies; what is no packet is refused and counted", async () => {
  const delivered: Uint8Array[] = [];
  const plane = await openPlane((packet) => delivered.push(packet));
  await plane.start(NOTHING);
  const packet = udpPacket(HERE, THERE, 7, 5);
  assert.ok(plane.send(packet));
  packet.fill(0);
  assert.is(u16(delivered[0], 48), 5);
  assert.not(plane.send(new Uint8Array(0)));
  assert.not(plane.send(packet));
  assert.equal([...plane.totals()], [["drop-write-einval", 2]]);
});

test("life: start once, stop is final", async () => {
  const plane = await openPlane(() => undefined);
  await plane.start(NOTHING);
  assert.is((await errorOf(() => plane.start(NOTHING))).code, "busy");
  await plane.stop();
  await plane.stop();
  assert.not(plane.send(udpPacket(HERE, THERE, 7, 0)));
  assert.is((await errorOf(() => plane.start(NOTHING))).code, "closed");
});

test("joined planes: what one sends the other receives, never inside the send", async () => {
  const cores = [await openEchoCore(), await openEchoCore()];
  const lanes = await Promise.all(cores.map((core) => openEchoLane(core.shared, 0)));
  let next = 0;
  const { a, b, settled } = joinPlanes((deliver) => memoryPlane({ core: cores[next], lane: lanes[next++], now: () => 0, deliver }));
  const got: string[] = [];
  const noting = (name: string, plane: () => MemoryPlane): PacketHandlers => ({
    ...NOTHING,
    punt(packet) {
      const mark = u16(packet, 48);
      got.push(`${name}${mark}`);
      if (mark < 5) plane().send(udpPacket(HERE, THERE, PUNT_PORT, mark + 1));
    },
  });
  await a.start(noting("a", () => a));
  await b.start(noting("b", () => b));
  a.send(udpPacket(HERE, THERE, PUNT_PORT, 1));
  assert.equal(got, []);
  await settled();
  assert.equal(got, ["b1", "a2", "b3", "a4", "b5"]);
});

test.run();
