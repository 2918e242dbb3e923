/**
 * What became of a frame. One number space: the verdict is also the index of the lane's counter, and names.ts gives its
 * name. A frame is written (below PUNT_FIRST), handed to the control thread (PUNT_*), or dropped (DROP_*).
 */
export const VERDICT_NONE = 0;
/** A host's packet left with locators and a payload header. */
export const FORWARD_OUT = 1;
/** A payload header was removed and ULIDs were restored. */
export const FORWARD_IN = 2;
/** Routing header with Segments Left > 0, passed on unchanged because the setting says so (shim6-state §9.3). */
export const FORWARD_ROUTING = 3;

/** Between ULIDs that the internet routes: passed on as it was, because there is no context, or its locators are the ULIDs. */
export const FORWARD_PLAIN_OUT = 4;
export const FORWARD_PLAIN_IN = 5;

/** Between a host and a peer without Shim6: the host's address was exchanged for its locator, or back (mapping.ts). */
export const FORWARD_MAPPED_OUT = 6;
export const FORWARD_MAPPED_IN = 7;

export const PUNT_FIRST = 8;
/** Outbound, no context for the ULID pair. */
export const PUNT_NO_CONTEXT = 8;
/** Shim6 control message. */
export const PUNT_CONTROL = 9;
/** Payload header whose tag no context has. */
export const PUNT_NO_TAG = 10;
/** Outbound, context found, but it is exploring. */
export const PUNT_HOLD = 11;
/** ICMPv6 to a locator, without payload header. */
export const PUNT_ICMP6 = 12;
/** Anything else to a locator, when the setting wants it. */
export const PUNT_OTHER = 13;
/** Outbound, larger than the path takes; with the context, or without one when no path takes it. */
export const PUNT_BIG = 14;
/** ICMPv6 to a ULID outside the site from an address that is none of ours: a router inside reports. */
export const PUNT_ROUTER = 15;

export const DROP_FIRST = 16;
/** Shorter than virtio and IPv6 header together. */
export const DROP_SHORT_IP6 = 16;
/** Longer than a slot holds. */
export const DROP_LONG_FRAME = 17;
/** A large frame that cannot be cut: no room to do it, not TCP or UDP, or fields that contradict the packet. */
export const DROP_GSO_VIRTIO = 18;
export const DROP_VERSION_IP6 = 19;
/** Payload Length says more octets than came. */
export const DROP_LENGTH_IP6 = 20;
/** csum_start or csum_offset points outside the packet or at an odd octet. */
export const DROP_SUM_VIRTIO = 21;
/** Neither from one of our ULIDs nor to one of our locators. */
export const DROP_SOURCE_IP6 = 22;
/** From one of our ULIDs, but neither to a ULID outside the site nor to a global unicast address. */
export const DROP_DESTINATION_IP6 = 23;
/** To a locator from an address that cannot stand in a packet from outside: ULID, multicast, unspecified. */
export const DROP_MARTIAN_IP6 = 24;
export const DROP_SHORT_EXTENSION = 25;
/** More than EXTENSIONS_MAX extension headers. */
export const DROP_CHAIN_EXTENSION = 26;
export const DROP_SEGMENTS_ROUTING = 27;
export const DROP_SHORT_SHIM6 = 28;
/** P = 1 with Hdr Ext Len ≠ 0. */
export const DROP_LENGTH_SHIM6 = 29;
/** No room in Payload Length for eight more octets. */
export const DROP_LONG_IP6 = 30;
/** To a locator, but neither Shim6 nor ICMPv6. */
export const DROP_PROTOCOL_IP6 = 31;
export const DROP_PUNT_FULL = 32;
/** The record stayed between two states for longer than a packet may wait. */
export const DROP_BUSY_CONTEXT = 33;
/** The kernel refused the frame. Counted by the data thread. */
export const DROP_WRITE_TUN = 34;

/** Not a frame's fate but counted beside: an activity ring was full, so a timer started later than it should have. */
export const COUNT_ACTIVITY_FULL = 35;

/** Counted beside: a TCP SYN named a larger segment than the path takes, and was corrected. */
export const COUNT_MSS_OUT = 36;
export const COUNT_MSS_IN = 37;

/** A large frame that the lane has no room to cut in this batch. */
export const DROP_ROOM_VIRTIO = 38;

/** Counted beside: large frames of hosts that were cut, and packets that were joined to large frames for them. */
export const COUNT_LARGE_OUT = 39;
export const COUNT_LARGE_IN = 40;

/** Counted beside, and the reason with which the control thread hears of it: a pair without a context is worth one. */
export const COUNT_DUE_PAIR = 41;

/** No provider has a locator for the host; also the reason with which the control thread gets the packet. */
export const PUNT_UNMAPPED = 42;
/** To a locator that stands for no host. */
export const DROP_UNMAPPED_DESTINATION = 43;
/** A host's ICMPv6 error about a packet that was not for the host's site, or did not come from whom the error is for. */
export const DROP_UNMAPPED_ICMP6 = 44;

/** For a host, larger than the LAN takes; also the reason with which the control thread gets the packet, and what the LAN takes in the place of a context. */
export const PUNT_BIG_IN = 45;

/** Outbound, for a fork that is not in the table; with the pair's default context. */
export const PUNT_FORK = 46;

export const COUNTERS = 64;
