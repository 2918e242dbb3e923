import { PortError } from "../../runtime/port/error.ts";
import type { NeighbourLink } from "../../runtime/port/neighbours.ts";
import { address, addressAt, addressOctets } from "../../runtime/value/address.ts";
import { EPERM, errnoName } from "../linux/errno.ts";
import * as raw from "../linux/icmp6.ts";
import { cString, type Libc } from "./libc.ts";

const ALL_NODES = address("ff02::1");
const ALL_ROUTERS = address("ff02::2");
const ROUTER_SOLICITATION = 133;
/** Only a neighbour's packet has it (RFC 4861 §6.1.1). */
const HOP_LIMIT = 255;

/** Places in the memory that recvmsg(2) fills. */
const MESSAGE_OCTETS = 1500;
const NAME = raw.MSGHDR_OCTETS;
const IOVEC = NAME + 32;
const CONTROL = IOVEC + raw.IOVEC_OCTETS;
const CONTROL_OCTETS = 64;
const MESSAGE = CONTROL + CONTROL_OCTETS;

/**
 * ICMPv6 with the neighbours on interface `name`: a raw socket that hears Router Solicitations only.
 * @throws {PortError} `missing` when there is no such interface, `permission`, `failed`
 */
export function openNeighbourLink(libc: Libc, name: string): NeighbourLink {
  const index = libc.interfaceIndex(name);
  if (index === 0) throw new PortError("missing", `there is no interface ${name}`);
  const fd = libc.socket(raw.AF_INET6, raw.SOCK_RAW | raw.SOCK_NONBLOCK | raw.SOCK_CLOEXEC, raw.IPPROTO_ICMPV6);
  if (fd < 0) {
    const errno = libc.errno();
    if (errno === EPERM) throw new PortError("permission", "router advertisements need CAP_NET_RAW: run as root");
    throw new PortError("failed", `no raw ICMPv6 socket: ${errnoName(errno)}`);
  }
  try {
    const set = (level: number, option: number, value: Uint8Array): void => {
      if (libc.setsockopt(fd, level, option, value) < 0)
        throw new PortError("failed", `socket option ${option} for router advertisements on ${name}: ${errnoName(libc.errno())}`);
    };
    const filter = new Uint8Array(raw.ICMPV6_FILTER_OCTETS).fill(0xff);
    // 32-bit words in the machine's order, which is little-endian wherever we run.
    filter[ROUTER_SOLICITATION >> 3] &= ~(1 << (ROUTER_SOLICITATION & 7));
    set(raw.IPPROTO_ICMPV6, raw.ICMPV6_FILTER, filter);
    set(raw.SOL_SOCKET, raw.SO_BINDTODEVICE, cString(name));
    set(raw.IPPROTO_IPV6, raw.IPV6_MULTICAST_IF, number(index));
    set(raw.IPPROTO_IPV6, raw.IPV6_MULTICAST_HOPS, number(HOP_LIMIT));
    set(raw.IPPROTO_IPV6, raw.IPV6_MULTICAST_LOOP, number(0));
    set(raw.IPPROTO_IPV6, raw.IPV6_RECVHOPLIMIT, number(1));
    const group = new Uint8Array(raw.IPV6_MREQ_OCTETS);
    group.set(addressOctets(ALL_ROUTERS));
    group.set(number(index), 16);
    set(raw.IPPROTO_IPV6, raw.IPV6_JOIN_GROUP, group);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  const allNodes = new Uint8Array(raw.SOCKADDR_IN6_OCTETS);
  new DataView(allNodes.buffer).setUint16(0, raw.AF_INET6, true);
  allNodes.set(addressOctets(ALL_NODES), raw.SOCKADDR_IN6_ADDRESS);
  allNodes.set(number(index), raw.SOCKADDR_IN6_SCOPE);
  const receiveOne = openReceiver(libc, fd);
  let open = true;
  return {
    receive(limit, take) {
      for (let i = 0; open && i < limit; i++) if (!receiveOne(take)) return;
    },
    advertise: (message) => open && libc.sendto(fd, message, allNodes) === message.length,
    close() {
      if (open) libc.close(fd);
      open = false;
    },
  };
}

/** @returns a function that takes one message, if there is one, and says whether there was */
function openReceiver(libc: Libc, fd: number): (take: Parameters<NeighbourLink["receive"]>[1]) => boolean {
  const buffer = new SharedArrayBuffer(MESSAGE + MESSAGE_OCTETS);
  const octets = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const calls = libc.onMemory(buffer);
  const at = (offset: number): bigint => calls.base + BigInt(offset);
  return (take) => {
    view.setBigUint64(raw.MSGHDR_NAME, at(NAME), true);
    view.setUint32(raw.MSGHDR_NAMELEN, raw.SOCKADDR_IN6_OCTETS, true);
    view.setBigUint64(raw.MSGHDR_IOV, at(IOVEC), true);
    view.setBigUint64(raw.MSGHDR_IOVLEN, 1n, true);
    view.setBigUint64(raw.MSGHDR_CONTROL, at(CONTROL), true);
    view.setBigUint64(raw.MSGHDR_CONTROLLEN, BigInt(CONTROL_OCTETS), true);
    view.setBigUint64(IOVEC, at(MESSAGE), true);
    view.setBigUint64(IOVEC + 8, BigInt(MESSAGE_OCTETS), true);
    const length = calls.recvmsg(fd, 0);
    if (length < 0) return false;
    const isHopLimit =
      Number(view.getBigUint64(raw.MSGHDR_CONTROLLEN, true)) >= raw.CMSG_DATA + 4 &&
      view.getInt32(CONTROL + raw.CMSG_LEVEL, true) === raw.IPPROTO_IPV6 &&
      view.getInt32(CONTROL + raw.CMSG_TYPE, true) === raw.IPV6_HOPLIMIT;
    if (isHopLimit && view.getInt32(CONTROL + raw.CMSG_DATA, true) === HOP_LIMIT)
      take(octets.subarray(MESSAGE, MESSAGE + length), addressAt(octets, NAME + raw.SOCKADDR_IN6_ADDRESS));
    return true;
  };
}

/** A C int in the machine's order. */
function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}
