/**
 * Random numbers of one step, out of the octets that came in with it. A poll may send hundreds of Probes, each with a nonce
 * that must be hard to guess (RFC 5534 §5.2), so the octets are stretched with the ChaCha20 block function (RFC 8439 §2.3):
 * the first 32 are the key, the next 12 the nonce, and the block counter runs.
 */

/** Octets of `random` that are used. */
export const DRAW_RANDOM_OCTETS = 44;

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const BLOCK_WORDS = 16;
const COUNTER = 12;

/** The random numbers of one step. */
export class Draw {
  readonly #random: Uint8Array;
  readonly #block = new Uint32Array(BLOCK_WORDS);
  #state: Uint32Array | undefined;
  #next = BLOCK_WORDS;

  /** `random` holds at least {@link DRAW_RANDOM_OCTETS} octets and must stay as it is while this lives. Lazy: drawing nothing costs nothing. */
  constructor(random: Uint8Array) {
    this.#random = random;
  }

  /** 32 fresh random bits. */
  u32(): number {
    if (this.#next === BLOCK_WORDS) this.#fill();
    return this.#block[this.#next++];
  }

  /** 32 fresh random bits as octets, in a new array. */
  octets(): Uint8Array {
    const octets = new Uint8Array(4);
    new DataView(octets.buffer).setUint32(0, this.u32());
    return octets;
  }

  /** `nominal` with up to `share` of it more or less, evenly spread. */
  around(nominal: number, share: number): number {
    return nominal * (1 + share * ((2 * this.u32()) / 0x1_0000_0000 - 1));
  }

  #fill(): void {
    this.#state ??= startState(this.#random);
    chacha20Block(this.#state, this.#block);
    this.#state[COUNTER]++;
    this.#next = 0;
  }
}

/** One block of key stream from the 16-word `state` into `out` (RFC 8439 §2.3.1). */
export function chacha20Block(state: Uint32Array, out: Uint32Array): void {
  out.set(state);
  for (let round = 0; round < 10; round++) {
    quarter(out, 0, 4, 8, 12);
    quarter(out, 1, 5, 9, 13);
    quarter(out, 2, 6, 10, 14);
    quarter(out, 3, 7, 11, 15);
    quarter(out, 0, 5, 10, 15);
    quarter(out, 1, 6, 11, 12);
    quarter(out, 2, 7, 8, 13);
    quarter(out, 3, 4, 9, 14);
  }
  for (let i = 0; i < BLOCK_WORDS; i++) out[i] += state[i];
}

function startState(random: Uint8Array): Uint32Array {
  const view = new DataView(random.buffer, random.byteOffset, random.byteLength);
  const state = new Uint32Array(BLOCK_WORDS);
  state.set(SIGMA);
  for (let i = 0; i < 8; i++) state[4 + i] = view.getUint32(4 * i, true);
  for (let i = 0; i < 3; i++) state[COUNTER + 1 + i] = view.getUint32(32 + 4 * i, true);
  return state;
}

function quarter(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  x[a] += x[b];
  x[d] = rotate(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = rotate(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = rotate(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = rotate(x[b] ^ x[c], 7);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
