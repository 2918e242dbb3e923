/**
 * A lane: what one data thread owns. Fixed part first, then at the places noted in it: arrays of one entry per slot, the
 * rings to the control thread, the slots. Octets from the lane's start; u32 where nothing else is said.
 */
import { COUNTERS } from "./verdict.ts";

/** u64 counters by verdict. */
export const LANE_COUNTERS = 0;
/** Set when a batch punted or woke something. */
export const LANE_BELL = LANE_COUNTERS + COUNTERS * 8;
/** Octets ever written to the punt ring, modulo 2^32. Producer: the lane. */
export const LANE_PUNT_HEAD = LANE_BELL + 4;
/** Entries ever written to the activity ring. Producer: the lane. */
export const LANE_ACTIVITY_HEAD = LANE_PUNT_HEAD + 4;
/** Octets and entries ever taken. Consumer: the control thread; a line of their own. */
export const LANE_PUNT_TAIL = LANE_BELL + 64;
export const LANE_ACTIVITY_TAIL = LANE_PUNT_TAIL + 4;
/** Places of the arrays, octets from the start of the memory. */
export const LANE_LENGTHS = LANE_PUNT_TAIL + 64;
export const LANE_VERDICTS = LANE_LENGTHS + 4;
export const LANE_OUTPUT_OFFSETS = LANE_VERDICTS + 4;
export const LANE_OUTPUT_LENGTHS = LANE_OUTPUT_OFFSETS + 4;
export const LANE_WORK_OUT = LANE_OUTPUT_LENGTHS + 4;
export const LANE_WORK_IN = LANE_WORK_OUT + 4;
export const LANE_ACTIVITY = LANE_WORK_IN + 4;
export const LANE_PUNT = LANE_ACTIVITY + 4;
export const LANE_SLOTS = LANE_PUNT + 4;
export const LANE_OUTPUTS = LANE_SLOTS + 4;
/** Spill: where large frames are cut to packets, and packets joined to large frames. 0 = the lane has none. */
export const LANE_SPILL = LANE_OUTPUTS + 4;
export const LANE_SPILL_END = LANE_SPILL + 4;
/** What of it this batch has not used yet begins here. */
export const LANE_SPILL_FREE = LANE_SPILL_END + 4;
export const LANE_FLOWS = LANE_SPILL_FREE + 4;
/** Which flows are being joined: a bit for each entry at {@link LANE_FLOWS}. */
export const LANE_FLOWS_OPEN = LANE_FLOWS + 4;
/** u64: where the staged loads end up, so that no compiler removes them. */
export const LANE_TOUCHED = LANE_LENGTHS + 64;
/** A pair of addresses in the order local, peer, while a packet from outside is looked at that names them the other way round. */
export const LANE_PAIR = LANE_TOUCHED + 16;
export const LANE_FIXED_OCTETS = LANE_TOUCHED + 64;

/** Work entry of a frame that waits for its context. */
export const WORK_PACKET = 0;
/** Octets of the packet, IPv6 header included. */
export const WORK_OCTETS = WORK_PACKET + 4;
/** Where the Shim6 header stands or goes, and where the header before it names its follower; octets from the packet's start. */
export const WORK_SHIM6 = WORK_OCTETS + 4;
export const WORK_NEXT = WORK_SHIM6 + 4;
export const WORK_HASH = WORK_NEXT + 4;
/** Record that the index named, 0 = none. */
export const WORK_RECORD = WORK_HASH + 4;
export const WORK_SLOT = WORK_RECORD + 4;
/** Inbound, once joined to a flow: the entry of the packet behind it, 0 = none. WORK_PACKET and WORK_OCTETS then tell of the host's packet. */
export const WORK_FOLLOWER = WORK_SLOT + 4;
/** Outbound: fork of the packet, 0 = none by what WORK_RECORD says, or {@link FORK_UNKNOWN} of fork.ts. */
export const WORK_FORK = WORK_FOLLOWER;
export const WORK_OCTETS_EACH = 32;

/** Entry of a TCP flow of which packets are being joined: the record, both ports as in the header, its first and last work entry. */
export const FLOW_RECORD = 0;
export const FLOW_PORTS = FLOW_RECORD + 4;
export const FLOW_FIRST = FLOW_PORTS + 4;
export const FLOW_LAST = FLOW_FIRST + 4;
/** Sequence number that must come next. */
export const FLOW_SEQUENCE = FLOW_LAST + 4;
/** Octets of payload of each packet but the last, and of all of them. */
export const FLOW_SIZE = FLOW_SEQUENCE + 4;
export const FLOW_PAYLOAD = FLOW_SIZE + 4;
export const FLOW_OCTETS = 32;
/** Flows joined at a time, a power of two up to 32. */
export const FLOWS = 16;

/** Places in the spill begin at a cache line, with so many octets before the packet: its virtio header is in them. */
export const SPILL_HEADROOM = 16;
/** Behind the packet: what copying in steps of 16 octets may write too much. */
export const SPILL_TAILROOM = 16;
/** A place takes at least so much, so that a batch leads to no more outputs than there are entries for. */
export const SPILL_PLACE_MIN = 256;

/**
 * A slot: headroom, virtio header, packet. The packet starts 24 octets into a cache line: an outbound packet, which begins 8 octets
 * earlier, then has its IPv6 and its Shim6 header in that one line.
 */
export const SLOT_HEADROOM = 78;
/** Behind the longest frame, so that a 16-octet load at its end stays in the slot. */
export const SLOT_TAILROOM = 16;

/** Punt ring entry: octets of the packet, reason, id of the context or NO_CONTEXT; then the packet, padded to 16. */
export const PUNT_OCTETS = 0;
export const PUNT_REASON = PUNT_OCTETS + 4;
export const PUNT_CONTEXT = PUNT_REASON + 4;
export const PUNT_HEADER = 16;
/** In {@link PUNT_OCTETS}: the rest up to the ring's end is unused. */
export const PUNT_WRAP = -1;
