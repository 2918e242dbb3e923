import { SLOT_HEADROOM } from "../../core-as/layout/lane.ts";
import { COUNTER_NAMES } from "../../core-as/layout/names.ts";
import * as verdict from "../../core-as/layout/verdict.ts";
import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import type { Lane } from "../fast/contract.ts";
import type { Direction, PacketLane } from "./contract.ts";
import { CoreError } from "./error.ts";

const DIRECTIONS: ReadonlyMap<number, Direction> = new Map([
  [verdict.FORWARD_OUT, "out"],
  [verdict.FORWARD_IN, "in"],
]);

/** `lane` for packets without a virtio header: a header of zeros is kept before each. Its core cuts and joins nothing, so what leaves a slot is still in it. */
export function packetLane(lane: Lane, memory: Uint8Array, batch: number): PacketLane {
  const frames = Array.from({ length: batch }, (_, slot) => lane.inputOffset(slot));
  const first = frames[0] - SLOT_HEADROOM;
  const stride = batch === 1 ? memory.length : frames[1] - frames[0];
  const halves = new Uint16Array(memory.buffer);
  const lengths = new Uint32Array(batch);
  const prepare = (slot: number): void => {
    // A packet that left may have stood where the next one's header is wanted.
    for (let at = frames[slot] >>> 1, end = at + VIRTIO_HEADER_OCTETS / 2; at < end; at++) halves[at] = 0;
    lane.lengths[slot] = lengths[slot] + VIRTIO_HEADER_OCTETS;
  };
  return {
    memory,
    batch,
    packetOctets: lane.inputOctets - VIRTIO_HEADER_OCTETS,
    slots: frames.map((frame) => frame + VIRTIO_HEADER_OCTETS),
    lengths,
    run(count, now, forward) {
      if (!Number.isInteger(count) || count < 0 || count > batch) throw new CoreError("packet", `${count} packets in ${batch} slots`);
      for (let slot = 0; slot < count; slot++) prepare(slot);
      const outputs = lane.run(count, now);
      for (let i = 0; i < outputs; i++) {
        const offset = lane.outputOffsets[i];
        const slot = Math.floor((offset - first) / stride);
        const direction = DIRECTIONS.get(lane.verdicts[slot]) ?? "pass";
        forward(offset + VIRTIO_HEADER_OCTETS, lane.outputLengths[i] - VIRTIO_HEADER_OCTETS, direction, slot);
      }
      return outputs;
    },
    verdict: (slot) => COUNTER_NAMES.get(lane.verdicts[slot]) ?? "none",
    takeBell: () => lane.takeBell(),
  };
}
