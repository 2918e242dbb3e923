/** Reports about packets that did not get through: what is believed, what is passed on, what REAP hears, and what a liar achieves. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type IcmpPass, PathReports } from "../../../runtime/box/icmp.ts";
import { PathMtus } from "../../../runtime/box/mtu.ts";
import type { ReapEvent } from "../../../runtime/reap/contract.ts";
import type { ContextView, Shim6Event } from "../../../runtime/shim6/contract.ts";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { concat, hex, u16, u32 } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import type { Millis } from "../../../runtime/value/time.ts";
import { emitIcmpError, emitPacket, emitPaddedRequest, insertPayloadHeader, parseIcmpError } from "../../../runtime/wire/index.ts";
import { packetOf } from "../../lib/packet.ts";

const H1 = address("fc00:aaaa:1::10");
const H2 = address("fc00:bbbb:1::10");
const A1 = address("2001:db8:a1::10");
const A2 = address("2001:db8:a2::10");
/** A locator of another host: same path, not of this context. */
const NEIGHBOUR = address("2001:db8:a1::99");
const B3 = address("2001:db8:b3::10");
const ROUTER = address("2001:db8:e1::1");
const LAN_ROUTER = address("fc00:aaaa:1::1");
const PEER_TAG = contextTag(0x2222_0000_0001);
const PAIR = { local: A1, peer: B3 };

const context: ContextView = {
  id: 4,
  pair: { local: H1, peer: H2, fork: 0 },
  state: "ESTABLISHED",
  localTag: contextTag(0x1111_0000_0001),
  peerTag: PEER_TAG,
  localLocators: [A1, A2],
  peerLocators: [{ address: B3, method: 2, verified: true, preference: { flags: 0 } }],
  current: PAIR,
  peerBox: undefined,
  peerKeepaliveSeconds: undefined,
  peerCapabilities: undefined,
  localCapabilities: undefined,
  roundTrip: undefined,
  establishedAt: 0,
};

function world(change: { pass?: IcmpPass; current?: typeof PAIR; lastReceived?: Millis; view?: Partial<ContextView>; mtu?: number } = {}) {
  const view = { ...context, ...change.view };
  const counted = new Map<string, number>();
  const sent: Uint8Array[] = [];
  const released: Uint8Array[] = [];
  const reap: ReapEvent[] = [];
  const shim6: Shim6Event[] = [];
  const mtus = new PathMtus(1500, () => true);
  mtus.enter(view.id, change.current ?? PAIR, undefined, 0);
  if (change.mtu !== undefined) mtus.told(change.current ?? PAIR, change.mtu, 0);
  const reports = new PathReports({
    isRoutable: () => false,
    shim6: {
      find: ({ local, peer }) => (local === H1 && peer === H2 ? view : undefined),
      findPeerTag: (tag, locator) => (tag === PEER_TAG && locator === B3 ? view : undefined),
      get: (id) => (id === view.id ? view : undefined),
    },
    reap: { stateOf: () => "Operational", currentOf: () => change.current ?? PAIR },
    core: {
      counters: () => ({ packetsOut: 0, octetsOut: 0, packetsIn: 0, octetsIn: 0, lastSent: 0, lastReceived: change.lastReceived }),
      touch: () => undefined,
    },
    mtus,
    pass: () => change.pass ?? "auto",
    random: () => 41,
    count: (name, by = 1) => counted.set(name, (counted.get(name) ?? 0) + by),
    transmit: (packet) => sent.push(packet),
    release: (packets) => released.push(...packets.map((packet) => packet.slice())),
    tellReap: (event) => reap.push(event),
    tellShim6: (event) => shim6.push(event),
  });
  return { reports, mtus, counted, sent, released, reap, shim6 };
}

/** A host's packet of `octets`, as it is on the wire between `source` and `destination`. */
function onWire(octets: number, source = A1, destination = B3, tag = PEER_TAG): Uint8Array {
  const wire = insertPayloadHeader(hostPacket(octets), source, destination, tag);
  if (wire instanceof Reject) throw new Error(wire.why);
  return wire;
}

function hostPacket(octets: number): Uint8Array {
  return packetOf(
    H1,
    H2,
    17,
    Uint8Array.from({ length: octets - 40 }, (_, i) => i & 0xff),
  );
}

const report = (type: number, code: number, word: number, about = onWire(1492), to = A1) =>
  emitIcmpError(ROUTER, to, { type, code, word }, about);

function readError(packet: Uint8Array) {
  const error = parseIcmpError(packet);
  if (error instanceof Reject) throw new Error(error.why);
  return error;
}

test("Packet Too Big: remembered for the path, passed on as the host must hear it", () => {
  const { reports, mtus, sent, counted } = world();
  reports.fromNet(report(2, 0, 1400), 10);
  assert.is(mtus.mtuOf(4), 1400);
  assert.is(counted.get("in-path-mtu"), 1);
  const error = readError(sent[0]);
  assert.equal([error.source, error.destination, error.type, error.word], [ROUTER, H1, 2, 1392]);
  assert.is(hex(error.quote), hex(hostPacket(1492).subarray(0, error.quote.length)), "what the host sent, and not what we made of it");
});

test("Packet Too Big of 1280: the host goes to 1280, what it sends then is cut here and the router's word about that is ours alone", () => {
  const { reports, mtus, sent, released, counted } = world();
  reports.fromNet(report(2, 0, 1280), 10);
  assert.is(readError(sent[0]).word, 1280);
  assert.is(mtus.mtuOf(4), 1280);
  const small = world();
  small.reports.fromNet(report(2, 0, 1280, onWire(1280)), 10);
  assert.equal([small.sent.length, small.mtus.mtuOf(4)], [0, 1280]);
  reports.tooBig(hostPacket(1280), 4, 20);
  reports.tooBig(hostPacket(1279), 4, 20);
  assert.equal(
    released.map((packet) => packet.length),
    [1272, 64, 1272, 63],
  );
  assert.equal(
    released.map((packet) => u32(packet, 44)),
    [42, 42, 43, 43],
    "a number each",
  );
  assert.is(counted.get("out-fragment"), 4);
});

test("Packet Too Big that cannot be true has no effect", () => {
  for (const packet of [
    report(2, 0, 1279),
    report(2, 0, 0),
    report(2, 0, 1500),
    report(2, 0, 1400, onWire(1300)),
    report(2, 0, 1400, onWire(1492, A1, B3, contextTag(5))),
    report(2, 0, 1400, onWire(1492, A1, A2)),
    report(2, 0, 1400, onWire(1492, B3, B3)),
    report(2, 0, 1400, onWire(1492, A2)),
    report(2, 0, 1400, onWire(1492, NEIGHBOUR), NEIGHBOUR),
    report(2, 0, 1400, hostPacket(1492)),
    report(2, 0, 1400, new Uint8Array(100)),
  ]) {
    const { reports, mtus, sent, reap, counted } = world();
    reports.fromNet(packet, 10);
    assert.is(mtus.mtuOf(4), 1500);
    assert.equal([sent.length, reap.length], [0, 0]);
    assert.is([...counted.keys()].filter((name) => name.startsWith("drop-")).length, 1, [...counted.keys()].join());
  }
  const { reports, mtus, counted } = world();
  const damaged = report(2, 0, 1400);
  damaged[60] ^= 1;
  reports.fromNet(damaged, 10);
  assert.equal([mtus.mtuOf(4), [...counted.keys()]], [1500, ["drop-bad-sum-icmp6"]]);
});

test("Destination Unreachable: the pair in use is probed, nothing moves, the host hears nothing; with pass all it does", () => {
  for (const code of [0, 1, 2, 3, 5, 6]) {
    const { reports, reap, sent } = world();
    reports.fromNet(report(1, code, 0), 10);
    assert.equal(reap, [{ kind: "send-timeout", id: 4 }], String(code));
    assert.is(sent.length, 0);
    const all = world({ pass: "all" });
    all.reports.fromNet(report(1, code, 0), 10);
    assert.is(readError(all.sent[0]).code, code);
  }
  const port = world();
  port.reports.fromNet(report(1, 4, 0), 10);
  assert.equal([port.reap.length, readError(port.sent[0]).code], [0, 4]);
});

test("about a pair that is not in use: tried later than others, no more", () => {
  const { reports, reap } = world({ current: { local: A2, peer: B3 } });
  reports.fromNet(report(1, 0, 0), 10);
  assert.equal(reap, [{ kind: "lost", id: 4, pair: PAIR }]);
});

test("with one pair there is nothing to find out: the host hears of it", () => {
  const { reports, reap, sent } = world({ view: { localLocators: [A1] } });
  reports.fromNet(report(1, 0, 0), 10);
  assert.equal([reap.length, sent.length], [0, 1]);
});

test("doubts are rationed: one context every five seconds, all of them twenty at once", () => {
  const { reports, reap } = world();
  for (let i = 0; i < 100; i++) reports.fromNet(report(1, 0, 0), 10 + i);
  assert.is(reap.length, 1);
  reports.fromNet(report(1, 0, 0), 5010);
  assert.is(reap.length, 2);
});

test("Time Exceeded: always passed on; a doubt only when nothing was heard lately, because traceroute is no failure", () => {
  const silent = world();
  silent.reports.fromNet(report(3, 0, 0), 10_000);
  assert.equal([silent.reap.length, silent.sent.length], [1, 1]);
  const alive = world({ lastReceived: 9_500 });
  alive.reports.fromNet(report(3, 0, 0), 10_000);
  assert.equal([alive.reap.length, readError(alive.sent[0]).type], [0, 3]);
});

test("Parameter Problem: the Pointer is the host's; what concerns our header stays here", () => {
  const behind = world();
  behind.reports.fromNet(report(4, 0, 60), 10);
  assert.is(readError(behind.sent[0]).word, 52);
  for (const [code, pointer] of [
    [0, 40],
    [0, 47],
    [1, 6],
  ]) {
    const { reports, sent, counted } = world();
    reports.fromNet(report(4, code, pointer), 10);
    assert.equal([sent.length, counted.get("drop-shim6-icmp6")], [0, 1], `${code} ${pointer}`);
  }
});

test("about control messages: our I1, our probes; nobody inside hears of them", () => {
  const i1 = emitPacket(A1, B3, { kind: "I1", initiatorTag: contextTag(9), initiatorNonce: 1, options: [] });
  const unsupported = world();
  unsupported.reports.fromNet(report(4, 1, 6, i1), 10);
  assert.equal(unsupported.shim6, [{ kind: "unsupported", localTag: contextTag(9), source: A1, destination: B3 }]);
  const keepalive = emitPacket(A1, B3, { kind: "Keepalive", receiverTag: PEER_TAG, options: [] });
  const unreachable = world();
  unreachable.reports.fromNet(report(1, 0, 0, keepalive), 10);
  assert.equal([unreachable.reap.length, unreachable.sent.length], [1, 0]);
  const told = world();
  told.reports.fromNet(report(2, 0, 1400, emitPaddedRequest(A1, B3, PEER_TAG, 1, 1500)), 10);
  assert.equal([told.mtus.mtuOf(4), told.sent.length], [1400, 0]);
  for (const about of [i1, emitPacket(A1, B3, { kind: "Keepalive", receiverTag: contextTag(1), options: [] })]) {
    const stray = world();
    stray.reports.fromNet(report(1, 0, 0, about), 10);
    assert.equal([stray.reap.length, stray.shim6.length, stray.counted.get("drop-control-icmp6")], [0, 0, 1]);
  }
});

test("too big for every path: the host is told, from the address it wanted; errors are not answered; a deaf host is told less often", () => {
  const { reports, sent, counted } = world({ mtu: 1400 });
  const packet = hostPacket(1492);
  reports.tooBig(packet, 4, 10);
  const error = readError(sent[0]);
  assert.equal([error.source, error.destination, error.type, error.code, error.word], [H2, H1, 2, 0, 1392]);
  assert.is(hex(error.quote), hex(packet.subarray(0, error.quote.length)));
  for (let i = 0; i < 100; i++) reports.tooBig(packet, 4, 10);
  assert.is(sent.length, 5);
  reports.tooBig(packet, 5, 10);
  assert.is(sent.length, 6, "another context is not made to wait for it");
  assert.is(readError(sent[5]).word, 1492);
  const complaint = packetOf(H1, H2, 58, concat(Uint8Array.of(1, 4, 0, 0, 0, 0, 0, 0), new Uint8Array(1400)));
  reports.tooBig(complaint, 6, 10);
  assert.equal([sent.length, counted.get("drop-big-icmp6")], [6, 1]);
});

test("a router inside: its error about a peer's packet goes in the name of the host that the packet was for", () => {
  const { reports, released } = world();
  const about = packetOf(H2, H1, 17, new Uint8Array(300));
  const error = emitIcmpError(LAN_ROUTER, H2, { type: 2, code: 0, word: 1400 }, about, 64);
  assert.ok(reports.fromRouter(error, 10));
  const read = readError(released[0]);
  assert.equal([read.source, read.destination, read.type, read.word], [H1, H2, 2, 1400]);
  assert.is(hex(read.quote), hex(about));
});

test("a router inside that speaks of something else is not helped", () => {
  const { reports, released } = world();
  const about = packetOf(H2, H1, 17, new Uint8Array(30));
  const refused = [
    emitIcmpError(LAN_ROUTER, address("fc00:bbbb:1::66"), { type: 1, code: 0, word: 0 }, about),
    emitIcmpError(LAN_ROUTER, H2, { type: 1, code: 0, word: 0 }, packetOf(H2, address("fc00:aaaa:1::77"), 17, new Uint8Array(30))),
    emitIcmpError(LAN_ROUTER, H2, { type: 1, code: 0, word: 0 }, new Uint8Array(20)),
    emitIcmpError(LAN_ROUTER, H2, { type: 128, code: 0, word: 0 }, about),
    packetOf(LAN_ROUTER, H2, 17, new Uint8Array(30)),
    packetOf(LAN_ROUTER, H2, 58, new Uint8Array(2)),
  ];
  for (const packet of refused) assert.not(reports.fromRouter(packet, 10));
  assert.is(released.length, 0);
});

test("floods: of errors for hosts, and of packets to cut", () => {
  const errors = world({ view: { localLocators: [A1] } });
  for (let i = 0; i < 500; i++) errors.reports.fromNet(report(1, 0, 0), 10);
  assert.equal([errors.sent.length, errors.counted.get("drop-icmp6-limit")], [100, 400]);
  const cuts = world({ mtu: 1280 });
  for (let i = 0; i < 500; i++) cuts.reports.tooBig(hostPacket(1280), 4, 10);
  assert.equal([cuts.released.length, cuts.counted.get("drop-fragment-limit")], [400, 300]);
  assert.is(u16(cuts.released[399], 4), 24);
  assert.is(addressAt(cuts.released[0], 24), H2);
});

test.run();
