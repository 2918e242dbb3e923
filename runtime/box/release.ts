import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import type { Lane } from "../fast/contract.ts";
import type { Millis } from "../value/time.ts";

/** Sends packets of hosts that waited: through a lane of the control thread's own, so that they go the way of all packets. */
export class Release {
  readonly #lane: Lane;
  readonly #octets: Uint8Array;
  readonly #batch: number;
  readonly #send: (packet: Uint8Array) => boolean;

  /** @param octets the core's whole memory; @param send takes one IPv6 packet and copies it. */
  constructor(lane: Lane, octets: Uint8Array, batch: number, send: (packet: Uint8Array) => boolean) {
    this.#lane = lane;
    this.#octets = octets;
    this.#batch = batch;
    this.#send = send;
  }

  /** Runs `packets` through the core, in order, and sends what comes out. What the core punts again comes back as a punt. */
  run(packets: readonly Uint8Array[], now: Millis): void {
    for (let first = 0; first < packets.length; first += this.#batch) {
      const part = packets.slice(first, first + this.#batch);
      part.forEach((packet, slot) => {
        const at = this.#lane.inputOffset(slot);
        this.#octets.fill(0, at, at + VIRTIO_HEADER_OCTETS);
        this.#octets.set(packet, at + VIRTIO_HEADER_OCTETS);
        this.#lane.lengths[slot] = packet.length + VIRTIO_HEADER_OCTETS;
      });
      const count = this.#lane.run(part.length, now);
      for (let i = 0; i < count; i++) {
        const at = this.#lane.outputOffsets[i] + VIRTIO_HEADER_OCTETS;
        const end = this.#lane.outputOffsets[i] + this.#lane.outputLengths[i];
        if (!this.#send(this.#octets.subarray(at, end))) this.#lane.countWriteError();
      }
    }
  }
}
