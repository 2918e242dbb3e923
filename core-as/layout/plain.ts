/**
 * Packets between routable ULIDs that have no context: they pass as they are, and are counted by pair, so that the control thread
 * hears when a context is worth it (RFC 6629 §5.1.2). A table of sets of four entries, two cache lines a set; when a set is
 * full the pair with the fewest packets makes room. What it forgets is counted anew.
 */

/** u32: keyed hash of the pair and its class, 0 = free. */
export const PAIR_HASH = 0;
/** u32, both directions; it stops at the largest number. */
export const PAIR_PACKETS = PAIR_HASH + 4;
/** u64, IPv6 headers included. */
export const PAIR_OCTETS = PAIR_PACKETS + 4;
/** u32 stamps: the first packet counted, and the last. */
export const PAIR_SINCE = PAIR_OCTETS + 8;
export const PAIR_LAST = PAIR_SINCE + 4;
/** u32 stamp: before it the control thread is not told again; 0 = it was not told. */
export const PAIR_QUIET = PAIR_LAST + 4;
export const PAIR_ENTRY_OCTETS = 32;
export const PAIR_WAYS = 4;
export const PAIR_SET_OCTETS = PAIR_WAYS * PAIR_ENTRY_OCTETS;

/** A pair without a packet for so long, in milliseconds, begins anew. */
export const PAIR_FORGET = 60_000;
/** The control thread hears of a pair again after so many milliseconds at the earliest. */
export const PAIR_AGAIN = 10_000;

/** Rule of a class of ports: when a pair is due. u32 each, 0 = says nothing; with three of them never. */
export const RULE_PACKETS = 0;
export const RULE_OCTETS = RULE_PACKETS + 4;
export const RULE_MILLIS = RULE_OCTETS + 4;
export const RULE_SIZE = 16;
/** Class 0 is that of all ports that no rule names. */
export const RULES = 16;

/** An octet for each port: its class. */
export const PORT_OCTETS = 65_536;

/** Octets of a packet that the control thread is told of a pair: the IPv6 header. */
export const TOLD_OCTETS = 40;
