// Messages that lie: with the right tag from wrong places, with a wrong tag from right places, quoting what was never sent. Two whole boxes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Address, addressAt, addressOctets, type Locator } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { type ContextTag, contextTag } from "../../../runtime/value/tag.ts";
import { emitIcmpError, emitPacket, type Message, type Option, type Probe, type ProbeReport } from "../../../runtime/wire/index.ts";
import { ALPHA, BETA, BoxNet, connected, messagesOf, type SiteBox, strangerAt, twoBoxes } from "../../lib/boxpair.ts";
import { packetOf, payloadHeader } from "../../lib/packet.ts";

interface Pair {
  readonly net: BoxNet;
  readonly a: SiteBox;
  readonly b: SiteBox;
}

function contextOf(box: SiteBox) {
  const [context] = [...box.box.parts.shim6.contexts()];
  return context;
}

/** Everything about the context that an attacker would like to change. */
function pose(box: SiteBox): unknown {
  const { state, localTag, peerTag, localLocators, peerLocators, peerCapabilities, peerKeepaliveSeconds } = contextOf(box);
  const current = box.box.parts.reap.currentOf(contextOf(box).id);
  return { state, localTag, peerTag, localLocators, peerLocators, peerCapabilities, peerKeepaliveSeconds, current };
}

/** Payload goes both ways, on the pairs it is supposed to. */
function works({ net, a, b }: Pair, why: string): void {
  const [inA, inB] = [a.delivered.length, b.delivered.length];
  net.host(a, b.ulid);
  net.host(b, a.ulid);
  net.run(net.now + 50);
  assert.is(a.delivered.length, inA + 1, `${why}: B → A`);
  assert.is(b.delivered.length, inB + 1, `${why}: A → B`);
}

const REPORT = (source: Address, destination: Address): ProbeReport => ({ source, destination, nonce: 0xbad, data: 0 });

/** What an attacker sends who would like to look like the peer of `victim`. */
function lies(receiverTag: ContextTag, source: Locator, destination: Locator, evil: Locator): [string, Message][] {
  const list: Option = { kind: "locator-list", generation: 999, locators: [{ address: evil, method: 2 }] };
  const signature: Option = { kind: "cga-signature", signature: new Uint8Array(128).fill(3) };
  const probe = (state: Probe["state"], received: ProbeReport[] = []): Probe => ({
    kind: "Probe",
    receiverTag,
    state,
    sent: [REPORT(source, destination)],
    received,
    options: [],
  });
  return [
    ["Update Request with a list", { kind: "UpdateRequest", receiverTag, requestNonce: 1, options: [list, signature] }],
    [
      "Update Request with a Keepalive Timeout",
      { kind: "UpdateRequest", receiverTag, requestNonce: 2, options: [{ kind: "keepalive-timeout", seconds: 1 }] },
    ],
    ["Update Acknowledgement", { kind: "UpdateAck", receiverTag, requestNonce: 3, options: [] }],
    ["Keepalive", { kind: "Keepalive", receiverTag, options: [] }],
    ["Probe, Exploring", probe("Exploring")],
    ["Probe, InboundOk with a report", probe("InboundOk", [REPORT(destination, evil)])],
    ["Probe, Operational with a report", probe("Operational", [REPORT(destination, evil)])],
  ];
}

test("wrong tag, right locators: R1bis at most, and the context is not touched", async () => {
  const world = await connected();
  const { net, a, b } = world;
  const before = pose(a);
  for (const [name, message] of lies(contextTag(0x666), b.locators[0], a.locators[0], strangerAt(1))) {
    const from = a.sent.length;
    net.forge(b.locators[0], a.locators[0], message);
    // The answer goes to B, who never used that tag.
    net.run(net.now + 50);
    const answers = messagesOf(a.sent.slice(from)).map(({ message: each }) => each.kind);
    assert.equal(
      answers.filter((kind) => kind !== "Keepalive"),
      ["R1bis"],
      name,
    );
    assert.equal(pose(a), before, name);
    works(world, name);
  }
});

test("right tag, wrong source: R1bis to the liar, and the context is not touched", async () => {
  const world = await connected();
  const { net, a } = world;
  const evil = strangerAt(2);
  const before = pose(a);
  for (const [name, message] of lies(contextOf(a).localTag, evil, a.locators[0], evil)) {
    const from = a.sent.length;
    net.forge(evil, a.locators[0], message);
    net.run(net.now + 50);
    const answers = messagesOf(a.sent.slice(from)).filter(({ message: each }) => each.kind !== "Keepalive");
    assert.equal(
      answers.map(({ destination, message: each }) => [destination, each.kind]),
      [[evil, "R1bis"]],
      name,
    );
    assert.equal(pose(a), before, name);
    works(world, name);
  }
});

test("right tag and right locators (somebody on the path): no locator that is not signed, no pair that was not confirmed", async () => {
  const world = await connected();
  const { net, a, b } = world;
  const evil = strangerAt(3);
  for (const [name, message] of lies(contextOf(a).localTag, b.locators[0], a.locators[0], evil)) {
    net.forge(b.locators[0], a.locators[0], message);
    net.run(net.now + 300);
    const { peerLocators } = contextOf(a);
    assert.equal(
      peerLocators.map(({ address }) => address),
      b.locators,
      name,
    );
    assert.ok(b.locators.includes(a.box.parts.reap.currentOf(contextOf(a).id)?.peer ?? evil), name);
    works(world, name);
  }
  assert.is(a.sent.filter((packet) => addressAt(packet, 24) === evil).length, 0);
});

test("an R1bis that nobody asked for needs the peer's tag and its locators", async () => {
  const world = await connected();
  const { net, a, b } = world;
  const before = pose(a);
  const options: Option[] = [{ kind: "responder-validator", validator: new Uint8Array(20) }];
  const tag = contextOf(a).peerTag ?? contextTag(0);
  net.forge(b.locators[0], a.locators[0], { kind: "R1bis", packetTag: contextTag(0x55), responderNonce: 1, options });
  net.forge(strangerAt(4), a.locators[0], { kind: "R1bis", packetTag: tag, responderNonce: 1, options });
  net.run(net.now + 50);
  assert.is(a.count("drop-no-context-r1bis"), 2);
  assert.equal(pose(a), before);
  works(world, "after forged R1bis");
});

test("a forged R1bis with the right tag and locators: payload never stops, and the boxes are together again", async () => {
  const world = await connected();
  const { net, a, b } = world;
  const tag = contextOf(a).peerTag ?? contextTag(0);
  const options: Option[] = [{ kind: "responder-validator", validator: new Uint8Array(20) }];
  for (let i = 0; i < 3; i++) {
    net.forge(b.locators[0], a.locators[0], { kind: "R1bis", packetTag: tag, responderNonce: 1, options });
    net.run(net.now + 20);
    works(world, "in I2BIS-SENT");
  }
  for (let i = 0; i < 80; i++) {
    net.run(net.now + 1000);
    works(world, `second ${i}`);
  }
  assert.is(contextOf(a).state, "ESTABLISHED");
});

test("Error messages about what we never sent change nothing", async () => {
  const { net, a, b } = await twoBoxes();
  net.passes = (packet) => messagesOf([packet])[0]?.message.kind !== "R1";
  net.host(a, b.ulid);
  net.run(net.now + 10);
  const context = contextOf(a);
  assert.is(context.state, "I1-SENT");
  const real = a.sent.find((packet) => messagesOf([packet])[0]?.message.kind === "I1") ?? new Uint8Array();
  const quote = (change: (octets: Uint8Array) => void): Uint8Array => {
    const octets = real.slice(0, (real.length >> 3) << 3);
    change(octets);
    return octets;
  };
  const untouched = () => undefined;
  const forged: [string, Locator, Uint8Array][] = [
    ["from where nothing went", strangerAt(5), quote(untouched)],
    ["another tag", b.locators[0], quote((octets) => octets.fill(9, 46, 52))],
    ["another nonce", b.locators[0], quote((octets) => octets.fill(9, 52, 56))],
    ["another source", b.locators[0], quote((octets) => octets.set(addressOctets(a.locators[1]), 8))],
    ["another destination", b.locators[0], quote((octets) => octets.set(addressOctets(strangerAt(5)), 24))],
    ["cut short", b.locators[0], quote(untouched).slice(0, 48)],
    ["noise", b.locators[0], new Uint8Array(64).fill(0x6c)],
  ];
  for (const [name, source, packet] of forged) {
    net.forge(source, a.locators[0], { kind: "Error", code: 0, pointer: 42, packet });
    net.run(net.now + 10);
    assert.is(contextOf(a).state, "I1-SENT", name);
  }
  assert.is(a.count("drop-stray-error"), forged.length);
});

test('ICMPv6 "no Shim6 here" about what we never sent does not stop a set-up', async () => {
  const { net, a, b } = await twoBoxes();
  let block = true;
  net.passes = (packet) => !(block && messagesOf([packet])[0]?.message.kind === "R1");
  net.host(a, b.ulid);
  net.run(net.now + 5);
  const wrong = a.sent[0].slice();
  wrong.fill(7, 46, 52);
  for (const locator of b.locators) net.launch(emitIcmpError(locator, a.locators[0], { type: 4, code: 1, word: 6 }, wrong));
  net.launch(emitIcmpError(strangerAt(6), a.locators[0], { type: 1, code: 0, word: 0 }, a.sent[0]));
  net.run(net.now + 10);
  assert.is(contextOf(a).state, "I1-SENT");
  block = false;
  net.run(net.now + 1000);
  assert.is(contextOf(a).state, "ESTABLISHED");
});

test("ICMPv6 errors never move an established context by themselves", async () => {
  const world = await connected();
  const { net, a, b } = world;
  const payload = a.sent.find((packet) => packet[42] >= 0x80) ?? new Uint8Array();
  for (const [type, code] of [
    [1, 0],
    [1, 1],
    [1, 3],
    [3, 0],
    [4, 1],
  ])
    for (let i = 0; i < 5; i++) net.launch(emitIcmpError(strangerAt(7, i), a.locators[0], { type, code, word: 0 }, payload));
  net.run(net.now + 2000);
  assert.is(contextOf(a).state, "ESTABLISHED");
  assert.equal(a.box.parts.reap.currentOf(contextOf(a).id), { local: a.locators[0], peer: b.locators[0] });
  works(world, "after ICMPv6 errors");
});

test("payload with a guessed tag is not delivered, and what answers it is less than was asked", async () => {
  const { net, a } = await connected();
  const from = a.delivered.length;
  for (let n = 0; n < 500; n++) {
    net.launch(
      packetOf(strangerAt(8, n), a.locators[0], 140, Uint8Array.of(...payloadHeader(17, contextTag(n * 7919 + 1)), ...new Uint8Array(200))),
    );
  }
  net.run(net.now + 50);
  assert.is(a.delivered.length, from);
  const octets = net.strays.reduce((sum, { length }) => sum + length, 0);
  assert.ok(octets > 0 && octets < 500 * 248, `${octets} octets`);
});

test("flooding a third party: a peer that lists a victim's address draws no payload there, and only a few probes", async () => {
  const net = new BoxNet();
  const victim = prefix("2001:db8:f1c::/48");
  const b = await net.add(BETA);
  // Mallory signs a list with the victim's address in it: the signature is right, the address is not hers.
  const m = await net.add({ ...ALPHA, providers: [prefix("2001:db8:e41::/48"), victim] }, [{ ulid: b.ulid, locators: b.locators }]);
  net.disown(victim);
  net.host(m, b.ulid);
  net.run(net.now + 300);
  net.host(b, m.ulid);
  net.run(net.now + 50);
  assert.is(m.delivered.length, 1, "together over her own line");
  // She falls silent, and B has much to send.
  net.passes = (packet) => addressAt(packet, 8) !== m.locators[0];
  const before = b.sent.length;
  for (let i = 0; i < 600; i++) {
    for (let j = 0; j < 10; j++) net.host(b, m.ulid, 1000);
    net.run(net.now + 100);
  }
  const toVictim = b.sent.slice(before).filter((packet) => addressAt(packet, 24) === m.locators[1]);
  const kinds = toVictim.map((packet) => messagesOf([packet])[0]?.message.kind);
  assert.ok(
    kinds.every((kind) => kind === "Probe" || kind === "UpdateRequest"),
    "nothing but probes and questions",
  );
  assert.ok(kinds.filter((kind) => kind === "UpdateRequest").length <= 8, "who is silent is hardly asked");
  const octets = toVictim.reduce((sum, { length }) => sum + length, 0);
  assert.ok(toVictim.length > 0 && toVictim.length < 120, `${toVictim.length} probes in a minute`);
  assert.ok(octets < 60_000, `${octets} octets for 6,000,000`);
});

test("a probe whose reports claim that the victim heard us, without the nonce, moves nothing", async () => {
  const net = new BoxNet();
  const victim = prefix("2001:db8:f1c::/48");
  const b = await net.add(BETA);
  const m = await net.add({ ...ALPHA, providers: [prefix("2001:db8:e41::/48"), victim] }, [{ ulid: b.ulid, locators: b.locators }]);
  net.disown(victim);
  net.host(m, b.ulid);
  net.run(net.now + 300);
  const tag = contextOf(b).localTag;
  for (let nonce = 0; nonce < 200; nonce++) {
    const received = Array.from({ length: 5 }, (_, i) => ({
      source: b.locators[i % 2],
      destination: m.locators[1],
      nonce: nonce * 5 + i,
      data: 0,
    }));
    const sent = [{ source: m.locators[0], destination: b.locators[0], nonce, data: 0 }];
    net.forge(m.locators[0], b.locators[0], {
      kind: "Probe",
      receiverTag: tag,
      state: nonce % 2 === 0 ? "InboundOk" : "Operational",
      sent,
      received,
      options: [],
    });
    net.run(net.now + 10);
    net.host(b, m.ulid);
  }
  net.run(net.now + 500);
  const payload = b.sent.filter((packet) => packet[42] >= 0x80 && addressAt(packet, 24) === m.locators[1]);
  assert.is(payload.length, 0);
});

test("a flood of Probes with the right tag and locators is answered within a budget", async () => {
  const { net, a, b } = await connected();
  const { localTag } = contextOf(a);
  const sent = [REPORT(b.locators[0], a.locators[0])];
  const packet = emitPacket(b.locators[0], a.locators[0], {
    kind: "Probe",
    receiverTag: localTag,
    state: "Exploring",
    sent,
    received: [],
    options: [],
  });
  const before = a.sent.length;
  for (let i = 0; i < 1000; i++) {
    for (let j = 0; j < 5; j++) net.launch(packet);
    net.run(net.now + 1);
  }
  const answers = messagesOf(a.sent.slice(before)).filter(({ message }) => message.kind === "Probe").length;
  assert.ok(answers > 100 && answers < 700, `${answers} answers to 5,000 probes in a second`);
  assert.ok(a.count("drop-limit-probe") > 4000);
});

test("forged Keepalives with the right tag cannot hide for ever that the path is dead: nothing of ours is confirmed by them", async () => {
  const { net, a, b } = await connected();
  net.forge(b.locators[0], a.locators[0], { kind: "Keepalive", receiverTag: contextOf(a).localTag, options: [] });
  net.passes = (packet) => !b.locators.includes(addressAt(packet, 24));
  net.host(a, b.ulid);
  net.run(net.now + 30_000);
  const moved = a.sent.filter((packet) => packet[42] >= 0x80 && addressAt(packet, 24) === b.locators[1]);
  assert.is(moved.length, 0, "no payload to a pair that was never confirmed");
});

test.run();
