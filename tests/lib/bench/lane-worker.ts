/** A data thread without a device: runs hosts' packets through a lane as fast as it can, and counts them, until it is ended. For benches. */
import { readFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { VIRTIO_HEADER_OCTETS } from "../../../core-as/layout/virtio.ts";
import type { SharedCore } from "../../../runtime/fast/contract.ts";
import { openLane } from "../../../runtime/fast/lane.ts";

/** What it is started with. */
export interface LaneWork {
  readonly shared: SharedCore;
  readonly lane: number;
  /** One after another; all of one length. */
  readonly packets: readonly Uint8Array[];
  /** Packets so far, and microseconds that this thread had a processor; both wrap. */
  readonly count: Int32Array<SharedArrayBuffer>;
}

const { shared, lane: index, packets, count } = workerData as LaneWork;
const lane = await openLane(shared, index);
const octets = new Uint8Array(shared.memory.buffer);
const { batch } = shared.sizes;
const BATCHES_A_LOOK = 256;
/** What the kernel says of this thread: other work on the machine takes processors away, but not packets a processor second. */
const busy = (): number => Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]) / 1_000;
for (let next = 0, batches = 0; ; batches++) {
  for (let slot = 0; slot < batch; slot++) {
    const packet = packets[next];
    next = next + 1 < packets.length ? next + 1 : 0;
    const at = lane.inputOffset(slot);
    octets.fill(0, at, at + VIRTIO_HEADER_OCTETS);
    octets.set(packet, at + VIRTIO_HEADER_OCTETS);
    lane.lengths[slot] = VIRTIO_HEADER_OCTETS + packet.length;
  }
  const sent = lane.run(batch, performance.now());
  Atomics.add(count, 0, sent);
  if (batches % BATCHES_A_LOOK === 0) Atomics.store(count, 1, Math.round(busy()) | 0);
}
