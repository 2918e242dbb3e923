/** TSIG against published HMACs, an independent signer, and every way in which an answer may be wrong. */
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { concat, hex, putU16, u16, unhex } from "../../../runtime/value/bytes.ts";
import { Reject } from "../../../runtime/value/reject.ts";
import { TYPE_AXFR, TYPE_SOA } from "../../../runtime/wire/dns.ts";
import { emitDns } from "../../../runtime/wire/dns-emit.ts";
import { dnsName, nameOctets } from "../../../runtime/wire/dns-name.ts";
import { tsigSecret } from "../../../runtime/zone/key.ts";
import { emitTsig, parseTsig, signRequest, TsigAnswer, type TsigKey } from "../../../runtime/zone/tsig.ts";
import { KEY, ModelServer, ORIGIN, read, requestOf } from "../../lib/zone.ts";

const crypto = createCrypto();
const NOW = 1_800_000_000;

test("HMACs as published (RFC 4231, test case 2)", () => {
  const text = new TextEncoder();
  const mac = (algorithm: "sha256" | "sha384" | "sha512") =>
    hex(crypto.hmac(algorithm, text.encode("Jefe"), text.encode("what do ya want for nothing?")));
  assert.is(mac("sha256"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  assert.is(mac("sha384"), "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  assert.is(
    mac("sha512"),
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  );
});

test("a signed request, octet by octet", () => {
  const plain = emitDns(requestOf("alpha.example", TYPE_SOA));
  const { octets, mac } = signRequest(plain, KEY, NOW, crypto);
  assert.is(hex(octets.subarray(0, 12)), "123400000001000000000001", "header with ARCOUNT 1");
  assert.is(hex(octets.subarray(12, plain.length)), hex(plain.subarray(12)));
  const record = [
    "03626f7805616c706861076578616d706c6500", // NAME box.alpha.example
    "00fa00ff00000000003d", //                  TSIG, ANY, TTL 0, RDLENGTH 61
    "0b686d61632d73686132353600", //            hmac-sha256
    "00006b49d200012c", //                      2027-01-15 08:00:00 UTC, fudge 300
    `0020${hex(mac)}`, //                       MAC
    "123400000000", //                          original id, no error, nothing else
  ];
  assert.is(hex(octets.subarray(plain.length)), record.join(""));
});

test("the MAC is what Python makes of RFC 8945 §4.3", () => {
  const program = `
import sys, hmac
plain, secret, alg = bytes.fromhex(sys.argv[1]), bytes.fromhex(sys.argv[2]), sys.argv[3]
name = lambda text: b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\\0"
variables = name("box.alpha.example") + b"\\0\\xff" + bytes(4) + name("hmac-" + alg) + (1800000000).to_bytes(6, "big") + (300).to_bytes(2, "big") + bytes(4)
print(hmac.new(secret, plain + variables, alg).hexdigest())`;
  if (spawnSync("python3", ["-V"]).status !== 0) return console.log("skipped: python3 missing");
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const key: TsigKey = { ...KEY, name: dnsName("BOX.alpha.example"), algorithm: `hmac-${algorithm}` };
    const plain = emitDns(requestOf("alpha.example", TYPE_AXFR));
    const done = spawnSync("python3", ["-c", program, hex(plain), hex(key.secret), algorithm], { encoding: "utf8" });
    assert.is(hex(signRequest(plain, key, NOW, crypto).mac), done.stdout.trim(), algorithm + done.stderr);
  }
});

/** A signed question for the zone and what the model server answers. */
function exchange(change: (server: ModelServer) => void = () => undefined, seconds = NOW) {
  const server = new ModelServer(KEY, ORIGIN);
  server.zones.set(
    ORIGIN,
    [1, 2, 3, 4, 5, 6, 7].map((n) => ({
      name: dnsName(`h${n}.alpha.example`),
      type: 28,
      class: 1,
      ttl: 1,
      data: new Uint8Array(16).fill(n),
    })),
  );
  change(server);
  const request = signRequest(emitDns(requestOf("alpha.example", TYPE_AXFR)), KEY, NOW, crypto);
  return { messages: server.answer(request.octets, seconds), mac: request.mac };
}

const take = (answer: TsigAnswer, octets: Uint8Array, seconds = NOW) => answer.take(octets, read(octets).additional.at(-1), seconds);

test("an answer of several messages, each signed, or some", () => {
  for (const signEach of [1, 2, 100]) {
    const { messages, mac } = exchange((server) => {
      server.signEach = signEach;
    });
    const answer = new TsigAnswer(KEY, mac, crypto);
    const kinds = messages.map((message) => take(answer, message).kind);
    assert.equal(kinds, signEach === 1 ? ["good", "good", "good"] : signEach === 2 ? ["good", "later", "good"] : ["good", "later", "good"]);
    assert.ok(answer.complete);
  }
});

test("a message changed, left out, twice, or in another order is found", () => {
  const { messages, mac } = exchange();
  const verdicts = (list: Uint8Array[]) => {
    const answer = new TsigAnswer(KEY, mac, crypto);
    return list.map((message) => take(answer, message)).map((verdict) => (verdict.kind === "bad" ? verdict.why : verdict.kind));
  };
  assert.equal(verdicts([messages[0], messages[2]]), ["good", "mac"]);
  assert.equal(verdicts([messages[0], messages[0]]), ["good", "mac"]);
  assert.equal(verdicts([messages[1], messages[0]])[0], "mac");
  for (let at = 0; at < messages[0].length; at++) {
    const changed = messages[0].slice();
    changed[at] ^= 1;
    let record: ReturnType<typeof read>["additional"][number] | undefined;
    try {
      record = read(changed).additional.at(-1);
    } catch {
      continue;
    }
    const verdict = new TsigAnswer(KEY, mac, crypto).take(changed, record, NOW);
    // The id is signed as the original one: a change of the header's is for whoever compares ids.
    if (at > 1) assert.is.not(verdict.kind, "good", `octet ${at}`);
  }
});

test("answers that are not signed as they should be", () => {
  const { messages, mac } = exchange();
  const signed = messages[0];
  const record = read(signed).additional.at(-1);
  if (record === undefined) throw new Error("no signature");
  const fields = parseTsig(record.data);
  if (fields instanceof Reject) throw new Error(fields.why);
  const verdict = (change: Partial<typeof record>, seconds = NOW, key = KEY) => {
    const result = new TsigAnswer(key, mac, crypto).take(signed, { ...record, ...change }, seconds);
    return result.kind === "bad" ? result.why : result.kind === "refused" ? `refused ${result.error} ${result.proved}` : result.kind;
  };
  assert.is(verdict({}), "good");
  assert.is(verdict({ name: dnsName("BOX.Alpha.example") }), "good", "names have no case");
  assert.is(verdict({}, NOW + 300), "good");
  assert.is(verdict({}, NOW + 301), "time");
  assert.is(verdict({}, NOW - 301), "time");
  assert.is(verdict({ name: dnsName("other.alpha.example") }), "key");
  assert.is(verdict({ data: emitTsig({ ...fields, algorithm: dnsName("hmac-sha512") }) }), "key");
  assert.is(verdict({ class: 1 }), "format");
  assert.is(verdict({ ttl: 1 }), "format");
  assert.is(verdict({ data: record.data.subarray(1) }), "format");
  assert.is(verdict({}, NOW, { ...KEY, secret: new Uint8Array(32) }), "mac");
  // RFC 8945 §5.2.2.1: at least half of the hash, and never more than it.
  for (const [octets, wanted] of [
    [31, "good"],
    [16, "good"],
    [15, "format"],
    [10, "format"],
    [0, "format"],
  ] as const)
    assert.is(verdict({ data: emitTsig({ ...fields, mac: fields.mac.subarray(0, octets) }) }), wanted, `${octets} octets`);
  assert.is(verdict({ data: emitTsig({ ...fields, mac: concat(fields.mac, Uint8Array.of(0)) }) }), "format");
  for (const error of [16, 17])
    assert.is(verdict({ data: emitTsig({ ...fields, mac: new Uint8Array(0), error }) }), `refused ${error} false`);
  assert.is(verdict({ data: emitTsig({ ...fields, mac: new Uint8Array(0), error: 18 }) }), "format", "who says BADTIME must prove it");
  assert.is(verdict({ data: emitTsig({ ...fields, error: 18 }) }), "mac", "the error is signed too");
  assert.is(new TsigAnswer(KEY, mac, crypto).take(signed, undefined, NOW).kind, "bad");
});

test("a truncated MAC is checked in what there is of it", () => {
  const { messages, mac } = exchange();
  const record = read(messages[0]).additional.at(-1);
  const fields = record && parseTsig(record.data);
  if (record === undefined || fields === undefined || fields instanceof Reject) throw new Error("no signature");
  const wrong = fields.mac.slice(0, 16);
  wrong[15] ^= 1;
  assert.is(new TsigAnswer(KEY, mac, crypto).take(messages[0], { ...record, data: emitTsig({ ...fields, mac: wrong }) }, NOW).kind, "bad");
});

test("ninety-nine messages may go by without a signature, not more (RFC 8945 §5.3.1)", () => {
  const { messages, mac } = exchange();
  const answer = new TsigAnswer(KEY, mac, crypto);
  take(answer, messages[0]);
  const plain = emitDns({ ...requestOf("alpha.example", TYPE_AXFR), response: true });
  for (let i = 0; i < 99; i++) assert.is(take(answer, plain).kind, "later");
  assert.not.ok(answer.complete);
  assert.is(take(answer, plain).kind, "bad");
});

test("BADTIME is proved with the request's time and tells the server's", () => {
  const plain = emitDns({ ...requestOf("alpha.example", TYPE_SOA), response: true, rcode: 9 });
  const request = signRequest(emitDns(requestOf("alpha.example", TYPE_SOA)), KEY, NOW, crypto);
  const other = unhex("00006b49d640") as Uint8Array; // 1,088 s later
  const fields = { algorithm: dnsName("hmac-sha256"), time: NOW, fudge: 300, originalId: 0x1234, error: 18, other };
  const tail = concat(
    nameOctets(KEY.name),
    Uint8Array.of(0, 255, 0, 0, 0, 0),
    nameOctets(fields.algorithm),
    unhex("00006b49d200012c") as Uint8Array,
    Uint8Array.of(0, 18, 0, 6),
    other,
  );
  const mac = crypto.hmac("sha256", KEY.secret, concat(Uint8Array.of(0, 32), request.mac, plain, tail));
  const data = emitTsig({ ...fields, mac });
  const octets = concat(plain, nameOctets(KEY.name), Uint8Array.of(0, 250, 0, 255, 0, 0, 0, 0, 0, data.length), data);
  putU16(octets, 10, u16(plain, 10) + 1);
  const verdict = take(new TsigAnswer(KEY, request.mac, crypto), octets);
  assert.equal(verdict, { kind: "refused", error: 18, proved: true, serverTime: NOW + 1_088 });
});

test("secrets out of files", () => {
  const base64 = "MDEyMzQ1Njc4OWFiY2RlZg==";
  assert.is(hex(tsigSecret(`${base64}\n`) ?? new Uint8Array()), hex(new TextEncoder().encode("0123456789abcdef")));
  assert.is(
    hex(tsigSecret(`key "k" {\n\talgorithm hmac-sha256;\n\tsecret "${base64}";\n};\n`) ?? new Uint8Array()),
    hex(new TextEncoder().encode("0123456789abcdef")),
  );
  for (const bad of ["", "\n", "hello world", "MDEyMw==", `${base64}=`, "A===", 'secret "";']) assert.is(tsigSecret(bad), undefined, bad);
});

test.run();
