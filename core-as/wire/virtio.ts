/** The virtio header before each packet. */
import { IP6_LENGTH, TCP_SUM } from "../layout/ip6.ts";
import {
  VIRTIO_CSUM_OFFSET,
  VIRTIO_CSUM_START,
  VIRTIO_FLAGS,
  VIRTIO_GSO_ECN,
  VIRTIO_GSO_SIZE,
  VIRTIO_GSO_TCP6,
  VIRTIO_GSO_TYPE,
  VIRTIO_HDR_LEN,
  VIRTIO_NEEDS_CSUM,
} from "../layout/virtio.ts";

/** Whether the frame is a segment larger than the wire takes, to be cut by the device. */
export function isSegmented(header: usize): bool {
  return load<u8>(header, VIRTIO_GSO_TYPE) != 0;
}

/** What kind of large frame it is: VIRTIO_GSO_*, without the ECN bit. */
export function segmentKind(header: usize): u32 {
  return <u32>load<u8>(header, VIRTIO_GSO_TYPE) & ~VIRTIO_GSO_ECN;
}

/** Octets of payload that each packet of a large frame has, but the last. */
export function segmentSize(header: usize): u32 {
  return <u32>load<u16>(header, VIRTIO_GSO_SIZE);
}

/** Lets the device cut a large frame into packets with `size` octets of payload. */
export function setSegmentSize(header: usize, size: u32): void {
  store<u16>(header, <u16>size, VIRTIO_GSO_SIZE);
}

/** A header for a large TCP frame behind an IPv6 header alone: `octets` of both headers, segments of `size` octets, a partial checksum. */
export function putTcpHeader(header: usize, octets: u32, size: u32): void {
  store<u8>(header, VIRTIO_NEEDS_CSUM, VIRTIO_FLAGS);
  store<u8>(header, VIRTIO_GSO_TCP6, VIRTIO_GSO_TYPE);
  store<u16>(header, <u16>octets, VIRTIO_HDR_LEN);
  store<u16>(header, <u16>size, VIRTIO_GSO_SIZE);
  store<u16>(header, IP6_LENGTH, VIRTIO_CSUM_START);
  store<u16>(header, TCP_SUM, VIRTIO_CSUM_OFFSET);
}

/** Whether the transport checksum was left to the device. */
export function needsSum(header: usize): bool {
  return (load<u8>(header, VIRTIO_FLAGS) & VIRTIO_NEEDS_CSUM) != 0;
}

/** Whether that is all that was left to it: the frame is one packet. */
export function needsSumAlone(header: usize): bool {
  // Flags and type are neighbours.
  return (load<u16>(header) & (0xff00 | VIRTIO_NEEDS_CSUM)) == VIRTIO_NEEDS_CSUM;
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
