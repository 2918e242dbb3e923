/**
 * Packets that wait: for a context that is being set up, or for a context that explores. Bounded by packets and octets
 * for each key and in total, and no source may take more than half of the total; what does not fit is dropped and counted by the caller, never stored.
 */

import { type Address, addressAt } from "../value/address.ts";

const SOURCE_AT = 8;

/** Bounds of what waits. */
export interface HoldLimits {
  /** Packets for one key. */
  readonly packets: number;
  /** Octets for one key. */
  readonly octets: number;
  /** Octets of all keys together. */
  readonly total: number;
}

/** What gives way when a key's share is full: the packet that comes (set-up), or the oldest one (exploration). */
export type HoldRule = "keep-oldest" | "keep-newest";

interface Queue {
  /** Source address of what waits: all packets of a key have the same. */
  readonly source: Address;
  packets: Uint8Array[];
  octets: number;
}

/** Packet queues by key. A packet is copied when it is taken in. */
export class Hold {
  #limits: HoldLimits;
  readonly #rule: HoldRule;
  readonly #queues = new Map<string, Queue>();
  /** Octets held for each source. */
  readonly #sources = new Map<Address, number>();
  #octets = 0;

  constructor(limits: HoldLimits, rule: HoldRule) {
    this.#limits = limits;
    this.#rule = rule;
  }

  /** From the next packet on; what is held already stays. */
  set limits(limits: HoldLimits) {
    this.#limits = limits;
  }

  /** Octets held for all keys. */
  get octets(): number {
    return this.#octets;
  }

  get keys(): number {
    return this.#queues.size;
  }

  /** Takes a copy of `packet`. @returns packets lost by that: 0, or the newcomer (1), or the oldest that had to go. */
  push(key: string, packet: Uint8Array): number {
    const { packets, octets, total } = this.#limits;
    if (packet.length > octets || packet.length > total) return 1;
    const source = addressAt(packet, SOURCE_AT);
    const queue = this.#queues.get(key);
    let lost = 0;
    if (queue !== undefined) {
      while (queue.packets.length > 0 && this.#isFull(queue, packet.length)) {
        if (this.#rule === "keep-oldest") return lost + 1;
        this.#drop(queue);
        lost++;
      }
    }
    if (this.#isTotalFull(source, packet.length) || packets < 1) return lost + 1;
    const target = queue ?? { source, packets: [], octets: 0 };
    if (queue === undefined) this.#queues.set(key, target);
    target.packets.push(packet.slice());
    this.#count(target, packet.length);
    return lost;
  }

  /** Removes and returns what waits under `key`, oldest first. */
  take(key: string): Uint8Array[] {
    const queue = this.#queues.get(key);
    if (queue === undefined) return [];
    this.#queues.delete(key);
    this.#count(queue, -queue.octets);
    return queue.packets;
  }

  #isFull(queue: Queue, more: number): boolean {
    const { packets, octets } = this.#limits;
    return queue.packets.length >= packets || queue.octets + more > octets || this.#isTotalFull(queue.source, more);
  }

  /** A host that calls whoever it can think of must leave room for the others' first packets. */
  #isTotalFull(source: Address, more: number): boolean {
    const { total } = this.#limits;
    return this.#octets + more > total || (this.#sources.get(source) ?? 0) + more > Math.max(total / 2, more);
  }

  #count(queue: Queue, octets: number): void {
    queue.octets += octets;
    this.#octets += octets;
    const rest = (this.#sources.get(queue.source) ?? 0) + octets;
    if (rest > 0) this.#sources.set(queue.source, rest);
    else this.#sources.delete(queue.source);
  }

  #drop(queue: Queue): void {
    const oldest = queue.packets.shift();
    if (oldest === undefined) return;
    this.#count(queue, -oldest.length);
  }
}
