/**
 * Hosts' addresses towards peers without Shim6 (P-Shim6 draft §7, RFC 6296). At each provider a ULID has one locator: its first bits are
 * exchanged, the rest stays. A block says how, and which providers take what is new; its numbers are in network order where they are addresses.
 */

/** Of a provider: bits that are exchanged, what stands there in a ULID and in a locator, and the exclusive or of the two. 16 octets each. */
export const MAPPED_MASK = 0;
export const MAPPED_HEAD = MAPPED_MASK + 16;
export const MAPPED_BASE = MAPPED_HEAD + 16;
export const MAPPED_DELTA = MAPPED_BASE + 16;
/**
 * What a sum over 16-bit words, as the core loads them, becomes larger by when a ULID becomes a locator, and the other way round. u32 each,
 * 1 … 0xffff: ones-complement arithmetic has two zeros, and the one that is 0 spoils sums (RFC 1624 §3).
 */
export const MAPPED_MORE_OUT = MAPPED_DELTA + 16;
export const MAPPED_MORE_IN = MAPPED_MORE_OUT + 4;
/** u32: 0 = this place is empty; {@link PROVIDER_THERE}, {@link PROVIDER_USABLE} while the provider's line works, {@link PROVIDER_DRAINED}. */
export const MAPPED_STATE = MAPPED_MORE_IN + 4;
/** Where a neutral mapping puts the difference, octets from the address's start: 6, or 8 = the first word from there on that is not 0xffff (RFC 6296 §3.4, §3.5). */
export const MAPPED_WORD = MAPPED_STATE + 4;
export const MAPPED_OCTETS = 80;
export const PROVIDER_THERE = 1;
export const PROVIDER_USABLE = 2;
/** Nothing new begins there: a connection that opens goes where its share does, and a pair forgets the provider after a short silence. */
export const PROVIDER_DRAINED = 4;

/** Providers that a block tells apart. */
export const MAPPED_MAX = 16;
/** u32: places from this one on are empty. */
export const MAPPING_PLACES = MAPPED_MAX * MAPPED_OCTETS;
/** u32: octets of the largest packet for a host that the LAN carries. */
export const MAPPING_LIMIT_IN = MAPPING_PLACES + 4;
/** Peers with Shim6 of their own outside the generic ULID prefix, which are never mapped: how many, u32, and their addresses. */
export const MAPPING_SPARED = MAPPING_LIMIT_IN + 4;
/** u32: place of the rules (steer.ts), 0 = there are none. */
export const MAPPING_STEER = MAPPING_SPARED + 4;
export const MAPPING_SPARED_FIRST = MAPPING_PLACES + 16;
export const SPARED_MAX = 16;
/** An octet for each of the shares in which new pairs are given to providers: the provider's place, or {@link SHARE_NONE}. */
export const MAPPING_SHARES = MAPPING_SPARED_FIRST + SPARED_MAX * 16;
export const SHARES = 256;
export const SHARE_NONE = 0xff;
export const MAPPING_BLOCK_OCTETS = MAPPING_SHARES + SHARES;
export const MAPPING_BLOCKS = 4;

/**
 * Ways: which provider a pair of host and peer uses, or a flow of theirs that the peer began by another one, so that the answer to what came in goes out where it came from, and a pair stays
 * where it is when shares change. u64: the pair's keyed hash in the upper half, then 24 bits of instant in units of 1,024 ms, 3 bits of the
 * epoch of the rules (steer.ts) that it was chosen by, 5 bits of the provider's place plus one; 0 = free. Sets of four entries; when one is full the entry silent for longest makes room.
 */
export const WAY_OCTETS = 8;
export const WAY_SET_OCTETS = 4 * WAY_OCTETS;
/** An instant in milliseconds shifted right by so much. */
export const WAY_SHIFT = 10;
export const WAY_INSTANTS = 0x3f_ffff;
/** A pair silent for so many units may be led elsewhere by a packet from outside; before, nobody can turn it by one. */
export const WAY_SILENT = 120;
export const WAY_PLACE = 0x1f;
export const WAY_EPOCH_SHIFT = 5;
/** One silent for so many is new: the two hours and four minutes that TCP may be silent (RFC 5382 §5). */
export const WAY_FORGET = 7_266;
