/**
 * One large frame of a host to packets that the wire takes. The kernel cannot do it behind a Shim6 header, so it happens here: every
 * packet gets the headers, its part of the payload, and a checksum that is finished while that part is copied.
 */
import {
  IP6_LENGTH,
  TCP_CWR,
  TCP_DATA_OFFSET,
  TCP_FIN,
  TCP_FLAGS,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE,
  TCP_SUM,
  UDP_DATAGRAM_LENGTH,
  UDP_LENGTH,
  UDP_SUM,
} from "../layout/ip6.ts";
import {
  COUNT_LARGE_OUT,
  DROP_GSO_VIRTIO,
  DROP_PUNT_FULL,
  DROP_ROOM_VIRTIO,
  FORWARD_OUT,
  PUNT_BIG,
  PUNT_BIG_IN,
  VERDICT_NONE,
} from "../layout/verdict.ts";
import { VIRTIO_GSO_TCP6, VIRTIO_GSO_UDP } from "../layout/virtio.ts";
import { setPayloadLength } from "../wire/ip6.ts";
import { copySum, fold, sum } from "../wire/sum.ts";
import { needsSum, segmentKind, segmentSize, sumOffset, sumStart } from "../wire/virtio.ts";
import { count, countMore } from "./count.ts";
import { emit } from "./emit.ts";
import { punt } from "./punt.ts";
import { nextPlace, placeOctets, spillRoom, takePlaces } from "./spill.ts";

/** Whether a large frame with an admitted packet of `octets` octets can be cut: the rest here trusts it. @returns VERDICT_NONE or DROP_GSO_VIRTIO */
export function checkLarge(frame: usize, packet: usize, octets: u32): u32 {
  const start = sumStart(frame);
  if (!needsSum(frame) || segmentSize(frame) == 0 || start < <u32>IP6_LENGTH) return DROP_GSO_VIRTIO;
  const kind = segmentKind(frame);
  if (kind == VIRTIO_GSO_UDP) return sumOffset(frame) == UDP_SUM && start + UDP_LENGTH < octets ? VERDICT_NONE : DROP_GSO_VIRTIO;
  if (kind != VIRTIO_GSO_TCP6 || sumOffset(frame) != TCP_SUM || start + TCP_LENGTH > octets) return DROP_GSO_VIRTIO;
  const header = tcpOctets(packet + start);
  return header >= <u32>TCP_LENGTH && start + header < octets ? VERDICT_NONE : DROP_GSO_VIRTIO;
}

/** Octets of the headers up to the payload, of a frame that {@link checkLarge} passed. */
export function headOctets(frame: usize, packet: usize): u32 {
  const start = sumStart(frame);
  return start + (segmentKind(frame) == VIRTIO_GSO_TCP6 ? tcpOctets(packet + start) : UDP_LENGTH);
}

/**
 * Octets of payload that a packet gets when hosts' packets have `limit` octets at most. TCP does not mind smaller segments than its own: a
 * path that has become narrower loses nothing meanwhile, and the host learns of it from its next packet that is no large frame. A
 * datagram stays whole. 0 = it does not fit.
 */
export function pieceSize(frame: usize, head: u32, limit: u32): u32 {
  const size = segmentSize(frame);
  if (head + size <= limit) return size;
  return segmentKind(frame) == VIRTIO_GSO_TCP6 && head < limit ? limit - head : 0;
}

/**
 * Lists the packets of a large frame whose Shim6 header is in already: `packet` has `head` octets of headers, the transport's from
 * `start` on, and `payload` octets behind them. `tcp` tells TCP from UDP. @returns how many they are, 0 = no room
 */
export function cutOut(lane: usize, packet: usize, start: u32, head: u32, payload: u32, size: u32, tcp: bool): u32 {
  const stride = placeOctets(head + size);
  const pieces = (payload + size - 1) / size;
  if (pieces * stride > spillRoom(lane)) return 0;
  const base = partialSum(packet, start, head - start + payload, tcp);
  let place = nextPlace(lane);
  for (let at: u32 = 0; at < payload; at += size, place += stride) {
    const part = min<u32>(size, payload - at);
    putPiece(place, packet, start, head, at, part, at + part == payload, base, tcp);
    emit(lane, place, head + part);
  }
  takePlaces(lane, pieces * stride);
  count(lane, COUNT_LARGE_OUT);
  countMore(lane, FORWARD_OUT, pieces - 1);
  return pieces;
}

/**
 * Punts a large frame as the packets that it stands for, none above `limit` octets: whoever takes them knows nothing of large frames.
 * Of datagrams that are too large the first one tells all. @returns the verdict for the frame
 */
export function puntLarge(lane: usize, frame: usize, packet: usize, octets: u32, limit: u32, reason: u32, context: u32): u32 {
  const start = sumStart(frame);
  const tcp = segmentKind(frame) == VIRTIO_GSO_TCP6;
  const head = headOctets(frame, packet);
  const payload = octets - head;
  let size = pieceSize(frame, head, limit);
  let end = payload;
  let why = reason;
  if (size == 0) {
    if (tcp) return DROP_GSO_VIRTIO;
    size = segmentSize(frame);
    end = min<u32>(payload, size);
    if (why != PUNT_BIG_IN) why = PUNT_BIG;
  }
  if (placeOctets(head + size) > spillRoom(lane)) return DROP_ROOM_VIRTIO;
  const base = partialSum(packet, start, head - start + payload, tcp);
  const place = nextPlace(lane);
  for (let at: u32 = 0; at < end; at += size) {
    const part = min<u32>(size, payload - at);
    putPiece(place, packet, start, head, at, part, at + part == payload, base, tcp);
    const verdict = punt(lane, place, head + part, why, context);
    // The rest would not fit either; TCP sends it again.
    if (verdict == DROP_PUNT_FULL) return verdict;
    if (at + size < end) count(lane, why);
  }
  return why;
}

/** The pseudo-header's part of the sum without the length, which differs from packet to packet: `whole` octets are in the one that came. */
function partialSum(packet: usize, start: u32, whole: u32, tcp: bool): u64 {
  return <u64>load<u16>(packet + start + (tcp ? TCP_SUM : UDP_SUM)) + <u64>(~(<u32>bswap<u16>(<u16>whole)) & 0xffff);
}

/** Writes the packet with the payload's octets `at` … `at + part − 1` to `to`. */
function putPiece(to: usize, packet: usize, start: u32, head: u32, at: u32, part: u32, last: bool, base: u64, tcp: bool): void {
  // In steps of 16 octets: what is written too much is payload's place.
  for (let i: u32 = 0; i < head; i += 16) v128.store(to + i, v128.load(packet + i));
  setPayloadLength(to, head - IP6_LENGTH + part);
  const header = to + start;
  const octets = head - start + part;
  if (tcp) {
    store<u32>(header, bswap<u32>(bswap<u32>(load<u32>(header, TCP_SEQUENCE)) + at), TCP_SEQUENCE);
    let flags = <u32>load<u8>(header, TCP_FLAGS);
    if (at != 0) flags &= ~TCP_CWR;
    if (!last) flags &= ~(TCP_FIN | TCP_PSH);
    store<u8>(header, <u8>flags, TCP_FLAGS);
    store<u16>(header, 0, TCP_SUM);
  } else {
    store<u16>(header, bswap<u16>(<u16>octets), UDP_DATAGRAM_LENGTH);
    store<u16>(header, 0, UDP_SUM);
  }
  const body = copySum(to + head, packet + head + at, part);
  const value = ~fold(base + <u64>bswap<u16>(<u16>octets) + <u64>sum(header, head - start) + <u64>body) & 0xffff;
  // In UDP 0 says "none": see completeSum.
  store<u16>(header + (tcp ? TCP_SUM : UDP_SUM), <u16>(value == 0 && !tcp ? 0xffff : value));
}

function tcpOctets(header: usize): u32 {
  return (<u32>(load<u8>(header, TCP_DATA_OFFSET) >> 4)) << 2;
}
