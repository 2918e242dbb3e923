/** DNS over TCP for the built-in authority (RFC 7766): messages with their length before them, several on the way at a time, everything bounded. */
import type { TcpConnection, TcpHandlers } from "../port/tcp.ts";
import { concat, putU16, u16 } from "../value/bytes.ts";
import { type Millis, NEVER } from "../value/time.ts";

/** Connections at a time; beyond, the one that has been quiet for the longest time makes room. */
const CONNECTIONS_MOST = 128;
/** A connection without a request for so long is closed (RFC 7766 §6.2.3: a few seconds). */
const IDLE_LIMIT: Millis = 10_000;
const LENGTH_OCTETS = 2;
/** Octets of requests that wait while their sender does not take its answers. */
const WAITING_OCTETS = LENGTH_OCTETS + 0xffff;

/** `message` as it goes over TCP (RFC 1035 §4.2.2), in a new array. */
export function framed(message: Uint8Array): Uint8Array {
  const head = new Uint8Array(LENGTH_OCTETS);
  putU16(head, 0, message.length);
  return concat(head, message);
}

/** Messages out of a stream of octets. */
export class Deframer {
  #octets: Uint8Array = new Uint8Array(0);

  /** Octets that wait for the rest of their message, or to be taken. */
  get waiting(): number {
    return this.#octets.length;
  }

  /** More octets, copied. */
  push(octets: Uint8Array): void {
    this.#octets = concat(this.#octets, octets);
  }

  /** The next whole message. */
  take(): Uint8Array | undefined {
    if (this.#octets.length < LENGTH_OCTETS) return undefined;
    const end = LENGTH_OCTETS + u16(this.#octets, 0);
    if (this.#octets.length < end) return undefined;
    const message = this.#octets.subarray(LENGTH_OCTETS, end);
    this.#octets = this.#octets.subarray(end);
    return message;
  }
}

/** What the connections work with. */
export interface ZoneTcpParts {
  readonly now: () => Millis;
  /** Answers to one request from `remote`; none = silence. */
  readonly answer: (request: Uint8Array, remote: string) => readonly Uint8Array[];
  readonly count: (name: string) => void;
}

interface Client {
  readonly connection: TcpConnection;
  readonly requests: Deframer;
  heardAt: Millis;
  /** It does not take its answers: nothing more is done for it until it does. */
  full: boolean;
  ended: boolean;
}

/** The connections of one authority, on all its addresses. */
export class ZoneTcp {
  readonly #parts: ZoneTcpParts;
  /** The one that was quiet for the longest time first. */
  readonly #clients = new Set<Client>();

  constructor(parts: ZoneTcpParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    for (const { heardAt } of this.#clients) return heardAt + IDLE_LIMIT;
    return NEVER;
  }

  /** Closes what has been quiet for too long. */
  poll(now: Millis): void {
    for (const client of this.#clients) {
      if (client.heardAt + IDLE_LIMIT > now) return;
      this.#drop(client, "drop-idle-zone");
    }
  }

  /** A new connection. */
  accept(connection: TcpConnection): TcpHandlers {
    for (const oldest of this.#clients) {
      if (this.#clients.size >= CONNECTIONS_MOST) this.#drop(oldest, "drop-connection-zone");
      break;
    }
    const client: Client = { connection, requests: new Deframer(), heardAt: this.#parts.now(), full: false, ended: false };
    this.#clients.add(client);
    return {
      data: (octets) => this.#data(client, octets),
      drain: () => {
        client.full = false;
        this.#answerAll(client);
      },
      end: () => {
        client.ended = true;
        if (!client.full) connection.end();
      },
      closed: () => {
        this.#clients.delete(client);
      },
    };
  }

  /** Drops all of them. */
  close(): void {
    for (const client of this.#clients) this.#drop(client, undefined);
  }

  #data(client: Client, octets: Uint8Array): void {
    if (!this.#clients.has(client)) return;
    client.requests.push(octets);
    if (!client.full) this.#answerAll(client);
    if (client.requests.waiting > WAITING_OCTETS) this.#drop(client, "drop-slow-zone");
  }

  #answerAll(client: Client): void {
    const { now, answer } = this.#parts;
    while (!client.full) {
      const request = client.requests.take();
      if (request === undefined) break;
      client.heardAt = now();
      // To the end: the set's order is that of hearing.
      this.#clients.delete(client);
      this.#clients.add(client);
      for (const message of answer(request, client.connection.remote)) if (!client.connection.write(framed(message))) client.full = true;
    }
    if (client.ended && !client.full) client.connection.end();
  }

  #drop(client: Client, why: string | undefined): void {
    this.#clients.delete(client);
    client.connection.close();
    if (why !== undefined) this.#parts.count(why);
  }
}
