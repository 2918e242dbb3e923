/** Packets between ULIDs that the internet routes: as they are without a context, and with one whose locators are its ULIDs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as verdict from "../../../core-as/layout/verdict.ts";
import type { ContextRecord, CoreOptions, PairRule, PairRules } from "../../../runtime/fast/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { concat, hex, putU16, u16 } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { coreModule, numbered, PREFIXES, type Rig, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { largeHeader, packetsOf, tcpPacket, udpPacket } from "../../lib/large.ts";
import { extension, packetOf, payloadHeader } from "../../lib/packet.ts";
import { isRight, segmentOf, TCP_SYN } from "../../lib/tcp.ts";

const module = coreModule();
const HOST = address("2001:db8:a1:1::10");
const OTHER_HOST = address("2001:db8:a1:1::11");
const PEER = address("2001:db8:b3:1::20");
const NEVER: PairRule = { packets: 0, octets: 0, millis: 0 };
const body = Uint8Array.from({ length: 60 }, (_, i) => i);

async function world(rules: Partial<PairRules> = {}, options: Partial<CoreOptions> = {}, plainPairs = 64): Promise<Rig> {
  const made = await rig({ plainPairs, slotOctets: 16_384, spillOctets: 65_536 }, options, module);
  made.core.setPrefixes({ ...PREFIXES, routable: [prefix("2001:db8:a1:1::/64"), prefix("2001:db8:a1:4::/62")] });
  made.core.setPairRules({ others: NEVER, ports: [], ...rules });
  return made;
}

/** A packet of `octets` octets in all between ports, towards the peer or from it. */
function ported(octets: number, ports: readonly [number, number], protocol = 17, inbound = false): Uint8Array {
  const rest = new Uint8Array(octets - 40);
  putU16(rest, 0, ports[0]);
  putU16(rest, 2, ports[1]);
  return inbound ? packetOf(PEER, HOST, protocol, rest) : packetOf(HOST, PEER, protocol, rest);
}

interface Told {
  readonly packet: string;
  readonly reason: number;
}

function told(at: Rig): Told[] {
  const all: Told[] = [];
  at.core.drainPunts(100, (packet, reason) => all.push({ packet: hex(packet), reason }));
  return all;
}

const bare: ContextRecord = sampleRecord(1, { localUlid: HOST, peerUlid: PEER, localLocator: HOST, peerLocator: PEER });

const fates: readonly (readonly [string, number, Uint8Array])[] = [
  ["a host's packet to the internet", verdict.FORWARD_PLAIN_OUT, packetOf(HOST, PEER, 17, body)],
  ["from the second prefix", verdict.FORWARD_PLAIN_OUT, packetOf(address("2001:db8:a1:7::1"), PEER, 17, body)],
  ["beside it", verdict.DROP_SOURCE_IP6, packetOf(address("2001:db8:a1:8::1"), PEER, 17, body)],
  ["with extension headers", verdict.FORWARD_PLAIN_OUT, packetOf(HOST, PEER, 0, concat(extension(60), extension(17), body))],
  ["a fragment", verdict.FORWARD_PLAIN_OUT, packetOf(HOST, PEER, 44, body)],
  ["segments left, out", verdict.DROP_SEGMENTS_ROUTING, packetOf(HOST, PEER, 43, concat(extension(17, 0, 1), body))],
  ["to an unroutable ULID", verdict.PUNT_NO_CONTEXT, packetOf(HOST, sampleRecord(9).peerUlid, 17, body)],
  ["to an unroutable ULID of the site", verdict.DROP_DESTINATION_IP6, packetOf(HOST, sampleRecord(9).localUlid, 17, body)],
  ["to a neighbour", verdict.DROP_DESTINATION_IP6, packetOf(HOST, address("fe80::1"), 17, body)],
  ["from an unroutable ULID", verdict.PUNT_NO_CONTEXT, packetOf(sampleRecord(9).localUlid, PEER, 17, body)],
  ["for a host", verdict.FORWARD_PLAIN_IN, packetOf(PEER, HOST, 17, body)],
  ["for a host, with extension headers", verdict.FORWARD_PLAIN_IN, packetOf(PEER, HOST, 60, concat(extension(17), body))],
  ["a fragment for a host", verdict.FORWARD_PLAIN_IN, packetOf(PEER, HOST, 44, body)],
  ["an echo request for a host", verdict.FORWARD_PLAIN_IN, packetOf(PEER, HOST, 58, concat(Uint8Array.of(128, 0), body))],
  ["an error for a host", verdict.PUNT_ICMP6, packetOf(PEER, HOST, 58, concat(Uint8Array.of(1, 0), body))],
  [
    "a control message",
    verdict.PUNT_CONTROL,
    packetOf(PEER, HOST, 140, Uint8Array.from([59, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
  ],
  ["an unknown tag", verdict.PUNT_NO_TAG, packetOf(PEER, HOST, 140, concat(payloadHeader(17, sampleRecord(5).localTag), body))],
  ["to a locator", verdict.DROP_PROTOCOL_IP6, packetOf(PEER, address("2001:db8:a1::10"), 17, body)],
  ["for a host, from a ULID", verdict.DROP_MARTIAN_IP6, packetOf(sampleRecord(1).peerUlid, HOST, 17, body)],
  ["for a host, from nobody", verdict.DROP_MARTIAN_IP6, packetOf(address("::"), HOST, 17, body)],
];

for (const [name, fate, packet] of fates) {
  test(name, async () => {
    const at = await world();
    const { verdict: found, out } = runOne(at, packet, 5);
    assert.is(found, fate);
    if (found < verdict.PUNT_FIRST) assert.equal(out, packet);
  });
}

test("without routable prefixes nothing passes", async () => {
  const at = await rig({}, {}, module);
  assert.is(runOne(at, packetOf(HOST, PEER, 17, body)).verdict, verdict.DROP_SOURCE_IP6);
  assert.is(runOne(at, packetOf(PEER, HOST, 17, body)).verdict, verdict.DROP_PROTOCOL_IP6);
});

type Step = readonly [at: number, packet: Uint8Array];
const range = (first: number, last = first) => ({ first, last });
const every = (gap: number, count: number, packet: Uint8Array, from = 1000): Step[] =>
  Array.from({ length: count }, (_, i) => [from + i * gap, packet]);
const WEB = [40_000, 443] as const;
const DNS = [40_000, 53] as const;
const rulesOfPorts: Partial<PairRules> = {
  others: { packets: 5, octets: 0, millis: 0 },
  ports: [
    { ports: [range(443)], packets: 1, octets: 0, millis: 0 },
    {
      ports: [range(53), range(123)],
      ...NEVER,
    },
    {
      ports: [range(5000, 6000), range(443)],
      packets: 3,
      octets: 0,
      millis: 0,
    },
  ],
};

/** Rules, what passes when, and the places of those packets at which the control thread is told. */
const heuristics: readonly (readonly [string, Partial<PairRules>, readonly Step[], readonly number[]])[] = [
  ["packets", { others: { ...NEVER, packets: 3 } }, every(1, 6, ported(100, WEB)), [2]],
  [
    "packets of both directions",
    { others: { ...NEVER, packets: 2 } },
    [
      [1, ported(100, WEB)],
      [2, ported(100, WEB, 17, true)],
    ],
    [1],
  ],
  ["octets", { others: { ...NEVER, octets: 250 } }, every(1, 4, ported(100, WEB)), [2]],
  ["time, while packets go on", { others: { ...NEVER, millis: 2000 } }, every(700, 4, ported(100, WEB)), [3]],
  ["time alone is not enough", { others: { ...NEVER, millis: 2000 } }, every(1, 1, ported(100, WEB)), []],
  ["whichever comes first", { others: { packets: 50, octets: 0, millis: 30 } }, every(20, 3, ported(100, WEB)), [2]],
  ["none of them: never", { others: NEVER }, every(1000, 30, ported(100, WEB)), []],
  ["ports: at once", rulesOfPorts, every(1, 2, ported(100, WEB)), [0]],
  ["ports: by the other end", rulesOfPorts, every(1, 2, ported(100, [443, 40_000], 6)), [0]],
  ["ports: never", rulesOfPorts, every(1, 30, ported(100, DNS)), []],
  ["ports: the lower class of two decides", rulesOfPorts, every(1, 3, ported(100, [5500, 53])), []],
  ["ports: the ends of a range", rulesOfPorts, [...every(1, 2, ported(100, [1, 5000])), ...every(1, 1, ported(100, [6000, 1]))], [2]],
  ["ports: beside a range", rulesOfPorts, every(1, 4, ported(100, [1, 6001])), []],
  ["what never counts does not help others", rulesOfPorts, [...every(1, 9, ported(100, DNS)), ...every(1, 4, ported(100, [1, 2]))], []],
  ["all other flows of a pair count together", rulesOfPorts, [1, 2, 3, 4, 5].map((port): Step => [1, ported(100, [port, 80])]), [4]],
  ["no ports: the rule for others", rulesOfPorts, every(1, 5, ported(100, WEB, 58 + 75)), [4]],
  ["SCTP has ports", rulesOfPorts, every(1, 1, ported(100, WEB, 132)), [0]],
  [
    "after a long silence it begins anew",
    { others: { ...NEVER, packets: 3 } },
    [...every(1, 2, ported(100, WEB)), ...every(1, 3, ported(100, WEB), 62_000)],
    [4],
  ],
  ["told again after ten seconds, not before", { others: { ...NEVER, packets: 1 } }, every(2500, 6, ported(100, WEB)), [0, 4]],
];

for (const [name, rules, steps, due] of heuristics) {
  test(`heuristics: ${name}`, async () => {
    const at = await world(rules);
    const found = steps.flatMap(([now, packet], place) => {
      const { out } = runOne(at, packet, now);
      assert.equal(out, packet, "whatever is told, the packet passes");
      return told(at).map((each) => {
        assert.equal(each, { packet: hex(packet.subarray(0, 40)), reason: verdict.COUNT_DUE_PAIR });
        return place;
      });
    });
    assert.equal(found, due);
    assert.is(at.core.totals().get("punt-due-pair"), due.length);
  });
}

test("heuristics over the clock's turn, where a stamp becomes 0", async () => {
  const at = await world({ others: { packets: 0, octets: 0, millis: 40 } });
  const found = [-30, -1, 0, 20].flatMap((past) => {
    runOne(at, ported(100, WEB), 2 ** 32 + past);
    return told(at).map(() => past);
  });
  assert.equal(found, [20]);
});

test("new rules count from the next packet on; too many are refused", async () => {
  const at = await world({ others: { ...NEVER, packets: 9 } });
  runOne(at, ported(100, WEB));
  at.core.setPairRules({ others: { ...NEVER, packets: 2 }, ports: [] });
  runOne(at, ported(100, WEB));
  assert.is(told(at).length, 1);
  const port = { ports: [range(1, 2)], ...NEVER };
  assert.throws(() => at.core.setPairRules({ others: NEVER, ports: Array.from({ length: 16 }, () => port) }), /more than 15/);
});

test("many pairs in a small table: who sends most is not pushed out by who sends once", async () => {
  const at = await world({ others: { ...NEVER, packets: 40 } }, {}, 8);
  let due = 0;
  for (let n = 0; n < 4000; n++) {
    const stranger = packetOf(HOST, numbered([0x20, 0x01, 0x0d, 0xb8, 0, 0xb4], n), 17, body);
    assert.is(runOne(at, stranger, 1000 + n).verdict, verdict.FORWARD_PLAIN_OUT);
    if (n % 20 === 0) for (let i = 0; i < 4; i++) runOne(at, ported(100, WEB), 1000 + n);
    due += told(at).length;
  }
  assert.ok(due > 0);
});

test("a large frame counts as the packets that it stands for", async () => {
  const at = await world({ others: { ...NEVER, packets: 4 } });
  const frame = tcpPacket({ source: HOST, destination: PEER, sequence: 1, payload: new Uint8Array(3001) }, true);
  runOne(at, frame, 1, largeHeader(1000));
  assert.is(told(at).length, 1);
});

test("an established pair whose locators are its ULIDs: no header, but counted and timed; elsewhere with a header, and back", async () => {
  const at = await world({ others: { ...NEVER, packets: 1 } });
  at.core.add(1, bare, 1000);
  const out = packetOf(HOST, PEER, 17, body);
  const into = packetOf(PEER, HOST, 17, body);
  assert.equal(runOne(at, out, 1100), { verdict: verdict.FORWARD_PLAIN_OUT, out });
  assert.equal(runOne(at, into, 1200), { verdict: verdict.FORWARD_PLAIN_IN, out: into });
  at.core.advance(1250, 10, () => undefined);
  assert.equal(at.core.counters(1), { packetsOut: 1, octetsOut: 100, packetsIn: 1, octetsIn: 100, lastSent: 1100, lastReceived: 1200 });
  assert.is(told(at).length, 0, "there is a context");
  const away = address("2001:db8:a2:1::10");
  at.core.update(1, { localLocator: away }, 1300);
  const moved = runOne(at, out, 1400);
  assert.is(moved.verdict, verdict.FORWARD_OUT);
  assert.equal(moved.out?.subarray(40), concat(payloadHeader(17, bare.peerTag), body));
  assert.is(runOne(at, into, 1500).verdict, verdict.FORWARD_PLAIN_IN, "the peer may still be where it was");
  at.core.advance(1550, 10, () => undefined);
  assert.is(at.core.counters(1).lastReceived, 1500);
  assert.equal(runOne(at, packetOf(PEER, away, 140, concat(payloadHeader(17, bare.localTag), body)), 1600).out, into);
  at.core.update(1, { localLocator: HOST }, 1700);
  assert.equal(runOne(at, out, 1800).out, out);
  at.core.remove(1);
  assert.is(runOne(at, out, 1900).verdict, verdict.FORWARD_PLAIN_OUT);
  assert.is(told(at).length, 1);
});

test("one equal locator is not enough", async () => {
  const at = await world();
  at.core.add(1, { ...bare, peerLocator: address("2001:db8:b4:1::20") }, 0);
  assert.is(runOne(at, packetOf(HOST, PEER, 17, body)).verdict, verdict.FORWARD_OUT);
  at.core.add(2, { ...sampleRecord(2), ...{ localUlid: OTHER_HOST, peerUlid: PEER, localLocator: HOST, peerLocator: PEER } }, 0);
  assert.is(runOne(at, packetOf(OTHER_HOST, PEER, 17, body)).verdict, verdict.FORWARD_OUT);
});

test("timers of REAP run on packets without a header", async () => {
  const at = await world();
  const due: [number, number][] = [];
  const look = (now: number) => at.core.advance(now, 10, (id, kind) => due.push([id, kind]));
  at.core.add(1, bare, 1000);
  runOne(at, packetOf(HOST, PEER, 17, body), 2000);
  look(16_999);
  assert.equal(due, []);
  look(17_000);
  assert.equal(due, [[1, 1]], "Send Timeout");
  at.core.watch(1, true);
  runOne(at, packetOf(PEER, HOST, 17, body), 18_000);
  look(18_000);
  assert.equal(due.slice(1), [[1, 4]], "what was waited for has come");
});

test("while it explores, hosts' packets wait", async () => {
  const at = await world();
  at.core.add(1, bare, 0);
  at.core.hold(1, true);
  assert.is(runOne(at, packetOf(HOST, PEER, 17, body)).verdict, verdict.PUNT_HOLD);
});

test("what would not fit with a header is refused from the start; segments that SYNs name leave room for it", async () => {
  const at = await world({}, { mtu: 1500 });
  const sized = (octets: number, from: Address = HOST, to: Address = PEER) => packetOf(from, to, 17, new Uint8Array(octets - 40));
  assert.is(runOne(at, sized(1492)).verdict, verdict.FORWARD_PLAIN_OUT);
  assert.is(runOne(at, sized(1493)).verdict, verdict.PUNT_BIG);
  assert.is(runOne(at, sized(1500, PEER, HOST)).verdict, verdict.FORWARD_PLAIN_IN);
  for (const known of [false, true]) {
    if (known) at.core.add(1, { ...bare, mtu: 1400 }, 0);
    for (const [from, to] of [
      [HOST, PEER],
      [PEER, HOST],
    ]) {
      const { out = new Uint8Array() } = runOne(at, packetOf(from, to, 6, segmentOf(from, to, TCP_SYN, Uint8Array.of(2, 4, 5, 180))));
      assert.is(u16(out, 62), known ? 1332 : 1432);
      assert.ok(isRight(from, to, out.subarray(40)));
    }
    if (known) assert.is(runOne(at, sized(1393)).verdict, verdict.PUNT_BIG);
  }
});

for (const kind of ["tcp", "udp"] as const) {
  for (const [name, record] of [
    ["no context", undefined],
    ["a context", bare],
    ["a context with a narrow path", { ...bare, mtu: 1300 }],
  ] as const) {
    test(`large frames of ${kind} stay large, with ${name}`, async () => {
      const at = await world({}, { mtu: 1500 });
      if (record !== undefined) at.core.add(1, record, 0);
      const narrow = record !== undefined && "mtu" in record;
      const payload = Uint8Array.from({ length: 5000 }, (_, i) => i);
      const frame =
        kind === "tcp" ? tcpPacket({ source: HOST, destination: PEER, sequence: 9, payload }, true) : udpPacket(HOST, PEER, payload, true);
      const virtio = largeHeader(1400, kind);
      const { verdict: found, out } = runOne(at, frame, 1, virtio);
      if (narrow && kind === "udp") {
        assert.is(found, verdict.PUNT_BIG);
        return;
      }
      assert.is(found, verdict.FORWARD_PLAIN_OUT);
      const header = at.memory.slice(at.lane.outputOffsets[0], at.lane.outputOffsets[0] + 10);
      assert.equal(out, frame);
      assert.equal(packetsOf(header, frame).length, narrow ? Math.ceil(5000 / 1232) : 4);
      for (const each of packetsOf(header, frame)) assert.ok(each.length <= (narrow ? 1292 : 1492));
      if (record !== undefined) assert.is(at.core.counters(1).packetsOut, 4);
      const back =
        kind === "tcp" ? tcpPacket({ source: PEER, destination: HOST, sequence: 9, payload }, true) : udpPacket(PEER, HOST, payload, true);
      assert.equal(runOne(at, back, 2, virtio), { verdict: verdict.FORWARD_PLAIN_IN, out: back });
      assert.equal(at.memory.slice(at.lane.outputOffsets[0], at.lane.outputOffsets[0] + 10), virtio);
      if (record !== undefined) assert.is(at.core.counters(1).packetsIn, 4);
    });
  }
}

test("at most eight routable prefixes", async () => {
  const at = await world();
  assert.throws(
    () => at.core.setPrefixes({ ...PREFIXES, routable: Array.from({ length: 9 }, () => prefix("2001:db8:a1:1::/64")) }),
    /more than 8/,
  );
});

test.run();
