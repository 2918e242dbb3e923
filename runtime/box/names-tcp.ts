/** DNS over TCP for the site's hosts (RFC 7766): many requests on the way at a time, answered as they are ready, everything bounded. */
import type { TcpConnection, TcpHandlers } from "../port/tcp.ts";
import type { Address } from "../value/address.ts";
import { type Millis, NEVER } from "../value/time.ts";
import { Deframer, framed } from "./zone-tcp.ts";

/** Connections at a time, and of one host; beyond, the one that was quiet for the longest time makes room. */
const CONNECTIONS_MOST = 512;
const CONNECTIONS_OF_HOST = 32;
/** Requests of one connection that are worked on at a time; the others wait. */
const REQUESTS_MOST = 64;
/** A connection on which nothing happens for so long is closed (RFC 7766 §6.2.3: a few seconds). */
const IDLE_LIMIT: Millis = 10_000;
/** Octets of requests that wait: one of the largest with its length. */
const WAITING_OCTETS = 2 + 0xffff;

/** What the connections work with. */
export interface NamesTcpParts {
  readonly now: () => Millis;
  /** A request; the answer goes to {@link NamesStream.send}, perhaps inside the call. @returns `false` if there will be none */
  readonly request: (octets: Uint8Array, stream: NamesStream) => boolean;
  readonly count: (name: string) => void;
}

/** One host's connection. */
export class NamesStream {
  readonly remote: Address;
  readonly connection: TcpConnection;
  readonly requests = new Deframer();
  heardAt: Millis;
  /** Requests without an answer. */
  pending = 0;
  /** The host does not take its answers. */
  full = false;
  ended = false;
  open = true;
  /** Its requests are being taken: an answer inside the call must not begin that anew. */
  working = false;
  readonly #answered: (stream: NamesStream) => void;

  constructor(remote: Address, connection: TcpConnection, now: Millis, answered: (stream: NamesStream) => void) {
    this.remote = remote;
    this.connection = connection;
    this.heardAt = now;
    this.#answered = answered;
  }

  /** Answers one request of it; nothing when it is gone by now. */
  send(message: Uint8Array): void {
    this.pending--;
    if (!this.open) return;
    if (!this.connection.write(framed(message))) this.full = true;
    this.#answered(this);
  }
}

/** The connections of all hosts. */
export class NamesTcp {
  readonly #parts: NamesTcpParts;
  /** The one that was quiet for the longest time first. */
  readonly #streams = new Set<NamesStream>();

  constructor(parts: NamesTcpParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** When {@link poll} has something to do. */
  get wakeAt(): Millis {
    for (const { heardAt } of this.#streams) return heardAt + IDLE_LIMIT;
    return NEVER;
  }

  /** Closes what was quiet for too long: no request, or answers that nobody takes. */
  poll(now: Millis): void {
    for (const stream of this.#streams) {
      if (stream.heardAt + IDLE_LIMIT > now) return;
      this.#drop(stream, stream.full ? "drop-slow-tcp-dns" : "drop-idle-tcp-dns");
    }
  }

  /** A new connection of the host `remote`. */
  accept(connection: TcpConnection, remote: Address): TcpHandlers {
    this.#makeRoom(remote);
    const stream = new NamesStream(remote, connection, this.#parts.now(), (answered) => this.#heard(answered));
    this.#streams.add(stream);
    return {
      data: (octets) => {
        if (!this.#streams.has(stream)) return;
        stream.requests.push(octets);
        this.#heard(stream);
        if (stream.requests.waiting > WAITING_OCTETS) this.#drop(stream, "drop-slow-tcp-dns");
      },
      drain: () => {
        stream.full = false;
        this.#heard(stream);
      },
      end: () => {
        stream.ended = true;
        this.#work(stream);
      },
      closed: () => {
        stream.open = false;
        this.#streams.delete(stream);
      },
    };
  }

  /** Drops all of them. */
  close(): void {
    for (const stream of this.#streams) this.#drop(stream, undefined);
  }

  /** Something went forward: it is the youngest now, and more may. */
  #heard(stream: NamesStream): void {
    if (!this.#streams.delete(stream)) return;
    this.#streams.add(stream);
    stream.heardAt = this.#parts.now();
    this.#work(stream);
  }

  #work(stream: NamesStream): void {
    if (stream.working) return;
    stream.working = true;
    while (stream.open && !stream.full && stream.pending < REQUESTS_MOST) {
      const request = stream.requests.take();
      if (request === undefined) break;
      stream.pending++;
      if (!this.#parts.request(request, stream)) stream.pending--;
    }
    stream.working = false;
    if (stream.open && stream.ended && stream.pending === 0 && !stream.full) stream.connection.end();
  }

  #makeRoom(remote: Address): void {
    const same = [...this.#streams].filter((stream) => stream.remote === remote);
    if (same.length >= CONNECTIONS_OF_HOST) this.#drop(same[0], "drop-connection-tcp-dns");
    for (const oldest of this.#streams) {
      if (this.#streams.size >= CONNECTIONS_MOST) this.#drop(oldest, "drop-connection-tcp-dns");
      return;
    }
  }

  #drop(stream: NamesStream, why: string | undefined): void {
    this.#streams.delete(stream);
    stream.open = false;
    stream.connection.close();
    if (why !== undefined) this.#parts.count(why);
  }
}
