/**
 * Packets of one TCP flow that follow one another in a batch become one large frame for the LAN. The rules are those of the kernel's
 * GRO (tcp_gro_receive, ipv6_gro_receive): when the frame is cut again by its segment size, every octet of every packet is back. Nothing
 * waits for more than its batch, and packets of a flow stay in order.
 */
import {
  ADDRESS_LENGTH,
  IP6_HOP_LIMIT,
  IP6_LENGTH,
  IP6_NEXT,
  IP6_SOURCE,
  NEXT_TCP,
  TCP_ACK,
  TCP_ACKNOWLEDGEMENT,
  TCP_DATA_OFFSET,
  TCP_ECE,
  TCP_FIN,
  TCP_FLAGS,
  TCP_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE,
  TCP_SUM,
} from "../layout/ip6.ts";
import {
  FLOW_FIRST,
  FLOW_LAST,
  FLOW_OCTETS,
  FLOW_PAYLOAD,
  FLOW_PORTS,
  FLOW_RECORD,
  FLOW_SEQUENCE,
  FLOW_SIZE,
  FLOWS,
  LANE_FLOWS,
  LANE_FLOWS_OPEN,
  WORK_FOLLOWER,
  WORK_OCTETS,
  WORK_PACKET,
} from "../layout/lane.ts";
import { RECORD_SHIFT } from "../layout/record.ts";
import { COUNT_LARGE_IN } from "../layout/verdict.ts";
import { VIRTIO_HEADER_OCTETS } from "../layout/virtio.ts";
import { setPayloadLength } from "../wire/ip6.ts";
import { copySum, fold, sum } from "../wire/sum.ts";
import { putTcpHeader } from "../wire/virtio.ts";
import { count } from "./count.ts";
import { emit, emitAsIs } from "./emit.ts";
import { nextPlace, placeOctets, spillRoom, takePlaces } from "./spill.ts";

/** Octets of a large frame's packet at most: what every device takes as one (GSO_LEGACY_MAX_SIZE, less a link header). */
const LARGE_MAX: u32 = 65_000;
/** Flags that may stand on the last packet of a run alone. */
const ENDING: u32 = TCP_FIN | TCP_PSH;

/**
 * Lists the host's packet of `octets` octets at `packet`, restored by `record`, or keeps it for a run. `entry` is its work entry, free
 * now. Without extension headers, which runs do not have.
 */
export function offer(lane: usize, entry: usize, record: usize, packet: usize, octets: u32): void {
  const tcp = packet + IP6_LENGTH;
  if (<u32>load<u8>(packet, IP6_NEXT) != NEXT_TCP || octets < <u32>(IP6_LENGTH + TCP_LENGTH)) return emit(lane, packet, octets);
  const ports = load<u32>(tcp);
  const place = ((<u32>(record >> RECORD_SHIFT) + ports) * 0x9e37_79b1) >> (32 - ctz<u32>(FLOWS));
  const flow: usize = load<u32>(lane, LANE_FLOWS) + place * FLOW_OCTETS;
  const bit: u32 = (<u32>1) << place;
  const flags = <u32>load<u8>(tcp, TCP_FLAGS);
  const header = tcpOctets(tcp);
  // No run has packets without payload, or with flags that mean more than "here is data".
  const plain = (flags & ~(ENDING | TCP_ECE)) == TCP_ACK && (load<u8>(tcp, TCP_DATA_OFFSET) & 0x0f) == 0;
  const joins = plain && header >= <u32>TCP_LENGTH && header + <u32>IP6_LENGTH < octets;
  if (load<u32>(lane, LANE_FLOWS_OPEN) & bit) {
    if (joins && follows(flow, record, ports, packet, octets)) {
      append(lane, flow, bit, entry, packet, octets);
      return;
    }
    close(lane, flow, bit);
  }
  if (joins && (flags & ENDING) == 0) open(lane, flow, bit, entry, record, ports, packet, octets);
  else emit(lane, packet, octets);
}

/** Ends all runs: the batch is over. */
export function closeAll(lane: usize): void {
  const flows: usize = load<u32>(lane, LANE_FLOWS);
  for (let left = load<u32>(lane, LANE_FLOWS_OPEN); left != 0; left = load<u32>(lane, LANE_FLOWS_OPEN)) {
    const place = ctz<u32>(left);
    close(lane, flows + place * FLOW_OCTETS, (<u32>1) << place);
  }
}

/** Whether the packet continues the run: nothing but sequence, checksum and length, and how it ends, differs from its first packet. */
function follows(flow: usize, record: usize, ports: u32, packet: usize, octets: u32): bool {
  if (load<u32>(flow, FLOW_RECORD) != <u32>record || load<u32>(flow, FLOW_PORTS) != ports) return false;
  const first: usize = load<u32>(load<u32>(flow, FLOW_FIRST), WORK_PACKET);
  const tcp = packet + IP6_LENGTH;
  const model = first + IP6_LENGTH;
  const header = tcpOctets(tcp);
  const payload = octets - IP6_LENGTH - header;
  if (bswap<u32>(load<u32>(tcp, TCP_SEQUENCE)) != load<u32>(flow, FLOW_SEQUENCE)) return false;
  if (payload > load<u32>(flow, FLOW_SIZE) || <u32>IP6_LENGTH + header + load<u32>(flow, FLOW_PAYLOAD) + payload > LARGE_MAX) return false;
  // Version, traffic class with its ECN bits, flow label; data offset, flags, window.
  let differ = load<u32>(packet) ^ load<u32>(first);
  differ |= <u32>load<u8>(packet, IP6_HOP_LIMIT) ^ <u32>load<u8>(first, IP6_HOP_LIMIT);
  differ |= load<u32>(tcp, TCP_ACKNOWLEDGEMENT) ^ load<u32>(model, TCP_ACKNOWLEDGEMENT);
  differ |= (load<u32>(tcp, TCP_DATA_OFFSET) ^ load<u32>(model, TCP_DATA_OFFSET)) & ~(ENDING << 8);
  for (let at: u32 = TCP_LENGTH; at < header; at += 4) differ |= load<u32>(tcp + at) ^ load<u32>(model + at);
  return differ == 0;
}

function open(lane: usize, flow: usize, bit: u32, entry: usize, record: usize, ports: u32, packet: usize, octets: u32): void {
  const tcp = packet + IP6_LENGTH;
  const payload = octets - IP6_LENGTH - tcpOctets(tcp);
  keep(entry, packet, octets);
  store<u32>(flow, <u32>record, FLOW_RECORD);
  store<u32>(flow, ports, FLOW_PORTS);
  store<u32>(flow, <u32>entry, FLOW_FIRST);
  store<u32>(flow, <u32>entry, FLOW_LAST);
  store<u32>(flow, bswap<u32>(load<u32>(tcp, TCP_SEQUENCE)) + payload, FLOW_SEQUENCE);
  store<u32>(flow, payload, FLOW_SIZE);
  store<u32>(flow, payload, FLOW_PAYLOAD);
  store<u32>(lane, load<u32>(lane, LANE_FLOWS_OPEN) | bit, LANE_FLOWS_OPEN);
}

function append(lane: usize, flow: usize, bit: u32, entry: usize, packet: usize, octets: u32): void {
  const tcp = packet + IP6_LENGTH;
  const payload = octets - IP6_LENGTH - tcpOctets(tcp);
  keep(entry, packet, octets);
  store<u32>(load<u32>(flow, FLOW_LAST), <u32>entry, WORK_FOLLOWER);
  store<u32>(flow, <u32>entry, FLOW_LAST);
  store<u32>(flow, load<u32>(flow, FLOW_SEQUENCE) + payload, FLOW_SEQUENCE);
  store<u32>(flow, load<u32>(flow, FLOW_PAYLOAD) + payload, FLOW_PAYLOAD);
  if (payload < load<u32>(flow, FLOW_SIZE) || (<u32>load<u8>(tcp, TCP_FLAGS) & ENDING) != 0) close(lane, flow, bit);
}

function keep(entry: usize, packet: usize, octets: u32): void {
  store<u32>(entry, <u32>packet, WORK_PACKET);
  store<u32>(entry, octets, WORK_OCTETS);
  store<u32>(entry, 0, WORK_FOLLOWER);
}

/** Lists the run. */
function close(lane: usize, flow: usize, bit: u32): void {
  store<u32>(lane, load<u32>(lane, LANE_FLOWS_OPEN) & ~bit, LANE_FLOWS_OPEN);
  const last: usize = load<u32>(flow, FLOW_LAST);
  const size = load<u32>(flow, FLOW_SIZE);
  let entry: usize = load<u32>(flow, FLOW_FIRST);
  while (entry != 0) {
    const room = placeOctets(IP6_LENGTH + 60 + load<u32>(flow, FLOW_PAYLOAD)) <= spillRoom(lane);
    entry = entry == last || !room ? alone(lane, entry) : join(lane, entry, size);
  }
}

/** Lists one packet as it came. @returns the entry behind it */
function alone(lane: usize, entry: usize): usize {
  emit(lane, load<u32>(entry, WORK_PACKET), load<u32>(entry, WORK_OCTETS));
  return load<u32>(entry, WORK_FOLLOWER);
}

/**
 * Lists the run's packets from `first` on as one, up to one with a wrong checksum, which goes alone: its receiver must see it as it is.
 * @returns the entry that comes next, 0 = none
 */
function join(lane: usize, first: usize, size: u32): usize {
  const place = nextPlace(lane);
  const model: usize = load<u32>(first, WORK_PACKET);
  const header = tcpOctets(model + IP6_LENGTH);
  const head: u32 = IP6_LENGTH + header;
  const pseudo = <u64>sum(model + IP6_SOURCE, 2 * ADDRESS_LENGTH) + <u64>(NEXT_TCP << 8);
  for (let i: u32 = 0; i < head; i += 16) v128.store(place + i, v128.load(model + i));
  let octets = head;
  let flags: u32 = 0;
  let joined: u32 = 0;
  let entry = first;
  while (entry != 0) {
    const packet: usize = load<u32>(entry, WORK_PACKET);
    const tcp = packet + IP6_LENGTH;
    const length = load<u32>(entry, WORK_OCTETS) - IP6_LENGTH;
    const body = copySum(place + octets, tcp + header, length - header);
    if (fold(pseudo + <u64>bswap<u16>(<u16>length) + <u64>sum(tcp, header) + <u64>body) != 0xffff) break;
    octets += length - header;
    flags |= <u32>load<u8>(tcp, TCP_FLAGS);
    joined++;
    entry = load<u32>(entry, WORK_FOLLOWER);
  }
  if (joined < 2) {
    // Nothing was taken, and the packet behind is looked at again.
    return alone(lane, first);
  }
  const tcp = place + IP6_LENGTH;
  setPayloadLength(place, octets - IP6_LENGTH);
  store<u8>(tcp, <u8>flags, TCP_FLAGS);
  store<u16>(tcp, <u16>fold(pseudo + <u64>bswap<u16>(<u16>(octets - IP6_LENGTH))), TCP_SUM);
  putTcpHeader(place - VIRTIO_HEADER_OCTETS, head, size);
  takePlaces(lane, placeOctets(octets));
  emitAsIs(lane, place, octets);
  count(lane, COUNT_LARGE_IN);
  return entry == 0 ? 0 : alone(lane, entry);
}

function tcpOctets(header: usize): u32 {
  return (<u32>(load<u8>(header, TCP_DATA_OFFSET) >> 4)) << 2;
}
