/** The random octets of one step, drawn in order; when they run out, more are made of them with HMAC. */
import { concat, u32, u48 } from "../value/bytes.ts";
import { JITTER_LOW } from "./constants.ts";
import type { Shim6World } from "./contract.ts";

const BLOCK_LABEL = 0xff;

/** A source of random numbers for one step. */
export class Draw {
  readonly #hmac: Shim6World["hmac"];
  readonly #seed: Uint8Array;
  #block: Uint8Array;
  #at = 0;
  #blocks = 0;

  /** @param seed fresh random octets, read but not kept after the step */
  constructor(seed: Uint8Array, hmac: Shim6World["hmac"]) {
    this.#seed = seed;
    this.#block = seed;
    this.#hmac = hmac;
  }

  #take(count: number): number {
    if (this.#at + count > this.#block.length) {
      this.#blocks++;
      this.#block = this.#hmac(this.#seed, Uint8Array.of(BLOCK_LABEL, this.#blocks >>> 16, this.#blocks >>> 8, this.#blocks));
      this.#at = 0;
    }
    this.#at += count;
    return this.#at - count;
  }

  /** 0 … 2^32 − 1. */
  u32(): number {
    const at = this.#take(4);
    return u32(this.#block, at);
  }

  /** 0 … 2^48 − 1. */
  u48(): number {
    const at = this.#take(6);
    return u48(this.#block, at);
  }

  /** Uniform in [0.5, 1.5] × `nominal` (RFC 5533 §7.8). */
  around(nominal: number): number {
    return nominal * (JITTER_LOW + this.u32() / 2 ** 32);
  }

  /** A new secret made of `secret` and this step's octets; knowing the octets alone does not give it away. */
  renew(secret: Uint8Array, label: number): Uint8Array {
    return this.#hmac(secret, concat(Uint8Array.of(label), this.#seed));
  }
}
