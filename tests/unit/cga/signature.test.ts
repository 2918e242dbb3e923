// Signatures over locator lists, and the verifier that the Shim6 machine is given.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import {
  createVerifier,
  finish,
  generateCga,
  generateHba,
  publicKeyExtension,
  signedOctets,
  signLocatorList,
  verifyLocatorList,
} from "../../../runtime/cga/index.ts";
import type { CryptoPort } from "../../../runtime/port/crypto.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { type LocatorList, METHOD_CGA, METHOD_HBA } from "../../../runtime/wire/index.ts";
import { vector } from "../../lib/vectors.ts";

const crypto = createCrypto();
const PRIVATE = crypto.rsaGenerate(1024);
const PUBLIC = crypto.rsaPublic(PRIVATE);
const PREFIX = prefix("fc00:aaaa:1:7::/64");
const MODIFIER = new Uint8Array(16).fill(1);

function pdsOf(publicKey: Uint8Array, extensions = [] as ReturnType<typeof publicKeyExtension>[]): Uint8Array {
  return finish(generateCga(crypto, { prefix: PREFIX, publicKey, sec: 0, modifier: MODIFIER, extensions })).pds;
}

const PDS = pdsOf(PUBLIC);
const LIST: LocatorList = {
  generation: 7,
  locators: [
    { address: address("2001:db8:a1::1"), method: METHOD_CGA },
    { address: address("2001:db8:a2::1"), method: METHOD_HBA },
    { address: address("2001:db8:a3::1"), method: METHOD_CGA },
  ],
};

/** Counts RSA operations. */
function counting(): { port: CryptoPort; count: () => number } {
  let operations = 0;
  const rsaVerify: CryptoPort["rsaVerify"] = (...args) => {
    operations++;
    return crypto.rsaVerify(...args);
  };
  return { port: { ...crypto, rsaVerify }, count: () => operations };
}

test("signed are type tag, generation, and the CGA locators in order, nothing else", () => {
  assert.is(
    hex(signedOctets(LIST)),
    "4a3056624858574b3655416f506a6d48" + "00000007" + "20010db800a100000000000000000001" + "20010db800a300000000000000000001",
  );
});

test("a signature verifies; any other generation, locator, order, key or signature does not", () => {
  const signature = signLocatorList(crypto, LIST, PRIVATE);
  assert.is(hex(signature), hex(signLocatorList(crypto, LIST, PRIVATE)), "deterministic");
  const verify = (list = LIST, pds = PDS, octets = signature) => verifyLocatorList(crypto, list, pds, octets);
  assert.ok(verify());
  const [first, second, third] = LIST.locators;
  assert.not.ok(verify({ ...LIST, generation: 8 }));
  assert.not.ok(verify({ ...LIST, locators: [third, second, first] }));
  assert.not.ok(verify({ ...LIST, locators: [first, second] }));
  assert.not.ok(verify({ ...LIST, locators: [first, { ...second, method: METHOD_CGA }, third] }));
  assert.not.ok(verify({ ...LIST, locators: [first, second, { ...third, address: address("2001:db8:a4::1") }] }));
  assert.not.ok(verify(LIST, pdsOf(crypto.rsaPublic(crypto.rsaGenerate(1024)))));
  assert.not.ok(verify(LIST, PDS, signature.slice(1)));
  assert.not.ok(verify(LIST, PDS, new Uint8Array(0)));
  assert.not.ok(verify(LIST, new Uint8Array(10)));
  for (const at of [0, 64, 127]) {
    const octets = signature.slice();
    octets[at] ^= 1;
    assert.not.ok(verify(LIST, PDS, octets));
  }
});

test("HBA locators may come and go without a new signature", () => {
  const signature = signLocatorList(crypto, LIST, PRIVATE);
  const [first, , third] = LIST.locators;
  assert.ok(verifyLocatorList(crypto, { ...LIST, locators: [first, third] }, PDS, signature));
});

test("a second key of the address signs, too; at most four are tried", () => {
  const others = [1, 2, 3, 4].map(() => crypto.rsaGenerate(1024));
  const pds = pdsOf(
    PUBLIC,
    others.map((key) => publicKeyExtension(crypto.rsaPublic(key))),
  );
  others.forEach((key, i) => {
    const { port, count } = counting();
    assert.is(verifyLocatorList(port, LIST, pds, signLocatorList(crypto, LIST, key)), i < 3);
    assert.is(count(), Math.min(i + 2, 4));
  });
});

test("keys under 1024 bits and fillers of HBA-only sets sign nothing", () => {
  const { port, count } = counting();
  const example = vector("cga-rfc3972-example").octets;
  assert.not.ok(verifyLocatorList(port, LIST, example, new Uint8Array(64)));
  const [member] = finish(
    generateHba(crypto, { prefixes: [PREFIX], sec: 0, modifier: MODIFIER, key: { random: new Uint8Array(48).fill(0x77) } }),
  );
  assert.not.ok(verifyLocatorList(port, LIST, member.pds, new Uint8Array(48)));
  assert.is(count(), 0, "no RSA operation");
});

test("the verifier remembers lists, right and wrong ones, and forgets the one unused for longest", () => {
  const { port, count } = counting();
  const verifier = createVerifier(port, 2);
  const lists = [1, 2, 3].map((generation) => ({ ...LIST, generation }));
  const signatures = lists.map((list) => signLocatorList(crypto, list, PRIVATE));
  const ask = (i: number, signed = i) => verifier.verifyList(lists[i], PDS, signatures[signed]);
  assert.equal([ask(0), ask(0), count()], [true, true, 1]);
  assert.equal([ask(1, 0), ask(1, 0), count()], [false, false, 2], "a wrong one is remembered as wrong");
  assert.equal([ask(0), count()], [true, 2]);
  assert.equal([ask(2), count()], [true, 3], "now 1/0 is the oldest and goes");
  assert.equal([ask(0), ask(2), count()], [true, true, 3]);
  assert.equal([ask(1, 0), count()], [false, 4]);
});

test("nothing that the result depends on is missing from what is remembered", () => {
  const { port, count } = counting();
  const verifier = createVerifier(port);
  const signature = signLocatorList(crypto, LIST, PRIVATE);
  const [first, second, third] = LIST.locators;
  const other = pdsOf(crypto.rsaPublic(crypto.rsaGenerate(1024)));
  assert.ok(verifier.verifyList(LIST, PDS, signature));
  assert.not.ok(verifier.verifyList({ ...LIST, generation: 8 }, PDS, signature));
  assert.not.ok(verifier.verifyList({ ...LIST, locators: [third, second, first] }, PDS, signature));
  assert.not.ok(verifier.verifyList({ ...LIST, locators: [first, { ...second, method: METHOD_CGA }, third] }, PDS, signature));
  assert.not.ok(verifier.verifyList(LIST, other, signature));
  assert.not.ok(
    verifier.verifyList(
      LIST,
      PDS,
      signature.map((octet) => octet ^ 1),
    ),
  );
  assert.is(count(), 6);
  assert.ok(verifier.verifyList(LIST, PDS, signature));
  assert.is(count(), 6);
});

test("the crypto port: published digests, and equality in constant time is equality", () => {
  const text = new TextEncoder().encode("abc");
  // FIPS 180-4 examples; RFC 4231 test case 2.
  assert.is(hex(crypto.sha1(text)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  assert.is(hex(crypto.sha1(text.slice(0, 1), text.slice(1))), hex(crypto.sha1(text)));
  assert.is(hex(crypto.sha256(text)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.is(
    hex(crypto.hmacSha256(new TextEncoder().encode("Jefe"), new TextEncoder().encode("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  assert.ok(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.not.ok(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.not.ok(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1)));
  assert.not.ok(crypto.rsaVerify(new Uint8Array(5), text, new Uint8Array(128)), "a key that is none");
});

test.run();
