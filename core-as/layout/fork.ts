/**
 * Which packets of a pair of ULIDs go on a context of their own, a fork (RFC 5533 §4.2). A block holds the terms of all rules that look
 * at more than the two addresses, in the order of the rules; the default context of a pair names a block and those of its terms that are for the pair.
 */

/** Of a term: a bit for each protocol number, the lowest bit of the first octet for 0; 32 octets. */
export const TERM_PROTOCOLS = 0;
/** u64: a bit for each DSCP. */
export const TERM_CLASSES = TERM_PROTOCOLS + 32;
/** u32: Forked Instance Identifier of what matches. */
export const TERM_FORK = TERM_CLASSES + 8;
/** u16: the first of its ranges of ports, and how many they are; 0 = the ports do not matter. */
export const TERM_RANGE = TERM_FORK + 4;
export const TERM_RANGES = TERM_RANGE + 2;
export const TERM_OCTETS = 48;
/** Terms in a block. */
export const TERMS = 60;

/** u16: first and last port of a range. Those of a term stand in order and do not touch. */
export const RANGE_FIRST = 0;
export const RANGE_LAST = RANGE_FIRST + 2;
export const RANGE_OCTETS = 4;
/** Ranges in a block, of all terms together. */
export const RANGES = 1024;

export const FORK_RANGES = TERMS * TERM_OCTETS;
export const FORK_BLOCK_OCTETS = FORK_RANGES + RANGES * RANGE_OCTETS;
/** A ring, as the prefixes are: contexts that name an older block go by it until they are told of the new one. */
export const FORK_BLOCKS = 4;

/** No Forked Instance Identifiers: it was not looked for; it is about to be. */
export const FORK_UNKNOWN = 0xffff_ffff;
export const FORK_WANTED = 0xffff_fffe;

/** {@link COLD_FORKS} of record.ts: a bit for each term in the lower 60, the number of the block above them. */
export const FORKS_BLOCK_SHIFT = 60;
