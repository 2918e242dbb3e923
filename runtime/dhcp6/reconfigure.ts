/** Reconfigure (RFC 8415 §18.3.11): telling clients to come and fetch what changed, a few at a time, until they do. */
import type { Address } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import type { Dhcp6Message } from "../wire/dhcp6.ts";
import { rkapOption } from "../wire/dhcp6-auth.ts";
import { emitDhcp6 } from "../wire/dhcp6-message.ts";
import { REC_MAX_RC, REC_TIMEOUT, RECONFIGURE, RENEW, RKAP_DIGEST, RKAP_OCTETS } from "../wire/dhcp6-number.ts";
import type { Dhcp6Parts } from "./contract.ts";
import type { RelayLayer } from "./relay.ts";

/** A client with a lease that takes Reconfigure messages, and the way to it. */
export interface Contact {
  readonly duid: Uint8Array;
  readonly to: Address;
  readonly port: number;
  readonly interface: number;
  readonly from: Address | undefined;
  readonly layers: readonly RelayLayer[];
  /** When its lease ends. */
  readonly ends: Millis;
}

/** Messages sent at once, and the pause before the next ones: not every host comes in the same instant. */
const AT_ONCE = 32;
const PAUSE: Millis = 50;

/** Who can be told, and who is being told. */
export class Reconfiguring {
  readonly #contacts = new Map<string, Contact>();
  /** By the messages sent so far: clients and when the next one is due, in order. */
  readonly #waiting: readonly Map<string, Millis>[] = Array.from({ length: REC_MAX_RC + 1 }, () => new Map<string, Millis>());
  #pausedUntil: Millis = -NEVER;

  get contacts(): number {
    return this.#contacts.size;
  }

  /** Where the client is now. At most `limit` are kept, those that came last. */
  learn(client: string, contact: Contact, limit: number): void {
    this.#contacts.delete(client);
    if (this.#contacts.size >= limit)
      for (const oldest of this.#contacts.keys()) {
        this.#contacts.delete(oldest);
        break;
      }
    this.#contacts.set(client, contact);
  }

  /** The client does not take it, or not any more. */
  forget(client: string): void {
    if (this.#contacts.delete(client)) this.heard(client);
  }

  /** The client came: it was told (§18.3.11). */
  heard(client: string): void {
    for (const waiting of this.#waiting) waiting.delete(client);
  }

  /** All of them are to be told. */
  start(now: Millis): void {
    for (const waiting of this.#waiting) waiting.clear();
    for (const client of this.#contacts.keys()) this.#waiting[0].set(client, now);
  }

  get wakeAt(): Millis {
    let due = NEVER;
    for (const waiting of this.#waiting)
      for (const at of waiting.values()) {
        due = Math.min(due, at);
        break;
      }
    return Math.max(due, this.#pausedUntil);
  }

  /** Who is to be sent a message now. */
  poll(now: Millis): Contact[] {
    const due: Contact[] = [];
    if (now < this.#pausedUntil) return due;
    for (let sent = REC_MAX_RC; sent >= 0; sent--)
      for (const [client, at] of this.#waiting[sent]) {
        if (at > now || due.length >= AT_ONCE) break;
        this.#waiting[sent].delete(client);
        const contact = this.#contacts.get(client);
        if (contact !== undefined && contact.ends <= now) this.#contacts.delete(client);
        if (contact === undefined || contact.ends <= now || sent === REC_MAX_RC) continue;
        due.push(contact);
        this.#waiting[sent + 1].set(client, now + REC_TIMEOUT * 2 ** sent);
      }
    if (due.length >= AT_ONCE) this.#pausedUntil = now + PAUSE;
    return due;
  }
}

/** The message: identifiers, what to do, and the proof that we are who gave the key (§18.3.11, §20.4.2). */
export function emitReconfigure(duid: Uint8Array, replay: number, { serverDuid, reconfigureKey, hmacMd5 }: Dhcp6Parts): Uint8Array {
  const message = (digest: Uint8Array): Dhcp6Message => ({
    kind: "message",
    type: RECONFIGURE,
    transaction: 0,
    options: [
      { kind: "client-id", duid },
      { kind: "server-id", duid: serverDuid },
      { kind: "reconfigure-message", value: RENEW },
      rkapOption(RKAP_DIGEST, digest, replay),
    ],
  });
  const blank = emitDhcp6(message(new Uint8Array(RKAP_OCTETS)));
  return emitDhcp6(message(hmacMd5(reconfigureKey(duid), blank)));
}
