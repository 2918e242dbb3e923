/**
 * Error: a message that was not taken (RFC 5533 §5.14).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type = 68  | Error Code  |0|
 *     |           Checksum            |            Pointer            |
 *     ~                       Packet in Error                         ~
 *
 * Pointer counts from the IPv6 header of the packet in error; the RFC leaves the beginning open.
 */
import { putU16, u16 } from "../../value/bytes.ts";
import type { ErrorMessage } from "../message.ts";
import { IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU, IPV6_PAYLOAD_LENGTH_AT, SHIM6_S_AT, TYPE_ERROR } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, NO_OPTIONS } from "./codec.ts";

const POINTER_AT = 6;
const PACKET_AT = 8;
/** Octets of the packet in error at most, so that the Error message fits 1280. */
export const PACKET_IN_ERROR_LIMIT = IPV6_MINIMUM_MTU - IPV6_HEADER_LENGTH - PACKET_AT;

export const error: MessageCodec<ErrorMessage> = {
  kind: "Error",
  type: TYPE_ERROR,
  minLength: PACKET_AT + 8,
  options: NO_OPTIONS,
  optionsAt: (header) => header.length,
  parse,
  length: ({ packet }) => PACKET_AT + packet.length,
  emit,
  show,
};

/**
 * The Error message that answers `packet`, which is a whole IPv6 packet. Its `packet` is a copy of the first octets: at
 * most 1232, a multiple of 8, nothing behind Payload Length. @throws {RangeError} if `packet` has no IPv6 header
 */
export function errorFor(packet: Uint8Array, code: number, pointer: number): ErrorMessage {
  if (packet.length < IPV6_HEADER_LENGTH) throw new RangeError(`no IPv6 packet: ${packet.length} octets`);
  const end = Math.min(packet.length, IPV6_HEADER_LENGTH + u16(packet, IPV6_PAYLOAD_LENGTH_AT), PACKET_IN_ERROR_LIMIT);
  return { kind: "Error", code, pointer, packet: packet.slice(0, end & ~7) };
}

function parse(header: Uint8Array): ErrorMessage {
  return { kind: "Error", code: header[SHIM6_S_AT] >> 1, pointer: u16(header, POINTER_AT), packet: header.slice(PACKET_AT) };
}

function emit({ code, pointer, packet }: ErrorMessage, header: Uint8Array): void {
  if (packet.length === 0 || packet.length % 8 !== 0) throw new RangeError(`packet in error of ${packet.length} octets`);
  header[SHIM6_S_AT] = checkUnsigned(code, 7, "error code") << 1;
  putU16(header, POINTER_AT, checkUnsigned(pointer, 16, "pointer"));
  header.set(packet, PACKET_AT);
}

function show({ code, pointer, packet }: ErrorMessage): string {
  return `code ${code} pointer ${pointer} packet ${packet.length}`;
}
