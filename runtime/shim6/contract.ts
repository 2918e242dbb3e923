/**
 * What goes into the Shim6 machine and what comes out of it (RFC 5533 §7 to §12). The machine owns no clock, socket,
 * timer or random source: `box` calls {@link Shim6.step} with an event, the instant and fresh random octets, carries out
 * the effects in order, and calls again with `poll` at {@link Shim6.wakeAt}.
 */
import type { Locator, Ulid } from "../value/address.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";
import type { Capabilities, ListedLocator, LocatorList, Message, Preference } from "../wire/message.ts";

/** What names a context to the outside (RFC 5533 §6): ULID pair and Forked Instance Identifier (0 = default). */
export interface UlidPair {
  readonly local: Ulid;
  readonly peer: Ulid;
  readonly fork: number;
}

/** Where packets of a context go from and to, seen from this side. */
export interface LocatorPair {
  readonly local: Locator;
  readonly peer: Locator;
}

/** All contexts of one box as one machine. Not for use by several threads. */
export interface Shim6 {
  /**
   * One event at `now` (monotonic milliseconds). `random` holds at least {@link STEP_RANDOM_OCTETS} fresh random octets;
   * the machine uses them up in this step and keeps none but tags and nonces made of them.
   */
  step(event: Shim6Event, now: Millis, random: Uint8Array): Shim6Effect[];
  /** When `step({ kind: "poll" })` is due next; `NEVER` if nothing waits. */
  readonly wakeAt: Millis;
  /** Contexts whose peer has not acknowledged what we told, or are to tell, it of our locators (RFC 5533 §10). */
  readonly untold: number;
  /** Every context that exists, in any state but IDLE. */
  contexts(): Iterable<ContextView>;
  /** The same, without a snapshot of each: `glance` holds for the time of the call. */
  each(look: (glance: ContextGlance) => void): void;
  /** The same, one by one: a glance holds until the next is asked for. Steps may come between; contexts that come or go in them may be left out. */
  glances(): Iterable<ContextGlance>;
  /** How many there are. */
  readonly size: number;
  /** The context with this id. */
  get(id: number): ContextView | undefined;
  /** Whether there is one with this id. */
  has(id: number): boolean;
  find(pair: UlidPair): ContextView | undefined;
  /** The context with this CT(local). */
  findTag(tag: ContextTag): ContextView | undefined;
  /** The usable context with this CT(peer) and this locator in Ls(peer): whom a quoted packet of ours was for (§12.5). */
  findPeerTag(tag: ContextTag, locator: Locator): ContextView | undefined;
}

export const STEP_RANDOM_OCTETS = 32;

export type ContextState = "I1-SENT" | "I2-SENT" | "ESTABLISHED" | "I2BIS-SENT" | "E-FAILED" | "NO-SUPPORT";

/** As much of a context as tells whether somebody wants to see more of it. */
export type ContextGlance = Readonly<Pick<ContextView, "id" | "pair" | "state" | "current">> & {
  readonly peer: { readonly box: ContextView["peerBox"] } | undefined;
};

/** One context as others may see it. A snapshot: it does not change behind the reader's back. */
export interface ContextView {
  /** Small integer, unique while the context lives: the index of its record in the core's table. */
  readonly id: number;
  readonly pair: UlidPair;
  readonly state: ContextState;
  readonly localTag: ContextTag;
  /** Known in ESTABLISHED and I2BIS-SENT. */
  readonly peerTag: ContextTag | undefined;
  /**
   * Locators that may be sources: the peer knows them and the site still has them. A new one comes with the Update
   * Acknowledgement, a removed one goes at once (shim6-state §7).
   */
  readonly localLocators: readonly Locator[];
  readonly peerLocators: readonly PeerLocator[];
  /** The pair that packets go out on when the context has just been established. Later REAP chooses. */
  readonly current: LocatorPair;
  /** Names the box that serves the peer: hexadecimal SHA-256 of the public key in its CGA parameters; `undefined` without PDS. */
  readonly peerBox: string | undefined;
  /** Of the peer, in RFC 5533's Keepalive Timeout option; `undefined` = none announced. */
  readonly peerKeepaliveSeconds: number | undefined;
  /** The peer's capabilities; `undefined` = not one of our boxes. */
  readonly peerCapabilities: Capabilities | undefined;
  /** What we last told the peer of ourselves; our Send Timeout for this context is the one in it. `undefined` = nothing, or not established. */
  readonly localCapabilities: Capabilities | undefined;
  /** Smoothed round-trip time that the handshake measured; `undefined` if it could not (retransmissions, responder). */
  readonly roundTrip: Millis | undefined;
  readonly establishedAt: Millis | undefined;
}

/** A member of Ls(peer). */
export interface PeerLocator extends ListedLocator {
  readonly verified: boolean;
  readonly preference: Preference;
}

export type Shim6Event =
  /**
   * A host's packet needs this context. `candidates` are the pairs to try, best first: I1 and its repetitions walk them in
   * order (§7.7). Pairs whose local end is not in the ULID's own list are left out.
   */
  | { readonly kind: "need"; readonly pair: UlidPair; readonly candidates: readonly LocatorPair[] }
  /** A control message whose checksum and form are right. `packet` is the whole IPv6 packet, for an Error's sake; not kept. */
  | {
      readonly kind: "message";
      readonly source: Locator;
      readonly destination: Locator;
      readonly message: Message;
      readonly packet: Uint8Array;
    }
  /** A payload header arrived whose tag no established context has (the tag may belong to one in I2-SENT). */
  | { readonly kind: "stray-payload"; readonly source: Locator; readonly destination: Locator; readonly tag: ContextTag }
  /** ICMPv6 Parameter Problem code 1 (unrecognised Next Header) quoted an I1 of ours (§7.8). */
  | { readonly kind: "unsupported"; readonly localTag: ContextTag; readonly source: Locator; readonly destination: Locator }
  /** The context was idle for long, or its ULID was withdrawn (§8.1). */
  | { readonly kind: "discard"; readonly id: number }
  /**
   * {@link Shim6World.local}, the options' Send Timeout, or both, answer differently now: for one ULID, or for any when
   * `local` is absent. Every context concerned leaves removed locators, most recently used first, and its peer is told (§10.1).
   */
  | {
      readonly kind: "identity";
      readonly local?: Ulid;
      /** Nothing is gone and nothing BROKEN: contexts may hear of it one after another, a few thousand a second. */
      readonly gently?: boolean;
    }
  | { readonly kind: "poll" };

export type Shim6Effect =
  /** `id` = the context whose payload this counts as for REAP (reap.md §1): the first copy of an Update Request. */
  | { readonly kind: "send"; readonly source: Locator; readonly destination: Locator; readonly message: Message; readonly id?: number }
  /** What became of an Update Request of ours: the peer took it, or refused it for good with this code of an Error message. */
  | { readonly kind: "told"; readonly id: number; readonly outcome: "acknowledged" | "refused"; readonly code: number | undefined }
  /**
   * The context became usable, or its tags, locators or peer data changed. Replaces what was known of `context.id`. It may
   * still be in I2BIS-SENT: a valid I2 of the peer changes its data, not our state (§7.13).
   */
  | { readonly kind: "established"; readonly context: ContextView; readonly cause: "R2" | "I2" | "I2bis" | "update" }
  /** ESTABLISHED → I2BIS-SENT: payload goes on, REAP rests until `established`. */
  | { readonly kind: "recovering"; readonly id: number }
  /** REAP messages for an established context: the locators were checked, the tag is known (§8 steps 8, 9 of shim6-wire). */
  | { readonly kind: "reap"; readonly id: number; readonly source: Locator; readonly destination: Locator; readonly message: Message }
  /** Set-up gave up; packets waiting for `pair` are refused. The negative entry stays in {@link Shim6.contexts} for its hold-down. */
  | { readonly kind: "failed"; readonly pair: UlidPair; readonly why: "no-answer" | "no-support" | "refused" }
  /** The record is gone: exactly once for each, also for one that only remembered a failure. */
  | { readonly kind: "removed"; readonly id: number; readonly pair: UlidPair; readonly why: RemovalReason }
  /** The message of this event waits until {@link Shim6World.proof} knows `ulid`; then the same event is to come again. */
  | { readonly kind: "prove"; readonly ulid: Ulid }
  /** Something was dropped; `why` is a counter's name behind `drop-`. */
  | { readonly kind: "drop"; readonly why: string };

/** "withdrawn" = the site no longer has its ULID; "displaced" = the longest unused, it made room in a full table. */
export type RemovalReason = "idle" | "confused" | "failed" | "expired" | "withdrawn" | "displaced";

/** How the machine learns what it may not know by itself. Look-ups only: no effect, no waiting. */
export interface Shim6World {
  /**
   * What this box can say for a ULID of the site; `undefined` = not ours, nothing may be promised for it. With `pair` the preferences may be
   * those for this peer; list, generation and proof are the same for all.
   */
  local(ulid: Ulid, pair?: UlidPair): LocalIdentity | undefined;
  /** Whether a CGA PDS is right for an address, see runtime/cga. */
  verifyCga(address: Ulid, pds: Uint8Array): boolean;
  /** Whether `locator` is in the HBA set of `pds`. */
  verifyHba(locator: Locator, pds: Uint8Array): boolean;
  /** Whether `signature` signs the CGA locators of `list` with a key of `pds` (shim6-wire §6). Costs an RSA operation. */
  verifyList(list: LocatorList, pds: Uint8Array, signature: Uint8Array): boolean;
  /** Hexadecimal SHA-256 of the public key in `pds`, and of those added to it. */
  boxOf(pds: Uint8Array): string;
  /** Whether the site lets `pair.peer`, whose message came from `source`, begin a context; absent = everybody. */
  admits?(pair: UlidPair, source: Locator): boolean;
  /** What the DNS says of `ulid`, which lists `listed`; absent or `undefined` = its word is not wanted. */
  proof?(ulid: Ulid, listed: readonly Locator[]): DnsProof | undefined;
  /**
   * `identity` with only its first `count` locators, `keep` among them, and a signature of its own: for messages that would
   * pass 1,280 octets (shim6-wire §9). `undefined`, or no such function = not to be had.
   */
  shorten?(identity: LocalIdentity, count: number, keep: Locator): LocalIdentity | undefined;
  /** The pair that the context sends on now, as REAP chose it; absent or `undefined` = the one of its establishment. */
  currentPair?(id: number): LocatorPair | undefined;
  /** When the context last carried a packet, in either direction; absent or `undefined` = not since it was established. */
  lastUse?(id: number): Millis | undefined;
  /** HMAC-SHA-256 of `octets` under the 32-octet `key` (responder validators). */
  hmac(key: Uint8Array, octets: Uint8Array): Uint8Array;
}

/**
 * What the DNS proves of a peer's locators (draft-bagnulo-pshim6 §10): "unknown" = it was not asked yet. `alone` = CGA and HBA need not hold.
 */
export type DnsProof = "unknown" | { readonly locators: ReadonlySet<Locator>; readonly alone: boolean };

/** A ULID of the site with everything that goes into I2, R2, I2bis and Update Request. Signed once per host and locator set. */
export interface LocalIdentity {
  readonly ulid: Ulid;
  /**
   * At least one locator. Another set or order of locators has another generation, and so have other preferences while
   * {@link Shim6.untold} is not 0: an abandoned request that arrives late must not bring back what it said.
   */
  readonly list: LocatorList;
  readonly preferences: readonly Preference[];
  readonly pds: Uint8Array;
  /** Present when a locator's method is CGA. May be made when it is first read. */
  readonly signature: Uint8Array | undefined;
  /** `false` = reading `signature` costs an RSA private operation now. */
  readonly isSigned?: boolean;
}

/** What is fixed for the life of a machine, but for what says otherwise. */
export interface Shim6Options {
  /** Contexts at most, in all states; a new one beyond that is refused (`drop-full-context`). */
  readonly capacity: number;
  /** Sent to everyone in I1, R1, I2, R2 and I2bis, so that our boxes know each other; `undefined` = never. */
  readonly capabilities: ((peerRoundTrip: Millis | undefined) => Capabilities | undefined) | undefined;
  /** Our Send Timeout towards anyone else, seconds; the option is sent when it is not 15. May change with an `identity` event. */
  readonly sendTimeoutSeconds: number;
  /**
   * Share of `capacity`, above 0 up to 1, that peers of one /48 may take by contexts that they initiated: nobody who can get
   * many CGAs at one place fills the table. Default {@link SITE_SHARE}.
   */
  readonly siteShare?: number;
  /** Bits of CT(local) in use, 47 unless a test shrinks it. */
  readonly tagBits: number;
  /** Secret for validators: 32 octets; the machine rotates with octets of `random` and keeps the previous. */
  readonly secret: Uint8Array;
}
