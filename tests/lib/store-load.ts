/** What the store's writer writes, so that a reader can tell whether all of it is there. */
import type { StoredCga, StoredLease } from "../../runtime/port/store.ts";
import { address, type Ulid } from "../../runtime/value/address.ts";

/** Leases in a group. */
export const GROUP_LEASES = 7;

/** Lease `place` of group `group`. */
export function leaseOf(group: number, place: number): StoredLease {
  return {
    ulid: address(`fc00:1:${(group >>> 16).toString(16)}:${(group & 0xffff).toString(16)}::${place + 1}`),
    duid: new Uint8Array(14).fill(group),
    iaid: group,
    state: "bound",
    name: `h${group}-${place}`,
    mac: undefined,
    matched: "pool",
    since: 1_790_000_000_000 + group,
    until: 1_790_003_600_000 + group,
  };
}

/** CGA parameters `i`. */
export function cgaOf(i: number): StoredCga & { readonly ulid: Ulid } {
  return { ulid: address(`fc00:2::${(i + 1).toString(16)}`), name: `h${i}`, pds: new Uint8Array(300).fill(i) };
}
