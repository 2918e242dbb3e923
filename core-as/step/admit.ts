/** First step: is this a frame that the rest may trust? Checks the lengths once; later steps read inside them without looking. */
import { IP6_LENGTH, UDP_SUM } from "../layout/ip6.ts";
import {
  DROP_GSO_VIRTIO,
  DROP_LENGTH_IP6,
  DROP_LONG_FRAME,
  DROP_SHORT_IP6,
  DROP_SUM_VIRTIO,
  DROP_VERSION_IP6,
  VERDICT_NONE,
} from "../layout/verdict.ts";
import { VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { payloadLength } from "../wire/ip6.ts";
import { sum } from "../wire/sum.ts";
import { isSegmented, needsSumAlone, sumOffset, sumStart } from "../wire/virtio.ts";
import { checkLarge } from "./segment.ts";

/**
 * Afterwards the packet has {@link packetOctets} octets, all inside the frame. Octets behind Payload Length are not part of
 * the packet, as in the kernel (ip6_rcv_core). A large frame (isSegmented) can be cut; without a `spill` there are none. @returns VERDICT_NONE or a DROP_*
 */
export function admit(frame: usize, octets: u32, most: u32, spill: u32): u32 {
  if (octets < <u32>(VIRTIO_HEADER_OCTETS + IP6_LENGTH)) return DROP_SHORT_IP6;
  if (octets > most) return DROP_LONG_FRAME;
  const packet = frame + VIRTIO_HEADER_OCTETS;
  if ((load<u8>(packet) & 0xf0) != 0x60) return DROP_VERSION_IP6;
  if (packetOctets(packet) > octets - VIRTIO_HEADER_OCTETS) return DROP_LENGTH_IP6;
  if (!isSegmented(frame)) return VERDICT_NONE;
  return spill == 0 ? DROP_GSO_VIRTIO : checkLarge(frame, packet, packetOctets(packet));
}

/** Octets of an admitted packet, IPv6 header included. */
export function packetOctets(packet: usize): u32 {
  return IP6_LENGTH + payloadLength(packet);
}

/**
 * Finishes a checksum that was left to the device (VIRTIO_NET_HDR_F_NEEDS_CSUM). The field holds the pseudo-header's sum,
 * so what is stored is the complement of the sum from csum_start on. In UDP, known by where its checksum stands, 0 becomes
 * 0xffff, since 0 would say "none" (RFC 8200 §8.1). Elsewhere 0 stays: 0xffff verifies too, but strict readers call it wrong.
 * That of a large frame is left: each of its packets gets its own.
 */
export function completeSum(frame: usize, octets: u32): u32 {
  return needsSumAlone(frame) ? completeSumAt(frame, octets) : VERDICT_NONE;
}

function completeSumAt(frame: usize, octets: u32): u32 {
  const start = sumStart(frame);
  const offset = sumOffset(frame);
  if (start < <u32>IP6_LENGTH || (offset & 1) != 0 || start + offset + 2 > octets) return DROP_SUM_VIRTIO;
  const first = frame + VIRTIO_HEADER_OCTETS + start;
  const value = ~sum(first, octets - start) & 0xffff;
  store<u16>(first + offset, <u16>(value == 0 && offset == UDP_SUM ? 0xffff : value));
  return VERDICT_NONE;
}
