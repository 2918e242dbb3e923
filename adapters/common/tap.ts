import { PortError } from "../../runtime/port/error.ts";
import type { Tap } from "../../runtime/port/tap.ts";
import { EPERM, errnoName } from "../linux/errno.ts";
import { TIMESPEC_NSEC, TIMESPEC_SEC } from "../linux/file.ts";
import * as raw from "../linux/icmp6.ts";
import * as kernel from "../linux/tap.ts";
import { SOCK_DGRAM } from "../linux/udp.ts";
import type { Libc } from "./libc.ts";

/** Room for what arrives between two reads. */
const BUFFER_OCTETS = 64 * 1_048_576;
const NANOSECONDS = 1_000_000_000n;

/** Places in the memory that recvmsg(2) fills. */
const NAME = raw.MSGHDR_OCTETS;
const IOVEC = NAME + 24;
const CONTROL = IOVEC + raw.IOVEC_OCTETS;
const CONTROL_OCTETS = 64;
const PACKET = CONTROL + CONTROL_OCTETS;
const PACKET_OCTETS = 66_000;

/**
 * The IPv6 packets of interface `name`, without link headers, in both directions.
 * @throws {PortError} `missing` when there is no such interface, `permission`, `failed`
 */
export function openTap(libc: Libc, name: string): Tap {
  const index = libc.interfaceIndex(name);
  if (index === 0) throw new PortError("missing", `there is no interface ${name} here`);
  // No protocol yet: nothing of other interfaces is to come in before the socket is bound.
  const fd = libc.socket(kernel.AF_PACKET, SOCK_DGRAM | raw.SOCK_NONBLOCK | raw.SOCK_CLOEXEC, 0);
  if (fd < 0) {
    const errno = libc.errno();
    if (errno === EPERM) throw new PortError("permission", "captures need CAP_NET_RAW: run as root");
    throw new PortError("failed", `no packet socket: ${errnoName(errno)}`);
  }
  const place = new Uint8Array(kernel.SOCKADDR_LL_OCTETS);
  const view = new DataView(place.buffer);
  view.setUint16(0, kernel.AF_PACKET, true);
  view.setUint16(kernel.SOCKADDR_LL_PROTOCOL, kernel.ETH_P_ALL);
  view.setInt32(kernel.SOCKADDR_LL_INDEX, index, true);
  const one = new Uint8Array(new Int32Array([1]).buffer);
  // Without the right to a large buffer the kernel's own size has to do.
  libc.setsockopt(fd, raw.SOL_SOCKET, kernel.SO_RCVBUFFORCE, new Uint8Array(new Int32Array([BUFFER_OCTETS]).buffer));
  if (libc.setsockopt(fd, raw.SOL_SOCKET, kernel.SO_TIMESTAMPNS, one) < 0 || libc.bind(fd, place) < 0) {
    const why = errnoName(libc.errno());
    libc.close(fd);
    throw new PortError("failed", `the packet socket on ${name}: ${why}`);
  }
  const receiveOne = openReceiver(libc, fd);
  const statistics = new Uint8Array(kernel.TPACKET_STATS_OCTETS);
  let open = true;
  let missed = 0;
  return {
    missed() {
      if (open && libc.getsockopt(fd, kernel.SOL_PACKET, kernel.PACKET_STATISTICS, statistics) === 0)
        missed += new DataView(statistics.buffer).getUint32(kernel.TPACKET_STATS_DROPS, true);
      return open ? missed : 0;
    },
    read(limit, take) {
      let count = 0;
      while (open && count < limit && receiveOne(take)) count++;
      return count;
    },
    close() {
      if (open) libc.close(fd);
      open = false;
    },
  };
}

/** @returns a function that takes one packet, if there is one, and says whether there was */
function openReceiver(libc: Libc, fd: number): (take: Parameters<Tap["read"]>[1]) => boolean {
  const buffer = new SharedArrayBuffer(PACKET + PACKET_OCTETS);
  const octets = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const calls = libc.onMemory(buffer);
  const at = (offset: number): bigint => calls.base + BigInt(offset);
  view.setBigUint64(IOVEC, at(PACKET), true);
  view.setBigUint64(IOVEC + 8, BigInt(PACKET_OCTETS), true);
  return (take) => {
    view.setBigUint64(raw.MSGHDR_NAME, at(NAME), true);
    view.setUint32(raw.MSGHDR_NAMELEN, kernel.SOCKADDR_LL_OCTETS, true);
    view.setBigUint64(raw.MSGHDR_IOV, at(IOVEC), true);
    view.setBigUint64(raw.MSGHDR_IOVLEN, 1n, true);
    view.setBigUint64(raw.MSGHDR_CONTROL, at(CONTROL), true);
    view.setBigUint64(raw.MSGHDR_CONTROLLEN, BigInt(CONTROL_OCTETS), true);
    const length = calls.recvmsg(fd, 0);
    if (length < 0) return false;
    if (view.getUint16(NAME + kernel.SOCKADDR_LL_PROTOCOL) !== kernel.ETH_P_IPV6) return true;
    const outgoing = octets[NAME + kernel.SOCKADDR_LL_PKTTYPE] === kernel.PACKET_OUTGOING;
    take(octets.subarray(PACKET, PACKET + length), instantIn(view), outgoing);
    return true;
  };
}

/** The kernel's timestamp, which stands alone among the control messages. */
function instantIn(view: DataView): bigint {
  const isThere =
    Number(view.getBigUint64(raw.MSGHDR_CONTROLLEN, true)) >= raw.CMSG_DATA + 16 &&
    view.getInt32(CONTROL + raw.CMSG_LEVEL, true) === raw.SOL_SOCKET &&
    view.getInt32(CONTROL + raw.CMSG_TYPE, true) === kernel.SCM_TIMESTAMPNS;
  if (!isThere) return BigInt(Date.now()) * 1_000_000n;
  const data = CONTROL + raw.CMSG_DATA;
  return view.getBigInt64(data + TIMESPEC_SEC, true) * NANOSECONDS + view.getBigInt64(data + TIMESPEC_NSEC, true);
}
