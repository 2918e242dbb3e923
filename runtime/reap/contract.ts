/**
 * What goes into a REAP machine and what comes out of it (RFC 5534). One {@link Reap} serves all contexts of a box; each
 * context has its own state in it. The core keeps, per context, the start of the Send and the Keepalive timer and moves
 * them as the table of RFC 5534 §6 says for payload packets in Operational and InboundOk; what expires there arrives here as an event.
 */
import type { Locator } from "../value/address.ts";
import type { LeaveCause, MoveCause } from "../value/cause.ts";
import type { LocatorPair } from "../value/pair.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import type { Keepalive, Preference, Probe, ReapState, UpdateRequest } from "../wire/message.ts";

export type ReapPair = LocatorPair;

/** A context as REAP needs it. */
export interface ReapContext {
  readonly id: number;
  readonly current: ReapPair;
  /** Ranked by local policy, best first: rank of a pair's local end is its place here. */
  readonly localLocators: readonly Locator[];
  readonly peerLocators: readonly { readonly address: Locator; readonly preference: Preference }[];
  readonly peerTag: ContextTag;
  /** Names the peer's box: contexts with the same one share the path table. `undefined` = shares with nobody. */
  readonly peerBox: string | undefined;
  readonly timing: ReapTiming;
}

/** Durations, milliseconds. */
export interface ReapTiming {
  /** We sent and heard nothing for so long: explore. */
  readonly sendTimeout: Millis;
  /** The peer's Send Timeout: how long we owe it signs of life. */
  readonly keepaliveTimeout: Millis;
  readonly keepaliveInterval: Millis;
  /**
   * Gap between the probes of the first round over the pairs, before `initialProbeGaps`; absent = no such round, as RFC 5534 has it.
   */
  readonly firstRoundGap?: Millis;
  /** Nominal gaps between the first probes, then doubling from the last one up to `maxProbeTimeout`. */
  readonly initialProbeGaps: readonly Millis[];
  readonly maxProbeTimeout: Millis;
}

export type ReapEvent =
  /** Context established, or established anew: Operational, timers stopped. Also when locators or timing changed: then state stays. */
  | { readonly kind: "context"; readonly context: ReapContext; readonly fresh: boolean }
  | { readonly kind: "removed"; readonly id: number }
  | { readonly kind: "send-timeout"; readonly id: number }
  /** `last` = the Keepalive Timeout itself: one last Keepalive. */
  | { readonly kind: "keepalive-due"; readonly id: number; readonly last: boolean }
  /**
   * Payload, or a Shim6 control message but Keepalive and Probe, arrived: wanted in Exploring (`watch` effect); allowed in
   * every state, for users whose core moves no timers.
   */
  | { readonly kind: "payload-received"; readonly id: number }
  /** Such a packet was sent: only for users whose core moves no timers. */
  | { readonly kind: "payload-sent"; readonly id: number }
  | { readonly kind: "keepalive"; readonly id: number; readonly message: Keepalive }
  | { readonly kind: "probe"; readonly id: number; readonly source: Locator; readonly destination: Locator; readonly message: Probe }
  /** A local locator or the whole pair is said to be dead (link down, ICMPv6, BROKEN): explore at once if current. */
  | { readonly kind: "lost"; readonly id: number; readonly pair: ReapPair }
  /**
   * An end of the current pair is to be left although it works, for one that ranks better. Payload goes on until that one has proved
   * itself; a context that explores leaves when it has found its way. Nothing happens if there is no better one, or the context rests.
   */
  | { readonly kind: "leave"; readonly id: number; readonly end: "local" | "peer"; readonly cause: LeaveCause }
  /** Whether `pair`, which is not the current one, works: `path-works` says so if it does. Only for a peer that shares; else nothing happens. */
  | { readonly kind: "scout"; readonly id: number; readonly pair: ReapPair }
  /**
   * The peer lost the context and is asked to take it up again (I2BIS-SENT, RFC 5533 §7.18): no timer runs, no probe leaves, no event
   * counts until `context` says that it is established anew. In Exploring and InboundOk payload goes on waiting.
   */
  | { readonly kind: "recovering"; readonly id: number }
  /** The peer acknowledged an Update Request of ours of which {@link Reap.isAsking} knows. */
  | { readonly kind: "acknowledged"; readonly id: number; readonly nonce: number }
  | { readonly kind: "poll" };

export type ReapEffect =
  | { readonly kind: "send"; readonly id: number; readonly pair: ReapPair; readonly message: Keepalive | Probe }
  /**
   * A question to a locator that packets may have to go to one day. It counts as payload neither here nor there: it is sent in
   * silence, and its pair is not the current one.
   */
  | { readonly kind: "ask"; readonly id: number; readonly pair: ReapPair; readonly message: UpdateRequest }
  /** Payload of the context, which went out on `from`, goes out on this pair from now on. */
  | { readonly kind: "use-pair"; readonly id: number; readonly from: ReapPair; readonly pair: ReapPair; readonly cause: MoveCause }
  /** The question of `scout` was answered. */
  | { readonly kind: "path-works"; readonly id: number; readonly pair: ReapPair }
  /** New state. In Exploring and InboundOk the box holds payload; back in Operational it lets go. */
  | { readonly kind: "state"; readonly id: number; readonly state: ReapState; readonly cause: string }
  /** Timers in the core's record: start = if not running, restart = in any case. */
  | { readonly kind: "send-timer"; readonly id: number; readonly action: "start" | "restart" | "stop" }
  | { readonly kind: "keepalive-timer"; readonly id: number; readonly action: "start" | "stop" }
  /** Whether `payload-received` is wanted for the next payload packet. */
  | { readonly kind: "watch"; readonly id: number; readonly on: boolean }
  /** The path of `pair` was browned out, or is no longer. */
  | {
      readonly kind: "path-quality";
      readonly peerBox: string;
      readonly pair: ReapPair;
      readonly brown: boolean;
      readonly loss: number | undefined;
      readonly delay: Millis | undefined;
      /** Contexts that send on it. */
      readonly contexts: number;
    }
  /** Something was dropped; `why` is a counter's name behind `drop-`. */
  | { readonly kind: "drop"; readonly why: string };

/** The machine. `box` calls {@link Reap.step}, carries out the effects in order, and polls at {@link Reap.wakeAt}. */
export interface Reap {
  /** One event at `now`; `random` holds at least {@link REAP_RANDOM_OCTETS} fresh random octets (probe nonces, jitter). */
  step(event: ReapEvent, now: Millis, random: Uint8Array): ReapEffect[];
  readonly wakeAt: Millis;
  stateOf(id: number): ReapState | undefined;
  currentOf(id: number): ReapPair | undefined;
  /** Whether the Update Request of context `id` with this nonce was an `ask`. */
  isAsking(id: number, nonce: number): boolean;
  /** What is known of the paths to each peer box, for `show paths`. */
  paths(): Iterable<PathView>;
}

export const REAP_RANDOM_OCTETS = 64;

/** One path to a peer box, as a snapshot. */
export interface PathView {
  readonly peerBox: string;
  /** Names of the path's ends: the prefixes that all pairs on it have in common. */
  readonly local: string;
  readonly peer: string;
  /** The pair that the latest evidence came from. */
  readonly pair: ReapPair;
  readonly state: "alive" | "lost" | "unknown";
  /** When it was last proved alive or lost. */
  readonly since: Millis | undefined;
  /** Smoothed round-trip time of probes and questions, if any was measured. */
  readonly roundTrip: Millis | undefined;
  /** Share of questions without an answer, 0 … 1; `undefined` = not measured, or not yet. */
  readonly loss: number | undefined;
  /** Too bad to be used while another one is better. */
  readonly brown: boolean;
  /** Contexts that send on it now. */
  readonly contexts: number;
}
