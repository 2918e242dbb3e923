// CGA parameters, hashes, addresses, HBA sets: the RFC's example, made and verified, every part changed.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import {
  boxOf,
  CollisionError,
  emitPds,
  fillerKey,
  finish,
  generateCga,
  generateHba,
  hbaMembers,
  multiPrefixOf,
  parsePds,
  proofsOf,
  publicKeyExtension,
  readRsaKey,
  searchModifier,
  secOf,
  signingKeys,
  verifyCga,
  verifyHba,
} from "../../../runtime/cga/index.ts";
import { ModifierHash } from "../../../runtime/cga/sha1.ts";
import { type Address, address, addressAt, addressOctets } from "../../../runtime/value/address.ts";
import { concat, hex, unhex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { seed } from "../../lib/seed.ts";
import { vector, vectors } from "../../lib/vectors.ts";

const crypto = createCrypto();
/** A fixed key: whether a hash begins with zeros must not depend on the run. */
const KEY = octets(vector("cga-sec0").fields.public_key_spki);
const PREFIX = prefix("fc00:aaaa:1:7::/64");

function why(result: unknown): string {
  return result instanceof Reject ? result.why : "verified";
}

function octets(text: unknown): Uint8Array {
  const value = unhex(String(text));
  if (value === undefined) throw new Error(String(text));
  return value;
}

/** RFC 3972, appendix A. */
const EXAMPLE = {
  prefix: prefix("fe80::/64"),
  publicKey: octets(
    "305c300d06092a864886f70d0101010500034b003048024100c2c2f137305454f10bd9cea36844b530e9211a4b262b16467cb7dfba1f595c0194f275be5a4d386f2c3c2382508773c7867f9b3b9e63a09c7bc48f7a54ebefaf0203010001",
  ),
  sec: 1,
  modifier: octets("89a8a8b2e858d8b8f2633f44d2d4ce9a"),
};

test("the worked example of RFC 3972: from its first modifier to its address", () => {
  const cga = finish(generateCga(crypto, EXAMPLE));
  assert.is(cga.address, "fe80::3c4a:5bf6:ffb4:ca6c");
  assert.is(hex(cga.pds.subarray(0, 25)), "89a8a8b2e858d8b8f2633f44d2d4ce9bfe8000000000000000");
  assert.is(why(verifyCga(crypto, cga.address, cga.pds)), "verified");
  assert.is(readRsaKey(EXAMPLE.publicKey)?.bits, 512);
});

test("verify(generate) for any prefix, modifier and extensions; every octet of the PDS counts", () => {
  const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const extension = fc.record({ type: fc.nat(0xffff), data: fc.uint8Array({ maxLength: 30 }) });
  fc.assert(
    fc.property(octets(16), octets(8), fc.array(extension, { maxLength: 3 }), fc.nat(), (modifier, subnet, extensions, change) => {
      const request = { prefix: { base: addressAt(concat(subnet, new Uint8Array(8))), length: 64 }, publicKey: KEY, sec: 0 };
      const cga = finish(generateCga(crypto, { ...request, modifier, extensions }));
      const pds = verifyCga(crypto, cga.address, cga.pds);
      if (pds instanceof Reject) throw new Error(pds.why);
      assert.is(hex(emitPds(pds)), hex(cga.pds));
      assert.is(hex(pds.modifier), hex(modifier));
      assert.is(addressOctets(cga.address)[8] & 0xe3, 0, "sec, u and g are 0");
      const changed = cga.pds.slice();
      changed[change % changed.length] ^= 1 + (change % 255);
      assert.is.not(why(verifyCga(crypto, cga.address, changed)), "verified");
    }),
    { seed, numRuns: 200 },
  );
});

test("verify(generate) for keys of every size that may sign", () => {
  for (const bits of [1024, 2048]) {
    const publicKey = crypto.rsaPublic(crypto.rsaGenerate(bits));
    const cga = finish(generateCga(crypto, { prefix: PREFIX, publicKey, sec: 0, modifier: new Uint8Array(16).fill(bits / 256) }));
    assert.is(why(verifyCga(crypto, cga.address, cga.pds)), "verified");
    assert.is(readRsaKey(publicKey)?.bits, bits);
    assert.is(cga.pds.length, 25 + (bits === 1024 ? 162 : 294));
    assert.is(boxOf(crypto, cga.pds), hex(crypto.sha256(publicKey)));
  }
});

test("sec 1: searched in slices, verified with Hash2; the claim of a higher sec fails", () => {
  const modifier = new Uint8Array(16).fill(0xff);
  const work = generateCga(crypto, { prefix: PREFIX, publicKey: KEY, sec: 1, modifier });
  const progress: number[] = [];
  let step = work.next();
  for (; !step.done; step = work.next()) progress.push(step.value);
  assert.equal(
    progress,
    progress.map((_, i) => 2048 * (i + 1)),
  );
  const cga = step.value;
  assert.is(secOf(addressOctets(cga.address).subarray(8)), 1);
  assert.is(why(verifyCga(crypto, cga.address, cga.pds)), "verified");
  const claim = (sec: number): Address => {
    const bytes = addressOctets(cga.address);
    bytes[8] = (bytes[8] & 0x1f) | (sec << 5);
    return addressAt(bytes);
  };
  // Sec is not compared: a lower one is another address of the same PDS.
  assert.is(why(verifyCga(crypto, claim(0), cga.pds)), "verified");
  for (const sec of [2, 3, 4, 5, 6, 7]) assert.is(why(verifyCga(crypto, claim(sec), cga.pds)), "hash2-cga", `sec ${sec}`);
  assert.throws(() => searchModifier({ start: modifier, publicKey: KEY, extensions: [], sec: 3 }).next(), /sec 3/);
});

test("the search's own SHA-1 is that of everybody, for every length of two blocks and a wrapping modifier", () => {
  for (let length = 16; length < 150; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i < 16 ? 0xff : 7 * i));
    const search = new ModifierHash(message);
    for (let step = 0; step < 2; step++) {
      search.run();
      const found = new DataView(new ArrayBuffer(20));
      search.hash.forEach((word, i) => {
        found.setInt32(4 * i, word);
      });
      assert.is(hex(new Uint8Array(found.buffer)), hex(crypto.sha1(message)), `${length} octets`);
      assert.equal(search.modifier(), message.slice(0, 16));
      search.increment();
      message.fill(0, 0, 16);
    }
  }
});

test("a reserved sec fails even where the formula of RFC 3972 holds", () => {
  // A hash that is all zeros satisfies every Sec.
  const zeros = { ...crypto, sha1: () => new Uint8Array(20) };
  const pds = emitPds({ modifier: new Uint8Array(16), subnetPrefix: new Uint8Array(8), collisionCount: 0, publicKey: KEY, extensions: [] });
  for (let sec = 0; sec <= 7; sec++) {
    const claim = new Uint8Array(16);
    claim[8] = sec << 5;
    assert.is(why(verifyCga(zeros, addressAt(claim), pds)), sec <= 2 ? "verified" : "hash2-cga", `sec ${sec}`);
  }
});

test("collisions are counted, the third is an error", () => {
  const request = { prefix: PREFIX, publicKey: KEY, sec: 0, modifier: new Uint8Array(16).fill(9) };
  const used = new Set<Address>();
  const taken = (candidate: Address) => used.has(candidate);
  for (const count of [0, 1, 2]) {
    const cga = finish(generateCga(crypto, { ...request, taken }));
    assert.is(cga.pds[24], count);
    assert.is(why(verifyCga(crypto, cga.address, cga.pds)), "verified");
    assert.not.ok(used.has(cga.address));
    used.add(cga.address);
  }
  assert.throws(
    () => finish(generateCga(crypto, { ...request, taken })),
    (error: unknown) => error instanceof CollisionError,
  );
});

test("a collision count over 2 is told before anything is hashed", () => {
  const { octets: pds, fields } = vector("cga-bad-collision-count");
  const counting = { ...crypto, sha1: () => assert.unreachable("hashed") as never };
  assert.is(why(verifyCga(counting, address(String(fields.address)), pds)), "collision-count-cga");
});

test("u and g bits of the address do not matter", () => {
  const { octets: pds, fields } = vector("cga-sec0");
  for (const bits of [1, 2, 3]) {
    const bytes = addressOctets(address(String(fields.address)));
    bytes[8] |= bits;
    assert.is(why(verifyCga(crypto, addressAt(bytes), pds)), "verified");
  }
});

test("a PDS cut anywhere, or with a crooked key, is no PDS and makes nobody throw", () => {
  const { octets: pds } = vector("cga-multikey");
  for (let length = 0; length < pds.length; length++) {
    const whole = length === 187;
    assert.is(parsePds(pds.slice(0, length)) instanceof Reject, !whole, `${length} octets`);
  }
  const crooked: readonly [name: string, spki: string][] = [
    ["length in too many octets", `30820 09f${hex(KEY.subarray(3))}`.replace(" ", "")],
    ["indefinite length", `3080${hex(KEY.subarray(3))}`],
    ["another algorithm", hex(KEY).replace("2a864886f70d010101", "2a864886f70d010102")],
    ["no NULL parameters", hex(KEY).replace("0101010500", "0101010400")],
    ["unused bits", hex(KEY).replace("0003818d00", "0003818d01")],
    ["a BIT STRING that ends early", hex(KEY).replace("0003818d00", "0003818c00")],
  ];
  for (const [name, spki] of crooked) {
    assert.is.not(spki, hex(KEY), name);
    assert.is(why(parsePds(concat(pds.subarray(0, 25), octets(spki)))), "bad-key-pds", name);
  }
});

test("an RSA key that may sign is DER to the last octet", () => {
  assert.is(readRsaKey(KEY)?.exponent, 65537);
  const crooked: readonly [name: string, spki: string][] = [
    ["an octet behind", `${hex(KEY)}00`],
    ["negative modulus", hex(KEY).replace("02818100", "02818180")],
    ["even exponent", hex(KEY).replace(/010001$/, "010002")],
    ["exponent 1 in three octets", hex(KEY).replace(/010001$/, "000001")],
  ];
  for (const [name, spki] of crooked) {
    assert.is.not(spki, hex(KEY), name);
    assert.is(readRsaKey(octets(spki)), undefined, name);
  }
  assert.is(readRsaKey(fillerKey(new Uint8Array(48)))?.bits, 384);
  const foreign = parsePds(vector("hba-foreign-encoding-member1").octets);
  assert.ok(!(foreign instanceof Reject) && readRsaKey(foreign.publicKey) === undefined);
});

test("arbitrary octets are no reason to throw", () => {
  const pds = vectors.filter(({ kind }) => kind === "cga" || kind === "hba").map(({ octets: bytes }) => bytes);
  const changed = fc
    .tuple(fc.constantFrom(...pds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([bytes, changes, cut]) => {
      const copy = bytes.slice(0, 1 + (cut % bytes.length));
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), changed), (bytes) => {
      const parsed = parsePds(bytes);
      if (!(parsed instanceof Reject)) {
        assert.is(hex(emitPds(parsed)), hex(bytes));
        for (const key of signingKeys(parsed)) readRsaKey(key);
      }
      readRsaKey(bytes);
      verifyCga(crypto, address("fc00::1"), bytes);
      verifyHba(crypto, address("fc00::1"), bytes);
      boxOf(crypto, bytes);
    }),
    { seed, numRuns: 1000 },
  );
});

test("HBA: every member verifies, with the PDS of any member; nobody else does", () => {
  const prefixes = ["2001:db8:c1:77::/64", "2001:db8:c2:77::/64", "fc00:1::/64"].map(prefix);
  const keys = [{ random: new Uint8Array(48).fill(0x5a) }, { publicKey: KEY }];
  for (const key of keys) {
    const set = finish(generateHba(crypto, { prefixes, sec: 0, modifier: new Uint8Array(16).fill(3), key }));
    for (const { pds } of set) {
      for (const member of set) assert.is(why(verifyHba(crypto, member.address, member.pds)), "verified");
      for (const member of set) assert.is(why(verifyHba(crypto, member.address, pds)), "verified");
    }
    assert.is(why(verifyCga(crypto, set[0].address, set[0].pds)), "verified");
    assert.is(why(verifyCga(crypto, set[1].address, set[0].pds)), "prefix-cga");
    const swapped = addressAt(concat(addressOctets(set[1].address).subarray(0, 8), addressOctets(set[0].address).subarray(8)));
    assert.is(why(verifyHba(crypto, swapped, set[0].pds)), "hash1-cga");
    assert.is(why(verifyHba(crypto, address("2001:db8:c9:77::1"), set[0].pds)), "prefix-cga");
    const parsed = parsePds(set[0].pds);
    if (parsed instanceof Reject) throw new Error(parsed.why);
    assert.is(multiPrefixOf(parsed)?.hasKey, "publicKey" in key);
    assert.is(signingKeys(parsed).length, "publicKey" in key ? 1 : 0);
  }
});

test("what parameters prove: the members of their set, and whatever our key may sign", () => {
  const ours = octets(vector("cga-sec0").fields.public_key_spki);
  const other = fillerKey(new Uint8Array(48).fill(1));
  const modifier = new Uint8Array(16).fill(4);
  const prefixes = ["fc00:aaaa:1:7::/64", "2001:db8:c1:7::/64"].map(prefix);
  const proofs = ({ address: ulid, pds }: { address: Address; pds: Uint8Array }) => proofsOf(crypto, ulid, pds, ours);
  const cga = (publicKey: Uint8Array, ...more: Uint8Array[]) =>
    finish(generateCga(crypto, { prefix: PREFIX, publicKey, sec: 0, modifier, extensions: more.map(publicKeyExtension) }));
  assert.equal(proofs(cga(ours)), { members: [], signs: true });
  assert.equal(proofs(cga(other)), { members: [], signs: false });
  assert.equal(proofs(cga(other, other, ours)), { members: [], signs: true });
  assert.equal(proofs(cga(other, other, other, other, ours)), { members: [], signs: false }, "a fifth key is never tried");
  for (const sec of [0, 1]) {
    for (const [key, signs] of [[{ publicKey: ours }, true] as const, [{ random: new Uint8Array(48) }, false] as const]) {
      const set = finish(generateHba(crypto, { prefixes, sec, modifier, key }));
      assert.equal(proofs(set[0]), { members: set.map((member) => member.address), signs });
      assert.equal(hbaMembers(crypto, set[1].pds, sec), proofs(set[0]).members);
    }
  }
  assert.equal(proofs({ address: address("fc00::1"), pds: new Uint8Array(9) }), { members: [], signs: false });
});

test("HBA: one collision redoes the whole set", () => {
  const request = { prefixes: [PREFIX, prefix("fc00:2::/64")], sec: 0, modifier: new Uint8Array(16), key: { publicKey: KEY } };
  const first = finish(generateHba(crypto, request));
  const second = finish(generateHba(crypto, { ...request, taken: (candidate) => candidate === first[1].address }));
  assert.equal(
    second.map(({ pds }) => pds[24]),
    [1, 1],
  );
  assert.is.not(second[0].address, first[0].address);
});

test("HBA: a Multi-Prefix extension of a crooked length, or twice, is none", () => {
  const modifier = new Uint8Array(16);
  const good = { type: 0x0012, data: concat(new Uint8Array(4), addressOctets(PREFIX.base).subarray(0, 8)) };
  for (const extensions of [[{ type: 0x0012, data: new Uint8Array(11) }], [{ type: 0x0012, data: new Uint8Array(3) }], [good, good]]) {
    const cga = finish(generateCga(crypto, { prefix: PREFIX, publicKey: KEY, sec: 0, modifier, extensions }));
    assert.is(why(verifyCga(crypto, cga.address, cga.pds)), "verified");
    assert.is(why(verifyHba(crypto, cga.address, cga.pds)), "no-multi-prefix-hba");
  }
});

test("several keys: the key field first, then the extensions, four at most", () => {
  const others = [1, 2, 3, 4].map((n) => fillerKey(new Uint8Array(48).fill(n)));
  const extensions = [{ type: 0xfffd, data: Uint8Array.of(0, 9) }, ...others.map(publicKeyExtension)];
  const cga = finish(generateCga(crypto, { prefix: PREFIX, publicKey: KEY, sec: 0, modifier: new Uint8Array(16), extensions }));
  const parsed = verifyCga(crypto, cga.address, cga.pds);
  if (parsed instanceof Reject) throw new Error(parsed.why);
  assert.equal(signingKeys(parsed).map(hex), [KEY, ...others.slice(0, 3)].map(hex));
});

test.run();
