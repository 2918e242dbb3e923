/**
 * CGAs made ahead, so that no lease waits for one. Each /64 has some in store; filling up is work in slices, for when there is nothing
 * else to do. What was only offered comes back.
 */
import type { Ulid } from "../value/address.ts";
import type { Prefix } from "../value/prefix.ts";
import type { ReadyCga } from "./contract.ts";

/** Makes CGAs; knows which addresses are taken. */
export interface CgaMaker {
  /** Whether one takes microseconds: sec is 0. If not, none is made while a client waits. */
  readonly isQuick: boolean;
  /** A new CGA of the /64, with a modifier of its own; `undefined` after three collisions. Each `next` is a few milliseconds of work. */
  make(subnet: Prefix): Generator<unknown, ReadyCga | undefined>;
  /** Whether somebody has the address by now. */
  isTaken(address: Ulid): boolean;
}

/** How many are made ahead. */
export interface PoolSizes {
  /** Of the /64 of hosts on the box's own link. */
  readonly own: number;
  /** Of each /64 behind a relay. */
  readonly behind: number;
}

/** What serves a second of 4,000 exchanges while nothing is made, and takes 2 MB. */
export const POOL_SIZES: PoolSizes = { own: 4_096, behind: 256 };
/** /64s that have some in store: a stranger who invents relays costs no more memory than these. */
const SUBNET_LIMIT = 64;
/** Quick ones made in one slice. */
const SLICE = 64;

interface Shelf {
  readonly subnet: Prefix;
  readonly wanted: number;
  readonly ready: ReadyCga[];
}

/** All CGAs that wait for a host. */
export class CgaPool {
  readonly #maker: CgaMaker;
  readonly #sizes: PoolSizes;
  readonly #shelves = new Map<string, Shelf>();
  #isFilling = false;

  constructor(maker: CgaMaker, sizes: PoolSizes = POOL_SIZES) {
    this.#maker = maker;
    this.#sizes = sizes;
  }

  /** CGAs ready in the /64. */
  ready(subnet: Prefix): number {
    return this.#shelves.get(subnet.base)?.ready.length ?? 0;
  }

  /** From now on some are kept ready for hosts on the box's own link. */
  prepare(subnet: Prefix): void {
    this.#open(subnet, this.#sizes.own);
  }

  /** A CGA of the /64 that nobody has; `undefined` when none is ready and making one takes long. */
  take(subnet: Prefix): ReadyCga | undefined {
    const shelf = this.#open(subnet, this.#sizes.behind);
    for (let cga = shelf?.ready.pop(); cga !== undefined; cga = shelf?.ready.pop()) if (!this.#maker.isTaken(cga.address)) return cga;
    return this.#maker.isQuick ? last(this.#maker.make(subnet)) : undefined;
  }

  /** What {@link take} gave and nobody got after all. */
  give(subnet: Prefix, cga: ReadyCga): void {
    const shelf = this.#shelves.get(subnet.base);
    if (shelf !== undefined && shelf.ready.length < 2 * shelf.wanted) shelf.ready.push(cga);
  }

  /** Whether it is time to {@link fill} and nobody is at it. */
  get isLow(): boolean {
    if (this.#isFilling) return false;
    for (const { ready, wanted } of this.#shelves.values()) if (ready.length < wanted / 2) return true;
    return false;
  }

  /** Makes what is missing, a slice at a time. */
  *fill(): Generator<void> {
    if (this.#isFilling) return;
    this.#isFilling = true;
    let left = SLICE;
    try {
      for (const { subnet, ready, wanted } of [...this.#shelves.values()]) {
        while (ready.length < wanted) {
          const cga = yield* this.#make(subnet);
          // Three collisions in a row: nobody who is honest sees that. The next round tries again.
          if (cga === undefined) break;
          ready.push(cga);
          if (--left > 0 && this.#maker.isQuick) continue;
          left = SLICE;
          yield;
        }
      }
    } finally {
      this.#isFilling = false;
    }
  }

  *#make(subnet: Prefix): Generator<void, ReadyCga | undefined> {
    const work = this.#maker.make(subnet);
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      yield;
    }
  }

  #open(subnet: Prefix, wanted: number): Shelf | undefined {
    const known = this.#shelves.get(subnet.base);
    if (known !== undefined && known.wanted >= wanted) return known;
    if (known === undefined && this.#shelves.size >= SUBNET_LIMIT) return undefined;
    const shelf = { subnet, wanted, ready: known?.ready ?? [] };
    this.#shelves.set(subnet.base, shelf);
    return shelf;
  }
}

function last<T>(work: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
