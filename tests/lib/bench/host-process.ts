/**
 * The hosts of one site as a process inside their namespace: UDP packets with a time and a number in them, echoed on demand.
 * Commands come as JSON lines on standard input, each is answered by one report of the same kind on standard output.
 */
import { createSocket, type Socket } from "node:dgram";
import process from "node:process";
import { createInterface } from "node:readline";
import { loadMonotonic } from "../../../adapters/platform.ts";

/** Numbers of the sending and the receiving host, each in the order of its site's `bind`. */
export type HostPair = readonly [number, number];

export type HostCommand =
  | { readonly kind: "bind"; readonly addresses: readonly string[] }
  /** The other site's addresses. */
  | { readonly kind: "peers"; readonly addresses: readonly string[] }
  /** Whether what arrives goes back. */
  | { readonly kind: "echo"; readonly on: boolean }
  /** One packet for each pair, so many a second; reports when the last has left. */
  | { readonly kind: "send"; readonly pairs: readonly HostPair[]; readonly perSecond: number }
  /** From now on one packet for each pair every `interval` ms; no pairs = silence. */
  | { readonly kind: "traffic"; readonly pairs: readonly HostPair[]; readonly interval: number }
  /** What arrived since the last time. */
  | { readonly kind: "arrivals" };

export interface HostReport {
  readonly kind: string;
  /** `arrivals`: first arrival of each pair, there and back. */
  readonly arrivals?: readonly Arrival[];
}

/** Milliseconds between a packet's departure at a host and its arrival. `echo`: back at its sender. */
export interface Arrival {
  readonly pair: HostPair;
  readonly echo: boolean;
  readonly took: number;
  readonly packets: number;
  /** Longest time between two arrivals. */
  readonly gap: number;
  /** The first ones of more than {@link SILENCE}. */
  readonly silences: readonly Silence[];
}

/** A time without arrivals, and the instant of the one that ended it (CLOCK_MONOTONIC). */
export interface Silence {
  readonly length: number;
  readonly end: number;
}

/** Milliseconds. */
const SILENCE = 3;
const SILENCES_KEPT = 256;

const PORT = 5533;
/** time f64, sender u16, receiver u16, direction u8. */
const OCTETS = 13;
const TICK = 4;
const THERE = 0;
const BACK = 1;

interface Seen {
  readonly took: number;
  packets: number;
  gap: number;
  readonly silences: Silence[];
  last: number;
}

await serve();

async function serve(): Promise<void> {
  const now = await loadMonotonic();
  const sockets: Socket[] = [];
  let peers: readonly string[] = [];
  let echo = false;
  let traffic: ReturnType<typeof setInterval> | undefined;
  let seen = new Map<number, Seen>();

  const packet = (at: number, from: number, to: number, direction: number): Uint8Array => {
    const octets = new Uint8Array(OCTETS);
    const view = new DataView(octets.buffer);
    view.setFloat64(0, at);
    view.setUint16(8, from);
    view.setUint16(10, to);
    view.setUint8(12, direction);
    return octets;
  };
  // A refused or unreachable destination is what some benches bring about: it shows as a missing arrival.
  const sent = () => undefined;
  const send = ([from, to]: HostPair): void => sockets[from].send(packet(now(), from, to, THERE), PORT, peers[to], sent);
  const hear = (octets: Uint8Array, socket: Socket, sender: string): void => {
    if (octets.length !== OCTETS) return;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    const [at, from, to, direction] = [view.getFloat64(0), view.getUint16(8), view.getUint16(10), view.getUint8(12)];
    const here = now();
    if (direction === THERE && echo) socket.send(packet(at, from, to, BACK), PORT, sender, sent);
    const key = (from * 65_536 + to) * 2 + direction;
    const known = seen.get(key);
    if (known === undefined) seen.set(key, { took: here - at, packets: 1, gap: 0, silences: [], last: here });
    else {
      known.packets++;
      const length = here - known.last;
      known.gap = Math.max(known.gap, length);
      if (length > SILENCE && known.silences.length < SILENCES_KEPT) known.silences.push({ length, end: here });
      known.last = here;
    }
  };
  const pace = (pairs: readonly HostPair[], perSecond: number): Promise<void> =>
    new Promise((resolve) => {
      const began = now();
      let next = 0;
      const timer = setInterval(() => {
        for (const due = Math.min(pairs.length, ((now() - began) / 1000) * perSecond); next < due; next++) send(pairs[next]);
        if (next < pairs.length) return;
        clearInterval(timer);
        resolve();
      }, TICK);
    });

  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line) as HostCommand;
    switch (command.kind) {
      case "bind":
        for (const address of command.addresses) sockets.push(await open(address, hear));
        break;
      case "peers":
        peers = command.addresses;
        break;
      case "echo":
        echo = command.on;
        break;
      case "send":
        await pace(command.pairs, command.perSecond);
        break;
      case "traffic": {
        clearInterval(traffic);
        let rest = 0;
        let next = 0;
        let before = now();
        if (command.pairs.length > 0)
          traffic = setInterval(
            () => {
              const here = now();
              rest = Math.min(command.pairs.length, rest + ((here - before) / command.interval) * command.pairs.length);
              before = here;
              for (; rest >= 1; rest--) send(command.pairs[next++ % command.pairs.length]);
            },
            Math.min(TICK, command.interval),
          );
        break;
      }
      case "arrivals": {
        const arrivals = [...seen].map(([key, { took, packets, gap, silences }]): Arrival => {
          const pair = Math.floor(key / 2);
          return { pair: [Math.floor(pair / 65_536), pair % 65_536], echo: key % 2 === BACK, took, packets, gap, silences };
        });
        seen = new Map();
        say({ kind: command.kind, arrivals });
        continue;
      }
    }
    say({ kind: command.kind });
  }
  process.exit(0);
}

function open(address: string, hear: (octets: Uint8Array, socket: Socket, sender: string) => void): Promise<Socket> {
  return new Promise((resolve, refuse) => {
    const socket = createSocket({ type: "udp6", recvBufferSize: 1 << 20 });
    socket.once("error", refuse);
    socket.on("message", (octets, { address: sender }) => hear(octets, socket, sender));
    socket.bind(PORT, address, () => {
      socket.removeListener("error", refuse);
      // An ICMPv6 error that comes back for a packet: shows as a missing arrival.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

function say(report: HostReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
