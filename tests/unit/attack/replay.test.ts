// What was once right, sent again: old I2, R1, R2, I2bis, R1bis, Update Requests, and locator lists signed for prefixes that the peer has left.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VALIDATOR_LIFETIME_SECONDS } from "../../../runtime/shim6/constants.ts";
import type { Locator } from "../../../runtime/value/address.ts";
import { type ContextTag, contextTag } from "../../../runtime/value/tag.ts";
import { findOption, type Option } from "../../../runtime/wire/message.ts";
import { A1, A2, B1, B2, B3, Bench, PEER, PEER_TAG } from "../../lib/shim6bench.ts";
import { fakeIdentity } from "../../lib/shim6world.ts";

const EVIL_TAG = contextTag(0xe71);
const NEVER_SEEN = 77;

/** How the peer describes itself with a list of `generation`. */
function said(generation: number, locators: readonly Locator[], ours = true): Option[] {
  const { list, pds, signature } = fakeIdentity("boxB", PEER, locators, generation);
  const options: Option[] = [
    { kind: "locator-list", ...list },
    { kind: "cga-pds", pds },
  ];
  if (signature !== undefined) options.push({ kind: "cga-signature", signature });
  if (ours) options.push({ kind: "capabilities", version: 1, sendTimeout: 300 });
  return options;
}

/** A context that the peer has set up with a list of `generation`. */
function meet(bench: Bench, generation: number, locators: readonly Locator[], ours = true, tag: ContextTag = PEER_TAG): void {
  bench.hear(bench.i2(tag, said(generation, locators, ours), locators[0]), locators[0]);
}

function peerOf(bench: Bench): { tag: ContextTag | undefined; locators: string[] } {
  const { peerTag, peerLocators } = bench.view();
  return { tag: peerTag, locators: peerLocators.map(({ address }) => address) };
}

test("an old I2 is refused when its validator is too old, and changes nothing before", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  bench.hear(i2);
  const before = bench.view();
  bench.now += 1000;
  bench.hear(i2);
  assert.is(bench.summary(), "R2 → ESTABLISHED");
  assert.equal(bench.view(), before);
  bench.event({ kind: "discard", id: before.id });
  bench.now += 1000 * (VALIDATOR_LIFETIME_SECONDS + 1);
  bench.hear(i2);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
});

test("an old I2 of our own box's peer does not undo an Update Request that came after it", () => {
  const bench = new Bench();
  const i2 = bench.i2(PEER_TAG, said(10, [B1, B2]));
  bench.hear(i2);
  bench.hear({ kind: "UpdateRequest", receiverTag: bench.view().localTag, requestNonce: 1, options: said(12, [B1, B3]) });
  assert.is(bench.sent("UpdateAck").requestNonce, 1);
  bench.hear(i2);
  assert.is(bench.summary(), "drop:stale-i2 → ESTABLISHED");
  assert.equal(peerOf(bench).locators, [B1, B3]);
});

test("an old Update Request does not bring back a locator that the peer gave up, whoever made the peer's box", () => {
  for (const ours of [true, false]) {
    const bench = new Bench();
    meet(bench, 10, [B1, B2], ours);
    const { localTag } = bench.view();
    const old = { kind: "UpdateRequest", receiverTag: localTag, requestNonce: 1, options: said(20, [B1, B2, B3], ours) } as const;
    bench.hear(old);
    bench.hear({ kind: "UpdateRequest", receiverTag: localTag, requestNonce: 2, options: said(21, [B1], ours) });
    bench.hear(old);
    assert.is(bench.summary(), "drop:stale-updaterequest → ESTABLISHED");
    assert.equal(peerOf(bench).locators, [B1]);
  }
});

test("the next holder of a prefix cannot take a ULID with the list that the peer signed when it lived there", () => {
  const bench = new Bench();
  meet(bench, 1000, [B1, B2]);
  const { id } = bench.view();
  // The peer is idle, the context is gone; its newest list is remembered.
  bench.event({ kind: "discard", id });
  bench.now += 3_600_000;
  // Signed years ago, seen by us never: B3 belonged to the peer then.
  const stolen = bench.i2(EVIL_TAG, said(900, [B3, B1], false), B3);
  bench.hear(stolen, B3);
  assert.is(bench.summary(), "drop:stale-i2 → IDLE");
  assert.is(bench.world.asked.rsa, 1, "not even a verification");
  // With a context alive it gets no further.
  meet(bench, 1000, [B1, B2]);
  bench.hear(bench.i2(EVIL_TAG, said(900, [B3, B1]), B3), B3);
  assert.is(bench.summary(), "drop:stale-i2 → ESTABLISHED");
  assert.equal(peerOf(bench), { tag: PEER_TAG, locators: [B1, B2] });
});

test("nor when we ask: an R2 with a list that is out of date is dropped, and the true one still completes the context", () => {
  const bench = new Bench();
  meet(bench, 1000, [B1, B2]);
  bench.event({ kind: "discard", id: bench.view().id });
  bench.need({ local: bench.identities.keys().next().value ?? PEER, peer: PEER, fork: 0 }, [{ local: A1, peer: B3 }]);
  const { initiatorNonce } = bench.sent("I1");
  bench.hear(bench.r2(initiatorNonce, EVIL_TAG, said(900, [B3])), B3);
  assert.is(bench.summary(), "drop:stale-r2 → I1-SENT");
  bench.hear(bench.r2(initiatorNonce, PEER_TAG, said(1002, [B3, B1])), B3);
  assert.is(bench.summary(), "established:R2 → ESTABLISHED");
});

test("a peer whose generations are random starts anew with any number: only what it was seen to replace is out of date", () => {
  const bench = new Bench();
  meet(bench, 0x9000_0000, [B1, B2], false);
  bench.hear(bench.i2(contextTag(0x42), said(NEVER_SEEN, [B2, B3], false), B2), B2);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.equal(peerOf(bench), { tag: contextTag(0x42), locators: [B2, B3] });
  bench.hear(bench.i2(EVIL_TAG, said(0x9000_0000, [B1, B2], false), B1), B1);
  assert.is(bench.summary(), "drop:stale-i2 → ESTABLISHED");
});

test("a box of ours whose calendar went back is not locked out: an older list without new locators sets up, and takes nothing away", () => {
  const bench = new Bench();
  meet(bench, 1000, [B1, B2]);
  const again = contextTag(0x43);
  bench.hear(bench.i2(again, said(900, [B2]), B2), B2);
  assert.is(bench.summary(), "established:I2 R2 → ESTABLISHED");
  assert.equal(peerOf(bench), { tag: again, locators: [B1, B2] });
});

test("generations pass the end of 32 bits", () => {
  const bench = new Bench();
  meet(bench, 0xffff_fffe, [B1, B2]);
  bench.hear({ kind: "UpdateRequest", receiverTag: bench.view().localTag, requestNonce: 1, options: said(1, [B1, B3]) });
  assert.equal(peerOf(bench).locators, [B1, B3]);
});

test("nobody who cannot sign makes us forget the newest list, or remember another", () => {
  const bench = new Bench();
  meet(bench, 1000, [B1, B2]);
  const bad = said(2000, [B3, B1]).map((option) =>
    option.kind === "cga-signature" ? { ...option, signature: Uint8Array.of(1, 2, 3) } : option,
  );
  bench.hear(bench.i2(EVIL_TAG, bad, B3), B3);
  assert.is(bench.summary(), "drop:refused-i2 Error → ESTABLISHED");
  bench.hear({ kind: "UpdateRequest", receiverTag: bench.view().localTag, requestNonce: 3, options: said(1002, [B2]) });
  assert.equal(peerOf(bench).locators, [B2]);
});

test("an R1 or an R2 sent again finds nobody who waits for it", () => {
  const bench = new Bench().enter("I1-SENT");
  const r1 = bench.r1(bench.nonce);
  bench.hear(r1);
  const { initiatorNonce } = bench.sent("I2");
  bench.hear(r1);
  assert.is(bench.summary(), "drop:late-r1 → I2-SENT");
  const r2 = bench.r2(initiatorNonce);
  bench.hear(r2);
  assert.is(bench.summary(), "established:R2 → ESTABLISHED");
  for (const old of [r1, r2]) {
    bench.hear(old);
    assert.is(bench.summary(), `drop:no-context-${old.kind.toLowerCase()} → ESTABLISHED`);
  }
});

test("an R2 sent again with the nonce of an earlier set-up does not complete a later one", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const old = bench.r2(bench.nonce, EVIL_TAG);
  bench.event({ kind: "discard", id: bench.view().id });
  bench.need();
  assert.is.not(bench.sent("I1").initiatorNonce, bench.nonce);
  bench.hear(old);
  assert.is(bench.summary(), "drop:no-context-r2 → I1-SENT");
});

test("an I2bis sent again when its validator has expired is dropped; in time it makes no second context", () => {
  const bench = new Bench();
  const i2bis = bench.i2bis();
  bench.hear(i2bis);
  const before = bench.view();
  bench.hear(i2bis);
  assert.is(bench.summary(), "R2 → ESTABLISHED");
  assert.equal(bench.view(), before);
  bench.event({ kind: "discard", id: before.id });
  bench.now += 1000 * (VALIDATOR_LIFETIME_SECONDS + 1);
  bench.hear(i2bis);
  assert.is(bench.summary(), "drop:validator-i2bis → IDLE");
});

test("an R1bis of an earlier loss does not name the tag that the peer has now", () => {
  const bench = new Bench().enter("ESTABLISHED");
  const old = bench.r1bis();
  bench.hear(old);
  const { initiatorNonce } = bench.sent("I2bis");
  bench.hear(bench.r2(initiatorNonce, contextTag(0x99)));
  assert.is(bench.view().peerTag, contextTag(0x99));
  bench.hear(old);
  assert.is(bench.summary(), "drop:no-context-r1bis → ESTABLISHED");
});

test("the validator of one exchange opens no other: not from another place, for another ULID, another tag, or for I2bis", () => {
  const bench = new Bench();
  const i2 = bench.i2();
  bench.hear(i2, B2, A1);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  bench.hear(i2, B1, A2);
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  bench.hear({ ...i2, initiatorTag: EVIL_TAG });
  assert.is(bench.summary(), "drop:validator-i2 → IDLE");
  const validator = findOption(i2.options, "responder-validator");
  const named = i2.options.filter(({ kind }) => kind === "ulid-pair");
  bench.hear({
    kind: "I2bis",
    initiatorTag: PEER_TAG,
    initiatorNonce: 5,
    responderNonce: i2.responderNonce,
    packetTag: PEER_TAG,
    options: [...named, ...(validator === undefined ? [] : [validator]), ...bench.described()],
  });
  assert.is(bench.summary(), "drop:validator-i2bis → IDLE");
});

test.run();
