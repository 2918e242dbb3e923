/** The one source of chance: a small generator (sfc32), seeded by a seed and a label, so that one part's draws never shift another's. */

/** Lowest and highest value, both included. */
export type Range = readonly [low: number, high: number];

const WARM_UP = 12;

/** Random numbers that are the same for the same seed and label on every runtime. */
export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: number, label: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(label, 0x9e3779b1) | 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) ^ 0x6b43a9b5;
    for (let i = 0; i < WARM_UP; i++) this.u32();
  }

  /** 0 … 2^32 − 1. */
  u32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** [0, 1). */
  fraction(): number {
    return this.u32() / 0x1_0000_0000;
  }

  /** Evenly between the two, in steps of a thousandth: sums of such values are rare enough to stay readable. */
  between([low, high]: Range): number {
    return low + Math.round((high - low) * this.fraction() * 1000) / 1000;
  }

  /** A whole number, both ends included. */
  whole([low, high]: Range): number {
    return low + Math.floor((high - low + 1) * this.fraction());
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(list.length * this.fraction())];
  }

  octets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    for (let i = 0; i < count; i++) octets[i] = this.u32() >>> 24;
    return octets;
  }
}
