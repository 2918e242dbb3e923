/**
 * All leases, and what of them is not durable yet. A change counts at once for whoever comes next, and is undone if it could not be
 * stored: an address is never given twice and nothing is promised that the disk does not know. One group of changes is on its way to
 * the disk at a time; the next one gathers meanwhile.
 */
import type { Ulid } from "../value/address.ts";
import { hex } from "../value/bytes.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Dhcp6Changes, Dhcp6Effect, Dhcp6Reply, LeaseRecord, LeaseRow } from "./contract.ts";
import { subnetOf } from "./link.ts";
import { BY_RESERVATION } from "./reserve.ts";

/** A lease. Never changed, only replaced. */
export interface Lease extends LeaseRecord {
  /** Lower-case hex of the DUID. */
  readonly client: string;
  /** {@link leaseKey}. */
  readonly key: string;
  /** End of the valid lifetime on the clock that only goes forward; of a declined one, when it may be looked at again. */
  readonly ends: Millis;
}

/** Changes that become durable together, and the replies that wait for them. */
interface Group {
  /** What was there before; `undefined` = nothing. */
  readonly before: Map<Ulid, Lease | undefined>;
  readonly after: Map<Ulid, Lease | undefined>;
  readonly pds: Map<Ulid, Uint8Array>;
  readonly replies: Dhcp6Reply[];
}

/** Under which a client finds its lease again: each IA has one on each link. */
export function leaseKey(client: string, iaid: number, subnetBase: string): string {
  return `${client}/${iaid}/${subnetBase}`;
}

const emptyGroup = (): Group => ({ before: new Map(), after: new Map(), pds: new Map(), replies: [] });

/** The table. */
export class LeaseTable {
  readonly #all = new Map<Ulid, Lease>();
  /** In order of their ends, as far as all lifetimes are the same; those that ended, in the order in which they did. */
  readonly #lists = {
    bound: new Map<Ulid, Lease>(),
    pool: new Map<Ulid, Lease>(),
    reserved: new Map<Ulid, Lease>(),
    declined: new Map<Ulid, Lease>(),
  };
  readonly #clients = new Map<string, Ulid>();
  /** Names of living leases. */
  readonly #names = new Map<string, Ulid>();
  /** The last lease by a reservation's name and link. */
  readonly #reservations = new Map<string, Ulid>();
  #gathering = emptyGroup();
  #leaving: Group | undefined;

  /**
   * Takes over what was stored. Bound leases live on for at least `grace` and at most `limit`, whatever the calendar says now: it may have
   * jumped while nobody looked, and the addresses are kept for their hosts anyway.
   */
  load(records: readonly LeaseRecord[], now: Millis, wall: number, grace: Millis, limit: Millis): void {
    const leases = records.map((record): Lease => {
      const client = hex(record.duid);
      const left = Math.min(Math.max(record.until - wall, grace), Math.max(limit, grace));
      return { ...record, client, key: leaseKey(client, record.iaid, subnetOf(record.ulid).base), ends: now + left };
    });
    for (const lease of leases.sort((a, b) => a.ends - b.ends || a.until - b.until)) this.#place(lease.ulid, lease);
  }

  get size(): number {
    return this.#all.size;
  }

  get living(): number {
    return this.#lists.bound.size;
  }

  /** When {@link expire} has something to do. */
  get wakeAt(): Millis {
    for (const { ends } of this.#lists.bound.values()) return ends;
    return NEVER;
  }

  get(ulid: Ulid): Lease | undefined {
    return this.#all.get(ulid);
  }

  all(): Iterable<Lease> {
    return this.#all.values();
  }

  /** The lease of that key, living or not; none that was declined. */
  ofClient(key: string): Lease | undefined {
    const ulid = this.#clients.get(key);
    return ulid === undefined ? undefined : this.#all.get(ulid);
  }

  /** The last lease that a reservation brought about on a link. */
  ofReservation(name: string, subnetBase: string): Lease | undefined {
    const ulid = this.#reservations.get(`${name}/${subnetBase}`);
    return ulid === undefined ? undefined : this.#all.get(ulid);
  }

  /** Which living lease has the name. */
  named(name: string): Ulid | undefined {
    return this.#names.get(name);
  }

  /** Puts a lease in the place of the one of the same ULID. @param pds the address's CGA parameters, when it is new */
  put(lease: Lease, pds?: Uint8Array): void {
    this.#note(lease.ulid, lease);
    if (pds !== undefined) this.#gathering.pds.set(lease.ulid, pds);
    this.#place(lease.ulid, lease);
  }

  /**
   * Makes room for one more lease among `max`. Declined ones are forgotten first: their CGA parameters are stored, so that nobody gets
   * such an address anyway; then those that ended, the longest ago first, without a reservation before those with one.
   * @returns `false` when all are in use
   */
  makeRoom(max: number): boolean {
    while (this.#all.size >= max) {
      const { declined, pool, reserved } = this.#lists;
      const oldest = first(declined) ?? first(pool) ?? first(reserved);
      if (oldest === undefined) return false;
      this.#note(oldest, undefined);
      this.#place(oldest, undefined);
    }
    return true;
  }

  /** Whether {@link makeRoom} would find some. */
  hasRoom(max: number): boolean {
    return this.#all.size < max || this.#lists.bound.size < this.#all.size;
  }

  /** Ends leases whose lifetimes are over. */
  expire(now: Millis): void {
    for (const lease of this.#lists.bound.values()) {
      if (lease.ends > now) return;
      this.put({ ...lease, state: "released" });
    }
  }

  /** A reply that must not leave before what has gathered is durable. */
  hold(reply: Dhcp6Reply): void {
    this.#gathering.replies.push(reply);
  }

  /** Whether something is not durable yet. */
  get isPending(): boolean {
    return this.#leaving !== undefined || this.#gathering.after.size > 0;
  }

  /** Replies that wait. */
  get held(): number {
    return this.#gathering.replies.length + (this.#leaving?.replies.length ?? 0);
  }

  /** What has gathered, on its way from now on; `undefined` when there is nothing or something is on its way already. */
  leave(): Dhcp6Changes | undefined {
    const { after, pds } = this.#gathering;
    if (this.#leaving !== undefined || (after.size === 0 && this.#gathering.replies.length === 0)) return undefined;
    this.#leaving = this.#gathering;
    this.#gathering = emptyGroup();
    const entries = [...after];
    return {
      cga: [...pds].map(([ulid, octets]) => ({ ulid, name: after.get(ulid)?.name, pds: octets })),
      leases: entries.flatMap(([, lease]) => (lease === undefined ? [] : [toRecord(lease)])),
      forgotten: entries.flatMap(([ulid, lease]) => (lease === undefined ? [ulid] : [])),
    };
  }

  /** What was on its way is durable. @returns the replies that waited for it, and what hosts' addresses and names are now */
  stored(): Dhcp6Effect[] {
    const group = this.#leaving;
    this.#leaving = undefined;
    if (group === undefined) return [];
    const effects: Dhcp6Effect[] = [];
    for (const [ulid, after] of group.after) {
      const before = group.before.get(ulid);
      const [was, is] = [before?.state === "bound", after?.state === "bound"];
      const lease = is ? after : before;
      const isSame = before?.name === after?.name && isReserved(before) === isReserved(after);
      if (was === is && (!is || isSame)) continue;
      effects.push({ kind: "lease", ulid, name: lease?.name, living: is, reserved: isReserved(lease), pds: group.pds.get(ulid) });
    }
    return [...effects, ...group.replies];
  }

  /** Nothing of what was on its way is durable: undone, and what has gathered on top of it too. @returns the number of replies that are dropped */
  failed(): number {
    const dropped = this.held;
    for (const group of [this.#gathering, this.#leaving]) for (const [ulid, lease] of group?.before ?? []) this.#place(ulid, lease);
    this.#gathering = emptyGroup();
    this.#leaving = undefined;
    return dropped;
  }

  /** All leases, for people. */
  rows(now: Millis, wall: number): LeaseRow[] {
    return Array.from(this.#all.values(), ({ ulid, name, state, client, iaid, mac, matched, since, until, ends }) => ({
      ulid,
      name,
      state: state === "released" ? "ended" : state,
      duid: client,
      iaid,
      mac,
      matched,
      since,
      until: state === "bound" ? Math.round(wall + ends - now) : until,
    }));
  }

  #note(ulid: Ulid, lease: Lease | undefined): void {
    const { before, after } = this.#gathering;
    if (!before.has(ulid)) before.set(ulid, this.#all.get(ulid));
    after.set(ulid, lease);
  }

  #place(ulid: Ulid, lease: Lease | undefined): void {
    const old = this.#all.get(ulid);
    if (old !== undefined) this.#remove(old);
    if (lease === undefined) return;
    this.#all.set(ulid, lease);
    this.#listOf(lease).set(ulid, lease);
    if (lease.state !== "declined") this.#clients.set(lease.key, ulid);
    if (lease.state === "bound" && lease.name !== undefined) this.#names.set(lease.name, ulid);
    const reservation = reservationOf(lease);
    if (reservation !== undefined) this.#reservations.set(reservation, ulid);
  }

  #remove(lease: Lease): void {
    const { ulid, key, name } = lease;
    this.#all.delete(ulid);
    this.#listOf(lease).delete(ulid);
    if (this.#clients.get(key) === ulid) this.#clients.delete(key);
    if (name !== undefined && this.#names.get(name) === ulid) this.#names.delete(name);
    const reservation = reservationOf(lease);
    if (reservation !== undefined && this.#reservations.get(reservation) === ulid) this.#reservations.delete(reservation);
  }

  #listOf({ state, matched }: Lease): Map<Ulid, Lease> {
    if (state === "released") return isReserved({ matched }) ? this.#lists.reserved : this.#lists.pool;
    return this.#lists[state];
  }
}

function isReserved(lease: Pick<Lease, "matched"> | undefined): boolean {
  return lease?.matched.startsWith(BY_RESERVATION) ?? false;
}

function reservationOf({ name, matched, state, key }: Lease): string | undefined {
  if (name === undefined || state === "declined" || !isReserved({ matched })) return undefined;
  return `${name}/${key.slice(key.lastIndexOf("/") + 1)}`;
}

function toRecord({ ulid, duid, iaid, state, name, mac, matched, since, until }: Lease): LeaseRecord {
  return { ulid, duid, iaid, state, name, mac, matched, since, until };
}

function first(map: Map<Ulid, Lease>): Ulid | undefined {
  for (const ulid of map.keys()) return ulid;
  return undefined;
}
