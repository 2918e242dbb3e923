/**
 * A ring of records in shared memory, one writer and one reader. A record lies in one piece on 64 octets: its size u32, socket u32, kind u32, length of
 * the octets u32, source address 16, address it was sent to 16, source port u32, interface of the source u32, interface it came in by u32, then the octets.
 */
import { RING_HEAD, RING_TAIL } from "./message.ts";

/** Room for datagrams that wait for the main thread; a power of two. */
export const RING_OCTETS = 1_048_576;
export const RECORD_HEADER = 64;
/** So that a header always fits before the ring's end. */
const RECORD_ALIGN = RECORD_HEADER;

/** A datagram. */
export const RECORD_DATAGRAM = 0;
/** A datagram that was too long; no octets. */
export const RECORD_LONG = 1;
/** The kernel's refusal; no octets. */
export const RECORD_REFUSED = 2;
/** Nothing: the ring goes on at its start. */
const RECORD_SKIP = 3;

export const RECORD_SOCKET = 4;
export const RECORD_KIND = 8;
export const RECORD_LENGTH = 12;
export const RECORD_FROM = 16;
export const RECORD_TO = 32;
export const RECORD_FROM_PORT = 48;
export const RECORD_FROM_INTERFACE = 52;
export const RECORD_TO_INTERFACE = 56;

/** The ring, for its writer or its reader. */
export class Ring {
  readonly octets: Uint8Array;
  readonly words: Uint32Array;
  readonly #control: Int32Array;
  #mine: number;

  constructor(ring: SharedArrayBuffer, control: Int32Array, side: "writer" | "reader") {
    this.octets = new Uint8Array(ring);
    this.words = new Uint32Array(ring);
    this.#control = control;
    this.#mine = Atomics.load(control, side === "writer" ? RING_HEAD : RING_TAIL) >>> 0;
  }

  /**
   * Writer: where a record with `length` octets may be put. Fill it, all words of its header but the first, then {@link publish}.
   * @returns its offset in the ring, or −1 when there is no room
   */
  claim(length: number): number {
    const size = (RECORD_HEADER + length + RECORD_ALIGN - 1) & -RECORD_ALIGN;
    const tail = Atomics.load(this.#control, RING_TAIL) >>> 0;
    const used = (this.#mine - tail) >>> 0;
    const at = this.#mine & (RING_OCTETS - 1);
    const toEnd = RING_OCTETS - at;
    const skip = size > toEnd ? toEnd : 0;
    if (used + skip + size > RING_OCTETS) return -1;
    if (skip > 0) {
      this.words[at >> 2] = skip;
      this.words[(at + RECORD_KIND) >> 2] = RECORD_SKIP;
      this.#mine = (this.#mine + skip) >>> 0;
    }
    const place = this.#mine & (RING_OCTETS - 1);
    this.words[place >> 2] = size;
    this.#mine = (this.#mine + size) >>> 0;
    return place;
  }

  /** Writer: what was claimed and filled is the reader's from now on. */
  publish(): void {
    Atomics.store(this.#control, RING_HEAD, this.#mine | 0);
  }

  /** Reader: the oldest record, or −1. It stays until {@link release}. */
  peek(): number {
    for (;;) {
      if (this.#mine === Atomics.load(this.#control, RING_HEAD) >>> 0) return -1;
      const at = this.#mine & (RING_OCTETS - 1);
      if (this.words[(at + RECORD_KIND) >> 2] !== RECORD_SKIP) return at;
      this.release(at);
    }
  }

  /** Reader: the record at `at` was read; its place is the writer's. */
  release(at: number): void {
    this.#mine = (this.#mine + this.words[at >> 2]) >>> 0;
    Atomics.store(this.#control, RING_TAIL, this.#mine | 0);
  }
}
