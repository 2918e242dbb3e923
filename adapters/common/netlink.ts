/** Netlink's messages about interfaces, as octets and as values. */
import type { LinkState } from "../../runtime/port/links.ts";
import * as netlink from "../linux/netlink.ts";

/** An address of netlink: that of the kernel, or of who wants to hear of `groups`. */
export function netlinkAddress(groups: number): Uint8Array {
  const octets = new Uint8Array(netlink.SOCKADDR_NL_OCTETS);
  const view = new DataView(octets.buffer);
  view.setUint16(0, netlink.AF_NETLINK, true);
  view.setUint32(netlink.SOCKADDR_NL_GROUPS, groups, true);
  return octets;
}

/** Asks for every interface there is. */
export function linkDump(): Uint8Array {
  const octets = new Uint8Array(netlink.NLMSGHDR_OCTETS + netlink.IFINFOMSG_OCTETS);
  const view = new DataView(octets.buffer);
  view.setUint32(0, octets.length, true);
  view.setUint16(netlink.NLMSGHDR_TYPE, netlink.RTM_GETLINK, true);
  view.setUint16(netlink.NLMSGHDR_FLAGS, netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, true);
  return octets;
}

/** What the messages in `octets`, as one read(2) gave them, say of interfaces, in their order; what is cut off or says nothing of them is left out. Never throws. */
export function readLinks(octets: Uint8Array): LinkState[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const links: LinkState[] = [];
  for (let at = 0; at + netlink.NLMSGHDR_OCTETS <= octets.length; ) {
    const length = view.getUint32(at, true);
    if (length < netlink.NLMSGHDR_OCTETS || at + length > octets.length) break;
    const type = view.getUint16(at + netlink.NLMSGHDR_TYPE, true);
    if (type === netlink.RTM_NEWLINK || type === netlink.RTM_DELLINK) {
      const link = readLink(octets, view, at + netlink.NLMSGHDR_OCTETS, at + length, type === netlink.RTM_NEWLINK);
      if (link !== undefined) links.push(link);
    }
    at += (length + 3) & ~3;
  }
  return links;
}

function readLink(octets: Uint8Array, view: DataView, at: number, end: number, exists: boolean): LinkState | undefined {
  if (at + netlink.IFINFOMSG_OCTETS > end) return undefined;
  const flags = view.getUint32(at + netlink.IFINFOMSG_FLAGS, true);
  const both = netlink.IFF_UP | netlink.IFF_RUNNING;
  for (let place = at + netlink.IFINFOMSG_OCTETS; place + netlink.RTATTR_OCTETS <= end; ) {
    const length = view.getUint16(place, true);
    if (length < netlink.RTATTR_OCTETS || place + length > end) return undefined;
    if (view.getUint16(place + 2, true) === netlink.IFLA_IFNAME) {
      const name = new TextDecoder().decode(octets.slice(place + netlink.RTATTR_OCTETS, place + length)).replace(/\0.*$/s, "");
      return { name, up: exists && (flags & both) === both };
    }
    place += (length + 3) & ~3;
  }
  return undefined;
}
