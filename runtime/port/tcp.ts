import type { Millis } from "../value/time.ts";

/** TCP for the tools that make traffic (lab, benches). Nagle's delay is off on every connection. */
export interface TcpPort {
  /** Listens on `address` (IPv6 text). `accept` gets each connection and answers with who handles it. @throws the system's error */
  listen(address: string, port: number, accept: (connection: TcpConnection) => TcpHandlers): Promise<TcpListener>;
  /** Connects, giving up after `timeout`. @throws the system's error, or one that says how long it waited */
  connect(address: string, port: number, timeout: Millis, open: (connection: TcpConnection) => TcpHandlers): Promise<TcpConnection>;
}

/** A listening port. */
export interface TcpListener {
  /** The port in use: the one asked for, or the system's choice for 0. */
  readonly port: number;
  close(): void;
}

/** One connection. */
export interface TcpConnection {
  /** Address of the other end, IPv6 text. */
  readonly remote: string;
  /** Queues all of `bytes`, which must not change afterwards. @returns `false` when the writer should wait for `drain` */
  write(bytes: Uint8Array): boolean;
  /** Sends what is queued, then the end of our direction. */
  end(): void;
  /** Drops the connection at once. */
  close(): void;
}

/** Who hears of a connection. */
export interface TcpHandlers {
  /** Octets in order. `bytes` may be reused after return. */
  data(bytes: Uint8Array): void;
  /** What was queued has gone to the kernel. */
  drain(): void;
  /** The peer sends no more. */
  end(): void;
  /** Called once, last: `why` is `undefined` after an orderly close. */
  closed(why: string | undefined): void;
}
