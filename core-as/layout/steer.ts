/**
 * Rules about hosts' traffic with peers without Shim6 (P-Shim6 draft §7), as the core reads them when it meets a pair or a flow for the first
 * time: which providers take it. A block goes with a mapping block (mapping.ts); a site without rules has none. u32 where nothing else is said.
 */
import { SHARES } from "./mapping.ts";

/** How many rules there are; the first that matches decides, and none = the shares of the mapping block. */
export const STEER_COUNT = 0;
/** Not 0: some rule looks at more than the addresses, so that each flow is remembered by itself. */
export const STEER_FLOWS = STEER_COUNT + 4;
/** 0 … {@link EPOCHS} − 1: another one than when a way was noted = the rules are asked again. */
export const STEER_EPOCH = STEER_FLOWS + 4;
export const EPOCHS = 8;

/** What a rule leads to: an octet for each share, as in the mapping block, then a bit for each place that what is there already may keep. */
export const CLASS_SHARES = 0;
export const CLASS_ALLOWED = CLASS_SHARES + SHARES;
export const CLASS_OCTETS = CLASS_ALLOWED + 16;
export const CLASSES_MAX = 32;
export const STEER_CLASSES = 16;

/**
 * A rule: lists as first entry and how many, u16 each; 0 entries in a list that is there match nothing, {@link LIST_ANY} = everything matches.
 * Of the peer there are two lists, its prefixes and the addresses that its names have.
 */
export const TERM_FROM = 0;
export const TERM_TO = TERM_FROM + 4;
export const TERM_NAMED = TERM_TO + 4;
export const TERM_PORTS = TERM_NAMED + 4;
/** Which class. */
export const TERM_CLASS = TERM_PORTS + 4;
/** What the rule looks at: {@link LOOKS_PROTOCOL}, {@link LOOKS_DSCP}; then a bit for each DSCP, u64, and for each protocol, 32 octets. */
export const TERM_LOOKS = TERM_CLASS + 4;
export const TERM_DSCPS = TERM_LOOKS + 4;
export const TERM_PROTOCOLS = TERM_DSCPS + 8;
export const TERM_OCTETS = TERM_PROTOCOLS + 32;
export const TERMS_MAX = 256;
export const LIST_ANY = 0xffff_ffff;
export const LOOKS_PROTOCOL = 1;
export const LOOKS_DSCP = 2;
export const STEER_TERMS = STEER_CLASSES + CLASSES_MAX * CLASS_OCTETS;

/** Prefixes: base and mask, 16 octets each. */
export const STEER_PREFIXES = STEER_TERMS + TERMS_MAX * TERM_OCTETS;
export const STEER_PREFIX_OCTETS = 32;
export const STEER_PREFIX_MASK = 16;
export const STEER_PREFIXES_MAX = 2_048;
/** Ranges of ports: first and last, u16 each. */
export const STEER_PORTS = STEER_PREFIXES + STEER_PREFIXES_MAX * STEER_PREFIX_OCTETS;
export const STEER_PORTS_MAX = 1_024;
export const STEER_OCTETS = STEER_PORTS + STEER_PORTS_MAX * 4;
/** A ring, so that lanes in the middle of a batch keep theirs. */
export const STEER_BLOCKS = 4;

/** What is not known of a flow, and is in no set. */
export const PROTOCOL_UNKNOWN = 0x100;
export const DSCP_UNKNOWN = 0x40;
