/**
 * Packets that did not get through, as the box hears of them: ICMPv6 errors from the net about what it sent, errors of routers inside
 * about what it delivered, and what the core found too large. Out come errors that hosts understand (RFC 5533 §12.5, shim6-state §9.5),
 * fragments, path MTUs, and doubts for REAP. Nothing here moves traffic: a doubt makes REAP probe the pair in use first.
 */
import type { Core } from "../fast/contract.ts";
import type { Reap, ReapEvent } from "../reap/contract.ts";
import type { ContextView, Shim6, Shim6Event } from "../shim6/contract.ts";
import { type Address, addressAt } from "../value/address.ts";
import { u16 } from "../value/bytes.ts";
import { type LocatorPair, samePair } from "../value/pair.ts";
import { Reject } from "../value/reject.ts";
import type { Millis } from "../value/time.ts";
import {
  emitIcmpError,
  fragmentPacket,
  ICMP6_DESTINATION_UNREACHABLE,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_PORT_UNREACHABLE,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNRECOGNISED_NEXT_HEADER,
  type IcmpError,
  IPV6_DESTINATION_AT,
  IPV6_HEADER_LENGTH,
  IPV6_HOP_LIMIT_AT,
  IPV6_MINIMUM_MTU,
  IPV6_NEXT_HEADER_AT,
  IPV6_PAYLOAD_LENGTH_AT,
  IPV6_SOURCE_AT,
  insertPayloadHeader,
  PAYLOAD_HEADER_LENGTH,
  PROTOCOL_ICMPV6,
  PROTOCOL_SHIM6,
  parseIcmpError,
  parseQuotedIpv6,
  type QuotedControl,
  type QuotedPayload,
  translateIcmpError,
} from "../wire/index.ts";
import { Limiter } from "./limiter.ts";
import type { PathMtus } from "./mtu.ts";

/** Which errors from the net hosts get to see: those the box does not act on itself, or every one that can be translated. */
export type IcmpPass = "auto" | "all";

/** What the reports work with. */
export interface ReportParts {
  readonly shim6: Pick<Shim6, "find" | "findPeerTag" | "get">;
  readonly reap: Pick<Reap, "stateOf" | "currentOf">;
  readonly core: Pick<Core, "counters" | "touch">;
  readonly mtus: Pick<PathMtus, "told" | "mtuOf">;
  readonly pass: () => IcmpPass;
  /** Whether hosts have addresses there that the internet reaches without the box's doing. */
  readonly isRoutable: (address: Address) => boolean;
  /** 32 fresh random bits. */
  readonly random: () => number;
  readonly count: (name: string, by?: number) => void;
  /** Sends one packet as it is. */
  readonly transmit: (packet: Uint8Array) => void;
  /** Sends packets between ULIDs through the core. */
  readonly release: (packets: readonly Uint8Array[], now: Millis) => void;
  readonly tellReap: (event: ReapEvent, now: Millis) => void;
  readonly tellShim6: (event: Shim6Event, now: Millis) => void;
}

/** Errors for hosts from the net, and of routers inside for peers; a burst, then a second's worth (RFC 4443 §2.4 f). */
const PASSED_AT_ONCE = 100;
const PASSED_PER_SECOND = 1_000;
/** Packet Too Big that we originate, for each of {@link BUCKETS} groups of contexts, so that one deaf sender does not silence all. */
const BIG_AT_ONCE = 5;
const BIG_PER_SECOND = 10;
const BUCKETS = 256;
/** Packets cut for hosts: work for the control thread, which has other work too. */
const CUT_AT_ONCE = 200;
const CUT_PER_SECOND = 2_000;
/** Doubts: all contexts together, and one. */
const DOUBTS_AT_ONCE = 20;
const DOUBTS_PER_SECOND = 20;
const DOUBT_AGAIN: Millis = 5_000;
const DOUBTED_MAX = 4_096;
/** A context that heard something so lately has a path: Time Exceeded then tells of traceroute, not of a loop. */
const HEARD_LATELY: Millis = 1_000;
/** ULID pairs with an Identification of their own at a time. */
const IDENTIFICATIONS_MAX = 4_096;

/** Reads the reports. Every method belongs to the control thread; packets are not kept. */
export class PathReports {
  readonly #parts: ReportParts;
  readonly #passed = new Limiter(PASSED_PER_SECOND, PASSED_AT_ONCE);
  readonly #big = Array.from({ length: BUCKETS }, () => new Limiter(BIG_PER_SECOND, BIG_AT_ONCE));
  readonly #cut = new Limiter(CUT_PER_SECOND, CUT_AT_ONCE);
  readonly #doubts = new Limiter(DOUBTS_PER_SECOND, DOUBTS_AT_ONCE);
  /** When a context was doubted last; oldest first. */
  readonly #doubted = new Map<number, Millis>();
  readonly #identifications = new Map<string, number>();

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** ICMPv6 that came to one of our locators. */
  fromNet(packet: Uint8Array, now: Millis): void {
    const error = parseIcmpError(packet);
    if (error instanceof Reject) return this.#parts.count(`drop-${error.why}`);
    const { quoted } = error;
    // Routers answer to the source of the packet; whoever sends elsewhere has made it up.
    if (quoted === undefined && this.#parts.isRoutable(error.destination)) return this.#aboutPlain(packet, error, now);
    if (quoted === undefined || quoted.source !== error.destination) return this.#parts.count("drop-foreign-icmp6");
    if (quoted.kind === "control") this.#aboutControl(error, quoted, now);
    else this.#aboutPayload(packet, error, quoted, now);
  }

  /**
   * ICMPv6 for a peer from an address of this site that has no context, and cannot have one: a router on the LAN, or the box's own
   * kernel. When it is an error about a packet of the peer it goes on as if its destination had said so: that one has a context.
   * @returns `false` when it is nothing of the kind
   */
  fromRouter(packet: Uint8Array, now: Millis): boolean {
    if (packet[IPV6_NEXT_HEADER_AT] !== PROTOCOL_ICMPV6) return false;
    const error = parseIcmpError(packet);
    if (error instanceof Reject) return false;
    const ip = parseQuotedIpv6(error.quote);
    if (ip instanceof Reject || ip.source !== error.destination) return false;
    const context = this.#parts.shim6.find({ local: ip.destination, peer: ip.source, fork: 0 });
    if (context?.peerTag === undefined) return false;
    if (this.#mayPass(now)) {
      this.#parts.count("out-router-icmp6");
      this.#parts.release([emitIcmpError(ip.destination, ip.source, error, error.quote, packet[IPV6_HOP_LIMIT_AT])], now);
    }
    return true;
  }

  /**
   * A host's packet that the path of `context` (−1 = any path) does not carry. Above 1280 the host is told, from the address that it
   * wanted to reach: the box has none of its own that the host must know, and hosts take it from anyone (RFC 4443 §3.2). A host does not
   * go below 1280 for anyone (RFC 8201 §4): such a packet is cut here, and whoever is behind the peer's box puts it together.
   */
  tooBig(packet: Uint8Array, context: number, now: Millis): void {
    const { mtus, count, transmit, release, random } = this.#parts;
    const limit = mtus.mtuOf(context) - PAYLOAD_HEADER_LENGTH;
    const source = addressAt(packet, IPV6_SOURCE_AT);
    const destination = addressAt(packet, IPV6_DESTINATION_AT);
    if (packet.length <= IPV6_MINIMUM_MTU) {
      if (!this.#cut.allow(now)) return count("drop-fragment-limit");
      const pieces = fragmentPacket(packet, limit, this.#identification(`${source} ${destination}`, random));
      if (pieces instanceof Reject) return count(`drop-${pieces.why}`);
      // A limit that has risen meanwhile leaves one piece.
      if (pieces.length > 1) count("out-fragment", pieces.length);
      return pieces.length > 1 && this.#sentOnFork(pieces, context, now) ? undefined : release(pieces, now);
    }
    // No error about an error (RFC 4443 §2.4 e).
    if (isIcmpError(packet)) return count("drop-big-icmp6");
    if (!this.#big[context & (BUCKETS - 1)].allow(now)) return count("drop-big-limit");
    count("out-big-icmp6");
    const word = Math.max(IPV6_MINIMUM_MTU, limit);
    transmit(emitIcmpError(destination, source, { type: ICMP6_PACKET_TOO_BIG, code: 0, word }, packet));
  }

  /** The core knows no port of a fragment: those of a packet that goes on a fork get their header here. @returns `false` if `id` is none */
  #sentOnFork(pieces: readonly Uint8Array[], id: number, now: Millis): boolean {
    const { shim6, reap, core, count, transmit } = this.#parts;
    const context = shim6.get(id);
    if (context?.peerTag === undefined || context.pair.fork === 0) return false;
    const current = reap.currentOf(id);
    for (const piece of pieces) {
      const packet = current && insertPayloadHeader(piece, current.local, current.peer, context.peerTag);
      if (packet === undefined || packet instanceof Reject || reap.stateOf(id) !== "Operational") count("drop-fork-fragment");
      else transmit(packet);
    }
    core.touch(id, "sent", now);
    return true;
  }

  #aboutControl(error: IcmpError, quoted: QuotedControl, now: Millis): void {
    const { shim6, count, tellShim6 } = this.#parts;
    const { type, code } = error;
    const { message, tag, source, destination } = quoted;
    if (tag === undefined) return count("drop-control-icmp6");
    if (message === "I1" && type === ICMP6_PARAMETER_PROBLEM && code === ICMP6_UNRECOGNISED_NEXT_HEADER)
      return tellShim6({ kind: "unsupported", localTag: tag, source, destination }, now);
    // These name the context by the peer's tag.
    const named = message === "Probe" || message === "Keepalive" || message === "UpdateRequest";
    const context = named ? shim6.findPeerTag(tag, destination) : undefined;
    if (context === undefined || !context.localLocators.includes(source)) return count("drop-control-icmp6");
    const pair = { local: source, peer: destination };
    if (type === ICMP6_PACKET_TOO_BIG) this.#told(error, pair, now);
    else if (type === ICMP6_DESTINATION_UNREACHABLE && code !== ICMP6_PORT_UNREACHABLE) this.#doubt(context, pair, now);
    else count("drop-control-icmp6");
  }

  #aboutPayload(packet: Uint8Array, error: IcmpError, quoted: QuotedPayload, now: Millis): void {
    const { shim6, count, pass } = this.#parts;
    const context = shim6.findPeerTag(quoted.tag, quoted.destination);
    if (context === undefined || !context.localLocators.includes(quoted.source)) return count("drop-stray-icmp6");
    const pair = { local: quoted.source, peer: quoted.destination };
    switch (error.type) {
      case ICMP6_PACKET_TOO_BIG:
        // The host's packet may have been small enough for a host: from now on it is cut.
        if (!this.#told(error, pair, now) || quotedOctets(error) - PAYLOAD_HEADER_LENGTH <= IPV6_MINIMUM_MTU) return;
        break;
      case ICMP6_DESTINATION_UNREACHABLE:
        if (error.code !== ICMP6_PORT_UNREACHABLE && this.#doubt(context, pair, now) && pass() !== "all") return;
        break;
      case ICMP6_TIME_EXCEEDED:
        if (!this.#heardLately(context.id, now)) this.#doubt(context, pair, now);
        break;
      case ICMP6_PARAMETER_PROBLEM:
        // Octet 6 of the IPv6 header, say, which names the header that we put in: no fault of the host.
        if (error.word < quoted.offset && error.code === ICMP6_UNRECOGNISED_NEXT_HEADER && error.quote[error.word] === PROTOCOL_SHIM6)
          return count("drop-shim6-icmp6");
        break;
    }
    if (!this.#mayPass(now)) return;
    const translated = translateIcmpError(packet, context.pair.local, context.pair.peer, packet[IPV6_HOP_LIMIT_AT], IPV6_MINIMUM_MTU);
    if (translated instanceof Reject) return count(`drop-${translated.why}`);
    count("in-icmp6");
    this.#parts.transmit(translated);
  }

  /**
   * About a packet that went out as it was, from a host that the internet reaches at its ULID: the error is for the host. Where there is
   * a context it tells of that path too.
   */
  #aboutPlain(packet: Uint8Array, error: IcmpError, now: Millis): void {
    const { shim6, reap, count, pass, transmit } = this.#parts;
    const ip = parseQuotedIpv6(error.quote);
    if (ip instanceof Reject || ip.source !== error.destination) return count("drop-foreign-icmp6");
    const context = shim6.find({ local: ip.source, peer: ip.destination, fork: 0 });
    const pair = { local: ip.source, peer: ip.destination };
    const current = context === undefined ? undefined : reap.currentOf(context.id);
    if (context !== undefined && current !== undefined && samePair(current, pair)) {
      if (error.type === ICMP6_PACKET_TOO_BIG && !this.#told(error, pair, now)) return;
      const unreachable = error.type === ICMP6_DESTINATION_UNREACHABLE && error.code !== ICMP6_PORT_UNREACHABLE;
      if (unreachable && this.#doubt(context, pair, now) && pass() !== "all") return;
    }
    if (!this.#mayPass(now)) return;
    count("in-plain-icmp6");
    transmit(packet);
  }

  /** @returns whether it is a Packet Too Big that can be true: below 1280 there is no path, and the packet was larger than what it says */
  #told(error: IcmpError, pair: LocatorPair, now: Millis): boolean {
    const { mtus, count } = this.#parts;
    if (error.word < IPV6_MINIMUM_MTU || quotedOctets(error) <= error.word) {
      count("drop-false-big-icmp6");
      return false;
    }
    if (mtus.told(pair, error.word, now)) count("in-path-mtu");
    return true;
  }

  /**
   * Somebody says that packets do not get through on `pair`. If it is in use, REAP acts as if its Send Timeout had come: it probes this
   * very pair first, and only the lack of an answer moves traffic. Any other pair is tried later than the rest.
   * @returns whether the box does something about it
   */
  #doubt(context: ContextView, pair: LocatorPair, now: Millis): boolean {
    const { reap, count, tellReap } = this.#parts;
    const { id } = context;
    const state = reap.stateOf(id);
    const current = reap.currentOf(id);
    // With a single pair there is nothing to find out.
    if (state === undefined || current === undefined || context.localLocators.length * context.peerLocators.length < 2) return false;
    if (now - (this.#doubted.get(id) ?? -DOUBT_AGAIN) < DOUBT_AGAIN) return true;
    if (!this.#doubts.allow(now)) {
      count("drop-doubt-limit");
      return false;
    }
    this.#doubted.delete(id);
    this.#doubted.set(id, now);
    dropOldest(this.#doubted, DOUBTED_MAX);
    count("in-doubt-icmp6");
    if (state === "Operational" && samePair(current, pair)) tellReap({ kind: "send-timeout", id }, now);
    else if (!samePair(current, pair)) tellReap({ kind: "lost", id, pair }, now);
    return true;
  }

  #heardLately(id: number, now: Millis): boolean {
    const { lastReceived } = this.#parts.core.counters(id);
    return lastReceived !== undefined && now - lastReceived < HEARD_LATELY;
  }

  #mayPass(now: Millis): boolean {
    const may = this.#passed.allow(now);
    if (!may) this.#parts.count("drop-icmp6-limit");
    return may;
  }

  /** A counter for each ULID pair that begins somewhere (RFC 7739 §5.1); hosts count for themselves, and rarely meet it in 2^32. */
  #identification(pair: string, random: () => number): number {
    const next = ((this.#identifications.get(pair) ?? random()) + 1) >>> 0;
    this.#identifications.delete(pair);
    this.#identifications.set(pair, next);
    dropOldest(this.#identifications, IDENTIFICATIONS_MAX);
    return next;
  }
}

/** Whether `packet` is an ICMPv6 error, which is never answered with one (RFC 4443 §2.4 e). */
export function isIcmpError(packet: Uint8Array): boolean {
  return packet[IPV6_NEXT_HEADER_AT] === PROTOCOL_ICMPV6 && packet.length > IPV6_HEADER_LENGTH && packet[IPV6_HEADER_LENGTH] < 128;
}

/** Octets of the packet that the error quotes, as it was on the wire. */
function quotedOctets({ quote }: IcmpError): number {
  return IPV6_HEADER_LENGTH + u16(quote, IPV6_PAYLOAD_LENGTH_AT);
}

/** Maps keep the order of insertion. */
function dropOldest<K>(map: Map<K, unknown>, most: number): void {
  if (map.size <= most) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
