/** Raw ICMPv6 sockets: socket(2), ipv6(7), packet layouts. Numbers of include/uapi/linux/{in6,icmpv6}.h and asm-generic. */

export const AF_INET6 = 10;
export const SOCK_RAW = 3;
/** O_NONBLOCK and O_CLOEXEC in socket(2). */
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;

export const SOL_SOCKET = 1;
export const SO_BINDTODEVICE = 25;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_JOIN_GROUP = 20;
export const IPV6_RECVHOPLIMIT = 51;
/** Type of the control message that {@link IPV6_RECVHOPLIMIT} asks for. */
export const IPV6_HOPLIMIT = 52;
export const ICMPV6_FILTER = 1;
/** 256 bits, one a type; a bit that is set blocks. */
export const ICMPV6_FILTER_OCTETS = 32;

/** struct sockaddr_in6: family u16, port u16 (network order), flow u32, address 16, scope u32. */
export const SOCKADDR_IN6_OCTETS = 28;
export const SOCKADDR_IN6_ADDRESS = 8;
export const SOCKADDR_IN6_SCOPE = 24;
/** struct ipv6_mreq: address 16, interface index u32. */
export const IPV6_MREQ_OCTETS = 20;

/** struct msghdr on 64-bit systems. */
export const MSGHDR_NAME = 0;
export const MSGHDR_NAMELEN = 8;
export const MSGHDR_IOV = 16;
export const MSGHDR_IOVLEN = 24;
export const MSGHDR_CONTROL = 32;
export const MSGHDR_CONTROLLEN = 40;
export const MSGHDR_OCTETS = 56;
/** struct iovec: address u64, length u64. */
export const IOVEC_OCTETS = 16;
/** struct cmsghdr on 64-bit systems: length u64 with this header, level i32, type i32; then the data, padded to 8. */
export const CMSG_LEVEL = 8;
export const CMSG_TYPE = 12;
export const CMSG_DATA = 16;
