import { PortError } from "../../runtime/port/error.ts";
import {
  UDP_LARGEST,
  type UdpAnswerer,
  type UdpAnswerOptions,
  type UdpAnswers,
  type UdpEnd,
  type UdpHandlers,
  type UdpOptions,
  type UdpPort,
  type UdpSocket,
} from "../../runtime/port/udp.ts";
import { type Address, isMulticast, UNSPECIFIED } from "../../runtime/value/address.ts";
import { contains } from "../../runtime/value/prefix.ts";
import type { Millis } from "../../runtime/value/time.ts";

/** A node's place on the network. */
export interface MemoryInterface {
  readonly name: string;
  /** Nodes with an interface of the same number see one another's multicast there. 1, 2, … */
  readonly index: number;
  readonly addresses: readonly Address[];
}

/** A datagram under way. */
export interface MemoryDatagram {
  readonly octets: Uint8Array;
  readonly from: UdpEnd;
  readonly to: UdpEnd;
}

/** How a network in memory is made. */
export interface MemoryNetOptions {
  /** Sees every datagram and calls `deliver` when it arrives: never, later, twice. Default: when the sender has returned, in order. */
  readonly carry?: (datagram: MemoryDatagram, deliver: () => void) => void;
  /** Who answers on sockets that are opened with answers. */
  readonly openAnswerer?: (options: UdpAnswerOptions) => UdpAnswerer;
  /** The answerer's clock. Default: it stands still. */
  readonly now?: () => Millis;
}

/** A network in memory. */
export interface MemoryNet {
  /** UDP of a node with these interfaces. */
  node(interfaces: readonly MemoryInterface[]): UdpPort;
}

/** Ports for those who want any (RFC 6335 §6). */
const FIRST_PORT = 49_152;
const LAST_PORT = 65_535;

/** A network on which all nodes reach one another. */
export function memoryNet(options: MemoryNetOptions = {}): MemoryNet {
  const net = new Net(options);
  return { node: (interfaces) => new Node(net, interfaces) };
}

class Net {
  readonly sockets = new Set<Socket>();
  readonly options: MemoryNetOptions;
  readonly carry: NonNullable<MemoryNetOptions["carry"]>;

  constructor(options: MemoryNetOptions) {
    this.options = options;
    this.carry = options.carry ?? ((_, deliver) => queueMicrotask(deliver));
  }

  send(sender: Socket, datagram: MemoryDatagram): void {
    this.carry(datagram, () => {
      const takers = [...this.sockets].filter((socket) => socket !== sender && socket.takes(datagram));
      for (const socket of takers) socket.receive(datagram);
      if (takers.length === 0 && !isMulticast(datagram.to.address)) sender.refuse(datagram.to);
    });
  }
}

class Node implements UdpPort {
  readonly #net: Net;
  readonly interfaces: readonly MemoryInterface[];
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Map<UdpAnswers, Answers>();
  #closed = false;
  #lastPort = FIRST_PORT - 1;

  constructor(net: Net, interfaces: readonly MemoryInterface[]) {
    this.#net = net;
    this.interfaces = interfaces;
  }

  async open(options: UdpOptions, handlers: UdpHandlers): Promise<UdpSocket> {
    this.#check();
    const answers = options.answers && this.#answers.get(options.answers);
    if (options.answers !== undefined && answers === undefined) throw new PortError("closed", "these UDP answers were closed");
    const port = options.port === 0 ? this.#freePort(options.address) : options.port;
    const socket = new Socket(this.#net, this.interfaces, { ...options, port }, handlers, answers);
    this.#sockets.add(socket);
    answers?.sockets.add(socket);
    return socket;
  }

  async openAnswers(options: UdpAnswerOptions): Promise<UdpAnswers> {
    this.#check();
    const answerer = this.#net.options.openAnswerer?.(options);
    if (answerer === undefined) throw new PortError("failed", "nobody answers here");
    const answers = new Answers(answerer, options, () => this.#answers.delete(answers));
    this.#answers.set(answers, answers);
    return answers;
  }

  totals(): ReadonlyMap<string, number> {
    return new Map();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const socket of this.#sockets) socket.close();
  }

  #check(): void {
    if (this.#closed) throw new PortError("closed", "UDP was closed");
  }

  #freePort(address: Address): number {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      this.#lastPort = this.#lastPort === LAST_PORT ? FIRST_PORT : this.#lastPort + 1;
      if (![...this.#sockets].some((socket) => socket.open && socket.holds(address, this.#lastPort))) return this.#lastPort;
    }
    throw new PortError("busy", "all UDP ports are in use");
  }
}

class Answers implements UdpAnswers {
  readonly sockets = new Set<Socket>();
  readonly #answerer: UdpAnswerer;
  readonly #options: UdpAnswerOptions;
  readonly #gone: () => void;
  #answered = 0;

  constructor(answerer: UdpAnswerer, options: UdpAnswerOptions, gone: () => void) {
    this.#answerer = answerer;
    this.#options = options;
    this.#gone = gone;
  }

  /** @returns the answer, or `undefined` when the socket's owner is to hear of the request */
  answer(request: Uint8Array, from: UdpEnd, now: Millis): Uint8Array | undefined {
    if (!this.#options.clients.some((client) => contains(client, from.address))) return undefined;
    const out = new Uint8Array(UDP_LARGEST);
    const length = this.#answerer.answer(request, now, out);
    if (length === 0) return undefined;
    this.#answered++;
    return out.subarray(0, length);
  }

  put(entry: unknown): void {
    this.#answerer.put(structuredClone(entry));
  }

  clear(): void {
    this.#answerer.clear();
  }

  totals(): ReadonlyMap<string, number> {
    return new Map(this.#answered > 0 ? [["out-answered-udp", this.#answered]] : []);
  }

  async close(): Promise<void> {
    this.#gone();
    for (const socket of this.sockets) socket.close();
  }
}

class Socket implements UdpSocket {
  readonly port: number;
  readonly #net: Net;
  readonly #interfaces: readonly MemoryInterface[];
  readonly #options: UdpOptions;
  readonly #handlers: UdpHandlers;
  readonly #answers: Answers | undefined;
  readonly #totals = new Map<string, number>();
  open = true;

  constructor(net: Net, interfaces: readonly MemoryInterface[], options: UdpOptions, handlers: UdpHandlers, answers: Answers | undefined) {
    const { address, port, interface: name } = options;
    this.#interfaces = interfaces.filter((one) => name === undefined || one.name === name);
    if (this.#interfaces.length === 0) throw new PortError("missing", `there is no interface ${name}`);
    if (address !== UNSPECIFIED && !this.#owns(address)) throw new PortError("missing", `${address} is no address of this machine`);
    this.#net = net;
    this.port = port;
    this.#options = options;
    this.#handlers = handlers;
    this.#answers = answers;
    for (const other of net.sockets)
      if (other.holds(address, port) && other.isBeside(interfaces)) throw new PortError("busy", `UDP port [${address}]:${port} is in use`);
    net.sockets.add(this);
  }

  /** Whether nobody else may have that port at that address. */
  holds(address: Address, port: number): boolean {
    const own = this.#options.address;
    return port === this.port && (own === address || own === UNSPECIFIED || address === UNSPECIFIED);
  }

  /** Whether this is a socket of the node with these interfaces. */
  isBeside(interfaces: readonly MemoryInterface[]): boolean {
    return this.#interfaces.some((one) => interfaces.includes(one));
  }

  send(octets: Uint8Array, to: UdpEnd | undefined = this.#options.peer, from?: UdpEnd): void {
    if (!this.open) return;
    if (
      to === undefined ||
      octets.length > UDP_LARGEST ||
      (from !== undefined && !isMulticast(from.address) && !this.#owns(from.address))
    ) {
      this.#count("drop-write-udp");
      return;
    }
    this.#count("out-udp");
    const wanted = to.interface || from?.interface;
    const out = this.#interfaces.find(({ index }) => index === wanted) ?? this.#interfaces[0];
    const bound = this.#options.address === UNSPECIFIED ? out.addresses[0] : this.#options.address;
    const source = from === undefined || isMulticast(from.address) ? bound : from.address;
    const scope = { interface: out.index };
    this.#net.send(this, { octets: octets.slice(), from: { address: source, port: this.port, ...scope }, to: { ...to, ...scope } });
  }

  takes({ from, to }: MemoryDatagram): boolean {
    const { address, groups = [], peer } = this.#options;
    if (!this.open || to.port !== this.port) return false;
    if (peer !== undefined && (peer.address !== from.address || peer.port !== from.port)) return false;
    if (isMulticast(to.address)) return groups.includes(to.address) && this.#interfaces.some(({ index }) => index === to.interface);
    return this.#owns(to.address) && (address === UNSPECIFIED || address === to.address);
  }

  receive({ octets, from, to }: MemoryDatagram): void {
    const answer = this.#answers?.answer(octets, from, this.#net.options.now?.() ?? 0);
    if (answer !== undefined) {
      this.#net.send(this, { octets: answer, from: to, to: from });
      return;
    }
    if (octets.length > (this.#options.largest ?? UDP_LARGEST)) {
      this.#count("drop-long-udp");
      return;
    }
    this.#count("in-udp");
    this.#handlers.receive(octets.slice(), from, to);
    if (this.open) this.#handlers.settled?.();
  }

  refuse(to: UdpEnd): void {
    const { peer } = this.#options;
    if (this.open && peer?.address === to.address && peer.port === to.port) this.#handlers.refused?.();
  }

  totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  close(): void {
    this.open = false;
    this.#net.sockets.delete(this);
  }

  #owns(address: Address): boolean {
    return this.#interfaces.some(({ addresses }) => addresses.includes(address));
  }

  #count(name: string): void {
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + 1);
  }
}
