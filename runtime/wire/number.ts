/** Numbers of the wire formats, under the names of their RFCs. Lengths and offsets are octets. */

// IPv6, RFC 8200 §3 and §4
export const IPV6_HEADER_LENGTH = 40;
export const IPV6_PAYLOAD_LENGTH_AT = 4;
export const IPV6_NEXT_HEADER_AT = 6;
export const IPV6_HOP_LIMIT_AT = 7;
export const IPV6_SOURCE_AT = 8;
export const IPV6_DESTINATION_AT = 24;
/** RFC 8200 §5: every link carries this much. */
export const IPV6_MINIMUM_MTU = 1280;

export const PROTOCOL_HOP_BY_HOP = 0;
export const PROTOCOL_ROUTING = 43;
export const PROTOCOL_FRAGMENT = 44;
export const PROTOCOL_ESP = 50;
export const PROTOCOL_AH = 51;
export const PROTOCOL_ICMPV6 = 58;
export const PROTOCOL_NO_NEXT_HEADER = 59;
export const PROTOCOL_DESTINATION_OPTIONS = 60;
/** RFC 5533 §17. */
export const PROTOCOL_SHIM6 = 140;

// Shim6 header, RFC 5533 §5.1 to §5.3
export const SHIM6_MIN_LENGTH = 8;
export const SHIM6_HDR_EXT_LEN_AT = 1;
export const SHIM6_TYPE_AT = 2;
export const SHIM6_S_AT = 3;
export const SHIM6_CHECKSUM_AT = 4;
/** Where the messages that carry a tag in their first octets have it. */
export const SHIM6_TAG_AT = 6;
/** 1 = payload extension header, 0 = control message. */
export const SHIM6_P_BIT = 0x80;
/** 1 = a HIP message that shares the protocol number. */
export const SHIM6_S_BIT = 0x01;
/** Hdr Ext Len is one octet. */
export const SHIM6_MAX_LENGTH = 2048;

// Message types, RFC 5533 §5.3
export const TYPE_I1 = 1;
export const TYPE_R1 = 2;
export const TYPE_I2 = 3;
export const TYPE_R2 = 4;
export const TYPE_R1BIS = 5;
export const TYPE_I2BIS = 6;
export const TYPE_UPDATE_REQUEST = 64;
export const TYPE_UPDATE_ACK = 65;
export const TYPE_KEEPALIVE = 66;
export const TYPE_PROBE = 67;
export const TYPE_ERROR = 68;

// Error codes, RFC 5533 §5.14
export const ERROR_UNKNOWN_TYPE = 0;
export const ERROR_CRITICAL_OPTION = 1;
export const ERROR_LOCATOR_VERIFICATION = 2;
export const ERROR_GENERATION = 3;
export const ERROR_PREFERENCE_COUNT = 4;

// Option types, RFC 5533 §5.15 and RFC 5534 §5.3
export const OPTION_RESPONDER_VALIDATOR = 1;
export const OPTION_LOCATOR_LIST = 2;
export const OPTION_LOCATOR_PREFERENCES = 3;
export const OPTION_CGA_PDS = 4;
export const OPTION_CGA_SIGNATURE = 5;
export const OPTION_ULID_PAIR = 6;
export const OPTION_FORKED_INSTANCE = 7;
export const OPTION_KEEPALIVE_TIMEOUT = 10;
/** Ours, out of the experimental range 16384 … 32767: docs/capabilities.md. */
export const OPTION_CAPABILITIES = 0x5053;
/** Ours, likewise; its contents mean nothing: docs/path-mtu.md. */
export const OPTION_PADDING = 0x5054;

// ICMPv6, RFC 4443 §2.1
export const ICMP6_DESTINATION_UNREACHABLE = 1;
export const ICMP6_PACKET_TOO_BIG = 2;
export const ICMP6_TIME_EXCEEDED = 3;
export const ICMP6_PARAMETER_PROBLEM = 4;
export const ICMP6_PORT_UNREACHABLE = 4; //       code of Destination Unreachable
export const ICMP6_ADDRESS_UNREACHABLE = 3; //     code of Destination Unreachable
export const ICMP6_UNRECOGNISED_NEXT_HEADER = 1; // code of Parameter Problem
