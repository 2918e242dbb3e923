import { PortError } from "../../runtime/port/error.ts";
import { UDP_LARGEST, type UdpEnd, type UdpHandlers, type UdpOptions, type UdpSocket } from "../../runtime/port/udp.ts";
import { addressAt, addressOctets, UNSPECIFIED } from "../../runtime/value/address.ts";
import { cString, type Libc } from "../common/libc.ts";
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, EMFILE, ENODEV, EPERM, errnoName } from "../linux/errno.ts";
import {
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_MREQ_OCTETS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  SO_BINDTODEVICE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCKADDR_IN6_OCTETS,
  SOL_SOCKET,
} from "../linux/icmp6.ts";
import { IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_V6ONLY, SO_RCVBUF, SO_SNDBUF, SOCK_DGRAM, SOCKADDR_IN6_PORT } from "../linux/udp.ts";
import {
  RECORD_FROM,
  RECORD_FROM_INTERFACE,
  RECORD_FROM_PORT,
  RECORD_HEADER,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_LONG,
  RECORD_REFUSED,
  RECORD_TO,
  RECORD_TO_INTERFACE,
  type Ring,
} from "./ring.ts";
import { putName, type SendCounts, type Sender } from "./send.ts";
import type { ReceiveThread, Sink } from "./thread.ts";

/** What a socket is made of. */
export interface SocketParts {
  readonly libc: Libc;
  readonly thread: ReceiveThread;
  readonly sender: Sender;
}

/** Room in the kernel for a burst, octets; it gives what net.core.rmem_max allows. */
const BUFFER_OCTETS = 4_194_304;

/** Opens a socket whose datagrams `thread` receives. @throws {PortError} as `UdpPort.open` */
export function openSocket(parts: SocketParts, options: UdpOptions, handlers: UdpHandlers): UdpSocket {
  const { libc } = parts;
  const fd = libc.socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    const errno = libc.errno();
    throw new PortError(errno === EMFILE ? "busy" : "failed", `no UDP socket: ${errnoName(errno)}`);
  }
  try {
    return new Socket(parts, fd, prepare(libc, fd, options), options, handlers);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Sets, binds and connects the socket. @returns its port */
function prepare(libc: Libc, fd: number, options: UdpOptions): number {
  const { interface: name, groups = [], peer, address, port } = options;
  const index = name === undefined ? 0 : libc.interfaceIndex(name);
  if (name !== undefined && index === 0) throw new PortError("missing", `there is no interface ${name}`);
  const set = (level: number, option: number, value: Uint8Array): void => {
    if (libc.setsockopt(fd, level, option, value) >= 0) return;
    const errno = libc.errno();
    const code = errno === EPERM || errno === EACCES ? "permission" : errno === ENODEV ? "missing" : "failed";
    throw new PortError(code, `socket option ${option} of a UDP socket${name === undefined ? "" : ` on ${name}`}: ${errnoName(errno)}`);
  };
  set(IPPROTO_IPV6, IPV6_V6ONLY, number(1));
  set(IPPROTO_IPV6, IPV6_RECVPKTINFO, number(1));
  if (name !== undefined) {
    set(SOL_SOCKET, SO_BINDTODEVICE, cString(name));
    set(IPPROTO_IPV6, IPV6_MULTICAST_IF, number(index));
    set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, number(0));
  }
  for (const group of groups) {
    const request = new Uint8Array(IPV6_MREQ_OCTETS);
    request.set(addressOctets(group));
    request.set(number(index), 16);
    set(IPPROTO_IPV6, IPV6_JOIN_GROUP, request);
  }
  if (peer === undefined) for (const option of [SO_RCVBUF, SO_SNDBUF]) set(SOL_SOCKET, option, number(BUFFER_OCTETS));
  else set(IPPROTO_IPV6, IPV6_RECVERR, number(1));
  // A socket with a peer gets its port, and the address that leads there, when it is connected.
  if (peer === undefined || port !== 0 || address !== UNSPECIFIED) bind(libc, fd, { address, port, interface: index });
  if (peer !== undefined && libc.connect(fd, name6({ interface: index, ...peer })) < 0)
    throw new PortError("failed", `no way to [${peer.address}]:${peer.port}: ${errnoName(libc.errno())}`);
  const own = new Uint8Array(SOCKADDR_IN6_OCTETS);
  libc.getsockname(fd, own);
  return (own[SOCKADDR_IN6_PORT] << 8) | own[SOCKADDR_IN6_PORT + 1];
}

function bind(libc: Libc, fd: number, end: UdpEnd): void {
  if (libc.bind(fd, name6(end)) >= 0) return;
  const errno = libc.errno();
  const where = `[${end.address}]:${end.port}`;
  if (errno === EADDRINUSE)
    throw new PortError("busy", `UDP port ${where} is in use by another process: stop that one, or take another port`);
  if (errno === EADDRNOTAVAIL || errno === ENODEV || errno === EINVAL)
    throw new PortError("missing", `${end.address} is no address of this machine: add it to an interface, or name another`);
  if (errno === EACCES || errno === EPERM)
    throw new PortError("permission", `UDP port ${where} may not be taken: run as root or with CAP_NET_BIND_SERVICE`);
  throw new PortError("failed", `UDP port ${where} cannot be taken: ${errnoName(errno)}`);
}

/** An open socket, and what its thread's datagrams go to. */
class Socket implements UdpSocket, Sink {
  readonly port: number;
  readonly #parts: SocketParts;
  readonly #fd: number;
  readonly #handlers: UdpHandlers;
  readonly #largest: number;
  readonly #number: number;
  readonly #counts: SendCounts = { sent: 0, refused: 0 };
  #received = 0;
  #long = 0;
  #open = true;

  constructor(parts: SocketParts, fd: number, port: number, { largest = UDP_LARGEST }: UdpOptions, handlers: UdpHandlers) {
    this.#parts = parts;
    this.#fd = fd;
    this.port = port;
    this.#largest = largest;
    this.#handlers = handlers;
    this.#number = parts.thread.add(fd, this);
  }

  send(octets: Uint8Array, to?: UdpEnd, from?: UdpEnd): void {
    if (this.#open) this.#parts.sender.queue(this.#fd, this.#counts, octets, to, from);
  }

  totals(): ReadonlyMap<string, number> {
    const all: [string, number][] = [
      ["in-udp", this.#received],
      ["out-udp", this.#counts.sent],
      ["drop-long-udp", this.#long],
      ["drop-write-udp", this.#counts.refused],
    ];
    return new Map(all.filter(([, count]) => count > 0));
  }

  close(): void {
    if (!this.#open) return;
    this.#parts.sender.flush();
    this.#open = false;
    this.#parts.thread.remove(this.#number, this.#fd);
  }

  take({ words, octets }: Ring, at: number): void {
    const kind = words[(at + RECORD_KIND) >> 2];
    if (kind === RECORD_REFUSED) {
      this.#handlers.refused?.();
      return;
    }
    const length = words[(at + RECORD_LENGTH) >> 2];
    if (kind === RECORD_LONG || length > this.#largest) {
      this.#long++;
      return;
    }
    this.#received++;
    // Not a view of the ring: much that reads octets takes no shared memory.
    scratch.set(octets.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length));
    this.#handlers.receive(
      scratch.subarray(0, length),
      {
        address: addressAt(octets, at + RECORD_FROM),
        port: words[(at + RECORD_FROM_PORT) >> 2],
        interface: words[(at + RECORD_FROM_INTERFACE) >> 2],
      },
      { address: addressAt(octets, at + RECORD_TO), port: this.port, interface: words[(at + RECORD_TO_INTERFACE) >> 2] },
    );
  }

  settled(): void {
    if (this.#open) this.#handlers.settled?.();
  }
}

const scratch = new Uint8Array(UDP_LARGEST);

function name6(end: UdpEnd): Uint8Array {
  const name = new Uint8Array(SOCKADDR_IN6_OCTETS);
  putName(name, 0, end);
  return name;
}

/** A C int in the machine's order. */
function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}
