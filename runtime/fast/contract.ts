/**
 * The TypeScript face of the core (DESIGN §4). One {@link Core} belongs to the control thread: it owns the shared memory,
 * is the only writer of the context table, drives the timer wheel and drains the rings. One {@link Lane} belongs to each
 * data thread: it has slots for a batch of frames and runs them.
 */
import type { Address } from "../value/address.ts";
import type { PortRange } from "../value/ports.ts";
import type { Prefix } from "../value/prefix.ts";
import type { ContextTag } from "../value/tag.ts";
import type { Millis } from "../value/time.ts";

/** Sizes of everything in the shared memory; fixed for its life. */
export interface CoreSizes {
  /** Contexts at most, 1 … 1,048,576; rounded up to a power of two. */
  readonly contexts: number;
  /** Data threads, 1 … 16. */
  readonly lanes: number;
  /** Frames in a batch, 1 … 256. */
  readonly batch: number;
  /** Octets of a slot: headroom, virtio header and the largest frame. 2,048 without segmentation offload. */
  readonly slotOctets: number;
  /**
   * Octets, at most 2^24, in which a lane cuts hosts' large frames (virtio gso) for the wire and joins packets to large frames for hosts. Absent or 0: it does
   * neither, and drops large frames. See `batchOctets` of plan.ts.
   */
  readonly spillOctets?: number;
  /** Pairs of routable ULIDs without a context that are counted at a time, at most 2^20; absent or 0: none. Rounded up to a power of two. */
  readonly plainPairs?: number;
  /** Pairs of hosts and peers without Shim6 of which is known which provider they use, at most 2^24; absent or 0: no host is mapped. Rounded up to a power of two. */
  readonly ways?: number;
  /** Octets of each lane's ring of punted frames, a power of two. */
  readonly puntOctets: number;
}

/** Everything a worker needs to open its lane; passes through postMessage. */
export interface SharedCore {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly sizes: CoreSizes;
}

/** What may be chosen beside the sizes. */
export interface CoreOptions {
  /** {@link HASH_KEY_OCTETS} random octets, secret: whoever knows them can pick ULIDs that collide in the index. */
  readonly hashKey: Uint8Array;
  /** The clock when the core begins. */
  readonly now: Millis;
  /** A Routing header with Segments Left > 0: pass the frame on unchanged instead of dropping it. Default `false`. */
  readonly passRouting?: boolean;
  /** Octets of the largest packet that the lines carry: a larger one of a host is punted (PUNT_BIG). Default: none is too large. */
  readonly mtu?: number;
  /**
   * TCP SYNs that name a larger segment than the path takes are corrected, both ways: `auto`; with a number, to that at most; `off` = never.
   * Default `auto`.
   */
  readonly mss?: "auto" | "off" | number;
  /** Punt (PUNT_OTHER) what comes to a locator and is neither Shim6 nor ICMPv6, instead of dropping it. Default `false`. */
  readonly puntOther?: boolean;
  /** `false` = the memory belongs to this thread alone, and the module was made for that (runtime/embed/module.ts). Default `true`. */
  readonly shared?: boolean;
}

/** What the data path needs of a context. Addresses are written in network order. */
export interface ContextRecord {
  readonly localUlid: Address;
  readonly peerUlid: Address;
  /** Forked Instance Identifier, 0 = the default context: hosts' packets take it unless its `forks` say otherwise. */
  readonly fork: number;
  readonly localTag: ContextTag;
  readonly peerTag: ContextTag;
  readonly localLocator: Address;
  readonly peerLocator: Address;
  readonly timing: RecordTiming;
  /** Octets of the largest packet that this context's path carries, payload header included; absent or above `CoreOptions.mtu` = that. */
  readonly mtu?: number;
  /** Of a default context: which packets go on forks, as `forksOf` (forks.ts) says it; absent = none. */
  readonly forks?: bigint;
}

/** What may change of a context in the table. `mtu: CoreOptions.mtu` or more = no limit of its own. */
export type ContextChange = Partial<Pick<ContextRecord, "localLocator" | "peerLocator" | "peerTag" | "timing" | "mtu" | "forks">>;

/** Packets of a pair that go on a fork of its own (RFC 5533 §4.2). A list matches when one of its entries does; `undefined` = everything. */
export interface ForkTerm {
  /** Forked Instance Identifier, 1 … 2^32 − 3. */
  readonly fork: number;
  /** IP protocol numbers. Of a fragment: what its Fragment header names. */
  readonly protocols: readonly number[] | undefined;
  /** Port of either end. A fragment, and a protocol without ports, matches none. */
  readonly ports: readonly PortRange[] | undefined;
  /** DSCP. */
  readonly classes: readonly number[] | undefined;
}

/** Milliseconds, each below 2^31. 0 turns a timer off. */
export interface RecordTiming {
  readonly sendTimeout: Millis;
  readonly keepaliveTimeout: Millis;
  readonly keepaliveInterval: Millis;
  /** No packet in either direction for so long: due with {@link DUE_IDLE}. */
  readonly idleTimeout: Millis;
}

/** Prefixes that tell where a frame without a context goes: core-as/layout/verdict.ts lists the punt and drop reasons. */
export interface CorePrefixes {
  /** The site's own ULID prefix. */
  readonly ulid: Prefix;
  /** The block that all ULIDs come from. */
  readonly generic: Prefix;
  /** Prefixes that the providers route to us, at most 16. */
  readonly locators: readonly Prefix[];
  /**
   * Own prefixes whose addresses the internet routes to us as they are, at most 8, each in one of `locators`, none in `generic`. Packets
   * between them and the rest of the internet pass without a context.
   */
  readonly routable?: readonly Prefix[];
}

/** When a pair of routable ULIDs is due for a context: as soon as one of these is reached. 0 = says nothing; 0 in all: never. */
export interface PairRule {
  /** Packets both ways. */
  readonly packets: number;
  /** Octets both ways, IPv6 headers included, below 2^32. */
  readonly octets: number;
  /** From the first packet on, while packets go on. */
  readonly millis: Millis;
}

/** Rules for packets to or from some ports. */
export interface PortRule extends PairRule {
  readonly ports: readonly { readonly first: number; readonly last: number }[];
}

/** When pairs without a context are due for one. A port belongs to the first of `ports`, at most 15, that names it; what it counts is counted apart. */
export interface PairRules {
  readonly others: PairRule;
  readonly ports: readonly PortRule[];
}

/** How the site's ULIDs become locators of one provider and back; octets in network order. */
export interface MappedProvider {
  /** 0 … 15, the same as long as the provider is there. */
  readonly place: number;
  /** Leading bits that are exchanged, and what stands there in a ULID and in a locator: 16 octets each. */
  readonly mask: Uint8Array;
  readonly head: Uint8Array;
  readonly base: Uint8Array;
  /** `false` = nothing leaves there while others work. */
  readonly usable: boolean;
  /** Nothing new begins there: what is there already may stay. */
  readonly drained?: boolean;
}

/** Which providers take what matches a rule. */
export interface SteerClass {
  /** As in {@link CoreMapping}. */
  readonly shares: Uint8Array;
  /** Places that what is there already keeps. */
  readonly allowed: readonly number[];
}

/** A rule about pairs and flows; every criterion that is there must match, a list matches when one of its entries does. */
export interface SteerTerm {
  /** Of the host's address, and of the peer's. */
  readonly from?: readonly Prefix[] | undefined;
  readonly to?: readonly Prefix[] | undefined;
  /** The peer's address is one of these. */
  readonly named?: readonly Address[] | undefined;
  readonly protocols?: readonly number[] | undefined;
  /** Of either port. */
  readonly ports?: readonly { readonly first: number; readonly last: number }[] | undefined;
  readonly dscps?: readonly number[] | undefined;
  /** Place in {@link SteerRules.classes}. */
  readonly kind: number;
}

/** Rules about mapped pairs and flows (core-as/layout/steer.ts); the first that matches decides. */
export interface SteerRules {
  /** Another one than before = pairs that are known are asked about again: a counter, of which the lowest bits count. */
  readonly epoch: number;
  readonly classes: readonly SteerClass[];
  readonly terms: readonly SteerTerm[];
}

/** How hosts reach peers without Shim6 (P-Shim6 draft §7): core-as/layout/mapping.ts. */
export interface CoreMapping {
  readonly providers: readonly MappedProvider[];
  /** {@link SHARES} octets: the place of the provider that takes each share of the new pairs, 255 = none. */
  readonly shares: Uint8Array;
  /** Octets of the largest packet that the hosts' link carries: a larger one is punted with PUNT_BIG_IN. */
  readonly limitIn: number;
  /** Peers outside the generic prefix that have Shim6, at most 16: never mapped. */
  readonly spared: readonly Address[];
  /** Absent = there are none. */
  readonly rules?: SteerRules | undefined;
}

/** Packets of one context, with ULIDs, IPv6 header included in the octets. */
export interface Counters {
  readonly packetsOut: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly octetsIn: number;
}

/** The control thread's side. Not for two threads. */
export interface Core {
  readonly shared: SharedCore;

  setPrefixes(prefixes: CorePrefixes): void;
  /**
   * When pairs that pass without a context are reported, with {@link drainPunts} and COUNT_DUE_PAIR: their IPv6 header alone, either way round.
   * Again after ten seconds at the earliest. Without rules no pair is.
   */
  setPairRules(rules: PairRules): void;
  /** From now on packets to and from peers without Shim6 are mapped so; `undefined` = not at all. @throws {RangeError} if there is no room for it */
  setMapping(mapping: CoreMapping | undefined): void;

  /**
   * The terms that contexts may name from now on, first match first, at most {@link TERMS} with {@link RANGES} ranges of ports. Contexts that name
   * terms given before keep to those, for {@link FORK_BLOCKS} − 1 calls more.
   * @returns the number of the block that the terms are in, for `forksOf` (forks.ts)
   * @throws {RangeError} for what does not fit, or a number out of range
   */
  setForkTerms(terms: readonly ForkTerm[]): number;

  /** Writes record `id` (0 … contexts − 1, unused) and both indexes. @throws {RangeError} if the id is in use, or pair or tag already present. */
  add(id: number, record: ContextRecord, now: Millis): void;
  /** Replaces locators, peer tag, timing, MTU and forks of `id`; a reader sees the old or the new record, never a mixture. Counters stay. @throws {RangeError} if unused. */
  update(id: number, change: ContextChange, now: Millis): void;
  /** Of an unused id nothing happens; so with the five methods below. */
  remove(id: number): void;
  /** Packets from hosts on this context are punted (PUNT_HOLD) instead of sent: it is exploring. */
  hold(id: number, on: boolean): void;
  /** The next payload packet received puts `id` into the activity ring with {@link DUE_RECEIVED}; off again by itself. */
  watch(id: number, on: boolean): void;
  /** The control thread sent or received a control message that counts as payload for REAP (reap.md §1). */
  touch(id: number, direction: "sent" | "received", now: Millis): void;
  sendTimer(id: number, action: "start" | "restart" | "stop", now: Millis): void;
  keepaliveTimer(id: number, action: "start" | "stop", now: Millis): void;
  /** @throws {RangeError} if unused. Instants are exact for 49 days. */
  counters(id: number): Counters & { readonly lastSent: Millis | undefined; readonly lastReceived: Millis | undefined };
  /** Id of the record with this pair or tag, or −1. For tests and `explain`; not on the packet path. */
  findPair(local: Address, peer: Address, fork: number): number;
  findTag(tag: ContextTag): number;

  /**
   * Drains the lanes' activity rings, turns the wheel to `now` and calls `due` for every context whose timer has expired,
   * at most `limit` times.
   * Send and Keepalive expire to the millisecond, idleness up to a second late. `due` may call any method but this one.
   * @returns {@link wakeAt} as it is afterwards: an instant, `now` when the limit was reached, or `NEVER`
   */
  advance(now: Millis, limit: number, due: (id: number, kind: number) => void): Millis;
  /** When {@link advance} is needed next, as things stand: any method here, and any lane that rings its bell, may bring it nearer. */
  readonly wakeAt: Millis;
  /**
   * Hands over the frames that the lanes punted, each lane's oldest first, at most `limit`. `packet` starts at the IPv6 header and is a
   * view of shared memory that is valid during the call only; a partial checksum has been completed.
   * @returns frames handed over
   */
  drainPunts(limit: number, take: (packet: Uint8Array, reason: number, context: number) => void): number;
  /** Per-reason totals over all lanes, by the counter's name (core-as/layout/verdict.ts), zeros included. */
  totals(): Map<string, number>;
}

/** A data thread's own part. Nothing here allocates after {@link Lane} is made. */
export interface Lane {
  /** Octet offset in the memory where slot `i` wants a frame written: virtio header first. Constant for a slot. */
  readonly inputOffset: (slot: number) => number;
  /** Octets that may be written there. */
  readonly inputOctets: number;
  /** Length of the frame read into slot `i`, virtio header included: an array of `batch` entries in shared memory. */
  readonly lengths: Uint32Array;
  /**
   * Runs slots 0 … count − 1: outbound and inbound frames may be mixed. Afterwards `outputs` lists what must be written.
   * @returns number of frames to write
   */
  run(count: number, now: Millis): number;
  /** What became of each slot of the last batch (core-as/layout/verdict.ts). */
  readonly verdicts: Uint32Array;
  /** For each frame to write, which may be more or fewer than came in: offset of its virtio header in the memory, and its length with that header. */
  readonly outputOffsets: Uint32Array;
  readonly outputLengths: Uint32Array;
  /** Whether this batch punted or armed something that the control thread must see; reading it clears it. */
  takeBell(): boolean;
  /** Counts a frame that the kernel refused to take. */
  countWriteError(): void;
}
