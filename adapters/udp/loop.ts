import { receiveMessageOnPort } from "node:worker_threads";
import type { UdpAnswerer } from "../../runtime/port/udp.ts";
import { addressOctets } from "../../runtime/value/address.ts";
import type { Prefix } from "../../runtime/value/prefix.ts";
import type { Millis } from "../../runtime/value/time.ts";
import type { Libc } from "../common/libc.ts";
import { EAGAIN, EINTR, EMSGSIZE, errnoName } from "../linux/errno.ts";
import { EVENTFD_OCTETS } from "../linux/file.ts";
import {
  CMSG_DATA,
  CMSG_LEVEL,
  CMSG_TYPE,
  IPPROTO_IPV6,
  MSGHDR_CONTROLLEN,
  SOCKADDR_IN6_ADDRESS,
  SOCKADDR_IN6_SCOPE,
} from "../linux/icmp6.ts";
import {
  EPOLLERR,
  type EpollLayout,
  IPV6_RECVERR,
  MMSGHDR_LENGTH,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_TRUNC,
  MSGHDR_FLAGS,
  PKTINFO_CMSG_SPACE,
  SOCKADDR_IN6_PORT,
} from "../linux/udp.ts";
import { BATCH, Batch } from "./layout.ts";
import {
  ANSWERED,
  type AnswerMessage,
  BELL,
  CLOSES,
  CLOSES_PUT,
  CLOSES_TAKEN,
  DROPPED_FULL,
  STOP,
  type UdpWork,
  WAKE,
  WAKE_SOCKET,
} from "./message.ts";
import {
  RECORD_DATAGRAM,
  RECORD_FROM,
  RECORD_FROM_INTERFACE,
  RECORD_FROM_PORT,
  RECORD_HEADER,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_LONG,
  RECORD_REFUSED,
  RECORD_SOCKET,
  RECORD_TO,
  RECORD_TO_INTERFACE,
  Ring,
} from "./ring.ts";

/** What the loop is made of. */
export interface LoopParts {
  readonly libc: Libc;
  readonly now: () => Millis;
  readonly epoll: EpollLayout;
  /** Who answers; there is one when {@link UdpWork.answers} is there. */
  readonly answerer: UdpAnswerer | undefined;
  /** Tells the main thread that the ring holds something. */
  readonly ring: () => void;
}

/** Events taken at once. */
const EVENTS = 64;
/** Answers taken between two batches, so that datagrams do not wait for all of them. */
const PUTS_A_TURN = 256;
/** The loop looks up this often even when nothing comes, so that a program that ends without closing is not held up. */
const LOOK_UP: Millis = 1_000;
const LINK_LOCAL_OCTETS = [0xfe, 0x80];
const ADDRESS_OCTETS = 16;

/**
 * Receives until {@link STOP} is set and the wake descriptor is readable. Blocks in epoll_wait(2) when there is nothing to do.
 * @returns `undefined` when it was stopped, or why it cannot go on
 */
export function receiveDatagrams(work: UdpWork, parts: LoopParts): string | undefined {
  return new Loop(work, parts).run();
}

class Loop {
  readonly #work: UdpWork;
  readonly #parts: LoopParts;
  readonly #batch: Batch;
  readonly #control: Int32Array;
  readonly #closes: Int32Array;
  readonly #ring: Ring;
  readonly #clients: readonly PrefixBits[];
  /** Views of what message `i` may hold and of where its answer goes. */
  readonly #outputs: readonly Uint8Array[];

  constructor(work: UdpWork, parts: LoopParts) {
    this.#work = work;
    this.#parts = parts;
    this.#batch = new Batch(parts.libc, work.answers === undefined ? 1 : 2, EVENTS * parts.epoll.octets + EVENTFD_OCTETS);
    this.#control = new Int32Array(work.control);
    this.#closes = new Int32Array(work.closes);
    this.#ring = new Ring(work.ring, this.#control, "writer");
    this.#clients = (work.answers?.options.clients ?? []).map(prefixBits);
    const { octets } = this.#batch;
    this.#outputs =
      work.answers === undefined
        ? []
        : Array.from({ length: BATCH }, (_, i) => octets.subarray(this.#batch.data(BATCH + i), this.#batch.data(BATCH + i + 1)));
  }

  run(): string | undefined {
    const { libc, epoll, ring } = this.#parts;
    const { calls, words, extra } = this.#batch;
    while (Atomics.load(this.#control, STOP) === 0) {
      const count = calls.epollWait(this.#work.epoll, extra, EVENTS, this.#turn() ? 0 : LOOK_UP);
      if (count < 0) {
        const errno = libc.errno();
        if (errno === EINTR || errno === EAGAIN) continue;
        return `epoll_wait failed: ${errnoName(errno)}`;
      }
      let told = false;
      for (let i = 0; i < count; i++) {
        const at = extra + i * epoll.octets;
        const fd = words[(at + epoll.data) >> 2];
        const socket = words[(at + epoll.data + 4) >> 2];
        if (socket === WAKE_SOCKET) {
          this.#wake();
          // Before the datagrams that came after it: most of what is asked next is what was just learnt.
          this.#turn();
        } else {
          if ((words[at >> 2] & EPOLLERR) !== 0 && this.#refusals(fd, socket)) told = true;
          if (this.#receive(fd, socket)) told = true;
        }
      }
      if (!told) continue;
      this.#ring.publish();
      // Set before the message, cleared before the ring is read: nothing is ever left there without a bell under way.
      if (Atomics.exchange(this.#control, BELL, 1) === 0) ring();
    }
    this.#close();
    return undefined;
  }

  /** What the main thread wants done between two batches. @returns whether there is more of it */
  #turn(): boolean {
    this.#close();
    return this.#learn();
  }

  #wake(): void {
    this.#batch.calls.read(this.#work.wake, this.#batch.memory.byteLength - EVENTFD_OCTETS, EVENTFD_OCTETS);
    Atomics.store(this.#control, WAKE, 0);
  }

  /** Closes what the main thread has done with: here, so that no number is read from after it became somebody else's. */
  #close(): void {
    const put = Atomics.load(this.#control, CLOSES_PUT);
    let taken = this.#control[CLOSES_TAKEN];
    while (taken !== put) {
      this.#parts.libc.close(this.#closes[taken & (CLOSES - 1)]);
      taken = (taken + 1) | 0;
    }
    Atomics.store(this.#control, CLOSES_TAKEN, taken);
  }

  /** Takes new answers. @returns whether there may be more */
  #learn(): boolean {
    const { answerer } = this.#parts;
    const port = this.#work.answers?.port;
    if (answerer === undefined || port === undefined) return false;
    for (let i = 0; i < PUTS_A_TURN; i++) {
      const received: { message: AnswerMessage } | undefined = receiveMessageOnPort(port);
      if (received === undefined) return false;
      if ("put" in received.message) answerer.put(received.message.put);
      else answerer.clear();
    }
    return true;
  }

  /** One batch from `fd`. @returns whether the main thread gets something */
  #receive(fd: number, socket: number): boolean {
    const batch = this.#batch;
    batch.ready(BATCH);
    let count = batch.calls.recvmmsg(fd, 0, BATCH, MSG_DONTWAIT);
    // A refusal is told by the next call once, instead of what it was called for.
    if (count < 0 && this.#parts.libc.errno() !== EAGAIN) count = batch.calls.recvmmsg(fd, 0, BATCH, MSG_DONTWAIT);
    const { answerer } = this.#parts;
    const now = answerer === undefined ? 0 : this.#parts.now();
    let told = false;
    let firstAnswer = 0;
    for (let i = 0; i < count; i++) {
      if (answerer !== undefined && this.#answer(i, answerer, now)) continue;
      this.#send(fd, firstAnswer, i);
      firstAnswer = i + 1;
      if (this.#tell(i, socket)) told = true;
    }
    this.#send(fd, firstAnswer, count);
    return told;
  }

  /** Puts the answer to request `i` beside it. @returns whether there is one */
  #answer(i: number, answerer: UdpAnswerer, now: Millis): boolean {
    const batch = this.#batch;
    const { octets, words } = batch;
    const header = batch.header(i);
    if ((words[(header + MSGHDR_FLAGS) >> 2] & MSG_TRUNC) !== 0 || !batch.hasTarget(i)) return false;
    const target = batch.control(i) + CMSG_DATA;
    if (octets[target] === MULTICAST_OCTET || !this.#isClient(batch.name(i) + SOCKADDR_IN6_ADDRESS)) return false;
    const at = batch.data(i);
    const length = answerer.answer(octets.subarray(at, at + words[(header + MMSGHDR_LENGTH) >> 2]), now, this.#outputs[i]);
    if (length === 0) return false;
    batch.setLength(BATCH + i, length);
    batch.setControl(BATCH + i, PKTINFO_CMSG_SPACE);
    // The way back is the routing table's business, but for addresses that mean nothing without the link.
    if (octets[target] !== LINK_LOCAL_OCTETS[0] || (octets[target + 1] & 0xc0) !== LINK_LOCAL_OCTETS[1])
      words[(target + ADDRESS_OCTETS) >> 2] = 0;
    return true;
  }

  #isClient(at: number): boolean {
    for (const client of this.#clients) if (beginsWith(this.#batch.octets, at, client)) return true;
    return false;
  }

  /** Sends the answers to requests `from` … `to` − 1. One that the kernel refuses is as good as lost on the way. */
  #send(fd: number, from: number, to: number): void {
    while (from < to) {
      const sent = this.#batch.calls.sendmmsg(fd, this.#batch.header(BATCH + from), to - from);
      if (sent > 0) this.#control[ANSWERED] += sent;
      from += Math.max(sent, 0);
      if (from < to) from++;
    }
  }

  /** Copies message `i` into the ring. @returns whether there was room */
  #tell(i: number, socket: number): boolean {
    const { octets, words } = this.#batch;
    const header = this.#batch.header(i);
    const isLong = (words[(header + MSGHDR_FLAGS) >> 2] & MSG_TRUNC) !== 0;
    const length = isLong ? 0 : words[(header + MMSGHDR_LENGTH) >> 2];
    const at = this.#claim(socket, isLong ? RECORD_LONG : RECORD_DATAGRAM, length);
    if (at < 0) return false;
    const name = this.#batch.name(i);
    const target = this.#batch.control(i) + CMSG_DATA;
    const hasTarget = this.#batch.hasTarget(i);
    const { octets: to, words: toWords } = this.#ring;
    copy(octets, name + SOCKADDR_IN6_ADDRESS, to, at + RECORD_FROM, ADDRESS_OCTETS);
    toWords[(at + RECORD_FROM_PORT) >> 2] = (octets[name + SOCKADDR_IN6_PORT] << 8) | octets[name + SOCKADDR_IN6_PORT + 1];
    toWords[(at + RECORD_FROM_INTERFACE) >> 2] = words[(name + SOCKADDR_IN6_SCOPE) >> 2];
    if (hasTarget) copy(octets, target, to, at + RECORD_TO, ADDRESS_OCTETS);
    else to.fill(0, at + RECORD_TO, at + RECORD_TO + ADDRESS_OCTETS);
    toWords[(at + RECORD_TO_INTERFACE) >> 2] = hasTarget ? words[(target + ADDRESS_OCTETS) >> 2] : 0;
    const data = this.#batch.data(i);
    copy(octets, data, to, at + RECORD_HEADER, length);
    return true;
  }

  /** Reads the kernel's errors of `fd` (IPV6_RECVERR). @returns whether the main thread gets something */
  #refusals(fd: number, socket: number): boolean {
    const batch = this.#batch;
    batch.ready(BATCH);
    const count = batch.calls.recvmmsg(fd, 0, BATCH, MSG_ERRQUEUE | MSG_DONTWAIT);
    for (let i = 0; i < count; i++) {
      const errno = this.#errorOf(i);
      // Whoever says that a packet is too big says nothing of the peer.
      if (errno !== 0 && errno !== EMSGSIZE) return this.#claim(socket, RECORD_REFUSED, 0) >= 0;
    }
    return false;
  }

  /** The number that struct sock_extended_err among the control messages of message `i` begins with; 0 = there is none. */
  #errorOf(i: number): number {
    const { words } = this.#batch;
    const start = this.#batch.control(i);
    const end = start + words[(this.#batch.header(i) + MSGHDR_CONTROLLEN) >> 2];
    for (let at = start; at + CMSG_DATA < end; ) {
      if (words[(at + CMSG_LEVEL) >> 2] === IPPROTO_IPV6 && words[(at + CMSG_TYPE) >> 2] === IPV6_RECVERR)
        return words[(at + CMSG_DATA) >> 2];
      at += Math.max(CMSG_DATA, (words[at >> 2] + 7) & ~7);
    }
    return 0;
  }

  #claim(socket: number, kind: number, length: number): number {
    const at = this.#ring.claim(length);
    if (at < 0) {
      this.#control[DROPPED_FULL]++;
      return -1;
    }
    const { words } = this.#ring;
    words[(at + RECORD_SOCKET) >> 2] = socket;
    words[(at + RECORD_KIND) >> 2] = kind;
    words[(at + RECORD_LENGTH) >> 2] = length;
    return at;
  }
}

const MULTICAST_OCTET = 0xff;
/** Up to so many octets a loop is quicker than a view for `set` (Node 26, Deno 2.9). */
const LOOP_OCTETS = 32;

function copy(from: Uint8Array, at: number, to: Uint8Array, toAt: number, length: number): void {
  if (length > LOOP_OCTETS) to.set(from.subarray(at, at + length), toAt);
  else for (let i = 0; i < length; i++) to[toAt + i] = from[at + i];
}

interface PrefixBits {
  readonly octets: Uint8Array;
  readonly whole: number;
  readonly mask: number;
}

function prefixBits({ base, length }: Prefix): PrefixBits {
  return { octets: addressOctets(base), whole: length >> 3, mask: (0xff00 >> (length & 7)) & 0xff };
}

function beginsWith(octets: Uint8Array, at: number, { octets: base, whole, mask }: PrefixBits): boolean {
  for (let i = 0; i < whole; i++) if (octets[at + i] !== base[i]) return false;
  return mask === 0 || ((octets[at + whole] ^ base[whole]) & mask) === 0;
}
