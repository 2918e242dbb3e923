import type { Address } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";

/** UDP over IPv6, many datagrams a system call. */
export interface UdpPort {
  /**
   * Opens a socket; datagrams come from the next turn of the event loop on.
   * @throws {PortError} `busy` when the port is taken or too many sockets are open, `permission` below 1024 without
   * CAP_NET_BIND_SERVICE, `missing` when the address or the interface is not there, `closed`, `failed`
   */
  open(options: UdpOptions, handlers: UdpHandlers): Promise<UdpSocket>;
  /** Answers for sockets that are opened with them: a thread of their own gives them. @throws {PortError} `closed`, `failed` */
  openAnswers(options: UdpAnswerOptions): Promise<UdpAnswers>;
  /** What belongs to no socket: `drop-full-udp`, datagrams that came faster than they were taken. */
  totals(): ReadonlyMap<string, number>;
  /** Closes what is open and ends the threads. The second call is the same. */
  close(): Promise<void>;
}

/** How a socket is opened. */
export interface UdpOptions {
  /** Address to bind to; `::` = every one. A link-local one needs `interface`. */
  readonly address: Address;
  /** 0 = the system's choice, at random. */
  readonly port: number;
  /** Name of the one interface to use; absent = all. */
  readonly interface?: string;
  /** Multicast groups to join on `interface`. */
  readonly groups?: readonly Address[];
  /** Only datagrams from there are taken, and sends without an address go there; the kernel's refusals come as `refused`. */
  readonly peer?: UdpEnd;
  /** Octets of the largest datagram taken, at most {@link UDP_LARGEST}, the default; longer ones are dropped and counted. */
  readonly largest?: number;
  /** Where requests are looked up before `receive` hears of them. */
  readonly answers?: UdpAnswers;
}

/** Octets of the largest datagram that goes in or out. */
export const UDP_LARGEST = 4096;

/** One end of an exchange. */
export interface UdpEnd {
  readonly address: Address;
  readonly port: number;
  /** Index of the interface that a link-local or multicast address belongs to; 0 or absent = does not matter. */
  readonly interface?: number;
}

/** Who hears of a socket. */
export interface UdpHandlers {
  /**
   * One datagram; those that came together come one after the other. `octets` is valid during the call only.
   * `to` is the address it was sent to, with the index of the interface it came in by.
   */
  receive(octets: Uint8Array, from: UdpEnd, to: UdpEnd): void;
  /** After the last datagram of a batch: the moment for work that is cheaper done once. */
  settled?(): void;
  /** The kernel told that the peer's port is closed or unreachable; for sockets with a `peer`. */
  refused?(): void;
}

/** An open socket. */
export interface UdpSocket {
  /** The port in use. */
  readonly port: number;
  /**
   * Queues a datagram, copied; the queue leaves with one call at the end of the batch or of the turn of the event loop.
   * @param from the address to send from: of the request, for an answer. Absent = the kernel's choice; so it is for a multicast
   * group, but by the interface that it came in by
   */
  send(octets: Uint8Array, to?: UdpEnd, from?: UdpEnd): void;
  /** What was received, sent, dropped and refused, by the counters' names: `in-udp`, `out-udp`, `drop-long-udp`, `drop-write-udp`. */
  totals(): ReadonlyMap<string, number>;
  /** The second call does nothing. Nothing is received after it; what is queued is sent. */
  close(): void;
}

/** How answers are kept. */
export interface UdpAnswerOptions {
  /** Bounds of what is kept. */
  readonly entries: number;
  readonly octets: number;
  /** Only requests from there are answered; the others go to `receive`. */
  readonly clients: readonly Prefix[];
}

/** Answers that are given where datagrams are received, without a turn of the event loop. */
export interface UdpAnswers {
  /** One more answer, a structured-cloneable value of the kind that the answering thread was made for. It is given soon, not at once. */
  put(entry: unknown): void;
  /** Forgets all of them, soon. */
  clear(): void;
  /** `out-answered-udp`, and `drop-full-udp` of its thread. */
  totals(): ReadonlyMap<string, number>;
  /** Ends the thread; its sockets are closed. The second call is the same. */
  close(): Promise<void>;
}

/** Finds the answer to a request in what it was given: what an answering thread holds. */
export interface UdpAnswerer {
  /** Writes the answer to `request` into `out`. `now` is the monotonic clock's. @returns octets written; 0 = not known here */
  answer(request: Uint8Array, now: number, out: Uint8Array): number;
  put(entry: unknown): void;
  clear(): void;
}
