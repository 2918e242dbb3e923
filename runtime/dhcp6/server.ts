/**
 * The DHCPv6 server (RFC 8415 §18.3) as a pure machine: datagrams in, replies and changes of leases out. No reply that speaks of a lease
 * leaves before the lease is durable. Who is not known costs nothing but an offer, and of these there is a limit.
 */
import { isMulticast, UNSPECIFIED } from "../value/address.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import type { Dhcp6Message, Dhcp6Option } from "../wire/dhcp6.ts";
import { rkapOption } from "../wire/dhcp6-auth.ts";
import { dhcp6TypeName, emitDhcp6 } from "../wire/dhcp6-message.ts";
import * as number from "../wire/dhcp6-number.ts";
import { dhcp6Option } from "../wire/dhcp6-option.ts";
import { type Answer, type Ask, statusOf } from "./ask.ts";
import { Assigner } from "./assign.ts";
import { checkMessage } from "./check.ts";
import { type Client, readClient } from "./client.ts";
import { configuration, tellsAnew } from "./configure.ts";
import { answerConfirm } from "./confirm.ts";
import type { Dhcp6Effect, Dhcp6Event, Dhcp6Parts, Dhcp6Reply, Dhcp6Settings, LeaseRow } from "./contract.ts";
import { Links } from "./link.ts";
import { Offers } from "./offers.ts";
import type { CgaPool } from "./pool.ts";
import { answerRebind } from "./rebind.ts";
import { emitReconfigure, Reconfiguring } from "./reconfigure.ts";
import { type RelayLayer, unwrap, usesOwnPort, wayBack, wrap } from "./relay.ts";
import { answerDecline, answerRelease } from "./release.ts";
import { answerRenew } from "./renew.ts";
import { answerRequest } from "./request.ts";
import { Reservations } from "./reserve.ts";
import { answerSolicit } from "./solicit.ts";
import { LeaseTable } from "./table.ts";
import { renewalTime } from "./time.ts";

type MessageEvent = Extract<Dhcp6Event, { readonly kind: "message" }>;

/** A message that is to be answered, and all that is known of how it came. */
interface Received {
  readonly event: MessageEvent;
  readonly message: Dhcp6Message;
  /** The outermost first. */
  readonly layers: readonly RelayLayer[];
  readonly client: Client | undefined;
  readonly now: Millis;
  readonly wall: number;
}

/** §18.4. */
const USE_MULTICAST: Answer = { type: number.REPLY, options: [statusOf(number.STATUS_USE_MULTICAST)], configuration: false };

/** Replies that wait for the disk at most: some seconds' worth. What comes beyond is dropped, and clients try again. */
export const HELD_LIMIT = 16_384;

const HANDLERS: ReadonlyMap<number, (ask: Ask) => Answer | undefined> = new Map([
  [number.SOLICIT, answerSolicit],
  [number.REQUEST, answerRequest],
  [number.CONFIRM, answerConfirm],
  [number.RENEW, answerRenew],
  [number.REBIND, answerRebind],
  [number.RELEASE, answerRelease],
  [number.DECLINE, answerDecline],
]);
/** Messages that show that a Reconfigure arrived (§18.3.11). */
const COMING = [number.RENEW, number.REBIND, number.INFORMATION_REQUEST];

/** The server. */
export class Dhcp6Server {
  readonly #parts: Dhcp6Parts;
  readonly #pool: CgaPool;
  readonly #table = new LeaseTable();
  readonly #offers: Offers;
  readonly #reconfiguring = new Reconfiguring();
  #settings: Dhcp6Settings;
  #links: Links;
  #assigner: Assigner;
  /** Of the last authentication option: each is greater than the one before (§20.3). */
  #replay = 0;

  constructor(settings: Dhcp6Settings, parts: Dhcp6Parts, pool: CgaPool, now: Millis, wall: number) {
    this.#parts = parts;
    this.#pool = pool;
    this.#offers = new Offers(pool);
    this.#settings = settings;
    this.#links = new Links(settings.subnets, settings.beside);
    this.#assigner = this.#makeAssigner();
    this.#table.load(parts.leases, now, wall, renewalTime(settings), settings.valid);
    this.#adopt();
  }

  /** When `time` is due. */
  get wakeAt(): Millis {
    return Math.min(this.#table.wakeAt, this.#offers.wakeAt, this.#reconfiguring.wakeAt);
  }

  /** Leases of hosts at this moment; offers that are open; clients that take Reconfigure. */
  get sizes(): { readonly living: number; readonly known: number; readonly offers: number; readonly contacts: number } {
    return {
      living: this.#table.living,
      known: this.#table.size,
      offers: this.#offers.size,
      contacts: this.#reconfiguring.contacts,
    };
  }

  /** All leases, for people. */
  rows(now: Millis, wall: number): LeaseRow[] {
    return this.#table.rows(now, wall);
  }

  /** Takes one event. `now` never goes back; `wall` is the calendar, milliseconds. */
  step(event: Dhcp6Event, now: Millis, wall: number): Dhcp6Effect[] {
    switch (event.kind) {
      case "message":
        return this.#message(event, now, wall);
      case "settled":
        return this.#leave();
      case "stored":
        return [...this.#table.stored(), ...this.#leave()];
      case "failed":
        return Array.from({ length: this.#table.failed() }, () => count("drop-store-dhcp6"));
      case "time":
        this.#table.expire(now);
        this.#offers.expire(now);
        return [...this.#reconfigure(now, wall), ...this.#leave()];
      case "configure":
        return this.#configure(event.settings, now);
    }
  }

  #leave(): Dhcp6Effect[] {
    const changes = this.#table.leave();
    return changes === undefined ? [] : [{ kind: "store", ...changes }];
  }

  #configure(settings: Dhcp6Settings, now: Millis): Dhcp6Effect[] {
    const isNew = tellsAnew(this.#settings, settings);
    this.#settings = settings;
    this.#links = new Links(settings.subnets, settings.beside);
    this.#assigner = this.#makeAssigner();
    this.#adopt();
    if (isNew && settings.reconfigure) this.#reconfiguring.start(now);
    return this.#leave();
  }

  #makeAssigner(): Assigner {
    const { reservations, names } = this.#settings;
    return new Assigner(this.#table, this.#offers, new Reservations(reservations), names);
  }

  #adopt(): void {
    const { own } = this.#links;
    if (own !== undefined) this.#pool.prepare(own.subnet);
    this.#assigner.rename();
  }

  #message(event: MessageEvent, now: Millis, wall: number): Dhcp6Effect[] {
    if (this.#table.held >= HELD_LIMIT) return [count("drop-busy-dhcp6")];
    if (event.from === UNSPECIFIED || isMulticast(event.from)) return [count("drop-source-dhcp6")];
    const unwrapped = unwrap(event.octets);
    if (unwrapped instanceof Reject) return [count(`drop-${unwrapped.why}`)];
    const { message, layers } = unwrapped;
    const effects: Dhcp6Effect[] = [count(`in-${dhcp6TypeName(message.type)}-dhcp6`)];
    const verdict = checkMessage(message, this.#parts.serverDuid, layers.length === 0 && !isMulticast(event.to));
    if (verdict instanceof Reject) return [...effects, count(`drop-${verdict.why}`)];
    const duid = dhcp6Option(message.options, "client-id")?.duid;
    const received: Received = { event, message, layers, client: duid && readClient(duid, layers, event.from), now, wall };
    if (verdict === "refuse") return [...effects, ...this.#send(received, USE_MULTICAST)];
    if (received.client !== undefined && COMING.includes(message.type)) this.#reconfiguring.heard(received.client.id);
    const answer = this.#answer(received);
    if (this.#assigner.isExhausted) effects.push({ kind: "exhausted", leases: this.#table.living });
    if (answer === undefined) return [...effects, count("drop-nothing-to-say-dhcp6")];
    return [...effects, ...this.#send(received, answer)];
  }

  #answer({ event, message, layers, client, now, wall }: Received): Answer | undefined {
    this.#assigner.begin();
    if (message.type === number.INFORMATION_REQUEST) return { type: number.REPLY, options: [], configuration: true };
    if (client === undefined) return undefined;
    return HANDLERS.get(message.type)?.({
      message,
      client,
      link: this.#links.of(layers, event.from),
      fqdn: dhcp6Option(message.options, "client-fqdn"),
      now,
      wall,
      settings: this.#settings,
      table: this.#table,
      assigner: this.#assigner,
    });
  }

  /** The answer on its way, or waiting for the disk. */
  #send(received: Received, answer: Answer): Dhcp6Effect[] {
    const { event, message, layers } = received;
    const id = dhcp6Option(message.options, "client-id");
    const options: Dhcp6Option[] = [...(id === undefined ? [] : [id]), { kind: "server-id", duid: this.#parts.serverDuid }];
    options.push(...answer.options);
    const isStateless = message.type === number.INFORMATION_REQUEST;
    if (answer.configuration) {
      const codes = dhcp6Option(message.options, "option-request")?.codes ?? [];
      const fqdn = dhcp6Option(message.options, "client-fqdn");
      options.push(...configuration({ codes, fqdn, name: answer.name, stateless: isStateless }, this.#settings));
      if (!isStateless) options.push(...this.#acceptance(received, answer));
    }
    const octets = wrap(emitDhcp6({ kind: "message", type: answer.type, transaction: message.transaction, options }), layers);
    const reply: Dhcp6Reply = { kind: "reply", octets, ...wayTo(event, layers), type: answer.type };
    const speaksOfLeases = answer.type === number.REPLY && message.type !== number.CONFIRM && !isStateless;
    if (!speaksOfLeases || !this.#table.isPending) return [reply];
    this.#table.hold(reply);
    return [];
  }

  /** Reconfigure Accept and the key, where both sides want it; and where a client with a lease is then (§18.3.2, §20.4.2). */
  #acceptance({ event, message, layers, client, now, wall }: Received, { type, options, first }: Answer): Dhcp6Option[] {
    if (client === undefined) return [];
    if (dhcp6Option(message.options, "reconfigure-accept") === undefined || !this.#settings.reconfigure) {
      this.#reconfiguring.forget(client.id);
      return [];
    }
    const accept: Dhcp6Option = { kind: "reconfigure-accept" };
    if (type !== number.REPLY || !options.some(isLiving)) return [accept];
    const { duid, id } = client;
    const contact = { duid, ...wayTo(event, layers), layers: wayBack(layers), ends: now + this.#settings.valid };
    this.#reconfiguring.learn(id, contact, this.#settings.max);
    if (!first) return [accept];
    return [accept, rkapOption(number.RKAP_KEY, this.#parts.reconfigureKey(duid), this.#nextReplay(wall))];
  }

  #reconfigure(now: Millis, wall: number): Dhcp6Effect[] {
    return this.#reconfiguring.poll(now).map(({ duid, layers, to, port, from, interface: index }) => ({
      kind: "reply",
      octets: wrap(emitReconfigure(duid, this.#nextReplay(wall), this.#parts), layers),
      to,
      port,
      from,
      interface: index,
      type: number.RECONFIGURE,
    }));
  }

  /** The calendar, so that it grows over restarts too; RDM 0 wants nothing more (§20.3). */
  #nextReplay(wall: number): number {
    this.#replay = Math.max(this.#replay + 1, Math.floor(wall));
    return this.#replay;
  }
}

function count(name: string): Dhcp6Effect {
  return { kind: "count", name };
}

/** Whether an option is an IA with an address that may be used. */
function isLiving(option: Dhcp6Option): boolean {
  return option.kind === "ia-na" && option.options.some((lease) => lease.kind === "ia-address" && lease.valid > 0);
}

/** Back to where a message came from (§18.3.10): to the client's port, or to the relay's. */
function wayTo(
  { from, to, port, interface: index }: MessageEvent,
  layers: readonly RelayLayer[],
): Pick<Dhcp6Reply, "to" | "port" | "interface" | "from"> {
  const relayPort = usesOwnPort(layers) ? port : number.DHCP6_SERVER_PORT;
  return {
    to: from,
    port: layers.length === 0 ? number.DHCP6_CLIENT_PORT : relayPort,
    interface: index,
    from: isMulticast(to) ? undefined : to,
  };
}
