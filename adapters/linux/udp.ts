/** UDP sockets and epoll(7): socket(7), ipv6(7), udp(7), recvmmsg(2), sendmmsg(2). Numbers of include/uapi/linux/{in6,socket,errqueue,eventpoll}.h and asm-generic. */

export const SOCK_DGRAM = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVERR = 25;
export const IPV6_RECVPKTINFO = 49;
/** Type of the control message that {@link IPV6_RECVPKTINFO} asks for, and that says from where to send. */
export const IPV6_PKTINFO = 50;

export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;
export const MSG_ERRQUEUE = 0x2000;

/** In struct sockaddr_in6: the port, in network order. */
export const SOCKADDR_IN6_PORT = 2;
/** In struct msghdr: what recvmsg(2) says of the message. */
export const MSGHDR_FLAGS = 48;
/** struct mmsghdr: a struct msghdr, then the length u32, padded to 8. */
export const MMSGHDR_OCTETS = 64;
export const MMSGHDR_LENGTH = 56;
/** struct in6_pktinfo: address 16, interface index u32. With its header, and padded to 8. */
export const PKTINFO_OCTETS = 20;
export const PKTINFO_CMSG_OCTETS = 36;
export const PKTINFO_CMSG_SPACE = 40;

// epoll(7): include/uapi/linux/eventpoll.h
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLLIN = 0x001;
export const EPOLLERR = 0x008;

/** struct epoll_event: events u32, data 64 bits, of which we use two words of 32. */
export interface EpollLayout {
  readonly octets: number;
  readonly data: number;
}

/** x86-64 packs the structure, so that 32-bit programs see the same; the others align it. `architecture` as Node names it. */
export function epollLayout(architecture: string): EpollLayout {
  return architecture === "x64" ? { octets: 12, data: 4 } : { octets: 16, data: 8 };
}
