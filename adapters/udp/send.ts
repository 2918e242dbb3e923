import { UDP_LARGEST, type UdpEnd } from "../../runtime/port/udp.ts";
import { isMulticast, putAddress, UNSPECIFIED } from "../../runtime/value/address.ts";
import type { Libc } from "../common/libc.ts";
import {
  AF_INET6,
  CMSG_DATA,
  CMSG_LEVEL,
  CMSG_TYPE,
  IPPROTO_IPV6,
  SOCKADDR_IN6_ADDRESS,
  SOCKADDR_IN6_OCTETS,
  SOCKADDR_IN6_SCOPE,
} from "../linux/icmp6.ts";
import { IPV6_PKTINFO, PKTINFO_CMSG_OCTETS, PKTINFO_CMSG_SPACE, SOCKADDR_IN6_PORT } from "../linux/udp.ts";
import { BATCH, Batch } from "./layout.ts";

/** What a socket counts of its sends. */
export interface SendCounts {
  sent: number;
  refused: number;
}

/** Sends for all sockets of a port: what goes out by one socket leaves together. */
export class Sender {
  readonly #batch: Batch;
  #fd = -1;
  #counts: SendCounts = { sent: 0, refused: 0 };
  #queued = 0;
  #flushWaits = false;

  constructor(libc: Libc) {
    this.#batch = new Batch(libc, 1);
    for (let i = 0; i < BATCH; i++) {
      const control = this.#batch.control(i);
      this.#batch.words[control >> 2] = PKTINFO_CMSG_OCTETS;
      this.#batch.words[(control + CMSG_LEVEL) >> 2] = IPPROTO_IPV6;
      this.#batch.words[(control + CMSG_TYPE) >> 2] = IPV6_PKTINFO;
      putName(this.#batch.octets, this.#batch.name(i), { address: UNSPECIFIED, port: 0 });
    }
  }

  /** Queues a datagram of `fd`; without `to` it is for the peer that the socket is connected with. */
  queue(fd: number, counts: SendCounts, octets: Uint8Array, to: UdpEnd | undefined, from: UdpEnd | undefined): void {
    if (octets.length > UDP_LARGEST) {
      counts.refused++;
      return;
    }
    if (this.#queued === BATCH || (this.#queued > 0 && fd !== this.#fd)) this.flush();
    const batch = this.#batch;
    const i = this.#queued++;
    this.#fd = fd;
    this.#counts = counts;
    batch.octets.set(octets, batch.data(i));
    batch.setLength(i, octets.length);
    batch.setName(i, to === undefined ? 0 : SOCKADDR_IN6_OCTETS);
    if (to !== undefined) putName(batch.octets, batch.name(i), to);
    batch.setControl(i, from === undefined ? 0 : PKTINFO_CMSG_SPACE);
    if (from !== undefined) this.#putSource(batch.control(i) + CMSG_DATA, from);
    if (this.#flushWaits) return;
    this.#flushWaits = true;
    queueMicrotask(() => this.flush());
  }

  /** Sends what is queued. */
  flush(): void {
    this.#flushWaits = false;
    let at = 0;
    while (at < this.#queued) {
      const sent = this.#batch.calls.sendmmsg(this.#fd, this.#batch.header(at), this.#queued - at);
      if (sent > 0) {
        this.#counts.sent += sent;
        at += sent;
        continue;
      }
      // The first one was refused; those behind it may be better.
      this.#counts.refused++;
      at++;
    }
    this.#queued = 0;
  }

  #putSource(at: number, { address, interface: index = 0 }: UdpEnd): void {
    const { octets, words } = this.#batch;
    const group = isMulticast(address);
    putAddress(group ? UNSPECIFIED : address, octets, at);
    words[(at + 16) >> 2] = group || isLinkLocal(address) ? index : 0;
  }
}

/** Whether the address means something on one link only (fe80::/10). */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab].:/.test(address);
}

/** Writes a struct sockaddr_in6. */
export function putName(octets: Uint8Array, at: number, { address, port, interface: index = 0 }: UdpEnd): void {
  const view = new DataView(octets.buffer, octets.byteOffset);
  view.setUint16(at, AF_INET6, true);
  view.setUint16(at + SOCKADDR_IN6_PORT, port);
  putAddress(address, octets, at + SOCKADDR_IN6_ADDRESS);
  // The kernel refuses an interface beside an address that needs none only when they contradict each other.
  view.setUint32(at + SOCKADDR_IN6_SCOPE, index, true);
}
