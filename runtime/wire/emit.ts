/** Writing control messages. What a format cannot hold is our own mistake: RangeError. */
import type { Address } from "../value/address.ts";
import { putU16 } from "../value/bytes.ts";
import { checksum } from "./checksum.ts";
import { codecOf } from "./control/table.ts";
import { emitIpv6 } from "./ipv6.ts";
import type { Message, Option } from "./message.ts";
import {
  IPV6_HEADER_LENGTH,
  IPV6_MINIMUM_MTU,
  PROTOCOL_NO_NEXT_HEADER,
  PROTOCOL_SHIM6,
  SHIM6_CHECKSUM_AT,
  SHIM6_HDR_EXT_LEN_AT,
  SHIM6_MAX_LENGTH,
  SHIM6_TYPE_AT,
} from "./number.ts";
import { emitOption, optionLength, showOption } from "./option/tlv.ts";

/** Largest control packet, IPv6 header included (RFC 5533 §5.3). */
export const SHIM6_PACKET_LIMIT = IPV6_MINIMUM_MTU;

/** Octets of the Shim6 header of `message`, a multiple of 8. */
export function messageLength(message: Message): number {
  return optionsOf(message).reduce((sum, option) => sum + optionLength(option), codecOf(message).length(message));
}

/** The Shim6 header of `message`, checksum included, in a new array. Reserved bits are 0. @throws {RangeError} for what the format cannot hold */
export function emitMessage(message: Message): Uint8Array {
  const codec = codecOf(message);
  const length = messageLength(message);
  if (length > SHIM6_MAX_LENGTH) throw new RangeError(`${message.kind} of ${length} octets`);
  const header = new Uint8Array(length);
  header[0] = PROTOCOL_NO_NEXT_HEADER;
  header[SHIM6_HDR_EXT_LEN_AT] = length / 8 - 1;
  header[SHIM6_TYPE_AT] = codec.type;
  codec.emit(message, header);
  let at = codec.length(message);
  for (const option of optionsOf(message)) {
    emitOption(option, header, at);
    at += optionLength(option);
  }
  putU16(header, SHIM6_CHECKSUM_AT, checksum(header));
  return header;
}

/** A whole IPv6 packet with `message`. @throws {RangeError} also when it is longer than {@link SHIM6_PACKET_LIMIT} */
export function emitPacket(source: Address, destination: Address, message: Message, hopLimit = 64): Uint8Array {
  const header = emitMessage(message);
  const total = IPV6_HEADER_LENGTH + header.length;
  if (total > SHIM6_PACKET_LIMIT) throw new RangeError(`${message.kind} packet of ${total} octets; at most ${SHIM6_PACKET_LIMIT}`);
  return emitIpv6(source, destination, PROTOCOL_SHIM6, header, hopLimit);
}

/** One line, tcpdump style; no validator, signature or key material in it. */
export function showMessage(message: Message): string {
  const parts = [`${message.kind} ${codecOf(message).show(message)}`, ...optionsOf(message).map((option) => `<${showOption(option)}>`)];
  return parts.join(" ");
}

function optionsOf(message: Message): readonly Option[] {
  return message.kind === "Error" ? [] : message.options;
}
