/** Netlink about interfaces: netlink(7), rtnetlink(7). Numbers of include/uapi/linux/{netlink,rtnetlink,if,if_link}.h. Fields are in the machine's order. */

export const AF_NETLINK = 16;
export const NETLINK_ROUTE = 0;
/** Bit of the multicast group that tells of interfaces. */
export const RTMGRP_LINK = 1;

/** struct sockaddr_nl: family u16, padding, port u32 (0 = the kernel, or its choice), groups u32. */
export const SOCKADDR_NL_OCTETS = 12;
export const SOCKADDR_NL_GROUPS = 8;

/** struct nlmsghdr: length u32 with this header, type u16, flags u16, sequence u32, port u32; messages begin at multiples of 4. */
export const NLMSGHDR_OCTETS = 16;
export const NLMSGHDR_TYPE = 4;
export const NLMSGHDR_FLAGS = 6;
export const NLM_F_REQUEST = 0x001;
export const NLM_F_DUMP = 0x300;
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;

/** struct ifinfomsg: family u8, padding, type u16, index i32, flags u32, change u32; attributes follow. */
export const IFINFOMSG_OCTETS = 16;
export const IFINFOMSG_FLAGS = 8;
/** Switched on by the operator; and ready: there is a carrier, or nobody can tell (RFC 2863, ifOperStatus). */
export const IFF_UP = 0x1;
export const IFF_RUNNING = 0x40;

/** struct rtattr: length u16 with this header, type u16; attributes begin at multiples of 4. */
export const RTATTR_OCTETS = 4;
export const IFLA_IFNAME = 3;
