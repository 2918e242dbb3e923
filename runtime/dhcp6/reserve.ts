/** Which reservation is a client's. */
import { hex, unhex } from "../value/bytes.ts";
import { utf8 } from "../wire/dhcp6-codec.ts";
import type { Client } from "./client.ts";
import type { Dhcp6Reservation } from "./contract.ts";

/** A reservation that fits, and what of it did. */
export interface ReservationMatch {
  readonly reservation: Dhcp6Reservation;
  /** `reservation duid`, `reservation mac (relay)`, … */
  readonly matched: string;
}

/** What {@link ReservationMatch.matched} begins with. */
export const BY_RESERVATION = "reservation";

/** All reservations, to be found by each of their keys. */
export class Reservations {
  readonly #by = {
    duid: new Map<string, Dhcp6Reservation[]>(),
    mac: new Map<string, Dhcp6Reservation[]>(),
    relay: new Map<string, Dhcp6Reservation[]>(),
  };
  readonly #names = new Map<string, Dhcp6Reservation>();

  constructor(list: readonly Dhcp6Reservation[]) {
    for (const reservation of list) {
      this.#names.set(reservation.name, reservation);
      const { duid, mac, relay } = reservation;
      // One key is enough to find it; the others are looked at then.
      if (duid !== undefined) add(this.#by.duid, duid, reservation);
      else if (mac !== undefined) add(this.#by.mac, mac, reservation);
      else if (relay !== undefined) add(this.#by.relay, portKey(relay), reservation);
    }
  }

  /** Whether a reservation has that name. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Names of all of them. */
  names(): Iterable<string> {
    return this.#names.keys();
  }

  /** The client's: of several that fit, the one that names most; of those, the first. */
  find(client: Client): ReservationMatch | undefined {
    if (this.#names.size === 0) return undefined;
    const ports = client.ports.map(hex);
    const candidates = [
      ...(this.#by.duid.get(client.id) ?? []),
      ...(client.mac === undefined ? [] : (this.#by.mac.get(client.mac) ?? [])),
      ...ports.flatMap((port) => this.#by.relay.get(port) ?? []),
    ];
    let best: Dhcp6Reservation | undefined;
    for (const each of candidates) if (fits(each, client, ports) && (best === undefined || keys(each) > keys(best))) best = each;
    return best === undefined ? undefined : { reservation: best, matched: describe(best, client) };
  }
}

function fits({ duid, mac, relay }: Dhcp6Reservation, client: Client, ports: readonly string[]): boolean {
  return (
    (duid === undefined || duid === client.id) &&
    (mac === undefined || mac === client.mac) &&
    (relay === undefined || ports.includes(portKey(relay)))
  );
}

function keys({ duid, mac, relay }: Dhcp6Reservation): number {
  return [duid, mac, relay].filter((key) => key !== undefined).length;
}

function describe({ duid, mac, relay }: Dhcp6Reservation, client: Client): string {
  const parts: string[] = [];
  if (duid !== undefined) parts.push("duid");
  if (mac !== undefined) parts.push(`mac (${client.macFrom})`);
  if (relay !== undefined) parts.push("relay");
  return `${BY_RESERVATION} ${parts.join(", ")}`;
}

/** Hex of an Interface-Id as the settings write it: text, or `0x` and hex. */
function portKey(text: string): string {
  const octets = /^0x/i.test(text) ? unhex(text.slice(2)) : undefined;
  return hex(octets ?? utf8.write.encode(text));
}

function add(map: Map<string, Dhcp6Reservation[]>, key: string, reservation: Dhcp6Reservation): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [reservation]);
  else list.push(reservation);
}
