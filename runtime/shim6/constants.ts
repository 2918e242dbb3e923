/** Durations in milliseconds, counts, and rates per second of the Shim6 machine. */
import type { Millis } from "../value/time.ts";

// Values of RFC 5533 §14, under its names.

export const I1_TIMEOUT: Millis = 4_000;
export const I1_RETRIES_MAX = 4;
export const I2_TIMEOUT: Millis = 4_000;
export const I2_RETRIES_MAX = 2;
export const I2bis_TIMEOUT: Millis = 4_000;
export const I2bis_RETRIES_MAX = 2;
/** E-FAILED lasts at most so long (§7.8). */
export const NO_R1_HOLDDOWN_TIME: Millis = 60_000;
/** NO-SUPPORT lasts at most so long (§7.8). */
export const ICMP_HOLDDOWN_TIME: Millis = 600_000;
/** First wait for an Update Acknowledgement, and the longest; there is no last one (§10.2). */
export const UPDATE_TIMEOUT: Millis = 4_000;
export const MAX_UPDATE_TIMEOUT: Millis = 120_000;
/** A validator is accepted at least so long (§7.13). */
export const VALIDATOR_MIN_LIFETIME: Millis = 30_000;
/** Send Timeout that needs no announcement (RFC 5534 §2). */
export const DEFAULT_SEND_TIMEOUT_SECONDS = 15;

// Values we chose.

/** Retransmission timers are uniform in [this, 1 + this] × nominal (§7.8 names the bounds 0.5 and 1.5). */
export const JITTER_LOW = 0.5;
/** Rounds of I1 … I2 without an R2 after which set-up is given up; the RFC has no bound. */
export const ROUNDS_MAX = 3;
/** Seconds that a validator is accepted, from the tick in its Responder Nonce; twice VALIDATOR_MIN_LIFETIME. */
export const VALIDATOR_LIFETIME_SECONDS = 60;
/** The validator secret is replaced so often; the one before stays good, so this is above the lifetime. */
export const SECRET_LIFETIME: Millis = 120_000;
/** Octets of a validator: what LinShim6 takes (shim6-wire §7). */
export const VALIDATOR_OCTETS = 20;

/**
 * When I1 is sent again, after the first one, towards a peer that may be one of our boxes; each on the next candidate pair.
 * A lost first packet then costs tens of milliseconds, not I1_TIMEOUT. These do not count as retransmissions of §7.8.
 */
export const EARLY_I1_AT: readonly Millis[] = [20, 60, 150];
/** Early repetitions of I2 or I2bis; the gap before each is twice the one before. */
export const EARLY_I2_COUNT = 3;
/** The first such gap is the larger of the round-trip time × this … */
export const EARLY_I2_FACTOR = 1.25;
/** … and the round-trip time + this: the peer checks a signature meanwhile. With 20 ms, a lost I2 or R2 then costs less than 30 ms. */
export const EARLY_I2_MARGIN: Millis = 8;
/** Taken for the round-trip time when none is known (I2bis only). */
export const EARLY_I2_UNKNOWN_ROUND_TRIP: Millis = 100;
/** A packet on our tag makes us repeat I2 or I2bis (§10.4, §12.2), but not sooner than this after the last one. */
export const TRIGGERED_I2_GAP: Millis = 20;

/** An Update Request is repeated early only after so many times what Acknowledgements have lately taken beyond the round trip … */
export const EARLY_UPDATE_LAGS = 3;
/** … of which each counts for so much, and for this at most: one that was lost says nothing about how busy the boxes are. */
export const ACK_LAG_GAIN = 1 / 16;
export const MAX_ACK_LAG: Millis = 300;

/** Update Requests, repetitions too, begin at most so many in a window. Peers verify no more lists from one /48 in a second. */
export const UPDATES_PER_WINDOW = 48;
export const UPDATE_WINDOW: Millis = 10;
/** A request whose list must be signed first counts for so many: an RSA private operation takes the best part of a millisecond. */
export const SIGNATURE_COST = 8;
/** Contexts that leave removed locators in one go; the next follow in the next `poll`, due at once. */
export const RELIST_BATCH = 2_048;
/** The same where nothing is gone and nothing broken: so many in a window, so that contexts can leave a locator without a crowd. 3,000 a second. */
export const RELIST_GENTLY = 30;
/** They wait while so many Update Requests are open, for peers that do not keep up, but no longer than this after the last ones. */
export const RELIST_OPEN = 150;
export const RELIST_PATIENCE: Millis = 100;
/** Removed locators of ours that a context remembers, the latest first: peers may not have heard of it. */
export const RETIRED_LOCATORS = 32;
/** Default of {@link Shim6Options.siteShare}. */
export const SITE_SHARE = 1 / 2;
/** In a full table the longest unused of so many makes room, if it was unused for so long. */
export const DISPLACE_LOOK = 16;
export const DISPLACE_IDLE: Millis = 30_000;

/** Locator pairs that initial contact tries at most. */
export const MAX_CANDIDATES = 64;
/** Freed tags that are not given out again before as many others were freed. */
export const RECENT_TAGS = 4_096;
/** Random draws for a free tag before free ones are searched in order; matters only when a test shrinks the tag space. */
export const TAG_DRAWS = 32;
/** Expired deadlines worked off in one `poll`; the rest waits for the next, due at once. */
export const POLL_BATCH = 1_024;

/** Peer locators and peer boxes whose nature and round-trip time are remembered. */
export const KNOWN_LOCATORS = 8_192;
export const KNOWN_BOXES = 4_096;
/** Weight of a new round-trip sample in the smoothed value. */
export const ROUND_TRIP_GAIN = 1 / 8;
/** Peers whose newest locator list is remembered beyond their context, and generations of each that it has replaced. */
export const KNOWN_LISTS = 65_536;
export const SUPERSEDED_LISTS = 8;
/** Outcomes of signature checks that are remembered. */
export const VERIFIED_LISTS = 4_096;

/** Token bucket: `burst` at once, `rate` a second in the long run. */
export interface Budget {
  readonly rate: number;
  readonly burst: number;
}
/** What is answered without state, or costs us much, is bounded for each source /48 and in total. */
export const BUDGETS = {
  r1: { site: { rate: 5_000, burst: 10_000 }, total: { rate: 50_000, burst: 100_000 } },
  r1bis: { site: { rate: 5_000, burst: 10_000 }, total: { rate: 50_000, burst: 100_000 } },
  /** R2 as an answer to I1, which proves no address. */
  r2: { site: { rate: 1_000, burst: 2_000 }, total: { rate: 10_000, burst: 20_000 } },
  error: { site: { rate: 100, burst: 200 }, total: { rate: 1_000, burst: 2_000 } },
  /** Probes: for each context, because one peer box may have a million; an answer may follow from each. */
  probe: { site: { rate: 200, burst: 400 }, total: { rate: 100_000, burst: 100_000 } },
  /** RSA verifications whose outcome is not remembered, in operations with one key of 2,048 bits. */
  verify: { site: { rate: 5_000, burst: 10_000 }, total: { rate: 20_000, burst: 40_000 } },
} as const satisfies Record<string, { site: Budget; total: Budget }>;
export type BudgetName = keyof typeof BUDGETS;
/** Source /48s that have a bucket of their own; the one unused for longest makes room. */
export const LIMITED_SITES = 4_096;
