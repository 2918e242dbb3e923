/** Carries what the upstream machine wants to the resolvers: a socket of its own for each attempt over UDP, a stream for each over TCP. */
import type { UpstreamEffect, UpstreamEvent } from "../dns/upstream.ts";
import type { TcpConnection, TcpPort } from "../port/tcp.ts";
import type { UdpPort, UdpSocket } from "../port/udp.ts";
import { address, UNSPECIFIED } from "../value/address.ts";
import type { Millis } from "../value/time.ts";
import { Deframer, framed } from "./zone-tcp.ts";

/** What the attempts work with. */
export interface AttemptParts {
  readonly udp: Pick<UdpPort, "open">;
  readonly tcp: TcpPort;
  /** Hears of datagrams, messages and failures, never inside a call. */
  readonly happened: (event: UpstreamEvent) => void;
}

/** A stream that does not come about in this time is given up by the machine long before. */
const CONNECT_LIMIT: Millis = 10_000;

interface Attempt {
  socket?: UdpSocket;
  connection?: TcpConnection;
}

/** The sockets and streams that are open. */
export class Attempts {
  readonly #parts: AttemptParts;
  readonly #open = new Map<number, Attempt>();

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Carries out `effect`. */
  carry(effect: Extract<UpstreamEffect, { kind: "send-udp" | "send-tcp" | "close" }>): void {
    if (effect.kind === "send-udp") void this.#datagram(effect);
    else if (effect.kind === "send-tcp") void this.#stream(effect);
    else this.#end(effect.attempt);
  }

  /** Closes all of them. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.#end(id);
  }

  async #datagram({ attempt: id, to, octets }: Extract<UpstreamEffect, { kind: "send-udp" }>): Promise<void> {
    const attempt: Attempt = {};
    this.#open.set(id, attempt);
    const { udp, happened } = this.#parts;
    const peer = { address: address(to.host), port: to.port };
    try {
      const socket = await udp.open(
        { address: UNSPECIFIED, port: 0, peer },
        {
          receive: (answer) => happened({ kind: "datagram", attempt: id, octets: answer }),
          refused: () => happened({ kind: "refused", attempt: id }),
        },
      );
      if (!this.#open.has(id)) return socket.close();
      attempt.socket = socket;
      socket.send(octets);
    } catch {
      // No way there, or no descriptor: the machine goes on elsewhere and counts what comes of it.
      if (this.#open.has(id)) happened({ kind: "refused", attempt: id });
    }
  }

  async #stream({ attempt: id, to, octets }: Extract<UpstreamEffect, { kind: "send-tcp" }>): Promise<void> {
    const attempt: Attempt = {};
    this.#open.set(id, attempt);
    const { tcp, happened } = this.#parts;
    const failed = () => {
      if (this.#open.has(id)) happened({ kind: "tcp-failed", attempt: id });
    };
    const answers = new Deframer();
    try {
      attempt.connection = await tcp.connect(to.host, to.port, CONNECT_LIMIT, () => ({
        data: (more) => {
          answers.push(more);
          const answer = answers.take();
          if (answer !== undefined && this.#open.has(id)) happened({ kind: "tcp-answer", attempt: id, octets: answer });
        },
        drain: () => undefined,
        end: failed,
        closed: failed,
      }));
      if (this.#open.has(id)) attempt.connection.write(framed(octets));
      else attempt.connection.close();
    } catch {
      failed();
    }
  }

  #end(id: number): void {
    const attempt = this.#open.get(id);
    this.#open.delete(id);
    attempt?.socket?.close();
    attempt?.connection?.close();
  }
}
