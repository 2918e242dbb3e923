import type { Address } from "../value/address.ts";

/** UDP over IPv6, many datagrams a system call. */
export interface UdpPort {
  /**
   * Opens a socket; datagrams come from the next turn of the event loop on.
   * @throws {PortError} `busy` when the port is taken, `permission` below 1024 without CAP_NET_BIND_SERVICE, `missing` when the
   * address or the interface is not there, `failed`
   */
  open(options: UdpOptions, handlers: UdpHandlers): Promise<UdpSocket>;
}

/** How a socket is opened. */
export interface UdpOptions {
  /** Address to bind to; `::` = every one. */
  readonly address: Address;
  /** 0 = the system's choice, at random. */
  readonly port: number;
  /** Name of the one interface to use; absent = all. */
  readonly interface?: string;
  /** Multicast groups to join on `interface`. */
  readonly groups?: readonly Address[];
  /** Only datagrams from there are taken, and sends without an address go there; the kernel's refusals come as `refused`. */
  readonly peer?: UdpEnd;
  /** Octets of the largest datagram taken; longer ones are dropped and counted. Default 4,096. */
  readonly largest?: number;
}

/** One end of an exchange. */
export interface UdpEnd {
  readonly address: Address;
  readonly port: number;
  /** Index of the interface that a link-local address belongs to; 0 or absent = does not matter. */
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
   * @param from the address to send from: of the request, for an answer. Absent = the kernel's choice
   */
  send(octets: Uint8Array, to?: UdpEnd, from?: UdpEnd): void;
  /** What was received, sent, dropped and refused, by the counters' names: `in-udp`, `out-udp`, `drop-long-udp`, `drop-write-udp`. */
  totals(): ReadonlyMap<string, number>;
  /** The second call does nothing. Nothing is received after it; what is queued is sent. */
  close(): void;
}
