/** Puts a packet on the batch's list of frames to write. */
import { LANE_OUTPUT_LENGTHS, LANE_OUTPUT_OFFSETS, LANE_OUTPUTS } from "../layout/lane.ts";
import { VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { clearHeader } from "../wire/virtio.ts";

/** Lists the `octets` octets at `packet`, with a cleared virtio header before them. */
export function emit(lane: usize, packet: usize, octets: u32): void {
  clearHeader(packet - VIRTIO_HEADER_OCTETS);
  emitAsIs(lane, packet, octets);
}

/** Likewise, with the virtio header that stands there. */
export function emitAsIs(lane: usize, packet: usize, octets: u32): void {
  const outputs = load<u32>(lane, LANE_OUTPUTS);
  store<u32>(load<u32>(lane, LANE_OUTPUT_OFFSETS) + (outputs << 2), packet - VIRTIO_HEADER_OCTETS);
  store<u32>(load<u32>(lane, LANE_OUTPUT_LENGTHS) + (outputs << 2), octets + VIRTIO_HEADER_OCTETS);
  store<u32>(lane, outputs + 1, LANE_OUTPUTS);
}
