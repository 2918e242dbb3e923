/** TCP SYNs that name a larger segment than the path takes: corrected in both directions, checksum and all. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FORWARD_IN, FORWARD_OUT } from "../../../core-as/layout/verdict.ts";
import type { CoreOptions } from "../../../runtime/fast/contract.ts";
import { concat, hex, putU16, u16 } from "../../../runtime/value/bytes.ts";
import { pseudoHeaderSum } from "../../../runtime/wire/checksum.ts";
import { coreModule, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { extension, packetOf, payloadHeader } from "../../lib/packet.ts";
import { seed } from "../../lib/seed.ts";
import { isRight, segmentOf, TCP_ACK, TCP_SYN } from "../../lib/tcp.ts";

const module = coreModule();
const record = sampleRecord(1);
const { localUlid, peerUlid, localLocator, peerLocator } = record;
const mss = (value: number): Uint8Array => Uint8Array.of(2, 4, value >> 8, value & 0xff);

async function world(options: Partial<CoreOptions>, mtu?: number) {
  const made = await rig({}, options, module);
  made.core.add(1, mtu === undefined ? record : { ...record, mtu }, 0);
  return made;
}
type World = Awaited<ReturnType<typeof world>>;

/** The segment as it leaves the box towards the peer. */
function out(at: World, segment: Uint8Array, before: Uint8Array = new Uint8Array(), next = 6): Uint8Array {
  const { verdict, out: sent } = runOne(at, packetOf(localUlid, peerUlid, next, concat(before, segment)));
  assert.is(verdict, FORWARD_OUT);
  return (sent ?? new Uint8Array()).subarray(48 + before.length);
}

/** The segment as a host gets it. */
function into(at: World, segment: Uint8Array): Uint8Array {
  const { verdict, out: sent } = runOne(at, packetOf(peerLocator, localLocator, 140, concat(payloadHeader(6, record.localTag), segment)));
  assert.is(verdict, FORWARD_IN);
  return (sent ?? new Uint8Array()).subarray(40);
}

const syn = (options: Uint8Array, flags = TCP_SYN) => segmentOf(localUlid, peerUlid, flags, options);
const synBack = (options: Uint8Array, flags = TCP_SYN | TCP_ACK) => segmentOf(peerUlid, localUlid, flags, options);

test("1,500 on the wire leaves 1,432: header of IPv6, of Shim6, of TCP", async () => {
  const at = await world({ mtu: 1500 });
  const sent = out(at, syn(mss(1460)));
  assert.is(u16(sent, 22), 1432);
  assert.ok(isRight(localUlid, peerUlid, sent));
  const got = into(at, synBack(mss(1440)));
  assert.is(u16(got, 22), 1432);
  assert.ok(isRight(peerUlid, localUlid, got));
  assert.is(at.core.totals().get("out-mss-tcp"), 1);
  assert.is(at.core.totals().get("in-mss-tcp"), 1);
});

test("never made larger; the context's own path counts, and follows its changes", async () => {
  const at = await world({ mtu: 1500 }, 1400);
  assert.is(u16(out(at, syn(mss(1300))), 22), 1300);
  assert.is(u16(out(at, syn(mss(1460))), 22), 1332);
  assert.is(u16(into(at, synBack(mss(1460))), 22), 1332);
  at.core.update(1, { mtu: 1280 }, 1);
  assert.is(u16(out(at, syn(mss(1460))), 22), 1212);
  at.core.update(1, { mtu: 1500 }, 1);
  assert.is(u16(out(at, syn(mss(1460))), 22), 1432);
});

test("settings: off, a number; a number above what the path takes helps nothing", async () => {
  assert.is(u16(out(await world({ mtu: 1500, mss: "off" }), syn(mss(1460))), 22), 1460);
  assert.is(u16(out(await world({ mtu: 1500, mss: 1220 }), syn(mss(1460))), 22), 1220);
  assert.is(u16(into(await world({ mtu: 1500, mss: 1220 }), synBack(mss(1460))), 22), 1220);
  assert.is(u16(out(await world({ mtu: 1500, mss: 1450 }), syn(mss(1460))), 22), 1432);
  assert.is(u16(out(await world({}), syn(mss(0xffff))), 22), 65_567 - 60, "no MTU: as much as Payload Length takes");
});

test("other segments, and SYNs without the option, are untouched", async () => {
  const at = await world({ mtu: 1500 });
  for (const segment of [syn(mss(1460), TCP_ACK), syn(mss(1460), 0x04), syn(new Uint8Array()), syn(Uint8Array.of(3, 3, 7))]) {
    assert.is(hex(out(at, segment)), hex(segment));
  }
  const data = concat(syn(new Uint8Array(), TCP_SYN), mss(1460));
  assert.is(hex(out(at, data)), hex(data), "octets behind the header are no options");
});

test("behind Destination Options the SYN is found, in front of which the payload header stands", async () => {
  const at = await world({ mtu: 1500 });
  const sent = out(at, syn(mss(1460)), concat(extension(60), extension(6, 1)), 60);
  assert.is(u16(sent, 22), 1432);
  assert.ok(isRight(localUlid, peerUlid, sent));
});

test("a checksum that was left to the device is finished over the corrected segment", async () => {
  const at = await world({ mtu: 1500 });
  const segment = syn(mss(1460));
  const half = pseudoHeaderSum(localUlid, peerUlid, segment.length, 6);
  putU16(segment, 16, half);
  const virtio = Uint8Array.of(1, 0, 0, 0, 0, 0, 40, 0, 16, 0);
  const { out: sent } = runOne(at, packetOf(localUlid, peerUlid, 6, segment), 0, virtio);
  const left = (sent ?? new Uint8Array()).subarray(48);
  assert.is(u16(left, 22), 1432);
  assert.ok(isRight(localUlid, peerUlid, left));
});

/** Where the plain form finds the option's value, or −1. */
function valueAt(segment: Uint8Array): number {
  if (segment.length < 20 || (segment[13] & TCP_SYN) === 0) return -1;
  const end = (segment[12] >> 4) * 4;
  if (end > segment.length) return -1;
  for (let at = 20; at < end; ) {
    if (segment[at] === 0) return -1;
    if (segment[at] === 1) at++;
    else if (at + 1 >= end || segment[at + 1] < 2 || at + segment[at + 1] > end) return -1;
    else if (segment[at] === 2 && segment[at + 1] === 4) return at + 2;
    else at += segment[at + 1];
  }
  return -1;
}

test("any options, at any place, cut anywhere: as the plain form says, and the checksum stays right", async () => {
  const at = await world({ mtu: 1500 });
  const option = fc.oneof(
    fc.constant(Uint8Array.of(1)),
    fc.constant(Uint8Array.of(0)),
    fc.integer({ min: 0, max: 0xffff }).map(mss),
    fc.uint8Array({ maxLength: 6 }),
    fc.uint8Array({ maxLength: 6 }).map((rest) => Uint8Array.of(8, rest.length + 2, ...rest)),
  );
  const segment = fc
    .tuple(fc.array(option, { maxLength: 8, size: "max" }), fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 5 }))
    .map(([options, dataOffset, data]) => {
      const made = segmentOf(localUlid, peerUlid, TCP_SYN, concat(...options).subarray(0, 40), data);
      if (dataOffset > 12) made[12] = dataOffset << 4;
      putU16(made, 16, 0);
      putU16(made, 16, ~sumOf(made) & 0xffff);
      return made;
    });
  const sumOf = (made: Uint8Array): number => {
    let sum = pseudoHeaderSum(localUlid, peerUlid, made.length, 6);
    for (let i = 0; i < made.length; i += 2) sum += (made[i] << 8) | (made[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return sum;
  };
  let corrected = 0;
  const property = fc.property(segment, (made) => {
    const wanted = made.slice();
    const place = valueAt(made);
    const tooLarge = place >= 0 && u16(made, place) > 1432;
    if (tooLarge) putU16(wanted, place, 1432);
    const sent = out(at, made);
    assert.ok(isRight(localUlid, peerUlid, sent));
    putU16(wanted, 16, u16(sent, 16));
    assert.is(hex(sent), hex(wanted));
    if (tooLarge) corrected++;
    else assert.is(hex(sent), hex(made));
  });
  fc.assert(property, { seed, numRuns: 3000 });
  assert.ok(corrected > 100, `${corrected} corrected`);
});

test.run();
