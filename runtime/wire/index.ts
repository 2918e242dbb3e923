/** The wire formats: whole packets in, values out, and back. */
export { checksum, pseudoHeaderSum, sum16 } from "./checksum.ts";
export { errorFor, PACKET_IN_ERROR_LIMIT } from "./control/error.ts";
export { emitMessage, emitPacket, messageLength, SHIM6_PACKET_LIMIT, showMessage } from "./emit.ts";
export { emitIcmpError, emitUnreachable, type IcmpError, parseIcmpError } from "./icmp6.ts";
export { translateIcmpError } from "./icmp6-translate.ts";
export * from "./message.ts";
export * from "./number.ts";
export { CAPABILITIES_VERSION } from "./option/capabilities.ts";
export { type ControlHeader, type ParsedControl, parseControl, parseControlHeader, parseControlOptions } from "./parse.ts";
export { insertPayloadHeader, PAYLOAD_HEADER_LENGTH, type ParsedPayload, parsePayload, removePayloadHeader } from "./payload.ts";
export { parseQuoted, type QuotedControl, type QuotedPayload, type QuotedShim6 } from "./quote.ts";
export { Refusal } from "./refusal.ts";
