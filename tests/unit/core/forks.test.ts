/** Packets of one pair on several contexts, in the core: which record takes them, what becomes of those whose fork is not there. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_NAMES } from "../../../core-as/layout/names.ts";
import * as verdict from "../../../core-as/layout/verdict.ts";
import type { ForkTerm } from "../../../runtime/fast/contract.ts";
import { FORK_BLOCKS, FORK_RANGES_MAX, FORK_TERMS_MAX, forksOf } from "../../../runtime/fast/forks.ts";
import { FORK_RULES_MAX, FORK_RANGES_MAX as POLICY_RANGES } from "../../../runtime/policy/forks.ts";
import { address } from "../../../runtime/value/address.ts";
import { concat, putU16 } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, PREFIXES, putPacket, type Rig, rig, runOne, sampleRecord } from "../../lib/core.ts";
import { largeHeader, packetsOf, tcpPacket, udpPacket } from "../../lib/large.ts";
import { extension, packetOf, payloadHeader } from "../../lib/packet.ts";

const module = coreModule();
const known = sampleRecord(1);
const BASE = 1;
const VOICE = 2;
const FORK = 0xfeed_beef;
const voice = { ...known, fork: FORK, localTag: contextTag(0x77), peerTag: contextTag(0x88) };
const term = (change: Partial<ForkTerm> = {}): ForkTerm => ({
  fork: FORK,
  protocols: undefined,
  ports: undefined,
  classes: undefined,
  ...change,
});
const SIP = term({ protocols: [17], ports: [{ first: 5060, last: 5061 }] });

async function world(terms: readonly ForkTerm[] = [SIP], places: readonly number[] = [0]): Promise<Rig> {
  const made = await rig({ slotOctets: 66_000, batch: 4, spillOctets: 1 << 18, puntOctets: 1 << 18 }, {}, module);
  const block = made.core.setForkTerms(terms);
  made.core.add(BASE, { ...known, forks: forksOf(block, places) }, 0);
  return made;
}

function ported(port: number, next = 17): Uint8Array {
  const rest = new Uint8Array(24);
  putU16(rest, 2, port);
  return packetOf(known.localUlid, known.peerUlid, next, rest);
}

/** Which record counted the packet, or what became of it. */
function fate(at: Rig, packet: Uint8Array): number | string {
  const counts = () =>
    [BASE, VOICE].map((id) =>
      at.core.findPair(known.localUlid, known.peerUlid, id === BASE ? 0 : FORK) === id ? at.core.counters(id).packetsOut : 0,
    );
  const before = counts();
  const got = runOne(at, packet).verdict;
  if (got !== verdict.FORWARD_OUT) return COUNTER_NAMES.get(got) ?? "";
  return counts()[0] > before[0] ? BASE : VOICE;
}

test("a packet that a term takes goes on its fork, with the fork's tag; others on the default context", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  const { out } = runOne(at, ported(5060));
  assert.equal(out?.subarray(40, 48), payloadHeader(17, voice.peerTag));
  assert.is(at.core.counters(VOICE).packetsOut, 1);
  assert.is(at.core.counters(VOICE).lastSent !== undefined, true);
  assert.equal(
    [5059, 5060, 5061, 5062].map((port) => fate(at, ported(port))),
    [BASE, VOICE, VOICE, BASE],
  );
  assert.is(fate(at, ported(5060, 6)), BASE);
});

test("inbound the tag finds the fork", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  const into = packetOf(known.peerLocator, known.localLocator, 140, concat(payloadHeader(17, voice.localTag), new Uint8Array(8)));
  assert.is(runOne(at, into).verdict, verdict.FORWARD_IN);
  assert.is(at.core.counters(VOICE).packetsIn, 1);
});

test("a fork that is not there: the packet is punted with its default context, as large frames are, in pieces", async () => {
  const at = await world([term()]);
  const punted: [number, number, number][] = [];
  const drain = () => at.core.drainPunts(100, (packet, reason, context) => punted.push([packet.length, reason, context]));
  assert.is(fate(at, ported(5060)), "punt-fork");
  drain();
  assert.equal(punted.splice(0), [[64, verdict.PUNT_FORK, BASE]]);
  const segment = { source: known.localUlid, destination: known.peerUlid, sequence: 1, payload: new Uint8Array(5_000) };
  const virtio = largeHeader(1_000);
  const frame = tcpPacket(segment, true);
  assert.is(runOne(at, frame, 0, virtio).verdict, verdict.PUNT_FORK);
  drain();
  assert.equal(
    punted,
    packetsOf(virtio, frame).map(({ length }) => [length, verdict.PUNT_FORK, BASE]),
  );
});

test("a large frame has one flow: it goes on the fork as a whole", async () => {
  const at = await world([term({ protocols: [17], ports: [{ first: 0x1451, last: 0x1451 }] })]);
  at.core.add(VOICE, voice, 0);
  const frame = udpPacket(known.localUlid, known.peerUlid, new Uint8Array(3_600), true);
  at.lane.lengths.fill(0);
  const { verdict: got } = runOne(at, frame, 0, largeHeader(1_200, "udp"));
  assert.is(got, verdict.FORWARD_OUT);
  assert.is(at.core.counters(VOICE).packetsOut, 3);
  assert.is(at.core.counters(BASE).packetsOut, 0);
});

test("a default context that explores does not hold its forks, nor a fork its default context", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  at.core.hold(BASE, true);
  assert.equal(
    [ported(80), ported(5060)].map((packet) => fate(at, packet)),
    ["punt-hold", VOICE],
  );
  at.core.hold(BASE, false);
  at.core.hold(VOICE, true);
  assert.equal(
    [ported(80), ported(5060)].map((packet) => fate(at, packet)),
    [BASE, "punt-hold"],
  );
  const contexts: number[] = [];
  at.core.drainPunts(10, (_, reason, context) => contexts.push(reason, context));
  assert.equal(contexts, [verdict.PUNT_HOLD, BASE, verdict.PUNT_HOLD, VOICE]);
});

test("a fork's own path MTU holds for its packets", async () => {
  const at = await rig({}, { mtu: 1500 }, module);
  const block = at.core.setForkTerms([SIP]);
  at.core.add(BASE, { ...known, forks: forksOf(block, [0]) }, 0);
  at.core.add(VOICE, { ...voice, mtu: 1300 }, 0);
  const long = (port: number) => concat(ported(port), new Uint8Array(1_300));
  const packets = [long(80), long(5060)].map((packet) => {
    putU16(packet, 4, packet.length - 40);
    return packet;
  });
  assert.equal(
    packets.map((packet) => fate(at, packet)),
    [BASE, "punt-big"],
  );
  at.core.drainPunts(10, (_, reason, context) => assert.equal([reason, context], [verdict.PUNT_BIG, VOICE]));
});

test("the first of the pair's terms that matches decides; terms of other pairs do not", async () => {
  const [first, second] = [term({ fork: 5, ports: [{ first: 80, last: 80 }] }), term({ ports: [{ first: 0, last: 65_535 }] })];
  const at = await world([first, second], [0, 1]);
  at.core.add(VOICE, voice, 0);
  assert.equal(
    [ported(80), ported(81)].map((packet) => fate(at, packet)),
    ["punt-fork", VOICE],
  );
  const block = at.core.setForkTerms([first, second]);
  at.core.update(BASE, { forks: forksOf(block, [1]) }, 0);
  assert.is(fate(at, ported(80)), VOICE);
  at.core.update(BASE, { forks: forksOf(block, []) }, 0);
  assert.is(fate(at, ported(80)), BASE);
});

test("contexts that name an older block go by it, until as many newer ones were written as there are blocks", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  for (let newer = 0; newer < FORK_BLOCKS - 1; newer++) {
    at.core.setForkTerms([term({ ports: [{ first: 1, last: 1 }] })]);
    assert.equal(
      [ported(5060), ported(1)].map((packet) => fate(at, packet)),
      [VOICE, BASE],
    );
  }
});

test("packets of one batch go each their own way, those of pairs without forks too", async () => {
  const at = await world([SIP, term({ fork: 7, ports: [{ first: 443, last: 443 }] })], [0, 1]);
  at.core.add(VOICE, voice, 0);
  const other = sampleRecord(5);
  at.core.add(5, other, 0);
  const packets = [ported(5060), ported(443), packetOf(other.localUlid, other.peerUlid, 17, ported(5060).subarray(40)), ported(80)];
  for (let round = 1; round < 4; round++) {
    packets.forEach((packet, slot) => {
      putPacket(at, slot, packet);
    });
    at.lane.run(packets.length, 0);
    assert.equal([...at.lane.verdicts].slice(0, 4), [verdict.FORWARD_OUT, verdict.PUNT_FORK, verdict.FORWARD_OUT, verdict.FORWARD_OUT]);
    assert.equal(
      [BASE, VOICE, 5].map((id) => at.core.counters(id).packetsOut),
      [round, round, round],
    );
  }
});

test("without terms, contexts that were not told yet go by theirs", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  at.core.setForkTerms([]);
  assert.equal(
    [ported(5060), ported(80)].map((packet) => fate(at, packet)),
    [VOICE, BASE],
  );
  at.core.remove(VOICE);
  assert.is(fate(at, ported(5060)), "punt-fork");
});

test("a fork whose default context has gone is not chosen", async () => {
  const at = await world();
  at.core.add(VOICE, voice, 0);
  at.core.remove(BASE);
  assert.is(fate(at, ported(5060)), "punt-no-context");
});

test("a context that goes takes its terms along: the next with its id has none", async () => {
  const at = await world();
  at.core.remove(BASE);
  at.core.add(BASE, known, 0);
  assert.is(fate(at, ported(5060)), BASE);
  at.core.update(BASE, { peerTag: known.peerTag }, 0);
  assert.is(fate(at, ported(5060)), BASE);
});

test("a fork has no forks of its own", async () => {
  const at = await world();
  const block = at.core.setForkTerms([term({ fork: 9 })]);
  at.core.add(VOICE, { ...voice, forks: forksOf(block, [0]) }, 0);
  assert.is(fate(at, ported(5060)), VOICE);
});

test("between ULIDs that are locators: the default context's packets go as they are, a fork's with a header", async () => {
  const at = await rig({}, {}, module);
  const [host, peer] = [address("2001:db8:a1:1::10"), address("2001:db8:b3:1::20")];
  at.core.setPrefixes({ ...PREFIXES, routable: [prefix("2001:db8:a1:1::/64")] });
  const block = at.core.setForkTerms([SIP]);
  const ends = { localUlid: host, peerUlid: peer, localLocator: host, peerLocator: peer };
  at.core.add(BASE, { ...known, ...ends, forks: forksOf(block, [0]) }, 0);
  at.core.add(VOICE, { ...voice, ...ends }, 0);
  const packetTo = (port: number) => {
    const rest = new Uint8Array(24);
    putU16(rest, 2, port);
    return packetOf(host, peer, 17, rest);
  };
  assert.equal(runOne(at, packetTo(80)).out, packetTo(80));
  assert.equal(runOne(at, packetTo(5060)).out?.subarray(40, 48), payloadHeader(17, voice.peerTag));
});

test("what shows no port goes by the terms that want none: fragments, cut headers, protocols without ports", async () => {
  const at = await world([SIP, term({ fork: 7, protocols: [17, 50] })], [0, 1]);
  at.core.add(VOICE, voice, 0);
  at.core.add(3, { ...known, fork: 7, localTag: contextTag(0x79) }, 0);
  const datagram = ported(5060).subarray(40);
  const fragment = (offset: number) =>
    packetOf(known.localUlid, known.peerUlid, 44, concat(Uint8Array.of(17, 0, offset >> 8, offset & 0xff, 0, 0, 0, 1), datagram));
  const onThird = (packet: Uint8Array) => {
    const before = at.core.counters(3).packetsOut;
    return fate(at, packet) === VOICE && at.core.counters(3).packetsOut === before + 1;
  };
  for (const packet of [
    fragment(0),
    fragment(1),
    fragment(8),
    packetOf(known.localUlid, known.peerUlid, 17, datagram.subarray(0, 3)),
    ported(5060, 50),
  ])
    assert.ok(onThird(packet));
  const behind = packetOf(known.localUlid, known.peerUlid, 0, concat(extension(60), extension(17), datagram));
  assert.not(onThird(behind), "options do not hide the ports");
});

test("what does not fit is refused, with what the policy allows as the measure", async () => {
  const { core } = await rig({}, {}, module);
  assert.equal([FORK_RULES_MAX, POLICY_RANGES], [FORK_TERMS_MAX, FORK_RANGES_MAX]);
  const many = Array.from({ length: FORK_TERMS_MAX + 1 }, (_, i) => term({ fork: i + 1 }));
  core.setForkTerms(many.slice(1));
  assert.throws(() => core.setForkTerms(many), /terms: 61/);
  const ports = Array.from({ length: FORK_RANGES_MAX + 1 }, (_, i) => ({ first: 2 * i, last: 2 * i }));
  core.setForkTerms([term({ ports: ports.slice(1) })]);
  assert.throws(() => core.setForkTerms([term({ ports })]), /ranges of ports: 1025/);
  for (const wrong of [{ fork: 0 }, { protocols: [256] }, { classes: [64] }, { ports: [{ first: 1, last: 65_536 }] }, { ports: [] }])
    assert.throws(() => core.setForkTerms([term(wrong)]), RangeError);
});

test.run();
