/**
 * Shim6 packets of ours that an error gives back: an Error message (RFC 5533 §12.4) or an ICMPv6 error (§12.5). What
 * quotes them may have cut them anywhere.
 */
import type { Address } from "../value/address.ts";
import { u32 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import type { ContextTag } from "../value/tag.ts";
import { tagAt } from "./control/codec.ts";
import { messageCodec } from "./control/table.ts";
import { parseQuotedIpv6 } from "./ipv6.ts";
import type { MessageKind } from "./message.ts";
import {
  SHIM6_P_BIT,
  SHIM6_TAG_AT,
  SHIM6_TYPE_AT,
  TYPE_I1,
  TYPE_I2,
  TYPE_I2BIS,
  TYPE_R1,
  TYPE_R1BIS,
  TYPE_R2,
  TYPE_UPDATE_ACK,
  TYPE_UPDATE_REQUEST,
} from "./number.ts";
import { findShim6 } from "./shim6.ts";

export type QuotedShim6 = QuotedPayload | QuotedControl;

interface Quoted {
  readonly source: Address;
  readonly destination: Address;
  /** Octet of the quoted packet where its Shim6 header begins. */
  readonly offset: number;
}
/** A payload packet of ours. */
export interface QuotedPayload extends Quoted {
  readonly kind: "payload";
  /** The receiver's. */
  readonly tag: ContextTag;
  readonly nextHeader: number;
}
/** A control message of ours. */
export interface QuotedControl extends Quoted {
  readonly kind: "control";
  readonly message: MessageKind;
  /** The tag at octet 6: the sender's in I1, I2, R2, I2bis, the copied one in R1bis, the receiver's in types 64 … 67. `undefined` if there is none or it is cut off. */
  readonly tag: ContextTag | undefined;
  /** The nonce of the message: of the initiator in I1, R1, I2, R2, I2bis, of the responder in R1bis, of the request in updates. */
  readonly nonce: number | undefined;
}

/** Messages whose octets 6 to 11 are no tag. */
const TAGLESS: ReadonlySet<string> = new Set<MessageKind>(["R1", "Error"]);
const NONCE_AT = new Map([
  [TYPE_I1, 12],
  [TYPE_R1, 8],
  [TYPE_I2, 12],
  [TYPE_R2, 12],
  [TYPE_R1BIS, 12],
  [TYPE_I2BIS, 12],
  [TYPE_UPDATE_REQUEST, 12],
  [TYPE_UPDATE_ACK, 12],
]);

/**
 * Reads the beginning of a Shim6 packet from its IPv6 header on. Its checksum is not looked at. Never throws.
 * @returns what identifies it, or a Reject: as `findShim6`, `bad-type-shim6`
 */
export function parseQuoted(packet: Uint8Array): QuotedShim6 | Reject {
  const ip = parseQuotedIpv6(packet);
  if (ip instanceof Reject) return ip;
  const end = Math.min(ip.end, packet.length);
  const place = findShim6(packet, end);
  if (place instanceof Reject) return place;
  const { source, destination } = ip;
  const offset = place.link.at;
  const header = packet.subarray(offset, end);
  const type = header[SHIM6_TYPE_AT];
  if ((type & SHIM6_P_BIT) !== 0) {
    return { kind: "payload", source, destination, offset, tag: tagAt(header, SHIM6_TYPE_AT), nextHeader: header[0] };
  }
  const codec = messageCodec(type);
  if (codec === undefined) return reject("bad-type-shim6", offset + SHIM6_TYPE_AT);
  const nonceAt = NONCE_AT.get(type);
  const tag = TAGLESS.has(codec.kind) || header.length < SHIM6_TAG_AT + 6 ? undefined : tagAt(header);
  const nonce = nonceAt === undefined || header.length < nonceAt + 4 ? undefined : u32(header, nonceAt);
  return { kind: "control", source, destination, offset, message: codec.kind, tag, nonce };
}
