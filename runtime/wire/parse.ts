/** Reading control messages out of IPv6 packets: steps 1 to 7 and 10 to 13a of the receive table (RFC 5533 §12.3), in that order. */
import { type Address, isMulticast, UNSPECIFIED } from "../value/address.ts";
import { Reject, reject } from "../value/reject.ts";
import type { ContextTag } from "../value/tag.ts";
import { sum16 } from "./checksum.ts";
import { type MessageCodec, tagAt } from "./control/codec.ts";
import { messageCodec } from "./control/table.ts";
import { parseIpv6 } from "./ipv6.ts";
import { findOption, type Message, type Option } from "./message.ts";
import {
  ERROR_CRITICAL_OPTION,
  ERROR_UNKNOWN_TYPE,
  OPTION_CAPABILITIES,
  SHIM6_HDR_EXT_LEN_AT,
  SHIM6_P_BIT,
  SHIM6_S_AT,
  SHIM6_S_BIT,
  SHIM6_TYPE_AT,
  TYPE_KEEPALIVE,
  TYPE_PROBE,
  TYPE_UPDATE_ACK,
  TYPE_UPDATE_REQUEST,
} from "./number.ts";
import { optionCodec, type Tlv, walkOptions } from "./option/tlv.ts";
import { Refusal } from "./refusal.ts";
import { findShim6 } from "./shim6.ts";

/** A control message that stands, with the addresses it came between. */
export interface ParsedControl {
  readonly source: Address;
  readonly destination: Address;
  readonly message: Message;
  /** Octet of the packet where the Shim6 header begins. */
  readonly offset: number;
  /** Types of the options that were skipped, in the order of the packet: unknown, or not defined for this message. */
  readonly ignored: readonly number[];
}

/** A control message whose header and fixed part are right and whose options nobody has looked at. */
export interface ControlHeader {
  readonly source: Address;
  readonly destination: Address;
  readonly offset: number;
  /** Octets of the Shim6 header, a view of the packet. */
  readonly header: Uint8Array;
  readonly codec: MessageCodec;
  /** Octet of `header` where the options begin. */
  readonly optionsAt: number;
  /** The receiver's tag, in the messages that have one (types 64 … 67): names the context, or R1bis answers (steps 8 and 9). */
  readonly receiverTag: ContextTag | undefined;
}

/**
 * Reads the control message of a whole IPv6 packet. Octets behind the Shim6 header are not looked at. Nothing of
 * `packet` is kept. Never throws.
 *
 * A box that must answer an unknown receiver tag with R1bis before it looks at options (step 8 comes before step 10)
 * calls {@link parseControlHeader} and {@link parseControlOptions} itself.
 * @returns the message; a Refusal when an Error message is due; a Reject when silence is
 */
export function parseControl(packet: Uint8Array): ParsedControl | Reject | Refusal {
  const header = parseControlHeader(packet);
  return header instanceof Reject || header instanceof Refusal ? header : parseControlOptions(header);
}

/**
 * Steps 1 to 7. @returns the header, whose octets are a view of `packet`; a Refusal for an unknown type; or a Reject:
 * those of {@link parseIpv6} and {@link findShim6}, `short-shim6`, `payload-shim6`, `bad-source-shim6`,
 * `bad-destination-shim6`, `bad-sum-shim6`, `hip-shim6`, `bad-probe-shim6`
 */
export function parseControlHeader(packet: Uint8Array): ControlHeader | Reject | Refusal {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  const place = findShim6(packet, ip.end);
  if (place instanceof Reject) return place;
  const offset = place.link.at;
  const length = 8 * (packet[offset + SHIM6_HDR_EXT_LEN_AT] + 1);
  const isPayload = (packet[offset + SHIM6_TYPE_AT] & SHIM6_P_BIT) !== 0;
  if (isPayload) return reject("payload-shim6", offset + SHIM6_TYPE_AT);
  if (offset + length > ip.end) return reject("short-shim6", offset);
  const { source, destination } = ip;
  if (isMulticast(source) || source === UNSPECIFIED) return reject("bad-source-shim6");
  if (isMulticast(destination) || destination === UNSPECIFIED) return reject("bad-destination-shim6");
  const header = packet.subarray(offset, offset + length);
  if (sum16(header) !== 0xffff) return reject("bad-sum-shim6", offset);
  if ((header[SHIM6_S_AT] & SHIM6_S_BIT) !== 0) return reject("hip-shim6", offset + SHIM6_S_AT);
  const codec = messageCodec(header[SHIM6_TYPE_AT]);
  if (codec === undefined) return new Refusal(ERROR_UNKNOWN_TYPE, offset + SHIM6_TYPE_AT);
  if (header.length < codec.minLength) return shortOf(codec, header, offset);
  const optionsAt = codec.optionsAt(header);
  if (optionsAt instanceof Reject) return reject(optionsAt.why, offset);
  const receiverTag = NAMES_RECEIVER.has(codec.type) ? tagAt(header) : undefined;
  return { source, destination, offset, header, codec, optionsAt, receiverTag };
}

/** Messages with the receiver's tag at octet 6. */
const NAMES_RECEIVER: ReadonlySet<number> = new Set([TYPE_UPDATE_REQUEST, TYPE_UPDATE_ACK, TYPE_KEEPALIVE, TYPE_PROBE]);

/** A Probe that says it has no report of itself is short for that reason: say so. */
function shortOf(codec: MessageCodec, header: Uint8Array, offset: number): Reject {
  const closer = codec.type === TYPE_PROBE && header.length >= 16 ? codec.optionsAt(header) : undefined;
  return closer instanceof Reject ? reject(closer.why, offset) : reject("short-shim6", offset);
}

/**
 * Steps 10 to 13a, for what {@link parseControlHeader} gave. @returns the message; a Refusal for a critical option that
 * is unknown or out of place; or a Reject: `short-option-shim6`, `duplicate-option-shim6`, `no-validator-shim6`, and those of the options
 */
export function parseControlOptions(control: ControlHeader): ParsedControl | Reject | Refusal {
  const { source, destination, offset, header, codec, optionsAt } = control;
  const { options: found, broken } = walkOptions(header, optionsAt);
  if (broken !== undefined) return reject(broken.why, offset + broken.at);
  const refused = found.find(({ type, critical }) => critical && !codec.options.has(type));
  if (refused !== undefined) return new Refusal(ERROR_CRITICAL_OPTION, offset + refused.at);
  const ignored: number[] = [];
  const options: Option[] = [];
  const seen = new Set<number>();
  for (const tlv of found) {
    const option = readOption(tlv, codec.options, seen);
    if (option instanceof Reject) return reject(option.why, offset + tlv.at);
    if (option.kind === "unknown") ignored.push(tlv.type);
    seen.add(tlv.type);
    options.push(option);
  }
  const message = codec.parse(header, options);
  if (message.kind === "R1" && findOption(options, "responder-validator") === undefined) return reject("no-validator-shim6", offset);
  return { source, destination, message, offset, ignored };
}

function readOption({ type, critical, contents }: Tlv, defined: ReadonlySet<number>, seen: ReadonlySet<number>): Option | Reject {
  const codec = defined.has(type) ? optionCodec(type) : undefined;
  const option = codec === undefined ? unknown(type, contents) : codec.parse(contents);
  // The number is experimental: what is not ours under it is nobody's fault.
  const foreign = type === OPTION_CAPABILITIES && (option instanceof Reject || seen.has(type));
  if (foreign) return mark(unknown(type, contents), critical);
  if (option instanceof Reject) return option;
  if (option.kind !== "unknown" && seen.has(type)) return reject("duplicate-option-shim6", type);
  return mark(option, critical);
}

function unknown(type: number, contents: Uint8Array): Option {
  return { kind: "unknown", type, contents: contents.slice() };
}

function mark(option: Option, critical: boolean): Option {
  return critical ? { ...option, critical } : option;
}
