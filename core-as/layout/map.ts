/**
 * The shared memory. It begins with the header block: sizes and places that `runtime/fast/plan.ts` wrote when the memory
 * was made, so that one module serves all sizes, then what all threads share and is of fixed size. Behind it, at the
 * places noted there: records, cold parts, the two indexes, the lanes. u32 little-endian where nothing else is said.
 *
 *   header │ settings, keys │ stage │ prefixes │ due list │ wheel │ sites met │ rules │ mapping │ forks │ records │ cold │ pair index │ tag index │ plain pairs │ ports │ ways │ lane 0 │ lane 1 …
 */
import { DUE_MAX, DUE_OCTETS } from "./due.ts";
import { FORK_BLOCK_OCTETS, FORK_BLOCKS } from "./fork.ts";
import { MAPPING_BLOCK_OCTETS, MAPPING_BLOCKS } from "./mapping.ts";
import { RULE_SIZE, RULES } from "./plain.ts";

export const MAP_MAGIC = 0;
/** Contexts at most, a power of two. */
export const MAP_CONTEXTS = MAP_MAGIC + 4;
/** Slots of an index minus one; a slot is {@link INDEX_OCTETS}. */
export const MAP_INDEX_MASK = MAP_CONTEXTS + 4;
/** A hash shifted right by so much is a slot number. */
export const MAP_INDEX_SHIFT = MAP_INDEX_MASK + 4;
export const MAP_LANES = MAP_INDEX_SHIFT + 4;
export const MAP_BATCH = MAP_LANES + 4;
/** Octets from slot to slot. */
export const MAP_SLOT_STRIDE = MAP_BATCH + 4;
/** Longest frame that a slot takes, virtio header included. */
export const MAP_INPUT_OCTETS = MAP_SLOT_STRIDE + 4;
/** Octets of a punt ring, a power of two. */
export const MAP_PUNT_OCTETS = MAP_INPUT_OCTETS + 4;
/** Entries of an activity ring, a power of two. */
export const MAP_ACTIVITY_ENTRIES = MAP_PUNT_OCTETS + 4;
/** Places, octets from the start of the memory. */
export const MAP_RECORDS = MAP_ACTIVITY_ENTRIES + 4;
export const MAP_COLD = MAP_RECORDS + 4;
export const MAP_PAIR_INDEX = MAP_COLD + 4;
export const MAP_TAG_INDEX = MAP_PAIR_INDEX + 4;
export const MAP_LANE_FIRST = MAP_TAG_INDEX + 4;
export const MAP_LANE_STRIDE = MAP_LANE_FIRST + 4;
/** SETTING_* bits. */
export const MAP_SETTINGS = MAP_LANE_STRIDE + 4;
/** Which of the prefix blocks is valid: its place. Written last, so that readers see old or new prefixes, never both. */
export const MAP_PREFIXES = MAP_SETTINGS + 4;
/** Octets of the largest packet of a host that every path takes unless its context knows better: the wire's MTU without the payload header. */
export const MAP_LIMIT = MAP_PREFIXES + 4;
/** Largest TCP maximum segment size that a SYN may name, whatever the path takes; 0 = SYNs are left alone. */
export const MAP_MSS = MAP_LIMIT + 4;
/** Pairs that pass without a context (plain.ts): the table's place, its sets minus one, and the classes of ports. 0 = there is none. */
export const MAP_PAIRS = MAP_MSS + 4;
export const MAP_PAIRS_MASK = MAP_PAIRS + 4;
export const MAP_PORTS = MAP_PAIRS_MASK + 4;
/** Which of the mapping blocks (mapping.ts) is valid: its place, written last; 0 = hosts are not mapped. Then the table of ways: its place, its sets minus one. */
export const MAP_MAPPING = MAP_PORTS + 4;
export const MAP_WAYS = MAP_MAPPING + 4;
export const MAP_WAYS_MASK = MAP_WAYS + 4;
/** Not 0 once a flow goes another way than its pair. */
export const MAP_WAYS_FLOWS = MAP_WAYS_MASK + 4;
/** Not 0 while there are terms of forks (fork.ts). */
export const MAP_FORKS = MAP_WAYS_FLOWS + 4;
export const MAP_END = MAP_FORKS + 4;

/** {@link MAP_LIMIT} without a limit: the most that leaves room in Payload Length for the payload header. */
export const LIMIT_NONE = 40 + 65_535 - 8;
/** {@link MAP_MSS}: what the path takes decides alone. */
export const MSS_AUTO = 65_535;

export const MAGIC = 0x3653_4850; // "PHS6"

/** Pass frames with a Routing header whose Segments Left > 0 on, unchanged; otherwise drop them. */
export const SETTING_PASS_ROUTING = 1;
/** Punt frames to a locator that are neither Shim6 nor ICMPv6; otherwise drop them. */
export const SETTING_PUNT_OTHER = 2;

/** Random words, u64: for a pair one constant, eight for the addresses, one for the fork; for a tag one constant and two. */
export const KEY_PAIR = 128;
export const KEY_TAG = KEY_PAIR + 10 * 8;
export const KEY_END = KEY_TAG + 3 * 8;
export const KEY_OCTETS = KEY_END - KEY_PAIR;

/** Versions of the two indexes: odd while entries move. A line of their own. */
export const PAIR_VERSION = 256;
export const TAG_VERSION = PAIR_VERSION + 4;
/** Searches that ended without an answer because the writer was held up in the middle of a change, u32: all threads count here. */
export const GIVEN_UP = TAG_VERSION + 4;

/** Where TypeScript lays what the next table call reads: first 64 octets as in a record, tags as u64, then the cold values. */
export const STAGE = PAIR_VERSION + 64;
export const STAGE_LOCAL_ULID = STAGE;
export const STAGE_PEER_ULID = STAGE_LOCAL_ULID + 16;
export const STAGE_LOCAL_LOCATOR = STAGE_PEER_ULID + 16;
export const STAGE_PEER_LOCATOR = STAGE_LOCAL_LOCATOR + 16;
/** Two octets ignored, then six as in a payload header. */
export const STAGE_LOCAL_TAG = STAGE_PEER_LOCATOR + 16;
export const STAGE_PEER_TAG = STAGE_LOCAL_TAG + 8;
export const STAGE_SEND_TIMEOUT = STAGE_PEER_TAG + 8;
export const STAGE_KEEPALIVE_TIMEOUT = STAGE_SEND_TIMEOUT + 4;
export const STAGE_KEEPALIVE_INTERVAL = STAGE_KEEPALIVE_TIMEOUT + 4;
export const STAGE_IDLE_TIMEOUT = STAGE_KEEPALIVE_INTERVAL + 4;
export const STAGE_FORK = STAGE_IDLE_TIMEOUT + 4;
/** As COLD_LIMIT. */
export const STAGE_LIMIT = STAGE_FORK + 4;
/** u64, as COLD_FORKS. */
export const STAGE_FORKS = STAGE_LIMIT + 4;
export const STAGE_END = STAGE_FORKS + 8;

/** Prefixes: base and mask of 16 octets each. A ring of blocks, so that a reader in the middle of a batch keeps its own. */
export const PREFIX_MASK = 16;
export const PREFIX_OCTETS = 32;
export const PREFIX_LOCATORS_MAX = 16;
export const PREFIX_OWN = 0;
export const PREFIX_GENERIC = PREFIX_OWN + PREFIX_OCTETS;
export const PREFIX_COUNT = PREFIX_GENERIC + PREFIX_OCTETS;
/** How many of the site's own prefixes the internet routes as they are, u32. */
export const PREFIX_ROUTABLE_COUNT = PREFIX_COUNT + 4;
export const PREFIX_LOCATORS = PREFIX_COUNT + 16;
export const PREFIX_ROUTABLE = PREFIX_LOCATORS + PREFIX_LOCATORS_MAX * PREFIX_OCTETS;
export const PREFIX_ROUTABLE_MAX = 8;
export const PREFIX_BLOCK_OCTETS = PREFIX_ROUTABLE + PREFIX_ROUTABLE_MAX * PREFIX_OCTETS;
export const PREFIX_BLOCKS = 8;
export const PREFIX_FIRST = 512;
export const PREFIX_END = PREFIX_FIRST + PREFIX_BLOCKS * PREFIX_BLOCK_OCTETS;

/** The due list: see due.ts. */
export const DUE_COUNT = PREFIX_END;
export const DUE_LIST = DUE_COUNT + 16;
export const DUE_LIST_END = DUE_LIST + DUE_MAX * DUE_OCTETS;

/** Wheel: its instant, whether the last `advance` stopped at its limit, then four levels of 256 list heads and their occupancy bits. */
export const WHEEL_NOW = DUE_LIST_END;
export const WHEEL_MORE = WHEEL_NOW + 4;
export const WHEEL_HEADS = WHEEL_MORE + 4;
export const WHEEL_LEVELS = 4;
export const WHEEL_SLOTS = 256;
export const WHEEL_BITS = WHEEL_HEADS + WHEEL_LEVELS * WHEEL_SLOTS * 4;
export const WHEEL_END = WHEEL_BITS + WHEEL_LEVELS * (WHEEL_SLOTS / 8);

/** A bit for each site that we have had a context with: see table/met.ts. Octets, a power of two. */
export const MET_BITS = (WHEEL_END + 63) & ~63;
export const MET_OCTETS = 2048;
export const MET_END = MET_BITS + MET_OCTETS;

/** When a pair without a context is worth one: a rule for each class of ports, see plain.ts. */
export const PAIR_RULES = MET_END;
export const PAIR_RULES_END = PAIR_RULES + RULES * RULE_SIZE;

/** Hosts' addresses towards peers without Shim6: a ring of blocks, as the prefixes are. */
export const MAPPING_FIRST = PAIR_RULES_END;
export const MAPPING_END = MAPPING_FIRST + MAPPING_BLOCKS * MAPPING_BLOCK_OCTETS;

/** Which packets go on forks: fork.ts. */
export const FORK_FIRST = (MAPPING_END + 63) & ~63;
export const FORK_END = FORK_FIRST + FORK_BLOCKS * FORK_BLOCK_OCTETS;

/** End of the fixed part, a multiple of 64, not below {@link FORK_END}. */
export const FIXED_END = 57344;

/** Index slot: hash in the upper half, id + 1 in the lower; 0 = empty. Twice as many slots as contexts. */
export const INDEX_OCTETS = 8;
export const INDEX_SLOTS_PER_CONTEXT = 2;
export const CONTEXTS_MIN = 8;
export const CONTEXTS_MAX = 1048576;
