/** Which address an IA gets, and the lease of it. */
import type { Ulid } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import type { Ask } from "./ask.ts";
import type { Client } from "./client.ts";
import type { ReadyCga } from "./contract.ts";
import { isOnLink, type Link } from "./link.ts";
import { freeLabel, wishedLabel } from "./name.ts";
import type { Offers } from "./offers.ts";
import { BY_RESERVATION, type ReservationMatch, type Reservations } from "./reserve.ts";
import { type Lease, type LeaseTable, leaseKey } from "./table.ts";

/** What an IA would get. */
interface Choice {
  readonly ulid: Ulid;
  /** The lease that is there already; `undefined` = one is made. */
  readonly lease: Lease | undefined;
  readonly match: ReservationMatch | undefined;
  readonly pds: Uint8Array | undefined;
}

/** Gives out addresses. A host keeps the one it had, for as long as anybody remembers. */
export class Assigner {
  readonly #table: LeaseTable;
  readonly #offers: Offers;
  readonly #reservations: Reservations;
  readonly #names: ReadonlySet<string>;
  /** Given in the message at hand: a host's second interface does not take the first one's. */
  readonly #given = new Set<Ulid>();
  #isExhausted = false;

  constructor(table: LeaseTable, offers: Offers, reservations: Reservations, names: ReadonlySet<string>) {
    this.#table = table;
    this.#offers = offers;
    this.#reservations = reservations;
    this.#names = names;
  }

  /** Another message begins. */
  begin(): void {
    this.#given.clear();
    this.#isExhausted = false;
  }

  /** Whether an IA of the message at hand got nothing because nothing was left. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** What the IA would get, with the name that goes with it; kept for a while. `undefined` = nothing. */
  offer(
    ask: Ask,
    link: Link,
    iaid: number,
    hints: readonly Ulid[],
  ): { readonly ulid: Ulid; readonly name: string | undefined } | undefined {
    const choice = this.#choose(ask, link, iaid, hints, (key) => this.#offers.offer(key, link.subnet, ask.now));
    return choice && { ulid: choice.ulid, name: this.#nameOf(ask, choice) };
  }

  /** The lease that the IA gets, or has with new lifetimes. `undefined` = there is none. */
  bind(ask: Ask, link: Link, iaid: number, hints: readonly Ulid[]): Lease | undefined {
    const choice = this.#choose(ask, link, iaid, hints, (key) => this.#offers.take(key, link.subnet));
    if (choice === undefined) return undefined;
    const { ulid, lease, match, pds } = choice;
    const { client, now, wall, settings } = ask;
    const key = leaseKey(client.id, iaid, link.subnet.base);
    const isOwn = lease?.key === key;
    const earlier = this.#table.ofClient(key);
    if (earlier !== undefined && earlier.ulid !== ulid) this.end(earlier, wall);
    if (lease === undefined && !this.#table.makeRoom(settings.max)) {
      this.#isExhausted = true;
      return undefined;
    }
    const made: Lease = {
      ulid,
      duid: client.duid,
      client: client.id,
      iaid,
      key,
      state: "bound",
      name: this.#nameOf(ask, choice),
      mac: client.mac ?? (isOwn ? lease.mac : undefined),
      matched: match?.matched ?? "pool",
      since: isOwn && lease.state === "bound" ? lease.since : wall,
      until: wall + settings.valid,
      ends: now + settings.valid,
    };
    this.#table.put(made, pds);
    return made;
  }

  /** Ends a living lease; its address stays the client's to come back to. */
  end(lease: Lease, wall: number): void {
    if (lease.state === "bound") this.#table.put({ ...lease, state: "released", until: wall });
  }

  /** Living leases whose names belong to reservations or to the operator by now get others. */
  rename(): void {
    for (const lease of [...this.#table.all()]) {
      const { name, state, matched } = lease;
      if (state !== "bound" || name === undefined) continue;
      const isReserved = this.#names.has(name) || this.#reservations.has(name);
      if (!isReserved || (matched.startsWith(BY_RESERVATION) && this.#reservations.has(name))) continue;
      this.#table.put({ ...lease, name: freeLabel(name, (label) => this.#isFree(label, lease.ulid)) });
    }
  }

  #choose(ask: Ask, link: Link, iaid: number, hints: readonly Ulid[], fresh: (key: string) => ReadyCga | undefined): Choice | undefined {
    const { client, settings } = ask;
    const key = leaseKey(client.id, iaid, link.subnet.base);
    const found = this.#reservations.find(client);
    const reserved = found && this.#reserved(found, ask, link, key);
    // A reservation that has no address on this link yet takes the one that its client has or gets.
    const match = found !== undefined && this.#isOpen(found, link) ? found : undefined;
    const lease = this.#kept(key, link) ?? this.#hinted(hints, client.id, link);
    const choice = reserved ?? (lease && { ulid: lease.ulid, lease, match, pds: undefined });
    if (choice !== undefined) {
      this.#given.add(choice.ulid);
      return choice;
    }
    const cga = this.#table.hasRoom(settings.max) ? fresh(key) : undefined;
    if (cga === undefined) this.#isExhausted = true;
    return cga && { ulid: cga.address, lease: undefined, match, pds: cga.pds };
  }

  /** The reservation's own address, or the one that it got when it was first used on this link. */
  #reserved(match: ReservationMatch, { client, now }: Ask, link: Link, key: string): Choice | undefined {
    const { reservation } = match;
    const fixed = reservation.ulid !== undefined && isOnLink(link, reservation.ulid) ? reservation.ulid : undefined;
    const lease = fixed === undefined ? this.#table.ofReservation(reservation.name, link.subnet.base) : this.#table.get(fixed);
    const ulid = fixed ?? lease?.ulid;
    if (ulid === undefined || this.#given.has(ulid)) return undefined;
    if (lease !== undefined && !isFreeFor(lease, client, key, now, reservation.mac !== undefined)) return undefined;
    return { ulid, lease, match, pds: undefined };
  }

  /** Whether a reservation takes an address that has another origin: it names none, and has none on this link. */
  #isOpen({ reservation }: ReservationMatch, link: Link): boolean {
    return reservation.ulid === undefined && this.#table.ofReservation(reservation.name, link.subnet.base) === undefined;
  }

  /** What the client had on this link. */
  #kept(key: string, link: Link): Lease | undefined {
    const lease = this.#table.ofClient(key);
    return lease !== undefined && !this.#given.has(lease.ulid) && isOnLink(link, lease.ulid) ? lease : undefined;
  }

  /** What the client had under another IAID and does not use any more. */
  #hinted(hints: readonly Ulid[], client: string, link: Link): Lease | undefined {
    for (const ulid of hints) {
      const lease = this.#table.get(ulid);
      if (lease?.client === client && lease.state === "released" && !this.#given.has(ulid) && isOnLink(link, ulid)) return lease;
    }
    return undefined;
  }

  #nameOf({ fqdn }: Ask, { ulid, lease, match }: Choice): string | undefined {
    if (match !== undefined) return match.reservation.name;
    // Without the option nothing is said of names, and the one that is there stays.
    const wish = fqdn === undefined ? lease?.name : wishedLabel(fqdn);
    return wish === undefined ? undefined : (this.#ownName(wish, lease) ?? freeLabel(wish, (label) => this.#isFree(label, ulid)));
  }

  /** A name with a number behind it stays as it is while the wish is the same: others may know it. */
  #ownName(wish: string, lease: Lease | undefined): string | undefined {
    if (lease?.state !== "bound" || lease.name === undefined) return undefined;
    const isSame = lease.name === wish || (lease.name.startsWith(`${wish}-`) && /^\d+$/.test(lease.name.slice(wish.length + 1)));
    return isSame && this.#isFree(lease.name, lease.ulid) ? lease.name : undefined;
  }

  #isFree(label: string, ulid: Ulid): boolean {
    if (this.#names.has(label) || this.#reservations.has(label)) return false;
    const holder = this.#table.named(label);
    return holder === undefined || holder === ulid;
  }
}

/**
 * Whether a reservation's address may go to a client although `lease` is there. Living ones stay where they are, but for a host that
 * comes with another DUID, as firmware and then the system that it starts do: the operator said that the link-layer address is the host.
 */
function isFreeFor(lease: Lease, { id, mac }: Client, key: string, now: Millis, byMac: boolean): boolean {
  if (lease.state === "declined") return lease.ends <= now;
  if (lease.key === key || lease.state === "released") return true;
  return byMac && lease.client !== id && mac !== undefined && lease.mac === mac;
}
