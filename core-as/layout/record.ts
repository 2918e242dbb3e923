/**
 * What the table keeps of a context, in two arrays indexed by its id.
 *
 * The record: 128 octets, two cache lines. The first line is all an outbound packet compares and copies, in the order of
 * an IPv6 header's addresses. The second holds what a packet needs beside, and what packets write.
 *
 *   +0  ┌ local ULID ───────────────┬ peer ULID ────────────────┐
 *   +32 ├ local locator ────────────┼ peer locator ─────────────┤
 *   +64 ├ word ┬ local tag ┬ peer tag ┬ send ┬ keepalive ┬ sent ┬ received
 *   +96 └ packets out ┴ octets out ┴ packets in ┴ octets in ────┘
 *
 * Octets +0 … +79 change only inside an odd word (see table/record.ts); the rest are plain stores of the packet path.
 */
export const RECORD_LOCAL_ULID = 0;
export const RECORD_PEER_ULID = RECORD_LOCAL_ULID + 16;
export const RECORD_LOCAL_LOCATOR = RECORD_PEER_ULID + 16;
export const RECORD_PEER_LOCATOR = RECORD_LOCAL_LOCATOR + 16;
/** u32: flags in the low 8 bits, above them the sequence, whose lowest bit says "being written". */
export const RECORD_WORD = RECORD_PEER_LOCATOR + 16;
/** Tags as octets 2 … 7 of a payload header: big-endian, P bit set. The peer's ends on an 8-octet boundary, so one load gives a header. */
export const RECORD_LOCAL_TAG = RECORD_WORD + 4;
export const RECORD_PEER_TAG = RECORD_LOCAL_TAG + 6;
/** u32 stamps (milliseconds modulo 2^32, 0 = timer stopped): when the Send and the Keepalive timer started (RFC 5534 §4.1). */
export const RECORD_SEND_SINCE = RECORD_PEER_TAG + 6;
export const RECORD_KEEPALIVE_SINCE = RECORD_SEND_SINCE + 4;
/** u32 stamps, 0 = never. */
export const RECORD_LAST_SENT = RECORD_KEEPALIVE_SINCE + 4;
export const RECORD_LAST_RECEIVED = RECORD_LAST_SENT + 4;
/** u64 counters. Octets are those of the packet with ULIDs, IPv6 header included. */
export const RECORD_PACKETS_OUT = RECORD_LAST_RECEIVED + 4;
export const RECORD_OCTETS_OUT = RECORD_PACKETS_OUT + 8;
export const RECORD_PACKETS_IN = RECORD_OCTETS_OUT + 8;
export const RECORD_OCTETS_IN = RECORD_PACKETS_IN + 8;
export const RECORD_OCTETS = RECORD_OCTETS_IN + 8;
export const RECORD_SHIFT = 7;

/** Flags in {@link RECORD_WORD}. */
export const RECORD_LIVE = 0x01;
/** Forked Instance Identifier ≠ 0: chosen for a host's packet only by a term of the default context. */
export const RECORD_FORKED = 0x02;
/** REAP is not Operational: outbound packets are punted, inbound ones start no Keepalive timer. */
export const RECORD_HOLD = 0x04;
/** The next inbound payload packet is reported, once. */
export const RECORD_WATCH = 0x08;
/** Its id waits in an activity ring. */
export const RECORD_QUEUED = 0x10;
/** The path takes less than MAP_LIMIT: COLD_LIMIT holds. */
export const RECORD_NARROW = 0x20;
/** The locators in use are the ULIDs: packets go out as they are (RFC 5533 §11.1). */
export const RECORD_BARE = 0x40;
/** Of a default context: some of the pair's packets go on forks, as COLD_FORKS says. */
export const RECORD_SPLIT = 0x80;
/** Added to the word by a writer before and after: the sequence. */
export const RECORD_SEQUENCE_ONE = 0x100;

/** The cold part: 64 octets that only the control thread touches, but for COLD_FORK, COLD_FORKS and COLD_LIMIT, which all may read. u32 where nothing else is said. */
export const COLD_NEXT = 0;
export const COLD_PREVIOUS = COLD_NEXT + 4;
/** Instant of the next look (milliseconds modulo 2^32). */
export const COLD_WHEN = COLD_PREVIOUS + 4;
/** u16: wheel slot that the context is linked into, plus one; 0 = none. */
export const COLD_SLOT = COLD_WHEN + 4;
/** u8, 1 = the last look found both timers stopped: the next such look believes it. */
export const COLD_QUIET = COLD_SLOT + 2;
/** u8, 1 = the control thread waits for the next payload packet. */
export const COLD_WATCH = COLD_QUIET + 1;
/** Durations, milliseconds, 0 = off (contract.ts, RecordTiming). */
export const COLD_SEND_TIMEOUT = COLD_WATCH + 1;
export const COLD_KEEPALIVE_TIMEOUT = COLD_SEND_TIMEOUT + 4;
export const COLD_KEEPALIVE_INTERVAL = COLD_KEEPALIVE_TIMEOUT + 4;
export const COLD_IDLE_TIMEOUT = COLD_KEEPALIVE_INTERVAL + 4;
/** The run of the Keepalive timer that {@link COLD_KEEPALIVE_COUNT} belongs to, by its start. */
export const COLD_KEEPALIVE_RUN = COLD_IDLE_TIMEOUT + 4;
/** Keepalives already due in that run. */
export const COLD_KEEPALIVE_COUNT = COLD_KEEPALIVE_RUN + 4;
/** From when idleness counts if no packet came later. */
export const COLD_IDLE_BASE = COLD_KEEPALIVE_COUNT + 4;
export const COLD_FORK = COLD_IDLE_BASE + 4;
/** u64: which packets of the pair go on forks, see fork.ts; 0 = none. Holds while RECORD_SPLIT is set. */
export const COLD_FORKS = COLD_FORK + 4;
/** Counts the contexts that had this id, so that an expiry found for one is not reported for the next. */
export const COLD_GENERATION = COLD_FORKS + 8;
/** Octets of the largest packet of a host that goes out on this context; 0 = as MAP_LIMIT says. Holds while RECORD_NARROW is set. */
export const COLD_LIMIT = COLD_GENERATION + 4;
export const COLD_OCTETS = 64;
export const COLD_SHIFT = 6;

/** `next`, `previous` and list heads: no context. */
export const NO_CONTEXT = -1;
