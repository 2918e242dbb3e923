import * as layout from "../../core-as/layout/lane.ts";

/** The control thread's end of one lane's ring of punted packets. */
export class PuntRing {
  readonly #buffer: ArrayBufferLike;
  readonly #words: Int32Array;
  readonly #ring: number;
  readonly #octets: number;
  readonly #head: number;
  readonly #tail: number;

  constructor(buffer: ArrayBufferLike, lane: number, ringInLane: number, octets: number) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#ring = lane + ringInLane;
    this.#octets = octets;
    this.#head = (lane + layout.LANE_PUNT_HEAD) >>> 2;
    this.#tail = (lane + layout.LANE_PUNT_TAIL) >>> 2;
  }

  /** Hands over at most `limit` packets. An entry is freed after its call, even if that throws. */
  drain(limit: number, take: (packet: Uint8Array, reason: number, context: number) => void): number {
    const head = Atomics.load(this.#words, this.#head);
    let tail = this.#words[this.#tail];
    let taken = 0;
    while (tail !== head && taken < limit) {
      const at = (tail & (this.#octets - 1)) >>> 0;
      const entry = (this.#ring + at) >>> 2;
      const octets = this.#words[entry + (layout.PUNT_OCTETS >>> 2)];
      if (octets === layout.PUNT_WRAP) {
        tail = (tail + this.#octets - at) | 0;
        Atomics.store(this.#words, this.#tail, tail);
        continue;
      }
      tail = (tail + ((layout.PUNT_HEADER + octets + 15) & ~15)) | 0;
      taken++;
      try {
        const packet = new Uint8Array(this.#buffer, this.#ring + at + layout.PUNT_HEADER, octets);
        take(packet, this.#words[entry + (layout.PUNT_REASON >>> 2)], this.#words[entry + (layout.PUNT_CONTEXT >>> 2)]);
      } finally {
        Atomics.store(this.#words, this.#tail, tail);
      }
    }
    return taken;
  }
}
