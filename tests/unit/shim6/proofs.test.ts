/** What peers send to prove their locators: every kind of parameters × every message that carries them × right and forged, with real hashes and keys. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import {
  type Cga,
  createVerifier,
  finish,
  generateCga,
  generateHba,
  multiPrefixExtension,
  publicKeyExtension,
  signLocatorList,
} from "../../../runtime/cga/index.ts";
import { judgeReceived, type ReceiverContext } from "../../../runtime/shim6/receive.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket } from "../../../runtime/wire/emit.ts";
import { type ListedLocator, type LocatorList, METHOD_CGA, METHOD_HBA, type Message, type Option } from "../../../runtime/wire/message.ts";
import { ERROR_LOCATOR_VERIFICATION } from "../../../runtime/wire/number.ts";

const crypto = createCrypto();
const [BOX, BACKUP, MALLORY] = [1, 2, 3].map(() => crypto.rsaGenerate(1_024));
const [box, backup, mallory] = [BOX, BACKUP, MALLORY].map((key) => crypto.rsaPublic(key));
const SUBNET = prefix("fc00:b::/64");
const PREFIXES = [SUBNET, prefix("2001:db8:b1::/64"), prefix("2001:db8:b2::/64")];
const modifier = (n: number) => new Uint8Array(16).fill(n);

/** A peer: who it is, what it lists, which key signs. */
interface Peer {
  readonly ulid: Address;
  readonly pds: Uint8Array;
  readonly locators: readonly ListedLocator[];
  readonly signs: Uint8Array | undefined;
}

function cga(n: number, publicKey: Uint8Array, sec = 0, ...more: Uint8Array[]): Cga {
  return finish(generateCga(crypto, { prefix: SUBNET, publicKey, sec, modifier: modifier(n), extensions: more.map(publicKeyExtension) }));
}

function signed({ address: ulid, pds }: Cga, signs: Uint8Array): Peer {
  return { ulid, pds, locators: PREFIXES.slice(1).map((each) => ({ address: withPrefix(each, ulid), method: METHOD_CGA })), signs };
}

function set(n: number, key: Parameters<typeof generateHba>[1]["key"], sec = 0): Cga[] {
  return finish(generateHba(crypto, { prefixes: PREFIXES, sec, modifier: modifier(n), key }));
}

function members([own, ...others]: readonly Cga[]): Peer {
  return {
    ulid: own.address,
    pds: own.pds,
    locators: others.map(({ address: each }) => ({ address: each, method: METHOD_HBA })),
    signs: undefined,
  };
}

const filler = { random: new Uint8Array(48).fill(9) };
const elsewhere = { address: address("2001:db8:b3::1"), method: METHOD_CGA };
const hybrid = members(set(5, { publicKey: box }));
const PEERS: Readonly<Record<string, Peer>> = {
  CGA: signed(cga(1, box), BOX),
  "CGA, Sec 1": signed(cga(2, box, 1), BOX),
  "CGA of two keys, signed with the first": signed(cga(3, box, 0, backup), BOX),
  "CGA of two keys, signed with the second": signed(cga(3, box, 0, backup), BACKUP),
  HBA: members(set(4, filler)),
  "HBA, Sec 1": members(set(4, filler, 1)),
  "hybrid, its members": hybrid,
  "hybrid, a member and another locator": { ...hybrid, locators: [hybrid.locators[0], elsewhere], signs: BOX },
};

/** What is sent: everything that a forger can choose. */
interface Proof {
  readonly ulid: Address;
  readonly pds: Uint8Array | undefined;
  readonly list: LocatorList;
  readonly signature: Uint8Array | undefined;
}

function proofOf({ ulid, pds, locators, signs }: Peer): Proof {
  const list = { generation: 7, locators };
  return { ulid, pds, list, signature: signs === undefined ? undefined : signLocatorList(crypto, list, signs) };
}

function optionsOf({ pds, list, signature }: Proof): Option[] {
  const options: Option[] = [{ kind: "locator-list", ...list }];
  if (pds !== undefined) options.push({ kind: "cga-pds", pds });
  if (signature !== undefined) options.push({ kind: "cga-signature", signature });
  return options;
}

const US = address("fc00:a::1");
const [S, D] = ["2001:db8:b1::77", "2001:db8:a1::1"].map(address);
const tag = contextTag(5);

/** The messages that carry a list; the context knows `ulid` where the message does not say it. */
const MESSAGES: Readonly<Record<string, (proof: Proof) => Message>> = {
  I2: (proof) => ({
    kind: "I2",
    initiatorTag: tag,
    initiatorNonce: 1,
    responderNonce: 2,
    options: [
      { kind: "responder-validator", validator: new Uint8Array(20) },
      { kind: "ulid-pair", sender: proof.ulid, receiver: US },
      ...optionsOf(proof),
    ],
  }),
  I2bis: (proof) => ({
    kind: "I2bis",
    initiatorTag: tag,
    initiatorNonce: 1,
    responderNonce: 2,
    packetTag: tag,
    options: [
      { kind: "responder-validator", validator: new Uint8Array(20) },
      { kind: "ulid-pair", sender: proof.ulid, receiver: US },
      ...optionsOf(proof),
    ],
  }),
  R2: (proof) => ({ kind: "R2", responderTag: tag, initiatorNonce: 1, options: optionsOf(proof) }),
  "Update Request": (proof) => ({ kind: "UpdateRequest", receiverTag: tag, requestNonce: 1, options: optionsOf(proof) }),
  "Update Request with the parameters of before": (proof) => ({
    kind: "UpdateRequest",
    receiverTag: tag,
    requestNonce: 1,
    options: optionsOf({ ...proof, pds: undefined }),
  }),
};

function judge(message: Message, { ulid }: Proof, known: Uint8Array | undefined) {
  const context: ReceiverContext = { peerUlid: ulid, localLocators: [D], peerLocators: [S], peerGeneration: 6, peerPds: known };
  const verdict = judgeReceived({ source: S, destination: D, message, packet: emitPacket(S, D, message) }, context, createVerifier(crypto));
  return verdict.action === "error" ? `error ${verdict.code}` : verdict.action;
}

const REFUSED = `error ${ERROR_LOCATOR_VERIFICATION}`;

/** What a forger changes, and where the message is then refused; `undefined` = the change is none for this peer. */
const FORGERIES: Readonly<Record<string, (proof: Proof, peer: Peer) => { readonly proof: Proof; readonly verdict: string } | undefined>> = {
  "a locator more": (proof, { locators }) => ({
    proof: { ...proof, list: { ...proof.list, locators: [...locators, { ...elsewhere, address: address("2001:db8:666::1") }] } },
    verdict: REFUSED,
  }),
  "a locator more, said to be a member": (proof, { locators }) => ({
    proof: { ...proof, list: { ...proof.list, locators: [...locators, { address: address("2001:db8:b1::666"), method: METHOD_HBA }] } },
    verdict: REFUSED,
  }),
  "a member of another set": (proof) => ({
    proof: { ...proof, list: { ...proof.list, locators: members(set(6, filler)).locators }, signature: undefined },
    verdict: REFUSED,
  }),
  "a signature of another key": (proof, { signs }) =>
    signs === undefined ? undefined : { proof: { ...proof, signature: signLocatorList(crypto, proof.list, MALLORY) }, verdict: REFUSED },
  "a signature of another generation": (proof, { signs }) =>
    signs === undefined ? undefined : { proof: { ...proof, list: { ...proof.list, generation: 8 } }, verdict: REFUSED },
  "no signature": (proof, { signs }) => (signs === undefined ? undefined : { proof: { ...proof, signature: undefined }, verdict: REFUSED }),
  "other parameters, with a signature that fits them": (proof, { signs, ulid }) =>
    signs === undefined || proof.pds === undefined
      ? undefined
      : { proof: { ...proof, ulid, pds: cga(1, mallory).pds, signature: signLocatorList(crypto, proof.list, MALLORY) }, verdict: "drop" },
  "another identifier": (proof) => ({ proof: { ...proof, ulid: address("fc00:b::666") }, verdict: "drop" }),
  "another modifier": (proof) => ({
    proof: { ...proof, pds: proof.pds?.map((octet, i) => (i === 3 ? octet ^ 1 : octet)) },
    verdict: "drop",
  }),
};

let judged = 0;
for (const [name, peer] of Object.entries(PEERS)) {
  for (const [kind, messageOf] of Object.entries(MESSAGES)) {
    const reused = kind.endsWith("of before");
    test(`${name}, ${kind}`, () => {
      const proof = proofOf(peer);
      const known = reused ? peer.pds : undefined;
      assert.is(judge(messageOf(proof), proof, known), "accept");
      for (const [what, forge] of Object.entries(FORGERIES)) {
        const forged = forge(proof, peer);
        // Parameters of before were verified then, with their identifier.
        if (forged === undefined || (reused && forged.verdict === "drop")) continue;
        assert.is(judge(messageOf(forged.proof), forged.proof, known), forged.verdict, what);
        judged++;
      }
    });
  }
}

test("an HBA set has no key: nothing that is signed with whatever stands in its place counts", () => {
  // The filler's place holds a real key, but the set says that it is none (P = 0).
  for (const [hasKey, verdict] of [
    [false, REFUSED],
    [true, "accept"],
  ] as const) {
    const extensions = [multiPrefixExtension({ hasKey, prefixes: PREFIXES })];
    const { address: ulid, pds } = finish(
      generateCga(crypto, { prefix: SUBNET, publicKey: box, sec: 0, modifier: modifier(8), extensions }),
    );
    const list = { generation: 7, locators: [elsewhere] };
    const proof: Proof = { ulid, pds, list, signature: signLocatorList(crypto, list, BOX) };
    for (const messageOf of Object.values(MESSAGES)) assert.is(judge(messageOf(proof), proof, pds), verdict);
  }
});

test("the numbers of RFC 5533 §17 in place of §5.15.2 are understood in every message", () => {
  for (const name of ["HBA", "CGA", "hybrid, a member and another locator"]) {
    const proof = proofOf(PEERS[name]);
    const locators = proof.list.locators.map((each) => ({ ...each, method: METHOD_HBA + METHOD_CGA - each.method }));
    for (const messageOf of Object.values(MESSAGES))
      assert.is(judge(messageOf({ ...proof, list: { ...proof.list, locators } }), proof, PEERS[name].pds), "accept", name);
  }
});

test("the table is not empty", () => assert.ok(judged > 200, `${judged} forgeries`));

test.run();
