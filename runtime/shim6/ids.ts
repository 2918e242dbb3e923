/** Context ids: the smallest free integer below a capacity, in a few steps whatever the capacity (32-way tree of bitmaps). */

const LOG = 5;
const WIDTH = 1 << LOG;

/** The integers from 0 to `capacity` − 1, each free or in use. */
export class IdPool {
  readonly capacity: number;
  /** `#levels[0]` has a bit for each id, set = free; a bit of level n + 1 says that a word of level n has one set. */
  readonly #levels: Uint32Array[] = [];

  /** @param capacity at least 1 */
  constructor(capacity: number) {
    this.capacity = capacity;
    let bits = capacity;
    do {
      const words = new Uint32Array(Math.ceil(bits / WIDTH)).fill(0xffffffff);
      const tail = bits % WIDTH;
      if (tail !== 0) words[words.length - 1] = 0xffffffff >>> (WIDTH - tail);
      this.#levels.push(words);
      bits = words.length;
    } while (bits > 1);
  }

  /** Takes the smallest free id. @returns −1 when all are in use */
  take(): number {
    let at = 0;
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      const word = this.#levels[level][at];
      if (word === 0) return -1;
      at = (at << LOG) | (31 - Math.clz32(word & -word));
    }
    this.#mark(at, false);
    return at;
  }

  /** Gives back an id that {@link take} handed out. */
  free(id: number): void {
    this.#mark(id, true);
  }

  #mark(id: number, free: boolean): void {
    let at = id;
    for (const words of this.#levels) {
      const index = at >>> LOG;
      const before = words[index];
      const after = (free ? before | (1 << (at & (WIDTH - 1))) : before & ~(1 << (at & (WIDTH - 1)))) >>> 0;
      words[index] = after;
      if ((before === 0) === (after === 0)) return;
      at = index;
    }
  }
}
