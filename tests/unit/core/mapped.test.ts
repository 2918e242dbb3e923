/** Packets between hosts and peers without Shim6: what becomes of which, by which provider, and that large frames stay large. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as verdict from "../../../core-as/layout/verdict.ts";
import type { CoreOptions, SteerRules, SteerTerm } from "../../../runtime/fast/contract.ts";
import { sharesOf } from "../../../runtime/locator/exchange.ts";
import { type Address, address, addressAt } from "../../../runtime/value/address.ts";
import { concat, hex, u16 } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { coreModule, numbered, type Rig, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { isPartialRight, isSumRight, largeHeader, packetsOf, tcpPacket, udpPacket } from "../../lib/large.ts";
import { errorFor, mappingFor, packetFor, type Sample, setMapped, type TestProvider } from "../../lib/mapped.ts";
import { extension, packetOf, payloadHeader } from "../../lib/packet.ts";
import { isRight, segmentOf, TCP_ACK, TCP_SYN } from "../../lib/tcp.ts";

const module = coreModule();
const SITE = prefix("fc00:aaaa:1::/48");
const GENERIC = prefix("fc00::/7");
const ISPS = [{ prefix: prefix("2001:db8:a1::/48") }, { prefix: prefix("2001:db8:a2::/48") }];
const HOST = address("fc00:aaaa:1::10");
const NEIGHBOUR = address("fc00:aaaa:1:7::11");
const AT = [address("2001:db8:a1::10"), address("2001:db8:a2::10")] as const;
const NEIGHBOUR_AT = [address("2001:db8:a1:7::11"), address("2001:db8:a2:7::11")] as const;
const PEER = address("2a00:1::20");
const datagram: Sample = { protocol: 17, transport: Uint8Array.from({ length: 60 }, (_, i) => i) };
const udp = (source: Address, destination: Address) => packetFor(datagram, source, destination);
const MINUTE = 60_000;

async function world(to: number | Uint8Array = 0, options: Partial<CoreOptions> = {}): Promise<Rig> {
  const made = await rig({ ways: 64, slotOctets: 16_384, spillOctets: 65_536 }, options, module);
  setMapped(made.core, SITE, GENERIC, ISPS, to);
  return made;
}

/** Which provider a host's packet leaves by. */
function leaves(at: Rig, now = 0, peer = PEER, host = HOST): number {
  const { verdict: found, out } = runOne(at, udp(host, peer), now);
  assert.is(found, verdict.FORWARD_MAPPED_OUT);
  return AT.indexOf(addressAt(out ?? new Uint8Array(40), 8));
}

/** The host's segment of the connection that the peer's of segmentOf belongs to. */
function segmentOut(): Uint8Array {
  const segment = segmentOf(HOST, PEER, TCP_ACK, new Uint8Array()).slice();
  const [source, destination] = [u16(segment, 0), u16(segment, 2)];
  segment.set([destination >> 8, destination & 0xff, source >> 8, source & 0xff]);
  return packetOf(HOST, PEER, 6, segment);
}

/** Which provider the host's answer to {@link comes} leaves by. */
function answers(at: Rig, now: number): number {
  const transport = datagram.transport.slice();
  transport.set([transport[2], transport[3], transport[0], transport[1]]);
  return AT.indexOf(addressAt(runOne(at, packetFor({ protocol: 17, transport }, HOST, PEER), now).out ?? new Uint8Array(40), 8));
}

/** The peer's packet comes to the host by the provider at `place`. */
function comes(at: Rig, place: number, now = 0): void {
  assert.equal(runOne(at, udp(PEER, AT[place]), now), { verdict: verdict.FORWARD_MAPPED_IN, out: udp(PEER, HOST) });
}

const fates: readonly (readonly [string, number, Uint8Array])[] = [
  ["out", verdict.FORWARD_MAPPED_OUT, udp(HOST, PEER)],
  ["to the IPv4 internet", verdict.FORWARD_MAPPED_OUT, udp(HOST, address("64:ff9b::102:304"))],
  ["in", verdict.FORWARD_MAPPED_IN, udp(PEER, AT[1])],
  [
    "an echo request",
    verdict.FORWARD_MAPPED_IN,
    packetFor({ protocol: 58, transport: Uint8Array.of(128, 0, 0, 0, 1, 2, 3, 4) }, PEER, AT[0]),
  ],
  ["to a ULID elsewhere", verdict.PUNT_NO_CONTEXT, udp(HOST, sampleRecord(1).peerUlid)],
  ["to a neighbour's ULID", verdict.DROP_DESTINATION_IP6, udp(HOST, NEIGHBOUR)],
  ["from no host", verdict.DROP_SOURCE_IP6, udp(address("fd00::1"), PEER)],
  ["link-local", verdict.DROP_DESTINATION_IP6, udp(HOST, address("fe80::1"))],
  ["multicast", verdict.DROP_DESTINATION_IP6, udp(HOST, address("ff0e::1"))],
  ["from a ULID to a locator", verdict.DROP_MARTIAN_IP6, udp(sampleRecord(1).peerUlid, AT[0])],
  ["a host's own Shim6", verdict.PUNT_UNMAPPED, packetOf(HOST, PEER, 140, new Uint8Array(16))],
  [
    "a control message",
    verdict.PUNT_CONTROL,
    packetOf(PEER, AT[0], 140, Uint8Array.from([59, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
  ],
  [
    "an unknown tag",
    verdict.PUNT_NO_TAG,
    packetOf(PEER, AT[0], 140, concat(payloadHeader(17, sampleRecord(5).localTag), new Uint8Array(9))),
  ],
  ["segments left", verdict.DROP_SEGMENTS_ROUTING, packetOf(HOST, PEER, 43, concat(extension(17, 0, 1), new Uint8Array(8)))],
  ["an error about what the box sent", verdict.PUNT_ICMP6, errorFor(PEER, AT[0], packetOf(AT[0], PEER, 140, new Uint8Array(24)), 200)],
  ["an error about somebody else", verdict.PUNT_ICMP6, errorFor(PEER, AT[0], udp(AT[1], PEER), 200)],
  ["an error about nothing", verdict.PUNT_ICMP6, errorFor(PEER, AT[0], new Uint8Array(), 0)],
  ["a host's error about somebody else", verdict.DROP_UNMAPPED_ICMP6, errorFor(HOST, PEER, udp(NEIGHBOUR, HOST), 200)],
];

for (const [name, fate, packet] of fates) {
  test(name, async () => {
    const at = await world();
    assert.is(runOne(at, packet, 5).verdict, fate);
  });
}

test("without a mapping there is none, and it can end", async () => {
  const at = await rig({}, {}, module);
  assert.is(runOne(at, udp(sampleRecord(1).localUlid, PEER)).verdict, verdict.PUNT_NO_CONTEXT);
  assert.is(runOne(at, udp(PEER, AT[0])).verdict, verdict.DROP_PROTOCOL_IP6);
  assert.throws(() => at.core.setMapping(mappingFor(SITE, ISPS)), /no table of ways/);
  const mapped = await world();
  mapped.core.setMapping(undefined);
  assert.is(runOne(mapped, udp(HOST, PEER)).verdict, verdict.PUNT_NO_CONTEXT);
  for (let n = 0; n < 9; n++) mapped.core.setMapping(mappingFor(SITE, ISPS, n % 2));
  assert.is(leaves(mapped), 0);
});

test("peers with Shim6 outside the generic prefix are spared; contexts go before", async () => {
  const at = await world();
  at.core.setMapping({ ...mappingFor(SITE, ISPS), spared: [address("2a00:1::21"), PEER] });
  assert.is(runOne(at, udp(HOST, PEER)).verdict, verdict.PUNT_NO_CONTEXT);
  at.core.add(1, sampleRecord(1, { localUlid: HOST, peerUlid: PEER }), 0);
  assert.is(runOne(at, udp(HOST, PEER)).verdict, verdict.FORWARD_OUT);
  const many = Array.from({ length: 17 }, (_, n) => numbered([0x2a], n));
  assert.throws(() => at.core.setMapping({ ...mappingFor(SITE, ISPS), spared: many }), /more than 16/);
});

test("RFC 6296 §3.6: the example, by a transport of which nothing is known", async () => {
  const at = await rig({ ways: 8 }, {}, module);
  setMapped(at.core, prefix("fd01:203:405::/48"), GENERIC, [{ prefix: prefix("2001:db8:1::/48") }]);
  const [inside, outside] = [address("fd01:203:405:1::1234"), address("2001:db8:1:d550::1234")];
  const what: Sample = { protocol: 254, transport: Uint8Array.of(1, 2, 3, 4) };
  assert.equal(runOne(at, packetFor(what, inside, PEER)).out, packetFor(what, outside, PEER));
  assert.equal(runOne(at, packetFor(what, PEER, outside)).out, packetFor(what, PEER, inside));
});

test("a datagram whose checksum comes out as 0 says 0xffff, since 0 would say none", async () => {
  const at = await world();
  const withWord = (word: number): Sample => ({ protocol: 17, transport: Uint8Array.of(1, 2, 3, 4, 0, 10, 0, 0, word >> 8, word & 0xff) });
  for (const [source, destination, from, to] of [
    [HOST, PEER, AT[0], PEER],
    [PEER, AT[0], PEER, HOST],
  ] as const) {
    // What is missing to a sum of all ones.
    const what = withWord(u16(packetFor(withWord(0), from, to), 46));
    const expected = packetFor(what, from, to);
    assert.is(u16(expected, 46), 0xffff);
    assert.equal(runOne(at, packetFor(what, source, destination)).out, expected);
  }
});

test("no provider has a locator: the control thread hears of it", async () => {
  const at = await world(255);
  assert.is(runOne(at, udp(HOST, PEER)).verdict, verdict.PUNT_UNMAPPED);
  const told: string[] = [];
  at.core.drainPunts(9, (packet) => told.push(hex(packet)));
  assert.equal(told, [hex(udp(HOST, PEER))]);
});

test("the answer goes out where the question came in, whatever the shares say; for how long", async () => {
  const at = await world(0);
  comes(at, 1, 1000);
  assert.is(leaves(at, 2000), 1);
  // Nobody turns what flows by making up a source address.
  const segment = (flags: number, place: number) => packetOf(PEER, AT[place], 6, segmentOf(PEER, AT[place], flags, new Uint8Array()));
  runOne(at, segment(TCP_ACK, 0), 3000);
  assert.is(runOne(at, segmentOut(), 3100).out?.[13], 0xa2);
  // A connection that begins by the other one goes back there, and it alone.
  runOne(at, segment(TCP_SYN, 0), 3200);
  assert.is(runOne(at, segmentOut(), 3300).out?.[13], 0xa1);
  assert.is(leaves(at, 4000), 1);
  const refused = errorFor(HOST, PEER, packetOf(PEER, HOST, 6, segmentOf(PEER, HOST, TCP_SYN, new Uint8Array())), 200);
  assert.is(runOne(at, refused, 4000).out?.[13], 0xa1);
  assert.is(leaves(at, 4000), 1);
  comes(at, 0, 4000 + 3 * MINUTE);
  assert.is(leaves(at, 4000 + 3 * MINUTE), 0, "silent for long");
  comes(at, 1, 8 * MINUTE);
  assert.is(leaves(at, 130 * MINUTE), 1, "TCP may be silent for two hours");
  assert.is(leaves(at, 256 * MINUTE), 0, "this is something new");
});

test("a pair stays while its provider lives, whatever the shares become; it leaves at once when that dies", async () => {
  const at = await world(0);
  assert.is(leaves(at, 1000), 0);
  at.core.setMapping(mappingFor(SITE, ISPS, 1));
  assert.is(leaves(at, 2000), 0);
  assert.is(leaves(at, 2000, address("2a00:1::21")), 1, "what is new follows the shares");
  const dead = [{ ...ISPS[0], usable: false }, ISPS[1]];
  at.core.setMapping(mappingFor(SITE, dead, 1));
  assert.is(leaves(at, 3000), 1);
  runOne(at, packetFor({ protocol: 17, transport: new Uint8Array(20) }, PEER, AT[0]), 3500);
  assert.is(leaves(at, 3600), 1, "what still comes by the dead one changes nothing");
  at.core.setMapping(mappingFor(SITE, ISPS, 0));
  assert.is(leaves(at, 4000), 1);
});

test("a drained provider: a connection that opens goes elsewhere, what is open stays, and silence of two minutes ends it", async () => {
  const at = await world(0);
  const syn = (port: number) => {
    const segment = segmentOf(HOST, PEER, TCP_SYN, new Uint8Array()).slice();
    segment.set([port >> 8, port & 0xff]);
    return packetOf(HOST, PEER, 6, segment);
  };
  const by = (packet: Uint8Array, now: number) => AT.indexOf(addressAt(runOne(at, packet, now).out ?? new Uint8Array(40), 8));
  assert.equal([leaves(at, 1000), by(syn(4000), 1000)], [0, 0]);
  at.core.setMapping(mappingFor(SITE, [{ ...ISPS[0], drained: true }, ISPS[1]], 1));
  assert.is(by(syn(4001), 2000), 1, "new");
  assert.is(by(syn(4001), 3000), 1, "the same, once more");
  const open = segmentOf(HOST, PEER, TCP_ACK, new Uint8Array()).slice();
  const data = (port: number) =>
    packetOf(
      HOST,
      PEER,
      6,
      Uint8Array.from(open, (octet, i) => (i > 1 ? octet : i === 0 ? port >> 8 : port & 0xff)),
    );
  assert.equal([by(data(4000), 4000), by(data(4001), 4000), leaves(at, 4000)], [0, 1, 0]);
  assert.is(leaves(at, 4000 + 3 * MINUTE), 1, "after a silence the pair is new");
});

const rulesTo = (place: number, term: Partial<SteerTerm> = {}, epoch = 0, allowed = [place]): SteerRules => ({
  epoch,
  classes: [{ shares: new Uint8Array(256).fill(place), allowed }],
  terms: [{ kind: 0, ...term }],
});

test("rules: asked for what is new, and again when they are others; what they allow stays", async () => {
  const at = await world(0);
  const tell = (rules: SteerRules | undefined, providers: readonly TestProvider[] = ISPS) =>
    at.core.setMapping({ ...mappingFor(SITE, providers, 0), rules });
  tell(rulesTo(1, { to: [prefix("2a00:1::/32")] }));
  assert.equal([leaves(at, 1000), leaves(at, 1000, address("2a00:2::1"))], [1, 0]);
  tell(rulesTo(0, {}, 0));
  assert.is(leaves(at, 2000), 1, "the same rules, as far as the epoch says");
  tell(rulesTo(0, {}, 1, [0, 1]));
  assert.is(leaves(at, 3000), 1, "it may stay");
  tell(rulesTo(0, {}, 2));
  assert.is(leaves(at, 4000), 0);
  tell(rulesTo(1, {}, 3));
  assert.is(leaves(at, 5000), 1);
  tell(rulesTo(1, {}, 3), [ISPS[0], { ...ISPS[1], usable: false }]);
  assert.is(leaves(at, 6000), 1, "that provider and no other, even when it is dead");
  tell(undefined);
  assert.is(leaves(at, 7000), 1);
});

test("rules: nobody takes it, and the control thread hears", async () => {
  const at = await world(0);
  at.core.setMapping({ ...mappingFor(SITE, ISPS, 0), rules: rulesTo(255, { to: [prefix("2a00:1::/32")] }, 0, []) });
  assert.is(runOne(at, udp(HOST, PEER)).verdict, verdict.PUNT_UNMAPPED);
  assert.is(leaves(at, 0, address("2a00:2::1")), 0);
});

test("rules: what a peer begins by another provider is answered there, and leads the pair nowhere", async () => {
  const at = await world(0);
  at.core.setMapping({ ...mappingFor(SITE, ISPS, 0), rules: rulesTo(1) });
  comes(at, 0, 1000);
  assert.is(answers(at, 2000), 0);
  assert.is(leaves(at, 2000), 1, "what the host begins");
  comes(at, 1, 3000);
  assert.is(answers(at, 4000), 0, "nobody turns it by a made-up source");
  comes(at, 1, 4000 + 5 * MINUTE);
  assert.is(answers(at, 4000 + 5 * MINUTE), 1);
});

test("rules about ports: each flow for itself; pieces of a packet go together", async () => {
  const at = await world(0);
  at.core.setMapping({ ...mappingFor(SITE, ISPS, 0), rules: rulesTo(1, { protocols: [17], ports: [{ first: 0x100, last: 0x1ff }] }) });
  const to = (port: number, fragment?: Sample["fragment"]) => {
    const transport = Uint8Array.from({ length: 60 }, (_, i) => (i === 2 ? port >> 8 : i === 3 ? port & 0xff : i + 64));
    const { out } = runOne(at, packetFor({ protocol: 17, transport, ...(fragment && { fragment }) }, HOST, PEER), 1000);
    return AT.indexOf(addressAt(out ?? new Uint8Array(40), 8));
  };
  assert.equal([to(0x110), to(0x210), to(0x110)], [1, 0, 1]);
  assert.equal([to(0x110, { at: 0, octets: 24 }), to(0x110, { at: 24, octets: 36 })], [0, 0], "of a piece nothing is known");
  comes(at, 1, 2000);
  assert.is(answers(at, 3000), 1, "a flow that the peer began");
  const error = errorFor(AT[1], PEER, packetFor({ protocol: 17, transport: new Uint8Array(60).fill(1) }, PEER, AT[1]), 60);
  const inside = errorFor(HOST, PEER, packetFor({ protocol: 17, transport: new Uint8Array(60).fill(1) }, PEER, HOST), 60);
  assert.equal(runOne(at, inside, 3000), { verdict: verdict.FORWARD_MAPPED_OUT, out: error }, "and errors about the peer's packets too");
});

test("rules: too many of them, or about nothing, are refused", async () => {
  const { core } = await world(0);
  const tell = (rules: SteerRules) => core.setMapping({ ...mappingFor(SITE, ISPS, 0), rules });
  const [one] = rulesTo(0).terms;
  const many = (count: number) => Array.from({ length: count }, () => prefix("2a00::/12"));
  const ranges = Array.from({ length: 1_025 }, () => ({ first: 0, last: 1 }));
  for (const terms of [
    Array.from({ length: 257 }, () => one),
    [{ ...one, kind: 1 }],
    [{ ...one, to: many(2_049) }],
    [{ ...one, ports: ranges }],
  ])
    assert.throws(
      () => tell({ ...rulesTo(0), terms }),
      (error: unknown) => error instanceof RangeError,
    );
  tell({ ...rulesTo(0), terms: [{ ...one, from: many(1_024), to: many(1_024) }] });
});

test("shares: in proportion to weights, the best priority alone, and moved only where they must be", async () => {
  const taker = (place: number, weight: number, priority = 10, usable = true) => ({ place, weight, priority, usable });
  const count = (shares: Uint8Array, place: number) => shares.filter((each) => each === place).length;
  const both = sharesOf([taker(0, 60), taker(1, 40), taker(2, 99, 20)], 256);
  assert.ok(Math.abs(count(both, 0) - 154) < 30, String(count(both, 0)));
  assert.is(count(both, 2), 0);
  const three = sharesOf([taker(0, 60), taker(1, 40), taker(3, 50)], 256);
  for (const [i, place] of three.entries()) if (place !== 3) assert.is(both[i], place);
  const left = sharesOf([taker(0, 60, 10, false), taker(1, 40), taker(2, 99, 20)], 256);
  assert.is(count(left, 1), 256);
  assert.is(count(sharesOf([taker(0, 1, 10, false), taker(2, 9, 20)], 256), 2), 256);
  assert.equal(
    sharesOf([taker(0, 60, 10, false), taker(1, 40, 10, false)], 256),
    sharesOf([taker(0, 60), taker(1, 40)], 256),
    "all dead: as before",
  );
  assert.is(count(sharesOf([taker(4, 0), taker(5, 0)], 256), 255), 0);
  assert.is(count(sharesOf([], 256), 255), 256);
  const at = await world(sharesOf([taker(0, 50), taker(1, 50)], 256));
  const first = Array.from({ length: 400 }, (_, n) => leaves(at, 0, numbered([0x2a, 0, 0, 1], n)));
  assert.ok(Math.abs(first.filter((place) => place === 0).length - 200) < 60);
});

test("RFC 6296 §4.3: a neighbour called by its locator, and its answer, both with locators", async () => {
  const at = await world(0);
  const there = runOne(at, udp(HOST, NEIGHBOUR_AT[1]), 1000);
  assert.equal(there, { verdict: verdict.FORWARD_MAPPED_IN, out: udp(AT[0], NEIGHBOUR) });
  assert.is(at.core.totals().get("out-mapped"), 1);
  assert.equal(runOne(at, udp(NEIGHBOUR, AT[0]), 1100).out, udp(NEIGHBOUR_AT[1], HOST));
  const refused = errorFor(NEIGHBOUR, AT[0], udp(AT[0], NEIGHBOUR), 100);
  assert.equal(runOne(at, refused, 1200).out, errorFor(NEIGHBOUR_AT[1], HOST, udp(HOST, NEIGHBOUR_AT[1]), 100));
});

test("too large for the path: the host hears; SYNs leave room", async () => {
  const at = await world(0, { mtu: 1500 });
  assert.is(runOne(at, packetOf(HOST, PEER, 17, new Uint8Array(1453))).verdict, verdict.PUNT_BIG);
  const mss = Uint8Array.of(2, 4, 5, 180);
  const out = runOne(at, packetOf(HOST, PEER, 6, segmentOf(HOST, PEER, TCP_SYN, mss))).out ?? new Uint8Array();
  assert.is(u16(out, 62), 1432);
  assert.ok(isRight(AT[0], PEER, out.subarray(40)));
  const back = runOne(at, packetOf(PEER, AT[0], 6, segmentOf(PEER, AT[0], TCP_SYN, mss))).out ?? new Uint8Array();
  assert.is(u16(back, 62), 1432);
  assert.ok(isRight(PEER, HOST, back.subarray(40)));
});

test("larger than the LAN takes: the control thread hears, and how much that is; TCP is cut smaller", async () => {
  const at = await world();
  at.core.setMapping({ ...mappingFor(SITE, ISPS), limitIn: 1492 });
  const big = packetOf(PEER, AT[0], 44, new Uint8Array(1453));
  assert.is(runOne(at, big).verdict, verdict.PUNT_BIG_IN);
  const told: unknown[] = [];
  at.core.drainPunts(9, (packet, reason, limit) => told.push([hex(packet), reason, limit]));
  assert.equal(told, [[hex(big), verdict.PUNT_BIG_IN, 1492]]);
  const payload = new Uint8Array(5000);
  const tcp = runOne(at, tcpPacket({ source: PEER, destination: AT[0], sequence: 9, payload }, true), 1, largeHeader(1440));
  assert.is(tcp.verdict, verdict.FORWARD_MAPPED_IN);
  assert.is(at.memory[at.lane.outputOffsets[0] + 4] + 256 * at.memory[at.lane.outputOffsets[0] + 5], 1432);
  assert.is(runOne(at, udpPacket(PEER, AT[0], payload, true), 1, largeHeader(1452, "udp")).verdict, verdict.PUNT_BIG_IN);
});

test("a checksum left to the device is finished first", async () => {
  const at = await world();
  const whole = udp(HOST, PEER);
  const partial = udpPacket(HOST, PEER, whole.subarray(48), true);
  const { out = new Uint8Array() } = runOne(at, partial, 0, Uint8Array.of(1, 0, 0, 0, 0, 0, 40, 0, 6, 0));
  assert.ok(isSumRight(out));
});

for (const kind of ["tcp", "udp"] as const) {
  test(`large frames of ${kind} stay large, and what they stand for is right`, async () => {
    const at = await world(0, { mtu: 1500 });
    const payload = Uint8Array.from({ length: 5000 }, (_, i) => i);
    const frameOf = (source: Address, destination: Address) =>
      kind === "tcp" ? tcpPacket({ source, destination, sequence: 9, payload }, true) : udpPacket(source, destination, payload, true);
    for (const [source, destination, to, fate] of [
      [HOST, PEER, frameOf(AT[0], PEER), verdict.FORWARD_MAPPED_OUT],
      [PEER, AT[0], frameOf(PEER, HOST), verdict.FORWARD_MAPPED_IN],
    ] as const) {
      const { verdict: found, out = new Uint8Array() } = runOne(at, frameOf(source, destination), 1, largeHeader(1400, kind));
      assert.is(found, fate);
      const header = at.memory.slice(at.lane.outputOffsets[0], at.lane.outputOffsets[0] + 10);
      assert.equal(packetsOf(header, out), packetsOf(largeHeader(1400, kind), to));
      if (kind === "tcp") assert.ok(isPartialRight(out));
    }
  });
}

test.run();
