/** Netlink about interfaces and neighbours: netlink(7), rtnetlink(7). Numbers of include/uapi/linux/{netlink,rtnetlink,if,if_link,neighbour}.h. Fields are in the machine's order. */

export const AF_NETLINK = 16;
export const NETLINK_ROUTE = 0;
/** Bit of the multicast group that tells of interfaces. */
export const RTMGRP_LINK = 1;
/** Number of the multicast group that tells of neighbours, for the options NETLINK_{ADD,DROP}_MEMBERSHIP of level SOL_NETLINK, whose value is a C int. */
export const RTNLGRP_NEIGH = 3;
export const SOL_NETLINK = 270;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;

/** struct sockaddr_nl: family u16, padding, port u32 (0 = the kernel, or its choice), groups u32. */
export const SOCKADDR_NL_OCTETS = 12;
export const SOCKADDR_NL_GROUPS = 8;

/** struct nlmsghdr: length u32 with this header, type u16, flags u16, sequence u32, port u32; messages begin at multiples of 4. */
export const NLMSGHDR_OCTETS = 16;
export const NLMSGHDR_TYPE = 4;
export const NLMSGHDR_FLAGS = 6;
export const NLM_F_REQUEST = 0x001;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWNEIGH = 28;
export const RTM_GETNEIGH = 30;

/** struct ifinfomsg: family u8, padding, type u16, index i32, flags u32, change u32; attributes follow. */
export const IFINFOMSG_OCTETS = 16;
export const IFINFOMSG_FLAGS = 8;
/** Switched on by the operator; and ready: there is a carrier, or nobody can tell (RFC 2863, ifOperStatus). */
export const IFF_UP = 0x1;
export const IFF_RUNNING = 0x40;

/** struct ndmsg: family u8, padding, index i32, state u16, flags u8, type u8; attributes follow. */
export const NDMSG_OCTETS = 12;
export const NDMSG_INDEX = 4;
export const NDMSG_STATE = 8;
export const NDMSG_FLAGS = 10;
export const NUD_NONE = 0;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
/** The link has no neighbour discovery; and: the operator has told the address. */
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
/** As if a packet had to go there; first the state is what the message says, which without one means that what was known is forgotten. */
export const NTF_USE = 0x01;

/** struct rtattr: length u16 with this header, type u16; attributes begin at multiples of 4. */
export const RTATTR_OCTETS = 4;
export const IFLA_IFNAME = 3;
export const NDA_DST = 1;
