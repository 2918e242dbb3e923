/** IPv6 header and extension headers: octets from the first octet of each header; 16-bit fields are big-endian (RFC 8200 §3, §4). */
export const IP6_PAYLOAD_LENGTH = 4;
export const IP6_NEXT = 6;
export const IP6_HOP_LIMIT = 7;
export const IP6_SOURCE = 8;
export const IP6_DESTINATION = 24;
export const IP6_LENGTH = 40;

export const ADDRESS_LENGTH = 16;

/** Hop-by-Hop Options, Routing and Destination Options begin alike: next header, length in 8-octet units without the first. */
export const EXTENSION_NEXT = 0;
export const EXTENSION_LENGTH = 1;
export const ROUTING_SEGMENTS_LEFT = 3;

/** Fragment header: 13 bits of offset, 2 reserved, the M bit (RFC 8200 §4.5). */
export const FRAGMENT_OFFSET = 2;
export const FRAGMENT_OFFSET_MASK = 0xfff8;
export const FRAGMENT_LENGTH = 8;

export const NEXT_HOP_BY_HOP = 0;
export const NEXT_IP4 = 4;
export const NEXT_TCP = 6;
export const NEXT_UDP = 17;
export const NEXT_DCCP = 33;
export const NEXT_IP6 = 41;
export const NEXT_ROUTING = 43;
export const NEXT_FRAGMENT = 44;
export const NEXT_GRE = 47;
export const NEXT_ESP = 50;
export const NEXT_AH = 51;
export const NEXT_ICMP6 = 58;
export const NEXT_NONE = 59;
export const NEXT_DESTINATION = 60;
export const NEXT_ETHER_IP = 97;
export const NEXT_L2TP = 115;
export const NEXT_SCTP = 132;
export const NEXT_UDP_LITE = 136;
export const NEXT_MPLS = 137;
export const NEXT_SHIM6 = 140;

/** TCP header: octets from its first octet (RFC 9293 §3.1). Data Offset, in 4-octet units, is the upper half of its octet. */
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGEMENT = 8;
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_SUM = 16;
export const TCP_LENGTH = 20;
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;
/** Option kinds; all but the first two have a length octet that counts the whole option (RFC 9293 §3.2). */
export const TCP_OPTION_END = 0;
export const TCP_OPTION_NOTHING = 1;
export const TCP_OPTION_MSS = 2;
export const TCP_OPTION_MSS_LENGTH = 4;

/** UDP header: octets from its first octet (RFC 768). */
export const UDP_DATAGRAM_LENGTH = 4;
export const UDP_SUM = 6;
export const UDP_LENGTH = 8;

/** DCCP header (RFC 4340 §5.1). */
export const DCCP_SUM = 6;

/** ICMPv6 header (RFC 4443 §2.1); an error quotes the packet that it is about behind it, informational messages begin at type 128. */
export const ICMP6_SUM = 2;
export const ICMP6_IDENTIFIER = 4;
export const ICMP6_QUOTE = 8;
export const ICMP6_INFORMATIONAL = 128;

/** Ours: extension headers walked before Shim6's place; a longer chain is dropped. RFC 8200 §4.1 lists at most four. */
export const EXTENSIONS_MAX = 8;
