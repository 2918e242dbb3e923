/** Where a batch of datagrams lies in shared memory for recvmmsg(2) and sendmmsg(2): tables of structures, then the octets. */
import { UDP_LARGEST } from "../../runtime/port/udp.ts";
import type { Libc, MemoryCalls } from "../common/libc.ts";
import {
  CMSG_LEVEL,
  CMSG_TYPE,
  IOVEC_OCTETS,
  IPPROTO_IPV6,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_NAME,
  MSGHDR_NAMELEN,
  SOCKADDR_IN6_OCTETS,
} from "../linux/icmp6.ts";
import { IPV6_PKTINFO, MMSGHDR_OCTETS, MSGHDR_FLAGS, PKTINFO_CMSG_OCTETS } from "../linux/udp.ts";

/** Datagrams of a batch. */
export const BATCH = 64;
/** A name and what stands beside it lie on borders of their own. */
const NAME_OCTETS = 32;
/** Holds a pktinfo, or an error with the address of who told it. */
export const CONTROL_OCTETS = 128;

/** A table of messages with places of their own, in memory that the kernel reads and writes. */
export class Batch {
  readonly memory: SharedArrayBuffer;
  readonly octets: Uint8Array;
  readonly words: Uint32Array;
  readonly view: DataView;
  readonly calls: MemoryCalls;
  /** Octets before the first octets of a message. */
  readonly #table: number;
  readonly #names: number;
  readonly #vectors: number;
  readonly #controls: number;
  readonly #data: number;

  /**
   * `tables` tables of messages over the same names and control messages: with a second one the answers lie beside their requests, and
   * go where these came from. `extra` octets stand at the memory's end ({@link extra}).
   */
  constructor(libc: Libc, tables: 1 | 2, extra = 0) {
    this.#table = 0;
    this.#names = tables * BATCH * MMSGHDR_OCTETS;
    this.#vectors = this.#names + BATCH * NAME_OCTETS;
    this.#controls = this.#vectors + tables * BATCH * IOVEC_OCTETS;
    this.#data = this.#controls + BATCH * CONTROL_OCTETS;
    this.extra = this.#data + tables * BATCH * UDP_LARGEST;
    this.memory = new SharedArrayBuffer(this.extra + ((extra + 7) & ~7));
    this.octets = new Uint8Array(this.memory);
    this.words = new Uint32Array(this.memory);
    this.view = new DataView(this.memory);
    this.calls = libc.onMemory(this.memory);
    const pointer = (at: number, to: number) => this.view.setBigUint64(at, this.calls.base + BigInt(to), true);
    for (let i = 0; i < tables * BATCH; i++) {
      const header = this.header(i);
      pointer(header + MSGHDR_NAME, this.name(i % BATCH));
      this.words[(header + MSGHDR_NAMELEN) >> 2] = SOCKADDR_IN6_OCTETS;
      pointer(header + MSGHDR_IOV, this.vector(i));
      this.words[(header + MSGHDR_IOVLEN) >> 2] = 1;
      pointer(header + MSGHDR_CONTROL, this.control(i % BATCH));
      pointer(this.vector(i), this.data(i));
      this.words[(this.vector(i) + 8) >> 2] = UDP_LARGEST;
    }
  }

  /** Where the octets that were asked for as `extra` begin. */
  readonly extra: number;

  header(i: number): number {
    return this.#table + i * MMSGHDR_OCTETS;
  }
  name(i: number): number {
    return this.#names + i * NAME_OCTETS;
  }
  vector(i: number): number {
    return this.#vectors + i * IOVEC_OCTETS;
  }
  control(i: number): number {
    return this.#controls + i * CONTROL_OCTETS;
  }
  data(i: number): number {
    return this.#data + i * UDP_LARGEST;
  }

  /** Makes the first `count` messages ready for recvmmsg(2), which leaves its own lengths in them. */
  ready(count: number): void {
    for (let i = 0; i < count; i++) {
      const header = this.header(i);
      this.words[(header + MSGHDR_NAMELEN) >> 2] = SOCKADDR_IN6_OCTETS;
      this.words[(header + MSGHDR_CONTROLLEN) >> 2] = CONTROL_OCTETS;
      this.words[(header + MSGHDR_FLAGS) >> 2] = 0;
    }
  }

  /** Octets of what message `i` is to send. */
  setLength(i: number, octets: number): void {
    this.words[(this.vector(i) + 8) >> 2] = octets;
  }

  /** Octets of the name of message `i`; 0 = it goes to the peer that the socket is connected with. */
  setName(i: number, octets: number): void {
    this.words[(this.header(i) + MSGHDR_NAMELEN) >> 2] = octets;
  }

  /** Octets of the control messages of message `i`; 0 = none. */
  setControl(i: number, octets: number): void {
    this.words[(this.header(i) + MSGHDR_CONTROLLEN) >> 2] = octets;
  }

  /** Whether the first control message of the received message `i` says what address it was sent to. */
  hasTarget(i: number): boolean {
    const at = this.control(i);
    return (
      this.words[(this.header(i) + MSGHDR_CONTROLLEN) >> 2] >= PKTINFO_CMSG_OCTETS &&
      this.words[(at + CMSG_LEVEL) >> 2] === IPPROTO_IPV6 &&
      this.words[(at + CMSG_TYPE) >> 2] === IPV6_PKTINFO
    );
  }
}
