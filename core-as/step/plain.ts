/** Packets between ULIDs that the internet routes: they need no header while the locators in use are the ULIDs, and none without a context. */
import { NEXT_DCCP, NEXT_SCTP, NEXT_TCP, NEXT_UDP, NEXT_UDP_LITE } from "../layout/ip6.ts";
import { TOLD_OCTETS } from "../layout/plain.ts";
import { NO_CONTEXT } from "../layout/record.ts";
import { COUNT_DUE_PAIR, COUNT_MSS_OUT, DROP_GSO_VIRTIO, FORWARD_PLAIN_OUT, PUNT_BIG } from "../layout/verdict.ts";
import { VIRTIO_GSO_TCP6, VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { countPair, ruleAt, ruleOfPorts, told } from "../table/pairs.ts";
import { isSegmented, segmentKind, segmentSize, setSegmentSize } from "../wire/virtio.ts";
import { count } from "./count.ts";
import { emit, emitAsIs } from "./emit.ts";
import { mayMend, mend } from "./mend.ts";
import { punt } from "./punt.ts";
import { headOctets, pieceSize, puntLarge } from "./segment.ts";

/**
 * Lists the packet as it is; none is larger than `limit`, which leaves room for the header that it may need one day. A large frame
 * stays one: the device cuts it. `next` begins at `at`. @returns FORWARD_PLAIN_OUT, PUNT_BIG or a DROP_*
 */
export function passOut(lane: usize, packet: usize, octets: u32, at: u32, next: u32, limit: u32, mss: u32, context: u32): u32 {
  const frame = packet - VIRTIO_HEADER_OCTETS;
  if (!isSegmented(frame)) {
    if (mayMend(packet + at, next) && mss != 0) mend(lane, packet + at, octets - at, next, limit, mss, COUNT_MSS_OUT);
    emit(lane, packet, octets);
    return FORWARD_PLAIN_OUT;
  }
  const size = pieceSize(frame, headOctets(frame, packet), limit);
  if (size == 0) {
    if (segmentKind(frame) == VIRTIO_GSO_TCP6) return DROP_GSO_VIRTIO;
    return puntLarge(lane, frame, packet, octets, limit, PUNT_BIG, context);
  }
  setSegmentSize(frame, size);
  emitAsIs(lane, packet, octets);
  return FORWARD_PLAIN_OUT;
}

/** Packets that the frame stands for. */
export function packetsIn(packet: usize, octets: u32): u32 {
  const frame = packet - VIRTIO_HEADER_OCTETS;
  if (!isSegmented(frame)) return 1;
  const size = segmentSize(frame);
  return (octets - headOctets(frame, packet) + size - 1) / size;
}

/**
 * Counts what passed for the pair with this hash, and tells the control thread when a context is worth it. SCTP looks after its paths itself, and
 * Shim6 is not to (RFC 6629 §7.3): it counts only where a rule names its ports.
 */
export function note(lane: usize, packet: usize, octets: u32, packets: u32, at: u32, next: u32, hash: u32, stamp: u32): void {
  const rule = hasPorts(next) && at + 4 <= octets ? ruleOfPorts(load<u32>(packet + at)) : ruleAt(0);
  if (next == NEXT_SCTP && rule == ruleAt(0)) return;
  const entry = countPair(hash, rule, packets, octets, stamp);
  if (entry == 0) return;
  count(lane, COUNT_DUE_PAIR);
  if (punt(lane, packet, TOLD_OCTETS, COUNT_DUE_PAIR, NO_CONTEXT) == COUNT_DUE_PAIR) told(entry, stamp);
}

/** Whether a transport has ports where TCP has them. */
export function hasPorts(next: u32): bool {
  return next == NEXT_TCP || next == NEXT_UDP || next == NEXT_SCTP || next == NEXT_DCCP || next == NEXT_UDP_LITE;
}
