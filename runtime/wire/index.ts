/** The wire formats: whole packets in, values out, and back. */
export { checksum, pseudoHeaderSum, sum16 } from "./checksum.ts";
export { errorFor, PACKET_IN_ERROR_LIMIT } from "./control/error.ts";
export { emitMessage, emitPacket, messageLength, SHIM6_PACKET_LIMIT, showMessage } from "./emit.ts";
export { FRAGMENT_HEADER_LENGTH, fragmentPacket } from "./fragment.ts";
export { emitIcmpError, emitUnreachable, type IcmpError, parseIcmpError } from "./icmp6.ts";
export { translateIcmpError } from "./icmp6-translate.ts";
export { type Ipv6, parseIpv6, parseQuotedIpv6 } from "./ipv6.ts";
export * from "./message.ts";
export * from "./number.ts";
export { CAPABILITIES_VERSION } from "./option/capabilities.ts";
export { emitPaddedRequest } from "./padded.ts";
export { type ControlHeader, type ParsedControl, parseControl, parseControlHeader, parseControlOptions } from "./parse.ts";
export { insertPayloadHeader, PAYLOAD_HEADER_LENGTH, type ParsedPayload, parsePayload, removePayloadHeader } from "./payload.ts";
export { parseQuoted, type QuotedControl, type QuotedPayload, type QuotedShim6 } from "./quote.ts";
export { Refusal } from "./refusal.ts";
