// What the state table does not show: what is bound, recorded, remembered and bounded.
import { createHmac } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUDGETS } from "../../../runtime/shim6/constants.ts";
import { address, addressOctets } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { contextTag, showTag } from "../../../runtime/value/tag.ts";
import { emitPacket } from "../../../runtime/wire/emit.ts";
import { findOption, METHOD_HBA, type Option } from "../../../runtime/wire/message.ts";
import { A1, A2, B1, B2, B3, Bench, i2For, LOST_TAG, OTHER_TAG, PAIR, PEER, PEER_TAG, STRANGER, US } from "../../lib/shim6bench.ts";
import { at, fakeIdentity } from "../../lib/shim6world.ts";

const ELSEWHERE = address("2001:db8:e::1");
const [PEER2] = at("fc00:b::2");

/** The scripted peer's I2 for a second ULID behind the same or another box. */
function secondI2(bench: Bench, locators = [B1, B2], tag = PEER_TAG): void {
  bench.peerIdentity = fakeIdentity("boxB", PEER2, locators);
  bench.hear(bench.i2(tag, bench.described(), locators[0], PEER2), locators[0]);
}

for (const age of [60, 61]) {
  test(`§7.13 a validator ${age} s old`, () => {
    const bench = new Bench();
    bench.now = 5_000_000;
    const i2 = bench.i2();
    bench.now += age * 1000;
    bench.hear(i2);
    assert.is(bench.summary(), age === 60 ? "established:I2 R2 → ESTABLISHED" : "drop:validator-i2 → IDLE");
  });
}

test("§7.13 a nonce of the future is not recent", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  bench.now -= 2000;
  bench.hear(i2);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
});

test("§7.10.1 the secret is renewed; validators of the one before still hold", () => {
  const bench = new Bench();
  const first = bench.i2();
  const validatorOf = (i2: typeof first) => findOption(i2.options, "responder-validator")?.validator;
  bench.now += 119_000;
  const before = bench.i2();
  bench.now += 2_000;
  const after = bench.i2();
  assert.is.not(String(validatorOf(before)), String(validatorOf(after)));
  bench.now += 30_000;
  bench.hear(before);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  bench.event({ kind: "discard", id: bench.view().id });
  bench.hear(after);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  // The same tick under another secret is another validator: the renewal was no mere new nonce.
  const still = new Bench();
  still.now = bench.now;
  assert.is.not(String(validatorOf(still.i2())), String(validatorOf(bench.i2(contextTag(1)))));
});

test("§7.13 a validator binds tag, ULIDs, fork, both locators and its purpose", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  bench.hear(i2, B2);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  bench.hear(i2, B1, A2);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  bench.hear({ ...i2, options: [...i2.options, { kind: "forked-instance", identifier: 1 }] });
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  const renamed = i2.options.map((option): Option => (option.kind === "ulid-pair" ? { ...option, receiver: STRANGER } : option));
  bench.hear({ ...i2, options: renamed });
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  bench.hear({ ...i2, kind: "I2bis", packetTag: i2.initiatorTag });
  assert.is(bench.summary(), "drop:validator-i2bis → IDLE");
  bench.hear(i2);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
});

test("§7.9 what is not ours is not answered", () => {
  const bench = new Bench();
  bench.hear(bench.i1(PEER_TAG, PEER, ELSEWHERE));
  assert.is(bench.summary(), "drop:foreign-ulid-i1 → IDLE");
  bench.hear(bench.i1(), B1, ELSEWHERE);
  assert.is(bench.summary(), "drop:foreign-locator-i1 → IDLE");
});

test("§7.15 the peer reuses a tag for another pair: the old context goes before the new one comes", () => {
  const bench = new Bench().enter("ESTABLISHED");
  secondI2(bench);
  assert.is(bench.summary(), "removed:confused established:I2 R2 → IDLE");
  bench.hear(bench.r1bis());
  assert.is(bench.summary({ ...PAIR, peer: PEER2 }), "recovering I2bis → I2BIS-SENT");
});

test("§7.15 an R2 shows the confusion too", () => {
  const bench = new Bench();
  secondI2(bench);
  bench.peerIdentity = fakeIdentity("boxB", PEER, [B1, B2]);
  bench.enter("ESTABLISHED");
  assert.is(bench.shim.find({ ...PAIR, peer: PEER2 }), undefined);
});

test("§7.15 the same tag of two peers without a common locator is no confusion", () => {
  const bench = new Bench().enter("ESTABLISHED");
  secondI2(bench, [B3]);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
});

test("§7.6 an I1 with a tag in use changes nothing", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const before = [...bench.shim.contexts()];
  bench.hear(bench.i1(PEER_TAG, PEER2));
  assert.equal([...bench.shim.contexts()], before);
});

test("capacity: beyond it nothing is created, and a remembered failure makes room", () => {
  const bench = new Bench({ capacity: 1 }).enter("ESTABLISHED");
  bench.need({ ...PAIR, peer: PEER2 });
  assert.is(bench.summary(), "drop:full-context failed:refused → ESTABLISHED");
  secondI2(bench, [B3], OTHER_TAG);
  assert.is(bench.summary(), "drop:full-context → ESTABLISHED");
  const failed = new Bench({ capacity: 1 }).enter("NO-SUPPORT");
  failed.need({ ...PAIR, peer: PEER2 });
  assert.is(failed.summary(), "removed:expired I1 → IDLE");
  assert.is(failed.view({ ...PAIR, peer: PEER2 }).id, 0);
});

test("§7.7 need: nothing to try, or a locator that is not the ULID's own", () => {
  const bench = new Bench();
  bench.need(PAIR, []);
  assert.is(bench.summary(), "failed:refused → IDLE");
  bench.need(PAIR, [{ local: ELSEWHERE, peer: B1 }]);
  assert.is(bench.summary(), "failed:refused → IDLE");
  bench.need({ ...PAIR, local: ELSEWHERE });
  assert.is(bench.summary({ ...PAIR, local: ELSEWHERE }), "failed:refused → IDLE");
  bench.need(PAIR, [
    { local: ELSEWHERE, peer: B1 },
    { local: A2, peer: B2 },
  ]);
  assert.equal(bench.sent("I1").on, { local: A2, peer: B2 });
});

test("§7.1 tags: a space of eight is used up and refuses the ninth; a freed one is not the next", () => {
  const bench = new Bench({ tagBits: 3 });
  const pairs = Array.from({ length: 9 }, (_, i) => ({ ...PAIR, peer: address(`fc00:b::${i + 10}`) }));
  for (const pair of pairs) bench.need(pair);
  const tags = [...bench.shim.contexts()].map(({ localTag }) => localTag);
  assert.equal(
    tags.sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.is(bench.summary(pairs[8]), "drop:full-context failed:refused → IDLE");
  for (const pair of pairs.slice(0, 6)) bench.event({ kind: "discard", id: bench.view(pair).id });
  const last = bench.event({ kind: "discard", id: bench.view(pairs[6]).id });
  assert.is(last.length, 1);
  bench.need(pairs[0]);
  const used = bench.view(pairs[0]).localTag;
  bench.event({ kind: "discard", id: bench.view(pairs[0]).id });
  bench.need(pairs[0]);
  assert.is.not(bench.view(pairs[0]).localTag, used);
});

test("ids: the smallest free one", () => {
  const bench = new Bench();
  const pairs = [1, 2, 3].map((i) => ({ ...PAIR, peer: address(`fc00:b::${i + 10}`) }));
  for (const pair of pairs) bench.need(pair);
  bench.event({ kind: "discard", id: 1 });
  bench.event({ kind: "discard", id: 0 });
  bench.need({ ...PAIR, peer: PEER2 });
  assert.is(bench.view({ ...PAIR, peer: PEER2 }).id, 0);
});

test("§5.15.7 a fork is a context of its own and says so", () => {
  const bench = new Bench().enter("I1-SENT");
  bench.need({ ...PAIR, fork: 9 });
  assert.is(findOption(bench.sent("I1").options, "forked-instance")?.identifier, 9);
  assert.is.not(bench.view({ ...PAIR, fork: 9 }).localTag, bench.view().localTag);
});

test("§7.11 §7.18 I2 and I2bis of a fork carry ULIDs, fork, list, parameters and signature", () => {
  const fork = { ...PAIR, fork: 9 };
  const bench = new Bench();
  bench.need(fork);
  const named = ["responder-validator", "ulid-pair", "forked-instance", "locator-list", "cga-pds", "cga-signature", "capabilities"];
  const { initiatorNonce } = bench.sent("I1");
  bench.hear(bench.r1(initiatorNonce));
  const kinds = (options: readonly Option[]): string[] => options.map(({ kind }) => kind);
  assert.equal(kinds(bench.sent("I2").options), named);
  bench.hear(bench.r2(initiatorNonce));
  bench.hear(bench.r1bis());
  assert.equal(kinds(bench.sent("I2bis").options), named);
  assert.equal(findOption(bench.sent("I2bis").options, "ulid-pair"), { kind: "ulid-pair", sender: US, receiver: PEER });
});

test("§10.4 a new list: recorded with its generation, acknowledged on the way back; repeated: only acknowledged", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const { list, signature } = fakeIdentity("boxB", PEER, [B1, B3], 2);
  const options: Option[] = [
    { kind: "locator-list", ...list },
    {
      kind: "locator-preferences",
      generation: 2,
      elementLength: 2,
      elements: [
        { flags: 1, priority: 5 },
        { flags: 0, priority: 1 },
      ],
    },
  ];
  if (signature !== undefined) options.push({ kind: "cga-signature", signature });
  const update = { kind: "UpdateRequest", receiverTag: bench.view().localTag, requestNonce: 77, options } as const;
  bench.hear(update, B2, A2);
  assert.is(bench.summary(), "established:update UpdateAck → ESTABLISHED");
  const { on, ...ack } = bench.sent("UpdateAck");
  assert.equal(ack, { kind: "UpdateAck", receiverTag: PEER_TAG, requestNonce: 77, options: [] });
  assert.equal(on, { local: A2, peer: B2 });
  assert.equal(
    bench.view().peerLocators.map(({ address: each, preference }) => [each, preference.flags, preference.priority]),
    [
      [B1, 1, 5],
      [B3, 0, 1],
    ],
  );
  bench.hear(update);
  assert.is(bench.summary(), "UpdateAck → ESTABLISHED");
  bench.hear(update, B2, A2);
  assert.is(bench.summary(), "R1bis → ESTABLISHED");
});

test("§10.4 preferences of another generation, or too many: Error 3, Error 4, nothing recorded", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const before = bench.view();
  for (const [generation, count, code] of [
    [9, 2, 3],
    [1, 3, 4],
  ]) {
    const elements = Array.from({ length: count }, () => ({ flags: 1 }));
    const options: Option[] = [{ kind: "locator-preferences", generation, elementLength: 1, elements }];
    bench.hear({ kind: "UpdateRequest", receiverTag: before.localTag, requestNonce: 1, options });
    assert.is(bench.summary(), "drop:refused-updaterequest Error → ESTABLISHED");
    assert.is(bench.sent("Error").code, code);
    assert.is(bench.sent("Error").pointer, code === 3 ? 60 : 58);
  }
  assert.equal(bench.view(), before);
});

test("§7.13 preferences in I2 are taken if they fit and ignored if not; Keepalive Timeout 0 is none", () => {
  for (const [generation, flags] of [
    [1, 2],
    [5, 0],
  ]) {
    const bench = new Bench();
    const extra: Option[] = [
      { kind: "locator-preferences", generation, elementLength: 1, elements: [{ flags: 2 }, { flags: 2 }] },
      { kind: "keepalive-timeout", seconds: generation === 1 ? 0 : 40 },
    ];
    bench.hear(bench.i2(PEER_TAG, [...bench.described(), ...extra]));
    assert.is(bench.view().peerLocators[0].preference.flags, flags);
    assert.is(bench.view().peerKeepaliveSeconds, generation === 1 ? undefined : 40);
  }
});

test("§6.4 a peer whose ULID is its source needs no list", () => {
  const bench = new Bench();
  bench.hear(bench.i2(PEER_TAG, [], PEER), PEER);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.equal(
    bench.view().peerLocators.map(({ address: each, verified }) => [each, verified]),
    [[PEER, true]],
  );
  assert.is(bench.view().peerBox, undefined);
});

test("§7.2 HBA: members verify without a signature, others are refused", () => {
  const bench = new Bench();
  bench.peerIdentity = fakeIdentity("boxB", PEER, [B1, B2], 1, METHOD_HBA);
  bench.hear(bench.i2());
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.is(bench.world.asked.rsa, 0);
  const other = new Bench();
  other.peerIdentity = {
    ...fakeIdentity("boxB", PEER, [B1, B2], 1, METHOD_HBA),
    list: fakeIdentity("boxB", PEER, [B1, B3], 1, METHOD_HBA).list,
  };
  other.hear(other.i2());
  assert.is(other.summary(), "drop:refused-i2 Error → IDLE");
});

test("the signature of one list costs one RSA operation, however often it comes", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  for (let i = 0; i < 5; i++) bench.hear(i2);
  assert.is(bench.world.asked.rsa, 1);
});

test("§7.11 I2 goes out on the pair of R1 with everything it must carry", () => {
  const bench = new Bench({ sendTimeoutSeconds: 30 }).enter("I1-SENT");
  bench.now += 30;
  bench.hear(bench.r1(bench.nonce), B2, A2);
  const i2 = bench.sent("I2");
  assert.equal(i2.on, { local: A2, peer: B2 });
  assert.is(i2.responderNonce, 42);
  assert.equal(
    i2.options.map(({ kind }) => kind),
    ["responder-validator", "ulid-pair", "locator-list", "cga-pds", "cga-signature", "keepalive-timeout", "capabilities"],
  );
  assert.equal(bench.view().current, { local: A2, peer: B2 });
});

test("§7.16 capabilities: what was told in I2 stays what the context goes by", () => {
  const bench = new Bench({ capabilities: (roundTrip) => ({ version: 1, sendTimeout: roundTrip ?? 9999 }) }).enter("ESTABLISHED");
  assert.is(bench.view().roundTrip, 10);
  assert.equal(bench.view().localCapabilities, { version: 1, sendTimeout: 10 });
  assert.equal(bench.view().peerCapabilities, { version: 1, sendTimeout: 300 });
});

test("round trip: an R1 after two I1s on its pair measures nothing, one on another pair does", () => {
  const bench = new Bench();
  bench.need(PAIR, [{ local: A1, peer: B1 }]);
  const nonce = bench.sent("I1").initiatorNonce;
  bench.pollUntil(bench.now + 25);
  bench.hear(bench.r1(nonce));
  assert.is(bench.view().roundTrip, undefined);
  const walked = new Bench().enter("I1-SENT");
  walked.pollUntil(walked.now + 25);
  walked.hear(walked.r1(walked.nonce));
  assert.is(walked.view().roundTrip, 25);
});

test("a flood of payload in I2-SENT repeats I2 at a pace, not for each packet", () => {
  const bench = new Bench().enter("I2-SENT");
  const { localTag } = bench.view();
  let sent = 0;
  for (let i = 0; i < 1000; i++) {
    bench.now += 0.1;
    bench.event({ kind: "stray-payload", source: B1, destination: A1, tag: localTag });
    sent += bench.effects.filter(({ kind }) => kind === "send").length;
  }
  assert.is(sent, 5);
});

const RECEIVED_ERRORS = [
  ["I1-SENT", "I1", 0, "failed:refused → E-FAILED"],
  ["I1-SENT", "I1", 1, "failed:refused → E-FAILED"],
  ["I2-SENT", "I2", 2, "failed:refused → E-FAILED"],
  ["I2BIS-SENT", "I2bis", 1, "removed:failed failed:refused → E-FAILED"],
  ["I1-SENT", "I1", 3, "drop:idle-error → I1-SENT"],
  ["I2-SENT", "I1", 1, "drop:stray-error → I2-SENT"],
  ["ESTABLISHED", "I2", 1, "drop:stray-error → ESTABLISHED"],
] as const;
for (const [state, kind, code, expected] of RECEIVED_ERRORS) {
  test(`§12.4 Error ${code} quoting our ${kind} in ${state}`, () => {
    const bench = new Bench().enter(state);
    const { localTag: initiatorTag } = bench.view();
    const common = { initiatorTag, initiatorNonce: bench.nonce, options: [] };
    const message =
      kind === "I1"
        ? { kind, ...common }
        : kind === "I2"
          ? { kind, ...common, responderNonce: 0 }
          : { kind, ...common, responderNonce: 0, packetTag: PEER_TAG };
    const packet = emitPacket(A1, B1, message);
    const forged = emitPacket(A1, B1, { ...message, initiatorNonce: (bench.nonce ^ 1) >>> 0 });
    bench.hear({ kind: "Error", code, pointer: 42, packet: forged });
    assert.is(bench.summary(), `drop:stray-error → ${state}`);
    bench.hear({ kind: "Error", code, pointer: 42, packet }, B3);
    assert.is(bench.summary(), `drop:stray-error → ${state}`);
    bench.hear({ kind: "Error", code, pointer: 42, packet });
    assert.is(bench.summary(), expected);
  });
}

test("§7.18 R1bis that came to no locator of the context", () => {
  const bench = new Bench().enter("ESTABLISHED");
  bench.hear(bench.r1bis(), B1, ELSEWHERE);
  assert.is(bench.summary(), "drop:no-context-r1bis → ESTABLISHED");
});

test("§7.18 I2bis goes out on the pair of R1bis, names the lost tag, and its R2 makes that pair current", () => {
  const bench = new Bench().enter("ESTABLISHED");
  bench.hear(bench.r1bis(), B2, A2);
  const i2bis = bench.sent("I2bis");
  assert.equal(i2bis.on, { local: A2, peer: B2 });
  assert.is(i2bis.packetTag, PEER_TAG);
  assert.is(bench.view().peerTag, PEER_TAG);
  bench.hear(bench.r2(i2bis.initiatorNonce, OTHER_TAG), B2, A2);
  assert.equal(bench.view().current, { local: A2, peer: B2 });
  assert.is(bench.view().peerTag, OTHER_TAG);
});

test("§7.20 the lost tag is not given out again to the context that recovers", () => {
  const bench = new Bench();
  bench.hear(bench.i2bis());
  assert.is.not(bench.view().localTag, LOST_TAG);
});

test("§7.13 an established peer that starts anew moves the context to the pair of its I2, with its new tag found by R1bis", () => {
  const bench = new Bench();
  const i2 = bench.i2(OTHER_TAG, bench.described(), B2);
  bench.enter("ESTABLISHED");
  bench.hear(i2, B2);
  assert.equal(bench.view().current, { local: A1, peer: B2 });
  bench.hear(bench.r1bis(PEER_TAG));
  assert.is(bench.summary(), "drop:no-context-r1bis → ESTABLISHED");
  bench.hear(bench.r1bis(OTHER_TAG));
  assert.is(bench.summary(), "recovering I2bis → I2BIS-SENT");
});

test("stateless answers: a budget for each /48 and one for all, filled up again with time", () => {
  const bench = new Bench();
  const answered = (source = B1): boolean => bench.hear(bench.i1(), source).some(({ kind }) => kind === "send");
  let count = 0;
  while (answered()) count++;
  assert.is(count, BUDGETS.r1.site.burst);
  assert.is(bench.summary(), "drop:limit-r1 → IDLE");
  assert.not.ok(answered(address("2001:db8:b1:ffff::1")));
  assert.ok(answered(B2));
  bench.now += 1000;
  count = 0;
  while (answered()) count++;
  assert.is(count, BUDGETS.r1.site.rate);
});

test("R1bis has its own budget, and never answers an I2 nor an R1", () => {
  const bench = new Bench();
  for (let i = 0; i < BUDGETS.r1bis.site.burst; i++) bench.event({ kind: "stray-payload", source: B1, destination: A1, tag: LOST_TAG });
  assert.is(bench.summary(), "R1bis → IDLE");
  bench.event({ kind: "stray-payload", source: B1, destination: A1, tag: LOST_TAG });
  assert.is(bench.summary(), "drop:limit-r1bis → IDLE");
  bench.hear(bench.i1());
  assert.is(bench.summary(), "R1 → IDLE");
});

test("R1 copies nonce and nothing else of I1, and keeps no state", () => {
  const bench = new Bench();
  bench.hear(bench.i1(), B1, A1);
  const r1 = bench.sent("R1");
  assert.is(r1.initiatorNonce, 0x1111);
  assert.equal(r1.on, { local: A1, peer: B1 });
  assert.is([...bench.shim.contexts()].length, 0);
  bench.hear(i2For(r1, PEER_TAG, PEER, bench.described()));
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.is(bench.sent("R2").initiatorNonce, 0x1112);
});

test("§7.10.1 §7.17.1 validators are the first 20 octets of HMAC-SHA-256 over what shim6-wire §7 lists", () => {
  const bench = new Bench();
  bench.now = 0x01020304 * 1000 + 5;
  const secret = new Uint8Array(32).fill(7);
  const expected = (purpose: string, nonce: string, rest: string): string =>
    createHmac("sha256", secret)
      .update(unhex(purpose + nonce + rest) ?? new Uint8Array())
      .digest("hex")
      .slice(0, 40);
  const shown = (options: readonly Option[]): string => hex(findOption(options, "responder-validator")?.validator ?? new Uint8Array());
  const [ulids, locators] = [PEER, US, B1, A1]
    .map((each) => hex(addressOctets(each)))
    .reduce(([u, l], each, i) => (i < 2 ? [u + each, l] : [u, l + each]), ["", ""]);
  bench.hear({ ...bench.i1(), options: [...bench.i1().options, { kind: "forked-instance", identifier: 0xaabbccdd }] });
  assert.is(bench.sent("R1").responderNonce, 0x01020304);
  assert.is(shown(bench.sent("R1").options), expected("01", "01020304", `0000${showTag(PEER_TAG)}${ulids}${locators}aabbccdd`));
  bench.event({ kind: "stray-payload", source: B1, destination: A1, tag: LOST_TAG });
  assert.is(shown(bench.sent("R1bis").options), expected("02", "01020304", `0000${showTag(LOST_TAG)}${locators}`));
});

test("§7.12 I2 is repeated early three times with doubling gaps, then twice by the RFC's timer where there is one pair", () => {
  const bench = new Bench();
  bench.need(PAIR, [{ local: A1, peer: B1 }]);
  bench.nonce = bench.sent("I1").initiatorNonce;
  bench.now += 20;
  const start = bench.now;
  bench.hear(bench.r1(bench.nonce));
  const times: number[] = [];
  while (bench.view().state === "I2-SENT") {
    bench.pollUntil(bench.shim.wakeAt);
    if (bench.effects.some((effect) => effect.kind === "send" && effect.message.kind === "I2")) times.push(bench.now - start);
  }
  assert.equal(times.slice(0, 3), [28, 28 + 56, 28 + 56 + 112]);
  assert.is(times.length, 5);
  assert.ok(times[3] >= 2000 && times[3] <= 6000 && times[4] - times[3] >= 4000 && times[4] - times[3] <= 12_000, `${times}`);
});

test("round trip of I2: measured when nothing else could be answered by the R2", () => {
  const unmeasured = (): Bench => {
    const bench = new Bench();
    bench.need(PAIR, [{ local: A1, peer: B1 }]);
    bench.nonce = bench.sent("I1").initiatorNonce;
    bench.pollUntil(bench.now + 25);
    bench.hear(bench.r1(bench.nonce));
    bench.now += 12;
    return bench;
  };
  const plain = unmeasured();
  plain.hear(plain.r2(plain.nonce));
  assert.is(plain.view().roundTrip, 12);
  const crossed = unmeasured();
  crossed.hear(crossed.i1());
  crossed.hear(crossed.r2(crossed.nonce));
  assert.is(crossed.view().roundTrip, undefined);
  const repeated = unmeasured();
  repeated.pollUntil(repeated.shim.wakeAt);
  repeated.hear(repeated.r2(repeated.nonce));
  assert.is(repeated.view().roundTrip, undefined);
});

test("round trip of I2: an R2 on another pair than I2's answers an I1 that took another way", () => {
  const bench = new Bench();
  bench.need(PAIR, [
    { local: A1, peer: B1 },
    { local: A1, peer: B2 },
  ]);
  bench.nonce = bench.sent("I1").initiatorNonce;
  // An I1 for each pair, and a second one for the first: R1 measures nothing.
  bench.pollUntil(bench.now + 70);
  bench.hear(bench.r1(bench.nonce));
  bench.now += 12;
  bench.hear(bench.r2(bench.nonce), B2, A1);
  assert.is(bench.view().state, "ESTABLISHED");
  assert.is(bench.view().roundTrip, undefined);
});

test("round trip: a late R2 after the fall-back to I1 measures nothing", () => {
  const bench = new Bench({ capabilities: undefined });
  bench.peerCapabilities = [];
  bench.enter("I1-SENT");
  // Answered on the second pair although nothing went out there yet; the fall-back's I1 goes elsewhere, and the R2 may be for I2.
  bench.hear(bench.r1(bench.nonce), B2, A2);
  while (bench.view().state === "I2-SENT") bench.pollUntil(bench.shim.wakeAt);
  assert.equal(bench.view().current, { local: A1, peer: B1 });
  bench.hear(bench.r2(bench.nonce), B2, A2);
  assert.is(bench.view().state, "ESTABLISHED");
  assert.is(bench.view().roundTrip, undefined);
});

test("a remembered failure that has gone makes no room a second time", () => {
  const bench = new Bench({ capacity: 1 }).enter("NO-SUPPORT");
  bench.event({ kind: "discard", id: 0 });
  bench.need();
  bench.need({ ...PAIR, peer: PEER2 });
  assert.is(bench.summary(), "drop:full-context failed:refused → I1-SENT");
});

test("RSA operations have a budget for each /48", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  const forged = (n: number): Option[] =>
    i2.options.map((option) => (option.kind === "cga-signature" ? { ...option, signature: Uint8Array.of(n >> 8, n) } : option));
  for (let n = 0; n <= BUDGETS.verify.site.burst; n++) bench.hear({ ...i2, options: forged(n) });
  assert.is(bench.summary(), "drop:limit-verify → IDLE");
  assert.is(bench.world.asked.rsa, BUDGETS.verify.site.burst);
});

test("RFC 5534 §4.3: the Keepalive Timeout option goes out only when our Send Timeout is not 15 s", () => {
  const bench = new Bench().enter("I1-SENT");
  bench.hear(bench.r1(bench.nonce));
  assert.is(findOption(bench.sent("I2").options, "keepalive-timeout"), undefined);
});

test("§9 the ULID is withdrawn during set-up: it fails at the next message, and is forgotten after the hold-down", () => {
  const bench = new Bench().enter("I2-SENT");
  bench.identities.clear();
  bench.pollUntil(bench.shim.wakeAt);
  assert.is(bench.summary(), "failed:refused → E-FAILED");
  assert.is(bench.shim.wakeAt, bench.now + 60_000);
});

test("§17 a peer that numbers the methods the other way is understood, and costs its budget once", () => {
  const bench = new Bench();
  const { list } = bench.peerIdentity;
  bench.peerIdentity = { ...bench.peerIdentity, list: { ...list, locators: list.locators.map(({ address }) => ({ address, method: 1 })) } };
  bench.hear(bench.i2());
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.equal(
    bench.view().peerLocators.map(({ method, verified }) => [method, verified]),
    [
      [2, true],
      [2, true],
    ],
  );
  assert.ok(bench.view().peerBox !== undefined);
  const { rsa } = bench.world.asked;
  bench.hear(bench.i2(OTHER_TAG));
  assert.is(bench.world.asked.rsa, rsa);
});

test("a machine that cannot work is refused at once", () => {
  assert.throws(() => new Bench({ capacity: 0 }), RangeError);
  assert.throws(() => new Bench({ tagBits: 48 }), RangeError);
  assert.throws(() => new Bench({ secret: new Uint8Array(31) }), RangeError);
  assert.throws(() => new Bench().shim.step({ kind: "poll" }, 0, new Uint8Array(8)), RangeError);
  assert.is(US, "fc00:a::1");
});

test.run();
