/** The virtio header before each packet. */
import { VIRTIO_CSUM_OFFSET, VIRTIO_CSUM_START, VIRTIO_FLAGS, VIRTIO_GSO_TYPE, VIRTIO_NEEDS_CSUM } from "../layout/virtio.ts";

/** Whether the frame is a segment larger than the wire takes, to be cut by the device. */
export function isSegmented(header: usize): bool {
  return load<u8>(header, VIRTIO_GSO_TYPE) != 0;
}

/** Whether the transport checksum was left to the device. */
export function needsSum(header: usize): bool {
  return (load<u8>(header, VIRTIO_FLAGS) & VIRTIO_NEEDS_CSUM) != 0;
}

/** Where summing starts, octets from the packet's start. */
export function sumStart(header: usize): u32 {
  return <u32>load<u16>(header, VIRTIO_CSUM_START);
}

/** Where the sum goes, octets from {@link sumStart}. */
export function sumOffset(header: usize): u32 {
  return <u32>load<u16>(header, VIRTIO_CSUM_OFFSET);
}

/** A header that asks nothing of the device. */
export function clearHeader(header: usize): void {
  store<u64>(header, 0);
  store<u16>(header, 0, 8);
}
