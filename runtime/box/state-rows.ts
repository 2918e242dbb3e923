/** What is stored, as rows for the API: leases and keys. */
import type { KeyRow, LeaseRow } from "../api/rows.ts";
import { parsePds, readRsaKey, signingKeys } from "../cga/index.ts";
import { besideAt } from "../config/legacy.ts";
import type { Site } from "../config/site.ts";
import { type Beside, besideOf } from "../locator/beside.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { StoredCga, StoredLease } from "../port/store.ts";
import type { Address } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { NEVER } from "../value/time.ts";
import type { LeasesParts } from "./leases.ts";

/** Where hosts have addresses of a provider beside their ULIDs, and whether nothing new is to begin from there. */
export interface LeasedBeside {
  readonly provider: string;
  readonly pairs: readonly Beside[];
  readonly deprecated: boolean;
}

/** `leases` at the instant `wall` of the calendar, ms, with what their hosts have beside them; `lifeOf` as for {@link LeasesParts}. */
export function leaseRows(
  leases: readonly StoredLease[],
  wall: number,
  site: Pick<Site, "ulid" | "lan" | "legacy" | "providers">,
  lifeOf: LeasesParts["lifeOf"],
): LeaseRow[] {
  const beside = site.providers.flatMap((provider): LeasedBeside[] => {
    const { deprecated, until } = lifeOf(provider.name);
    return until > wall ? [{ provider: provider.name, pairs: besideAt(site, provider), deprecated }] : [];
  });
  return leases.map((lease) => leaseRow(lease, wall, beside));
}

/** `lease` at the instant `wall` of the calendar, ms. */
export function leaseRow(lease: StoredLease, wall: number, beside: readonly LeasedBeside[] = []): LeaseRow {
  const { ulid, name = null, state, duid, iaid, mac = null, matched, since, until } = lease;
  const expiresMs = until === NEVER ? null : Math.max(0, until - wall);
  const isOver = state === "bound" && expiresMs === 0;
  const isBound = state === "bound" && !isOver;
  return {
    ulid,
    name,
    state: isOver ? "expired" : state,
    duid: hex(duid),
    iaid,
    mac,
    matched,
    since: new Date(since).toISOString(),
    until: until === NEVER ? null : new Date(until).toISOString(),
    expiresMs,
    addresses: isBound
      ? beside.flatMap(({ provider, pairs, deprecated }) => addressIn(pairs, ulid).map((address) => ({ address, provider, deprecated })))
      : [],
  };
}

function addressIn(pairs: readonly Beside[], ulid: Address): Address[] {
  const found = besideOf(pairs, ulid);
  return found === undefined ? [] : [found];
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
