/** Packet sockets: packet(7), socket(7). Numbers of include/uapi/linux/{if_packet,if_ether,socket}.h and asm-generic. */

export const AF_PACKET = 17;
/** All protocols: a socket for one protocol does not see what the machine itself sends. */
export const ETH_P_ALL = 0x0003;
export const ETH_P_IPV6 = 0x86dd;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
/** Type of the control message that {@link SO_TIMESTAMPNS} asks for: struct timespec. */
export const SCM_TIMESTAMPNS = SO_TIMESTAMPNS;

/** struct sockaddr_ll: family u16, protocol u16 (network order), index i32, hardware type u16, packet type u8, length u8, address 8. */
export const SOCKADDR_LL_OCTETS = 20;
export const SOCKADDR_LL_PROTOCOL = 2;
export const SOCKADDR_LL_INDEX = 4;
export const SOCKADDR_LL_PKTTYPE = 10;
/** The machine sent it. */
export const PACKET_OUTGOING = 4;

export const SOL_PACKET = 263;
/** struct tpacket_stats: packets u32, of them dropped u32; reading it begins to count anew. */
export const PACKET_STATISTICS = 6;
export const TPACKET_STATS_OCTETS = 8;
export const TPACKET_STATS_DROPS = 4;
