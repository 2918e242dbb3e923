/**
 * The packet core for programs of other people: `pshim6/core`. Addresses and prefixes are text, tags are numbers, instants are
 * milliseconds of a clock that only goes forward and that the caller reads. Nothing here does I/O or looks at a clock.
 */

/** Sizes and settings; fixed for the core's life. */
export interface CoreSettings {
  /** Which packets go which way; {@link EmbeddedCore.setPrefixes} changes them. */
  readonly prefixes: SitePrefixes;
  /** Contexts at most, 1 … 1,048,576; rounded up to a power of two. Default 1024. A context takes 208 octets and its share of two indexes. */
  readonly contexts?: number;
  /** Packets in a batch, 1 … 256. Default 64. */
  readonly batch?: number;
  /** Octets of the longest packet, IPv6 header included, 1280 … 65,575. Default 2048. */
  readonly packetOctets?: number;
  /** Octets in which packets wait for {@link EmbeddedCore.takePunts}, a power of two from 4096 on. Default 262,144. */
  readonly puntOctets?: number;
  /** Threads that run batches, 1 … 16. Default 1. More than one needs shared memory. */
  readonly lanes?: number;
  /** Whether the memory is shared: other threads, or system calls, then see it. Default: with more than one lane. */
  readonly shared?: boolean;
  /** Octets of the largest packet that the lines carry, at least 1280: what would be larger is punted (`punt-big`). Default: no limit. */
  readonly mtu?: number;
  /** TCP SYNs that name a larger segment than the path takes are corrected: `auto`, to a number at most, or `off`. Default `auto`. */
  readonly mss?: "auto" | "off" | number;
  /** A Routing header with Segments Left > 0: pass the packet on unchanged instead of dropping it. Default `false`. */
  readonly passRouting?: boolean;
  /** Punt (`punt-other`) what comes to a locator and is neither Shim6 nor ICMPv6, instead of dropping it. Default `false`. */
  readonly puntOther?: boolean;
  /** The clock when the core begins, milliseconds. Default 0. */
  readonly now?: number;
  /** 16 random octets, secret: whoever knows them can pick ULIDs that collide in the index. Default: drawn from `crypto`. */
  readonly hashKey?: Uint8Array;
  /**
   * The core as a `WebAssembly.Module`, where a runtime compiles none from octets: `import wasm from "pshim6/core.wasm"`, which has unshared
   * memory. Default: compiled from the octets in this package.
   */
  readonly wasm?: object;
}

/** Prefixes as text, such as `fc00:aaaa:1::/48`. */
export interface SitePrefixes {
  /** The site's own ULIDs. */
  readonly ulid: string;
  /** The block that all ULIDs come from. Default `fc00::/7`. */
  readonly generic?: string;
  /** What the providers route to us, at most 16. */
  readonly locators: readonly string[];
}

/** What the core knows of a context between a host here and one elsewhere. */
export interface ContextValues {
  readonly localUlid: string;
  readonly peerUlid: string;
  /** Forked Instance Identifier, 32 bits (RFC 5533 §5.15.7); hosts' packets take the context with 0. Default 0. */
  readonly fork?: number;
  /** Tag that the peer puts into its packets, 0 … 2^47 − 1. */
  readonly localTag: number;
  /** Tag that the peer wants to find in ours. */
  readonly peerTag: number;
  /** Addresses that packets of this context carry on the wire. */
  readonly localLocator: string;
  readonly peerLocator: string;
  /** Octets of the largest packet that this path carries, payload header included. Default: {@link CoreSettings.mtu}. */
  readonly mtu?: number;
  /** Timers of RFC 5534; those that are absent are off. */
  readonly timing?: Timing;
}

/** Milliseconds, each below 2^31; absent or 0 = off (RFC 5534 §4.1). */
export interface Timing {
  /** After a packet out without one in: due with `send-timeout`. */
  readonly sendTimeout?: number;
  /** After a packet in without one out: due with `keepalive-last`. */
  readonly keepaliveTimeout?: number;
  /** Meanwhile, each time so much has passed: due with `keepalive`. */
  readonly keepaliveInterval?: number;
  /** No packet either way for so long: due with `idle`. */
  readonly idleTimeout?: number;
}

/** What may change of a context; what is absent stays. */
export interface ContextUpdate {
  readonly localLocator?: string;
  readonly peerLocator?: string;
  readonly peerTag?: number;
  readonly timing?: Timing;
  readonly mtu?: number;
  /** Hosts' packets are punted (`punt-hold`) instead of sent: the context explores. */
  readonly hold?: boolean;
  /** The next packet received makes the context due with `received`, once. */
  readonly watch?: boolean;
}

/** How {@link EmbeddedCore.findContext} is asked: by the ULID pair, or by the tag in a packet from the peer. */
export type ContextKey = { readonly localUlid: string; readonly peerUlid: string; readonly fork?: number } | { readonly localTag: number };

/** Which way a packet is to go: to the providers, to the hosts, or, with a Routing header of somebody else's, wherever it was going. */
export type Direction = "out" | "in" | "pass";

/** Why a packet is handed over by {@link EmbeddedCore.takePunts}. */
export type PuntReason =
  /** A host's, and there is no context for its ULID pair. */
  | "punt-no-context"
  /** A Shim6 or REAP message: for `pshim6/wire`. */
  | "punt-control-shim6"
  /** With a payload header whose tag no context has. */
  | "punt-no-tag-shim6"
  /** A host's, on a context that explores. */
  | "punt-hold"
  /** ICMPv6 to a locator. */
  | "punt-icmp6"
  /** ICMPv6 of a router inside the site. */
  | "punt-router-icmp6"
  /** A host's, and larger than the path takes. */
  | "punt-big"
  /** Anything else to a locator; see {@link CoreSettings.puntOther}. */
  | "punt-other";

/** Why a context is handed over by {@link EmbeddedCore.advance}. */
export type DueKind = "send-timeout" | "keepalive" | "keepalive-last" | "received" | "idle";

/** Packets of one context as hosts see them, octets with the IPv6 header; instants in milliseconds. */
export interface Traffic {
  readonly packetsOut: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly octetsIn: number;
  readonly lastSent: number | undefined;
  readonly lastReceived: number | undefined;
}

/** Called for each packet that is to be sent. `packet` is a view that holds during the call; `index` is its place among those given. */
export type Forward = (packet: Uint8Array, direction: Direction, index: number) => void;

/** Called for each packet that the core leaves to the caller. `packet` is a view that holds during the call; `context` is the id, if there is one. */
export type TakePunt = (packet: Uint8Array, reason: PuntReason, context: number | undefined) => void;

/** The core, its context table and its timers. For one thread. After {@link close} every method throws CoreError `closed`. */
export interface EmbeddedCore {
  /** What a thread needs for {@link openLane}; passes through `postMessage` when the memory is shared. */
  readonly shared: SharedLanes;
  /** The first lane, for whoever wants no copies. Not to be used while {@link run} is being called. */
  readonly lane: PacketLane;

  /** @throws {CoreError} `prefix`, `option` for too many */
  setPrefixes(prefixes: SitePrefixes): void;

  /** Adds a context. @returns its id. @throws {CoreError} `full`, `taken`, `address`, `tag`, `option` */
  addContext(values: ContextValues, now: number): number;
  /** Changes a context; a packet sees the old or the new one, never a mixture. @throws {CoreError} `unknown`, `address`, `tag`, `option` */
  updateContext(id: number, change: ContextUpdate, now: number): void;
  /** Takes a context out; of an id that is not there nothing happens. The id will be given again. */
  removeContext(id: number): void;
  /** Id of a context, or `undefined`. @throws {CoreError} `address`, `tag` */
  findContext(key: ContextKey): number | undefined;

  /**
   * Runs whole IPv6 packets, both directions mixed as they come, any number of them. They are copied and stay as they are. What cannot be
   * decided waits for {@link takePunts}; the rest is dropped and counted, as is what is longer than {@link CoreSettings.packetOctets}.
   * @returns how many were forwarded
   */
  run(packets: readonly Uint8Array[], now: number, forward: Forward): number;
  /** Hands over at most `limit` packets, oldest first of each lane. @returns how many */
  takePunts(limit: number, take: TakePunt): number;

  /** Calls `due` for every context whose timer has run out, at most `limit` (default 256) of them. @returns when to call again, `Infinity` = not before a packet or a method starts a timer */
  advance(now: number, due: (id: number, kind: DueKind) => void, limit?: number): number;
  /** Counts a message that stands for a payload packet in REAP: a Probe or a Keepalive (RFC 5534 §4.1). Of an unknown id nothing happens; so below. */
  touch(id: number, direction: "sent" | "received", now: number): void;
  /** Starts or stops a timer of RFC 5534 as its text wants it beside payload packets. */
  timer(id: number, which: "send" | "keepalive", action: "start" | "restart" | "stop", now: number): void;

  /** What was forwarded, punted and dropped since the start, by the counter's name, zeros included. */
  counters(): Record<string, number>;
  /** @throws {CoreError} `unknown` */
  traffic(id: number): Traffic;

  /** Lets go of the memory. The second call does nothing. */
  close(): void;
}

/** Opaque: a core's memory and program, as one thread gives them to another. */
export interface SharedLanes {
  readonly memory: object;
  readonly module: object;
  readonly sizes: object;
}

/** Slots for a batch in the core's own memory: packets are read there, run there and written from there. One thread at a time. */
export interface PacketLane {
  /** The core's memory. */
  readonly memory: Uint8Array;
  /** Slots. */
  readonly batch: number;
  /** Octets that a packet may have. */
  readonly packetOctets: number;
  /** Where in {@link memory} the packet of each slot begins. */
  readonly slots: readonly number[];
  /** Octets of the packet in each slot: set before {@link run}. */
  readonly lengths: Uint32Array;
  /**
   * Runs slots 0 … `count` − 1 and calls `forward` for each packet to be sent: `octets` of it at `offset` of {@link memory}, until the next run.
   * @returns how many were forwarded. @throws {CoreError} `packet` for more packets than slots
   */
  run(count: number, now: number, forward: (offset: number, octets: number, direction: Direction, slot: number) => void): number;
  /** Name of the counter that counted the packet in `slot` in the last run. */
  verdict(slot: number): string;
  /** Whether the last run left something for `takePunts` or `advance` of the thread with the core; reading it clears it. */
  takeBell(): boolean;
}
