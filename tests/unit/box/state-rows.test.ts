import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../../adapters/common/crypto.ts";
import { keyRow, leaseRow as leaseSchema } from "../../../runtime/api/rows.ts";
import { keyRows, leaseRow } from "../../../runtime/box/state-rows.ts";
import { finish, generateCga, publicKeyExtension } from "../../../runtime/cga/index.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import { NEVER } from "../../../runtime/value/time.ts";

const crypto = createCrypto();

test("a lease: bound, expired, without end", () => {
  const stored = {
    ulid: address("fc00::1"),
    duid: Uint8Array.of(0, 3, 0xab),
    iaid: 0xffff_ffff,
    state: "bound" as const,
    name: undefined,
    mac: undefined,
    matched: "pool",
    since: 0,
    until: 3_600_000,
  };
  const row = leaseRow(stored, 600_000);
  assert.equal(leaseSchema.parse(row), row);
  assert.equal([row.duid, row.state, row.expiresMs, row.until], ["0003ab", "bound", 3_000_000, "1970-01-01T01:00:00.000Z"]);
  assert.equal([leaseRow(stored, 3_600_000).state, leaseRow(stored, 9e9).expiresMs], ["expired", 0]);
  assert.is(leaseRow({ ...stored, state: "released" }, 9e9).state, "released");
  const endless = leaseRow({ ...stored, until: NEVER }, 9e9);
  assert.equal([endless.state, endless.until, endless.expiresMs], ["bound", null, null]);
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
