/** Large frames of hosts: cut for the wire, or handed to the control thread as the packets that they stand for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  DROP_GSO_VIRTIO,
  DROP_PROTOCOL_IP6,
  DROP_ROOM_VIRTIO,
  FORWARD_OUT,
  FORWARD_ROUTING,
  PUNT_BIG,
  PUNT_HOLD,
  PUNT_NO_CONTEXT,
  PUNT_OTHER,
} from "../../../core-as/layout/verdict.ts";
import type { CoreOptions, CoreSizes } from "../../../runtime/fast/contract.ts";
import { batchOctets, planMemory, slotFor } from "../../../runtime/fast/plan.ts";
import { concat, hex, putU16, u16, u32 } from "../../../runtime/value/bytes.ts";
import { coreModule, outputPacket, type Rig, rig, runOne, SIZES, sampleRecord } from "../../lib/core.ts";
import { ACK, CWR, FIN, isSumRight, largeHeader, PSH, packetsOf, tcpPacket, udpPacket } from "../../lib/large.ts";
import { extension, packetOf } from "../../lib/packet.ts";

const module = coreModule();
const record = sampleRecord(1);
const stranger = sampleRecord(9);
const LARGE: Partial<CoreSizes> = { slotOctets: slotFor(65_575), batch: 4, spillOctets: 1 << 18, puntOctets: 1 << 18 };

async function world(options: Partial<CoreOptions> = {}, sizes: Partial<CoreSizes> = {}): Promise<Rig> {
  const made = await rig({ ...LARGE, ...sizes }, { mtu: 1500, ...options }, module);
  made.core.add(1, record, 0);
  return made;
}

const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 24);
const large = (length: number, { localUlid, peerUlid } = record, flags = ACK): Uint8Array =>
  tcpPacket({ source: localUlid, destination: peerUlid, sequence: 0xffff_f000, flags, payload: octets(length) }, true);

/** All outputs of one frame. */
function cut(rigged: Rig, packet: Uint8Array, virtio: Uint8Array): { verdict: number; out: Uint8Array[] } {
  const { verdict } = runOne(rigged, packet, 0, virtio);
  // An empty batch lists nothing, so the lengths of this one are still there.
  const out: Uint8Array[] = [];
  for (let i = 0; verdict === FORWARD_OUT && i < rigged.lane.outputLengths.length && rigged.lane.outputLengths[i] > 0; i++)
    out.push(outputPacket(rigged, i));
  rigged.lane.outputLengths.fill(0);
  return { verdict, out };
}

/** What the receiver's host gets of a wire packet without extension headers. */
function stripped(packet: Uint8Array): Uint8Array {
  const host = concat(packet.subarray(0, 40), packet.subarray(48));
  putU16(host, 4, host.length - 40);
  host[6] = packet[40];
  host.set(large(1).subarray(8, 40), 8);
  return host;
}

function punts({ core }: Rig): { packets: Uint8Array[]; reasons: Set<number>; contexts: Set<number> } {
  const packets: Uint8Array[] = [];
  const reasons = new Set<number>();
  const contexts = new Set<number>();
  core.drainPunts(10_000, (packet, reason, context) => {
    packets.push(packet.slice());
    reasons.add(reason);
    contexts.add(context);
  });
  return { packets, reasons, contexts };
}

test("64 KiB: 1,500 octets on the wire each, counted as what they are", async () => {
  const made = await world();
  const packet = large(65_000);
  const { verdict, out } = cut(made, packet, largeHeader(1432));
  assert.is(verdict, FORWARD_OUT);
  assert.is(out.length, 46);
  assert.ok(out.slice(0, -1).every((piece) => piece.length === 1500));
  assert.equal(
    out.map((piece) => hex(stripped(piece))),
    packetsOf(largeHeader(1432), packet).map(hex),
  );
  const totals = made.core.totals();
  assert.is(totals.get("out-payload-shim6"), 46);
  assert.is(totals.get("out-large-frame"), 1);
  const { packetsOut, octetsOut } = made.core.counters(1);
  assert.is(packetsOut, 46);
  assert.is(octetsOut, 46 * 60 + 65_000);
});

test("FIN and PSH on the last alone, CWR on the first", async () => {
  const { out } = cut(await world(), large(3000, record, ACK | PSH | FIN | CWR), largeHeader(1000));
  assert.equal(
    out.map((piece) => piece[48 + 13]),
    [ACK | CWR, ACK, ACK | PSH | FIN],
  );
});

test("a path that has become narrower: smaller segments, the same stream", async () => {
  const made = await world();
  made.core.update(1, { mtu: 1280 }, 0);
  const { verdict, out } = cut(made, large(5000), largeHeader(1432));
  assert.is(verdict, FORWARD_OUT);
  assert.ok(out.every((piece) => piece.length <= 1280 && isSumRight(stripped(piece))));
  assert.equal(concat(...out.map((piece) => piece.subarray(68))), octets(5000));
  out.reduce((next, piece) => {
    assert.is(u32(piece, 52), next);
    return (next + piece.length - 68) >>> 0;
  }, 0xffff_f000);
});

test("without a context, on hold: packets that hosts could have sent, in order, with whole checksums", async () => {
  for (const [held, of, reason] of [
    [false, stranger, PUNT_NO_CONTEXT],
    [true, record, PUNT_HOLD],
  ] as const) {
    const made = await world();
    made.core.hold(1, held);
    const packet = large(20_000, of);
    assert.is(runOne(made, packet, 0, largeHeader(1432)).verdict, reason);
    const { packets, reasons, contexts } = punts(made);
    assert.equal(packets.map(hex), packetsOf(largeHeader(1432), packet).map(hex));
    assert.equal([...reasons], [reason]);
    assert.equal([...contexts], [held ? 1 : -1]);
    assert.is(made.core.totals().get(held ? "punt-hold" : "punt-no-context"), packets.length);
  }
});

test("a full ring takes the first packets and says so", async () => {
  const made = await world({}, { puntOctets: 16_384 });
  assert.is(made.core.totals().get("drop-punt-full"), 0);
  runOne(made, large(60_000, stranger), 0, largeHeader(1432));
  assert.is(made.core.totals().get("drop-punt-full"), 1);
  const { packets } = punts(made);
  assert.equal(packets.map(hex), packetsOf(largeHeader(1432), large(60_000, stranger)).slice(0, packets.length).map(hex));
});

test("UDP: whole datagrams; when they are too large one of them tells", async () => {
  const made = await world();
  const packet = udpPacket(record.localUlid, record.peerUlid, octets(4100), true);
  const { verdict, out } = cut(made, packet, largeHeader(1200, "udp"));
  assert.is(verdict, FORWARD_OUT);
  assert.equal(
    out.map((piece) => hex(stripped(piece))),
    packetsOf(largeHeader(1200, "udp"), packet).map(hex),
  );
  assert.is(runOne(made, packet, 0, largeHeader(1445, "udp")).verdict, PUNT_BIG);
  const { packets, contexts } = punts(made);
  assert.equal(packets.map(hex), [hex(packetsOf(largeHeader(1445, "udp"), packet)[0])]);
  assert.equal([...contexts], [1]);
});

test("behind Destination Options, and behind a Hop-by-Hop header that the Shim6 header follows", async () => {
  const made = await world();
  for (const [next, before] of [
    [60, 0],
    [0, 8],
  ] as const) {
    const tcp = large(3000).subarray(40);
    const packet = packetOf(record.localUlid, record.peerUlid, next, concat(extension(6), tcp));
    const virtio = largeHeader(1000);
    virtio[6] = 48;
    const { out } = cut(made, packet, virtio);
    const whole = packetsOf(virtio, packet);
    assert.is(out.length, 3);
    out.forEach((piece, i) => {
      assert.is(u16(piece, 4), piece.length - 40);
      assert.is(before === 0 ? piece[6] : piece[40], 140);
      assert.equal(piece.subarray(56), whole[i].subarray(48));
    });
  }
});

test("no room to cut: counted, and the next batch has it again", async () => {
  const made = await world({}, { spillOctets: 16_384 });
  assert.is(runOne(made, large(60_000), 0, largeHeader(1000)).verdict, DROP_ROOM_VIRTIO);
  assert.is(runOne(made, large(10_000), 0, largeHeader(1000)).verdict, FORWARD_OUT);
  assert.is(runOne(made, large(10_000), 0, largeHeader(1000)).verdict, FORWARD_OUT);
});

test("what a batch may hold fits the spill, for segments of 400 octets and more", () => {
  const sizes = { ...SIZES, ...LARGE, batch: 64, spillOctets: 1 << 19 };
  const plan = planMemory(sizes);
  for (let size = 400; size < 1500; size++) {
    const place = Math.max(256, Math.ceil((48 + 60 + size + 32) / 64) * 64);
    assert.ok(Math.ceil((batchOctets(sizes) + 65_575) / size) * place <= plan.spillOctets, `segments of ${size} octets`);
  }
});

test("large frames to a locator are no Shim6; with the setting they are punted in pieces, and pass when they are routed on", async () => {
  const packet = tcpPacket({ source: record.peerLocator, destination: record.localLocator, sequence: 1, payload: octets(3000) }, true);
  assert.is(runOne(await world(), packet, 0, largeHeader(1000)).verdict, DROP_PROTOCOL_IP6);
  const open = await world({ puntOther: true, passRouting: true });
  assert.is(runOne(open, packet, 0, largeHeader(1000)).verdict, PUNT_OTHER);
  assert.equal(punts(open).packets.map(hex), packetsOf(largeHeader(1000), packet).map(hex));
  const routed = packetOf(record.localUlid, record.peerUlid, 43, concat(extension(6, 0, 1), large(3000).subarray(40)));
  const virtio = largeHeader(1000);
  virtio[6] = 48;
  const passed = runOne(open, routed, 0, virtio);
  assert.is(passed.verdict, FORWARD_ROUTING);
  assert.equal(passed.out, routed);
});

const odd: readonly (readonly [string, (virtio: Uint8Array, packet: Uint8Array) => void])[] = [
  ["segments of no octets", (virtio) => virtio.fill(0, 4, 6)],
  ["a whole checksum", (virtio) => virtio.fill(0, 0, 1)],
  ["another kind", (virtio) => virtio.fill(1, 1, 2)],
  ["a sum elsewhere", (virtio) => virtio.fill(6, 8, 9)],
  ["a transport header inside the IPv6 header", (virtio) => virtio.fill(39, 6, 7)],
  ["a transport header at the end", (virtio, packet) => putLittle(virtio, 6, packet.length - 19)],
  ["a TCP header of 16 octets", (_, packet) => packet.fill(0x40, 52, 53)],
  ["no payload", (virtio, packet) => putLittle(virtio, 6, packet.length - 20)],
];

function putLittle(into: Uint8Array, at: number, value: number): void {
  into[at] = value & 0xff;
  into[at + 1] = value >> 8;
}

for (const [name, spoil] of odd) {
  test(`dropped: ${name}`, async () => {
    const packet = large(3000);
    packet[packet.length - 8] = 0x50;
    const virtio = largeHeader(1000);
    spoil(virtio, packet);
    assert.is(runOne(await world(), packet, 0, virtio).verdict, DROP_GSO_VIRTIO);
  });
}

test.run();
