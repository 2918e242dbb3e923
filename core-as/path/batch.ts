/** A batch: each frame through the steps that need no context, then the frames of each direction together. */
import { IP6_NEXT, IP6_SOURCE, NEXT_ICMP6, NEXT_SHIM6 } from "../layout/ip6.ts";
import {
  LANE_LENGTHS,
  LANE_OUTPUTS,
  LANE_SLOTS,
  LANE_SPILL,
  LANE_VERDICTS,
  LANE_WORK_IN,
  LANE_WORK_OUT,
  SLOT_HEADROOM,
  WORK_HASH,
  WORK_OCTETS,
  WORK_OCTETS_EACH,
  WORK_PACKET,
  WORK_SHIM6,
  WORK_SLOT,
} from "../layout/lane.ts";
import {
  LIMIT_NONE,
  MAP_BATCH,
  MAP_INPUT_OCTETS,
  MAP_MAPPING,
  MAP_PREFIXES,
  MAP_SETTINGS,
  MAP_SLOT_STRIDE,
  SETTING_PUNT_OTHER,
} from "../layout/map.ts";
import { NO_CONTEXT } from "../layout/record.ts";
import { SHIM6_EXT_LENGTH } from "../layout/shim6.ts";
import {
  DROP_GSO_VIRTIO,
  DROP_LENGTH_SHIM6,
  DROP_PROTOCOL_IP6,
  DROP_SOURCE_IP6,
  FORWARD_IN,
  FORWARD_MAPPED_IN,
  FORWARD_OUT,
  FORWARD_ROUTING,
  PUNT_CONTROL,
  PUNT_ICMP6,
  PUNT_OTHER,
  PUNT_ROUTER,
  VERDICT_NONE,
} from "../layout/verdict.ts";
import { VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { admit, completeSum, packetOctets } from "../step/admit.ts";
import { classify, isForHost, isOutside } from "../step/classify.ts";
import { settle } from "../step/count.ts";
import { emit, emitAsIs } from "../step/emit.ts";
import { punt, puntFirst } from "../step/punt.ts";
import { puntLarge } from "../step/segment.ts";
import { emptySpill } from "../step/spill.ts";
import { FAULT, walkIn, walkOut } from "../step/walk.ts";
import { hashPair, hashTag } from "../table/hash.ts";
import { stampOf } from "../table/stamp.ts";
import { isI1, isPayload, tagOf } from "../wire/shim6.ts";
import { isSegmented } from "../wire/virtio.ts";
import { inbound } from "./inbound.ts";
import { mappedInAll } from "./mapped.ts";
import { outbound } from "./outbound.ts";
import { plainIn } from "./plain.ts";

/** Runs slots 0 … `count` − 1 of the lane at `lane`. @returns frames to write, listed in the lane's output arrays */
export function run(lane: usize, count: u32, now: u32): u32 {
  const verdicts: usize = load<u32>(lane, LANE_VERDICTS);
  const workOut: usize = load<u32>(lane, LANE_WORK_OUT);
  const workIn: usize = load<u32>(lane, LANE_WORK_IN);
  const lengths: usize = load<u32>(lane, LANE_LENGTHS);
  const prefixes: usize = atomic.load<u32>(MAP_PREFIXES);
  const mapping: usize = atomic.load<u32>(MAP_MAPPING);
  const settings = load<u32>(MAP_SETTINGS);
  const stride = load<u32>(MAP_SLOT_STRIDE);
  const most = load<u32>(MAP_INPUT_OCTETS);
  let frame: usize = load<u32>(lane, LANE_SLOTS) + SLOT_HEADROOM;
  const spill = load<u32>(lane, LANE_SPILL);
  const stamp = stampOf(now);
  let toOut: u32 = 0;
  let toIn: u32 = 0;
  const mappedEnd = workIn + load<u32>(MAP_BATCH) * WORK_OCTETS_EACH;
  let mapped = mappedEnd;
  store<u32>(lane, 0, LANE_OUTPUTS);
  if (spill != 0) emptySpill(lane);
  for (let slot: u32 = 0; slot < count; slot++, frame += stride) {
    const packet = frame + VIRTIO_HEADER_OCTETS;
    let verdict = admit(frame, load<u32>(lengths + (slot << 2)), most, spill);
    if (verdict == VERDICT_NONE) {
      const octets = packetOctets(packet);
      const way = classify(packet, prefixes);
      verdict = way;
      if (way == FORWARD_OUT) {
        verdict = prepareOut(lane, workOut + toOut * WORK_OCTETS_EACH, packet, octets, settings, slot);
        if (verdict == VERDICT_NONE) toOut++;
      } else if (way == FORWARD_IN) {
        verdict = prepareIn(lane, workIn + toIn * WORK_OCTETS_EACH, packet, octets, settings, slot, prefixes, mapping, stamp);
        if (verdict == VERDICT_NONE) toIn++;
        else if (verdict == FORWARD_MAPPED_IN) {
          // From the other end of the same array: each slot leads to one entry at most.
          mapped -= WORK_OCTETS_EACH;
          enter(mapped, packet, octets, slot, 0);
          verdict = VERDICT_NONE;
        }
      } else if (way == DROP_SOURCE_IP6 && load<u8>(packet, IP6_NEXT) == NEXT_ICMP6 && isOutside(packet, prefixes) && !isSegmented(frame)) {
        verdict = completeSum(frame, octets);
        if (verdict == VERDICT_NONE) verdict = punt(lane, packet, octets, PUNT_ROUTER, NO_CONTEXT);
      }
    }
    if (verdict != VERDICT_NONE) settle(lane, verdicts, slot, verdict);
  }
  if (toOut != 0) outbound(lane, toOut, stamp);
  if (toIn != 0) inbound(lane, toIn, stamp);
  if (mapped != mappedEnd) mappedInAll(lane, mapped, <u32>(mappedEnd - mapped) / WORK_OCTETS_EACH, mapping, stamp);
  return load<u32>(lane, LANE_OUTPUTS);
}

/** Makes a work entry of an outbound packet. @returns VERDICT_NONE when it waits there, or its fate */
function prepareOut(lane: usize, entry: usize, packet: usize, octets: u32, settings: u32, slot: u32): u32 {
  let verdict = completeSum(packet - VIRTIO_HEADER_OCTETS, octets);
  if (verdict == VERDICT_NONE) verdict = walkOut(entry, packet, octets, settings);
  if (verdict == FORWARD_ROUTING) pass(lane, packet, octets);
  if (verdict == VERDICT_NONE) enter(entry, packet, octets, slot, hashPair(packet + IP6_SOURCE, 0));
  return verdict;
}

/** Likewise of an inbound one. What is no payload packet goes to the control thread at once. */
function prepareIn(
  lane: usize,
  entry: usize,
  packet: usize,
  octets: u32,
  settings: u32,
  slot: u32,
  prefixes: usize,
  mapping: usize,
  stamp: u32,
): u32 {
  const verdict = completeSum(packet - VIRTIO_HEADER_OCTETS, octets);
  if (verdict != VERDICT_NONE) return verdict;
  const next = walkIn(entry, packet, octets, settings);
  if (next != NEXT_SHIM6) {
    if (next < FAULT && isForHost(packet, prefixes)) return plainIn(lane, entry, packet, octets, next, stamp);
    if (next < FAULT && mapping != 0) return FORWARD_MAPPED_IN;
    return other(lane, packet, octets, settings, next);
  }
  // Nobody but the core makes large frames of what has a Shim6 header.
  if (isSegmented(packet - VIRTIO_HEADER_OCTETS)) return DROP_GSO_VIRTIO;
  const header = packet + load<u32>(entry, WORK_SHIM6);
  if (isI1(header)) return puntFirst(lane, packet, octets);
  if (!isPayload(header)) return punt(lane, packet, octets, PUNT_CONTROL, NO_CONTEXT);
  if (load<u8>(header, SHIM6_EXT_LENGTH) != 0) return DROP_LENGTH_SHIM6;
  enter(entry, packet, octets, slot, hashTag(tagOf(load<u64>(header))));
  return VERDICT_NONE;
}

function other(lane: usize, packet: usize, octets: u32, settings: u32, next: u32): u32 {
  if (next >= FAULT) {
    const verdict = next - FAULT;
    if (verdict == FORWARD_ROUTING) pass(lane, packet, octets);
    return verdict;
  }
  const frame = packet - VIRTIO_HEADER_OCTETS;
  if (isSegmented(frame)) {
    return settings & SETTING_PUNT_OTHER ? puntLarge(lane, frame, packet, octets, LIMIT_NONE, PUNT_OTHER, NO_CONTEXT) : DROP_PROTOCOL_IP6;
  }
  if (next == NEXT_ICMP6) return punt(lane, packet, octets, PUNT_ICMP6, NO_CONTEXT);
  return settings & SETTING_PUNT_OTHER ? punt(lane, packet, octets, PUNT_OTHER, NO_CONTEXT) : DROP_PROTOCOL_IP6;
}

/** Lists a packet that is none of ours: a large frame stays one. */
function pass(lane: usize, packet: usize, octets: u32): void {
  if (isSegmented(packet - VIRTIO_HEADER_OCTETS)) emitAsIs(lane, packet, octets);
  else emit(lane, packet, octets);
}

function enter(entry: usize, packet: usize, octets: u32, slot: u32, hash: u32): void {
  store<u32>(entry, packet, WORK_PACKET);
  store<u32>(entry, octets, WORK_OCTETS);
  store<u32>(entry, slot, WORK_SLOT);
  store<u32>(entry, hash, WORK_HASH);
}
