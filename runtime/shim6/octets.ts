/**
 * Where things stand in the raw octets of a packet. The machine works with values; octets matter only for the Pointer of
 * an Error message and for the packet that a received Error quotes. Nothing here trusts a length.
 */
import { type Address, addressAt } from "../value/address.ts";
import { u16, u32, u48 } from "../value/bytes.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag } from "../value/tag.ts";
import type { MessageKind, OptionKind } from "../wire/message.ts";

const IPV6_OCTETS = 40;
const IPV6_NEXT_HEADER = 6;
const NEXT_HEADER_SHIM6 = 140;
/** Headers that may stand in front of Shim6: Hop-by-Hop Options, Routing, Destination Options (RFC 5533 §4.6). */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const OPTION_HEADER_OCTETS = 4;

/** Octets before the options, by message (RFC 5533 §5.4 to §5.10). */
const FIXED_OCTETS: Partial<Record<MessageKind, number>> = {
  I1: 16,
  R1: 16,
  I2: 24,
  R2: 16,
  R1bis: 16,
  I2bis: 32,
  UpdateRequest: 16,
  UpdateAck: 16,
};
/** Option types (RFC 5533 §5.15) that a Pointer may have to name. */
const OPTION_TYPES: Partial<Record<OptionKind, number>> = { "locator-list": 2, "locator-preferences": 3 };

/** Offset of the Shim6 header in an IPv6 packet, 40 when there is no extension header or the chain cannot be followed. */
export function shim6Offset(packet: Uint8Array): number {
  let next = packet[IPV6_NEXT_HEADER];
  let at = IPV6_OCTETS;
  while (EXTENSIONS.includes(next) && at + 2 <= packet.length) {
    next = packet[at];
    at += (packet[at + 1] + 1) * 8;
  }
  return next === NEXT_HEADER_SHIM6 && at < packet.length ? at : IPV6_OCTETS;
}

/** Offset of the Type field of the first option of `kind` in a message whose Shim6 header starts at `header`; `header` itself if it is not there. */
export function optionOffset(packet: Uint8Array, header: number, message: MessageKind, kind: OptionKind): number {
  const type = OPTION_TYPES[kind];
  const end = Math.min(packet.length, header + (packet[header + 1] + 1) * 8);
  let at = header + (FIXED_OCTETS[message] ?? end);
  while (at + OPTION_HEADER_OCTETS <= end) {
    if (u16(packet, at) >> 1 === type) return at;
    const length = OPTION_HEADER_OCTETS + u16(packet, at + 2);
    at += (length + 7) & ~7;
  }
  return header;
}

/** Offset of the verification method of locator `index` in the Locator List option at `option` (RFC 5533 §5.15.2). */
export function methodOffset(option: number, index: number): number {
  return option + OPTION_HEADER_OCTETS + 5 + index;
}

/** Offset of the generation in the Locator Preferences option at `option` (RFC 5533 §5.15.3). */
export function generationOffset(option: number): number {
  return option + OPTION_HEADER_OCTETS;
}

/** Offset of an option's Length field. */
export function lengthOffset(option: number): number {
  return option + 2;
}

/** A control message of ours as an Error message gives it back: enough to know it again. */
export interface Quoted {
  readonly source: Address;
  readonly destination: Address;
  readonly kind: "I1" | "I2" | "I2bis" | "UpdateRequest";
  /** Tag at octet 6: CT(local) of ours in I1, I2, I2bis; CT(peer) in Update Request. */
  readonly tag: ContextTag;
  /** Initiator or Request Nonce. */
  readonly nonce: number;
}

const QUOTED_KINDS: Readonly<Record<number, Quoted["kind"]>> = { 1: "I1", 3: "I2", 6: "I2bis", 64: "UpdateRequest" };

/** Reads the packet in error of an Error message (RFC 5533 §12.4). @returns `undefined` if it is not something we may have sent. */
export function readQuoted(packet: Uint8Array): Quoted | undefined {
  if (packet.length < IPV6_OCTETS + 16) return undefined;
  const at = shim6Offset(packet);
  if (at + 16 > packet.length || (packet[at + 2] & 0x80) !== 0) return undefined;
  const kind = QUOTED_KINDS[packet[at + 2]];
  if (kind === undefined) return undefined;
  const tag = (u48(packet, at + 6) % CONTEXT_TAG_LIMIT) as ContextTag;
  return { source: addressAt(packet, 8), destination: addressAt(packet, 24), kind, tag, nonce: u32(packet, at + 12) };
}

/** Largest packet in error that an Error message of at most 1,280 octets can carry. */
const QUOTE_OCTETS = 1232;

/** The packet in error for an Error message: a copy of at most 1,232 octets, cut down to a multiple of 8. */
export function quote(packet: Uint8Array): Uint8Array {
  return packet.slice(0, Math.min(QUOTE_OCTETS, packet.length) & ~7);
}
