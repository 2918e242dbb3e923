/** TCP without a system: connections between a host of a test and whoever listens, in order and at once. */
import type { TcpConnection, TcpHandlers, TcpPort } from "../../runtime/port/tcp.ts";

/** The host's end of a connection. */
export interface HostEnd {
  /** What came back, all of it. */
  readonly received: Uint8Array[];
  readonly state: () => "open" | "ended" | "closed";
  send(octets: Uint8Array): void;
  end(): void;
  /** Takes nothing any more, or again. */
  hold(on: boolean): void;
}

type Accept = (connection: TcpConnection) => TcpHandlers;

/** A port, and calls of hosts to what listens there. */
export class MemoryTcp implements TcpPort {
  readonly #listeners = new Map<string, Accept>();

  async listen(address: string, port: number, accept: Accept) {
    const key = `${address} ${port}`;
    this.#listeners.set(key, accept);
    return { port, close: () => void this.#listeners.delete(key) };
  }

  async connect(address: string, port: number, _: number, open: Accept): Promise<TcpConnection> {
    const accept = this.#listeners.get(`${address} ${port}`);
    if (accept === undefined) throw new Error("refused");
    const ends: TcpHandlers[] = [];
    const end = (other: number, remote: string): TcpConnection => ({
      remote,
      write: (octets) => {
        queueMicrotask(() => ends[other].data(octets.slice()));
        return true;
      },
      end: () => queueMicrotask(() => ends[other].end()),
      close: () => queueMicrotask(() => ends[other].closed(undefined)),
    });
    ends[1] = accept(end(0, "2001:db8::cafe"));
    const ours = end(1, address);
    ends[0] = open(ours);
    return ours;
  }

  /** A connection from the host at `remote`. @throws when nobody listens */
  call(remote: string, address: string, port: number): HostEnd {
    const accept = this.#listeners.get(`${address} ${port}`);
    if (accept === undefined) throw new Error("refused");
    const received: Uint8Array[] = [];
    let state: "open" | "ended" | "closed" = "open";
    let held = false;
    const handlers = accept({
      remote,
      write: (octets) => {
        received.push(octets.slice());
        return !held;
      },
      end: () => {
        state = "ended";
      },
      close: () => {
        state = "closed";
      },
    });
    return {
      received,
      state: () => state,
      send: (octets) => handlers.data(octets),
      end: () => handlers.end(),
      hold(on) {
        held = on;
        if (!on) handlers.drain();
      },
    };
  }
}
