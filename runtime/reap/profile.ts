/**
 * Timing of REAP: the RFC's, and a faster one between two of our own boxes.
 */
import type { Millis } from "../value/time.ts";
import type { Capabilities } from "../wire/message.ts";
import type { ReapTiming } from "./contract.ts";

export type ReapProfile = "rfc5534" | "fast";

// Constants and defaults of RFC 5534 §7, §4.3, under its names.

export const SEND_TIMEOUT: Millis = 15_000;
/** Share of the Keepalive Timeout: between one-third and one-half (§4.1); a third, so that two may get lost. */
export const KEEPALIVE_INTERVAL = 1 / 3;
export const INITIAL_PROBE_TIMEOUT: Millis = 500;
export const INITIAL_PROBES = 4;
export const MAX_PROBE_TIMEOUT: Millis = 60_000;

// Chosen values of the profile `fast`.

/** Send Timeout = margin + two round trips: the peer's scheduling, delayed acknowledgements, one Keepalive Interval. */
export const FAST_MARGIN: Millis = 100;
/**
 * TCP repeats a segment at the earliest 200 ms after it sent it (Linux). Below that the context is exploring when the first
 * repetition comes: it is held and leaves at once on the new pair.
 */
export const FAST_SEND_TIMEOUT_MIN: Millis = 150;
/**
 * Taken when neither side has measured: longer than nearly all paths on Earth. Too long costs one slow detection, too short
 * would take every answer for late and explore a healthy path again and again.
 */
export const ASSUMED_ROUND_TRIP: Millis = 200;
export const FAST_ROUND_GAP_MIN: Millis = 20;
/** Probes on their way at a time in the first round: a share of the round trip, so that the number of pairs hardly costs time. */
const FAST_ROUND_GAP_SHARE = 1 / 4;

/** Largest value of the Keepalive Timeout option, seconds (16 bits). */
const KEEPALIVE_SECONDS_MAX = 0xffff;

/** Send Timeout of the profile `fast` for a path with this round trip; `undefined` = not measured. */
export function fastSendTimeout(roundTrip: Millis | undefined): Millis {
  const timeout = FAST_MARGIN + 2 * (roundTrip ?? ASSUMED_ROUND_TRIP);
  return Math.min(SEND_TIMEOUT, Math.max(FAST_SEND_TIMEOUT_MIN, Math.ceil(timeout)));
}

/**
 * What we tell a peer that may be one of our boxes, in the CAPABILITIES option; `undefined` = nothing, the profile is the RFC's.
 * Without a measured round trip it names {@link FAST_MARGIN}: below the floor, so that the peer can tell it from a measurement.
 * Naming less than we use is harmless: the peer sends Keepalives more often than we need them.
 */
export function capabilitiesFor(profile: ReapProfile, roundTrip: Millis | undefined): Capabilities | undefined {
  if (profile === "rfc5534") return undefined;
  return { version: 1, sendTimeout: roundTrip === undefined ? FAST_MARGIN : fastSendTimeout(roundTrip) };
}

/**
 * Timing towards one peer.
 *
 * Towards a peer without CAPABILITIES it is always that of RFC 5534. With them, the Send Timeout follows the round trip: ours
 * if we measured it, else the one that the peer's own Send Timeout tells; it is never below `ours`, which the peer goes by.
 *
 * @param ours what we announced to this peer; `undefined` = nothing
 * @param peer what the peer announced in its CAPABILITIES; `undefined` = not one of our boxes
 * @param peerKeepaliveSeconds Keepalive Timeout option of the peer, seconds; `undefined` or 0 = none: 15 s (RFC 5534 §7)
 * @param roundTrip milliseconds; `undefined` = not measured
 */
export function timingFor(
  profile: ReapProfile,
  ours: Capabilities | undefined,
  peer: Capabilities | undefined,
  peerKeepaliveSeconds: number | undefined,
  roundTrip: Millis | undefined,
): ReapTiming {
  if (profile === "rfc5534" || peer === undefined) return rfc5534Timing(peerKeepaliveSeconds);
  const sendTimeout = Math.max(ours?.sendTimeout ?? 0, fastTimeoutTowards(peer, roundTrip));
  // A peer that names less than our own floor would make us send Keepalives at its pace: the floor holds for both.
  const keepaliveTimeout = Math.min(SEND_TIMEOUT, Math.max(FAST_SEND_TIMEOUT_MIN, peer.sendTimeout));
  return {
    sendTimeout,
    keepaliveTimeout,
    keepaliveInterval: keepaliveTimeout * KEEPALIVE_INTERVAL,
    firstRoundGap: Math.max(FAST_ROUND_GAP_MIN, (roundTrip ?? impliedRoundTrip(sendTimeout)) * FAST_ROUND_GAP_SHARE),
    initialProbeGaps: [INITIAL_PROBE_TIMEOUT],
    maxProbeTimeout: MAX_PROBE_TIMEOUT,
  };
}

/** The timing of RFC 5534 §7. */
export function rfc5534Timing(peerKeepaliveSeconds?: number): ReapTiming {
  const announced = peerKeepaliveSeconds !== undefined && peerKeepaliveSeconds > 0 ? peerKeepaliveSeconds : SEND_TIMEOUT / 1000;
  const keepaliveTimeout = Math.min(KEEPALIVE_SECONDS_MAX, announced) * 1000;
  return {
    sendTimeout: SEND_TIMEOUT,
    keepaliveTimeout,
    keepaliveInterval: keepaliveTimeout * KEEPALIVE_INTERVAL,
    initialProbeGaps: new Array<Millis>(INITIAL_PROBES - 1).fill(INITIAL_PROBE_TIMEOUT),
    maxProbeTimeout: MAX_PROBE_TIMEOUT,
  };
}

/** The responder of a handshake measures nothing, but the initiator did and its Send Timeout tells (see {@link capabilitiesFor}). */
function fastTimeoutTowards(peer: Capabilities, roundTrip: Millis | undefined): Millis {
  if (roundTrip !== undefined) return fastSendTimeout(roundTrip);
  return peer.sendTimeout >= FAST_SEND_TIMEOUT_MIN ? Math.min(SEND_TIMEOUT, peer.sendTimeout) : fastSendTimeout(undefined);
}

function impliedRoundTrip(sendTimeout: Millis): Millis {
  return Math.max(0, (sendTimeout - FAST_MARGIN) / 2);
}
