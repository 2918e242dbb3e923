/**
 * Packets that wait: for a context that is being set up, or for a context that explores. Bounded by packets and octets
 * for each key and in total; what does not fit is dropped and counted by the caller, never stored.
 */

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
  packets: Uint8Array[];
  octets: number;
}

/** Packet queues by key. A packet is copied when it is taken in. */
export class Hold {
  #limits: HoldLimits;
  readonly #rule: HoldRule;
  readonly #queues = new Map<string, Queue>();
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
    const queue = this.#queues.get(key);
    let lost = 0;
    if (queue !== undefined) {
      while (queue.packets.length > 0 && this.#isFull(queue, packet.length)) {
        if (this.#rule === "keep-oldest") return lost + 1;
        this.#drop(queue);
        lost++;
      }
    }
    if (this.#octets + packet.length > total || packets < 1) return lost + 1;
    const target = queue ?? { packets: [], octets: 0 };
    if (queue === undefined) this.#queues.set(key, target);
    target.packets.push(packet.slice());
    target.octets += packet.length;
    this.#octets += packet.length;
    return lost;
  }

  /** Removes and returns what waits under `key`, oldest first. */
  take(key: string): Uint8Array[] {
    const queue = this.#queues.get(key);
    if (queue === undefined) return [];
    this.#queues.delete(key);
    this.#octets -= queue.octets;
    return queue.packets;
  }

  #isFull(queue: Queue, more: number): boolean {
    return (
      queue.packets.length >= this.#limits.packets || queue.octets + more > this.#limits.octets || this.#octets + more > this.#limits.total
    );
  }

  #drop(queue: Queue): void {
    const oldest = queue.packets.shift();
    if (oldest === undefined) return;
    queue.octets -= oldest.length;
    this.#octets -= oldest.length;
  }
}
