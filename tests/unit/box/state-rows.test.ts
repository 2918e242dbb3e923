import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { keyRow, leaseRow as leaseSchema } from "../../../runtime/api/rows.ts";
import { keyRows, leaseRow, leaseRows } from "../../../runtime/box/state-rows.ts";
import { finish, generateCga, publicKeyExtension } from "../../../runtime/cga/index.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { StoredLease } from "../../../runtime/port/store.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { NEVER } from "../../../runtime/value/time.ts";

const crypto = createCrypto();
const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");
const STORED: StoredLease = {
  ulid: address("fc00::1"),
  duid: Uint8Array.of(0, 3, 0xab),
  iaid: 0xffff_ffff,
  state: "bound",
  name: undefined,
  mac: undefined,
  matched: "pool",
  since: 0,
  until: 3_600_000,
};

test("a lease: bound, expired, without end", () => {
  const stored = STORED;
  const row = leaseRow(stored, 600_000);
  assert.equal(leaseSchema.parse(row), row);
  assert.equal([row.duid, row.state, row.expiresMs, row.until], ["0003ab", "bound", 3_000_000, "1970-01-01T01:00:00.000Z"]);
  assert.equal([leaseRow(stored, 3_600_000).state, leaseRow(stored, 9e9).expiresMs], ["expired", 0]);
  assert.is(leaseRow({ ...stored, state: "released" }, 9e9).state, "released");
  const endless = leaseRow({ ...stored, until: NEVER }, 9e9);
  assert.equal([endless.state, endless.until, endless.expiresMs], ["bound", null, null]);
});

test("a host's addresses of the providers: while it is bound, and the prefix holds", () => {
  const reading = readSite(`${ALPHA}legacy: { mode: pa, subnet: 255 }\ndhcp: {}\n`, "site.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  const { site } = reading;
  const stored = { ...STORED, ulid: address("fc00:aaaa:1::10") };
  const of = (leases: readonly StoredLease[], until = NEVER, settings = site) =>
    leaseRows(leases, 600_000, settings, (name) => ({ deprecated: name === "isp2", until: name === "isp1" ? until : NEVER })).map(
      (row) => leaseSchema.parse(row).addresses,
    );
  const [first, second] = [
    { address: "2001:db8:a1:ff::10", provider: "isp1", deprecated: false },
    { address: "2001:db8:a2:ff::10", provider: "isp2", deprecated: true },
  ];
  assert.equal(of([stored, { ...stored, state: "released" }, { ...stored, until: 600_000 }]), [[first, second], [], []]);
  assert.equal(of([stored], 600_000), [[second]], "a prefix that has ended");
  assert.equal(of([{ ...stored, ulid: address("fc00:aaaa:1:9::10") }]), [[]], "another subnet");
  assert.equal(of([stored], NEVER, { ...site, legacy: { ...site.legacy, mode: "map" } }), [[]]);
});

test("keys: the box's own, and those that identifiers name beside it", () => {
  const [own, other] = [1_024, 1_024].map((bits) => crypto.rsaGenerate(bits)).map((pkcs8) => crypto.rsaPublic(pkcs8));
  const prefix = { base: address("fc00::"), length: 64 };
  const make = (fill: number, publicKey: Uint8Array, extensions = [] as ReturnType<typeof publicKeyExtension>[]) =>
    finish(generateCga(crypto, { prefix, publicKey, sec: 0, modifier: new Uint8Array(16).fill(fill), extensions }));
  const [alone, shared] = [make(1, own), make(2, own, [publicKeyExtension(other)])];
  const parameters = new Map([alone, shared].map(({ address: ulid, pds }) => [ulid as string, { name: undefined, pds }]));
  parameters.set("fc00::bad", { name: undefined, pds: new Uint8Array(3) });
  const rows = keyRows(crypto, "/state/site-key.pem", own, parameters);
  for (const row of rows) assert.equal(keyRow.parse(row), row);
  assert.equal(rows, [
    { file: "/state/site-key.pem", bits: 1_024, fingerprint: hex(crypto.sha256(own)), ulids: [alone.address, shared.address].sort() },
    { file: null, bits: 1_024, fingerprint: hex(crypto.sha256(other)), ulids: [shared.address] },
  ]);
  assert.equal(keyRows(crypto, "/k", own, new Map())[0].ulids, []);
});

test.run();
