// What the contexts with one peer box share (paths, round trips, nature) cannot be polluted by who only says to be that box.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { seededEntropy } from "../../../adapters/memory/entropy.ts";
import { boxOf, finish, generateCga, generateHba, publicKeyExtension } from "../../../runtime/cga/index.ts";
import { timingFor } from "../../../runtime/reap/profile.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import type { Option } from "../../../runtime/wire/message.ts";
import { B1, B2, B3, Bench, PEER, PEER_TAG } from "../../lib/shim6bench.ts";
import { fakeIdentity } from "../../lib/shim6world.ts";

const crypto = createCrypto();
const entropy = seededEntropy(9);
const HONEST = crypto.rsaPublic(crypto.rsaGenerate(1024));
const EVIL = crypto.rsaPublic(crypto.rsaGenerate(1024));
const ulids = prefix("fc00:bbbb:1::/64");

test("a box is named by all keys that may sign for it: who puts its own beside another's has another name", () => {
  const make = (publicKey: Uint8Array, further?: Uint8Array) => {
    const extensions = further === undefined ? [] : [publicKeyExtension(further)];
    return finish(generateCga(crypto, { prefix: ulids, publicKey, sec: 0, modifier: entropy.bytes(16), extensions })).pds;
  };
  const honest = boxOf(crypto, make(HONEST));
  assert.is(boxOf(crypto, make(HONEST)), honest, "another host of that box");
  assert.is.not(boxOf(crypto, make(HONEST, EVIL)), honest);
  assert.is.not(boxOf(crypto, make(EVIL, HONEST)), honest);
  assert.is(boxOf(crypto, make(HONEST, EVIL)), boxOf(crypto, make(HONEST, EVIL)), "two hosts of one box with two keys");
  const [hybrid] = finish(
    generateHba(crypto, {
      prefixes: [ulids, prefix("2001:db8:e000::/64")],
      key: { publicKey: HONEST },
      sec: 0,
      modifier: entropy.bytes(16),
    }),
  );
  // The same name, so what follows must not go by it without a signature.
  assert.is(boxOf(crypto, hybrid.pds), honest);
});

test("a set of HBAs under another's key proves its addresses and nothing else: its context shares with nobody", () => {
  const bench = new Bench();
  bench.hear(bench.i2());
  const { peerBox } = bench.view();
  assert.is(peerBox, "boxB");
  const evil = fakeIdentity("boxB", PEER, [B1, B2], 5, 1);
  const options: Option[] = [
    { kind: "locator-list", ...evil.list },
    { kind: "cga-pds", pds: evil.pds },
  ];
  const other = new Bench();
  other.hear(other.i2(PEER_TAG, options));
  assert.is(other.summary(), "established:I2 R2 → ESTABLISHED");
  assert.is(other.view().peerBox, undefined);
});

test("once proved, a message without a list keeps the name; other parameters lose it until they are proved", () => {
  const bench = new Bench();
  bench.hear(bench.i2());
  bench.hear(bench.i2(contextTag(0x77), bench.peerCapabilities));
  assert.is(bench.view().peerTag, contextTag(0x77));
  assert.is(bench.view().peerBox, "boxB");
});

test("CAPABILITIES with mad values bend our timing within its bounds, and only towards who sent them", () => {
  const ours = { version: 1, sendTimeout: 300 };
  for (const sendTimeout of [1, 2, 150, 15_000, 2 ** 31, 2 ** 32 - 1]) {
    const timing = timingFor("fast", ours, { version: 1, sendTimeout }, undefined, 20);
    for (const [name, value] of Object.entries(timing))
      for (const each of typeof value === "number" ? [value] : value)
        assert.ok(each > 0 && each < 2 ** 31, `${sendTimeout}: ${name} ${each}`);
    assert.ok(timing.sendTimeout >= 150 && timing.sendTimeout <= 15_000, `${timing.sendTimeout}`);
    assert.ok(timing.keepaliveInterval >= 10, `a Keepalive every ${timing.keepaliveInterval} ms for ${sendTimeout}`);
  }
});

test("who once said CAPABILITIES at a locator of its own says nothing about others", () => {
  const bench = new Bench();
  const evil = fakeIdentity("evil", PEER, [B3]);
  const options: Option[] = [
    { kind: "locator-list", ...evil.list },
    { kind: "cga-pds", pds: evil.pds },
  ];
  if (evil.signature !== undefined) options.push({ kind: "cga-signature", signature: evil.signature });
  bench.hear(bench.i2(PEER_TAG, options, B3), B3);
  assert.is(bench.view().peerBox, "evil");
  assert.is(bench.view().peerCapabilities, undefined);
});

test.run();
