// SEND and Shim6 on one CGA (RFC 6629 §7.2): the host signs its Neighbor Discovery, the box its locator lists, each with a key of its own.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import {
  createVerifier,
  finish,
  generateCga,
  multiPrefixExtension,
  parsePds,
  publicKeyExtension,
  signedOctets,
  signingKeys,
  signLocatorList,
  verifyCga,
  verifyHba,
} from "../../../runtime/cga/index.ts";
import { type Address, address, addressOctets } from "../../../runtime/value/address.ts";
import { concat, hex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { type LocatorList, METHOD_CGA } from "../../../runtime/wire/index.ts";

const crypto = createCrypto();
const HOST = crypto.rsaGenerate(1024);
const BOX = crypto.rsaGenerate(1024);
const PREFIX = prefix("fc00:aaaa:1::/64");
/** CGA Message Type tag of SEND (RFC 3971 §5.2). */
const SEND_TYPE_TAG = Uint8Array.of(0x08, 0x6f, 0xca, 0x5e, 0x10, 0xb2, 0x00, 0xc9, 0x9c, 0x8c, 0xe0, 0x01, 0x64, 0x27, 0x7c, 0x08);
const ALL_NODES = address("ff02::1");
/** Neighbor Advertisement (RFC 4861 §4.4) without its checksum's value; the signature covers type, code and checksum before it. */
const ADVERTISEMENT = Uint8Array.of(136, 0, 0, 0, 0x20, 0, 0, 0);
const LIST: LocatorList = { generation: 3, locators: [{ address: address("2001:db8:a1::10"), method: METHOD_CGA }] };

/** What SEND's RSA Signature option signs (RFC 3971 §5.2): tag, addresses, the message up to that option. */
function sendOctets(source: Address): Uint8Array {
  return concat(SEND_TYPE_TAG, addressOctets(source), addressOctets(ALL_NODES), ADVERTISEMENT, addressOctets(source));
}

/** RFC 3971 §5.2: the key field of the parameters verifies, and no other key. */
function verifySend(source: Address, pds: Uint8Array, signature: Uint8Array): boolean {
  const parsed = verifyCga(crypto, source, pds);
  return !(parsed instanceof Reject) && crypto.rsaVerify(parsed.publicKey, sendOctets(source), signature);
}

function shared(): { address: Address; pds: Uint8Array } {
  const extensions = [publicKeyExtension(crypto.rsaPublic(BOX))];
  const request = { prefix: PREFIX, publicKey: crypto.rsaPublic(HOST), sec: 0, modifier: new Uint8Array(16).fill(5), extensions };
  return finish(generateCga(crypto, request));
}

test("one CGA of two keys: the host's proves Neighbor Discovery, the box's proves locators", () => {
  const { address: ulid, pds } = shared();
  assert.ok(verifySend(ulid, pds, crypto.rsaSign(HOST, sendOctets(ulid))));
  const shim6 = createVerifier(crypto);
  assert.ok(shim6.verifyCga(ulid, pds));
  assert.ok(shim6.verifyList(LIST, pds, signLocatorList(crypto, LIST, BOX)));
  // A host that has its own key may speak for itself, if it learns Shim6 one day.
  assert.ok(shim6.verifyList(LIST, pds, signLocatorList(crypto, LIST, HOST)));
  const parsed = parsePds(pds);
  assert.ok(!(parsed instanceof Reject));
  assert.equal(
    signingKeys(parsed).map(hex),
    [HOST, BOX].map((key) => hex(crypto.rsaPublic(key))),
  );
});

test("to SEND, which knows no further keys, the box is a stranger: it cannot speak for a host on the link", () => {
  const { address: ulid, pds } = shared();
  assert.not.ok(verifySend(ulid, pds, crypto.rsaSign(BOX, sendOctets(ulid))));
});

test("a signature of one protocol is none of the other, with one key or two", () => {
  const { address: ulid, pds } = shared();
  const single = finish(
    generateCga(crypto, { prefix: PREFIX, publicKey: crypto.rsaPublic(HOST), sec: 0, modifier: new Uint8Array(16).fill(6) }),
  );
  for (const { address: at, pds: parameters } of [{ address: ulid, pds }, single]) {
    const shim6 = createVerifier(crypto);
    assert.ok(verifySend(at, parameters, crypto.rsaSign(HOST, sendOctets(at))));
    assert.ok(shim6.verifyList(LIST, parameters, signLocatorList(crypto, LIST, HOST)));
    assert.not.ok(shim6.verifyList(LIST, parameters, crypto.rsaSign(HOST, sendOctets(at))));
    assert.not.ok(verifySend(at, parameters, signLocatorList(crypto, LIST, HOST)));
  }
  assert.is.not(hex(SEND_TYPE_TAG), hex(signedOctets(LIST).subarray(0, SEND_TYPE_TAG.length)));
});

test("an HBA set that SEND uses too has a real key beside its prefixes", () => {
  const prefixes = [PREFIX, prefix("fc00:aaaa:2::/64")];
  const extensions = [multiPrefixExtension({ hasKey: true, prefixes }), publicKeyExtension(crypto.rsaPublic(BOX))];
  const request = { prefix: PREFIX, publicKey: crypto.rsaPublic(HOST), sec: 0, modifier: new Uint8Array(16).fill(7), extensions };
  const { address: ulid, pds } = finish(generateCga(crypto, request));
  assert.not.ok(verifyHba(crypto, ulid, pds) instanceof Reject);
  assert.ok(verifySend(ulid, pds, crypto.rsaSign(HOST, sendOctets(ulid))));
  assert.ok(createVerifier(crypto).verifyList(LIST, pds, signLocatorList(crypto, LIST, BOX)));
});

test.run();
