/** What is stored, as rows for the API: leases and keys. */
import type { KeyRow, LeaseRow } from "../api/rows.ts";
import { parsePds, readRsaKey, signingKeys } from "../cga/index.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { StoredCga, StoredLease } from "../port/store.ts";
import { hex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { NEVER } from "../value/time.ts";

/** `lease` at the instant `wall` of the calendar, ms. */
export function leaseRow(lease: StoredLease, wall: number): LeaseRow {
  const { ulid, name = null, state, duid, iaid, mac = null, matched, since, until } = lease;
  const expiresMs = until === NEVER ? null : Math.max(0, until - wall);
  return {
    ulid,
    name,
    state: state === "bound" && expiresMs === 0 ? "expired" : state,
    duid: hex(duid),
    iaid,
    mac,
    matched,
    since: new Date(since).toISOString(),
    until: until === NEVER ? null : new Date(until).toISOString(),
    expiresMs,
  };
}

/**
 * The site's key in `file`, whose public half (SPKI) is `publicKey`, and every other key that the identifiers of `parameters` name: those
 * of further boxes, and those of hosts that sign for themselves.
 */
export function keyRows(crypto: CryptoPort, file: string, publicKey: Uint8Array, parameters: ReadonlyMap<string, StoredCga>): KeyRow[] {
  const own = hex(publicKey);
  const keys = new Map<string, { readonly spki: Uint8Array; readonly ulids: string[] }>([[own, { spki: publicKey, ulids: [] }]]);
  for (const [ulid, { pds }] of parameters) {
    const parsed = parsePds(pds);
    if (parsed instanceof Reject) continue;
    for (const spki of signingKeys(parsed)) {
      const name = hex(spki);
      const known = keys.get(name) ?? { spki, ulids: [] };
      known.ulids.push(ulid);
      keys.set(name, known);
    }
  }
  return [...keys].map(([name, { spki, ulids }]) => ({
    file: name === own ? file : null,
    bits: readRsaKey(spki)?.bits ?? null,
    fingerprint: hex(crypto.sha256(spki)),
    ulids: ulids.sort(),
  }));
}
