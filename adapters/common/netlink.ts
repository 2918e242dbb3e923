/** Netlink's messages about interfaces and neighbours, as octets and as values. */
import type { LinkState } from "../../runtime/port/links.ts";
import { ADDRESS_OCTETS, type Address, addressAt, addressOctets } from "../../runtime/value/address.ts";
import { AF_INET6 } from "../linux/icmp6.ts";
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

const REQUEST_FLAGS: Readonly<Record<NeighbourRequest, number>> = {
  get: 0,
  create: netlink.NLM_F_CREATE | netlink.NLM_F_EXCL,
  revive: netlink.NLM_F_REPLACE,
  probe: netlink.NLM_F_REPLACE,
};

/** A neighbour as the kernel has it. */
export interface Neighbour {
  /** Of its interface. */
  readonly index: number;
  readonly address: Address;
  /** NUD_* */
  readonly state: number;
}

/**
 * What the kernel is asked about a neighbour: `get` = how it is; `create` = find out, if nothing is known of it; `revive` = find out anew, whatever is
 * known, which is forgotten; `probe` = ask one whose address is known whether it is still there.
 */
export type NeighbourRequest = "get" | "create" | "revive" | "probe";

/** A request about the neighbour `address` behind interface `index`. */
export function neighbourRequest(what: NeighbourRequest, index: number, address: Address): Uint8Array {
  const octets = new Uint8Array(netlink.NLMSGHDR_OCTETS + netlink.NDMSG_OCTETS + netlink.RTATTR_OCTETS + ADDRESS_OCTETS);
  const view = new DataView(octets.buffer);
  const body = netlink.NLMSGHDR_OCTETS;
  const attribute = body + netlink.NDMSG_OCTETS;
  view.setUint32(0, octets.length, true);
  view.setUint16(netlink.NLMSGHDR_TYPE, what === "get" ? netlink.RTM_GETNEIGH : netlink.RTM_NEWNEIGH, true);
  view.setUint16(netlink.NLMSGHDR_FLAGS, netlink.NLM_F_REQUEST | REQUEST_FLAGS[what], true);
  octets[body] = AF_INET6;
  view.setInt32(body + netlink.NDMSG_INDEX, index, true);
  view.setUint16(body + netlink.NDMSG_STATE, what === "probe" ? netlink.NUD_PROBE : netlink.NUD_NONE, true);
  octets[body + netlink.NDMSG_FLAGS] = what === "create" || what === "revive" ? netlink.NTF_USE : 0;
  view.setUint16(attribute, netlink.RTATTR_OCTETS + ADDRESS_OCTETS, true);
  view.setUint16(attribute + 2, netlink.NDA_DST, true);
  octets.set(addressOctets(address), attribute + netlink.RTATTR_OCTETS);
  return octets;
}

/** What the messages in `octets`, as one read(2) gave them, say of interfaces, in their order; what is cut off or says nothing of them is left out. Never throws. */
export function readLinks(octets: Uint8Array): LinkState[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const links: LinkState[] = [];
  eachMessage(view, (type, at, end) => {
    if (type !== netlink.RTM_NEWLINK && type !== netlink.RTM_DELLINK) return;
    const link = readLink(octets, view, at, end, type === netlink.RTM_NEWLINK);
    if (link !== undefined) links.push(link);
  });
  return links;
}

/** Likewise, what they say of IPv6 neighbours that there are. Never throws. */
export function readNeighbours(octets: Uint8Array): Neighbour[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const neighbours: Neighbour[] = [];
  eachMessage(view, (type, at, end) => {
    if (type !== netlink.RTM_NEWNEIGH || at + netlink.NDMSG_OCTETS > end || octets[at] !== AF_INET6) return;
    const place = attributeOf(view, netlink.NDA_DST, at + netlink.NDMSG_OCTETS, end);
    if (place === undefined || place.end - place.at !== ADDRESS_OCTETS) return;
    neighbours.push({
      index: view.getInt32(at + netlink.NDMSG_INDEX, true),
      address: addressAt(octets, place.at),
      state: view.getUint16(at + netlink.NDMSG_STATE, true),
    });
  });
  return neighbours;
}

/** Calls `take` with type, place and end of each message's body; what follows one whose length cannot be is left out. */
function eachMessage(view: DataView, take: (type: number, at: number, end: number) => void): void {
  for (let at = 0; at + netlink.NLMSGHDR_OCTETS <= view.byteLength; ) {
    const length = view.getUint32(at, true);
    if (length < netlink.NLMSGHDR_OCTETS || at + length > view.byteLength) return;
    take(view.getUint16(at + netlink.NLMSGHDR_TYPE, true), at + netlink.NLMSGHDR_OCTETS, at + length);
    at += (length + 3) & ~3;
  }
}

function readLink(octets: Uint8Array, view: DataView, at: number, end: number, exists: boolean): LinkState | undefined {
  if (at + netlink.IFINFOMSG_OCTETS > end) return undefined;
  const flags = view.getUint32(at + netlink.IFINFOMSG_FLAGS, true);
  const both = netlink.IFF_UP | netlink.IFF_RUNNING;
  const place = attributeOf(view, netlink.IFLA_IFNAME, at + netlink.IFINFOMSG_OCTETS, end);
  if (place === undefined) return undefined;
  const name = new TextDecoder().decode(octets.slice(place.at, place.end)).replace(/\0.*$/s, "");
  return { name, up: exists && (flags & both) === both };
}

/** Where the value of the first attribute of `type` lies, among those from `at` to `end`. */
function attributeOf(view: DataView, type: number, at: number, end: number): { readonly at: number; readonly end: number } | undefined {
  for (let place = at; place + netlink.RTATTR_OCTETS <= end; ) {
    const length = view.getUint16(place, true);
    if (length < netlink.RTATTR_OCTETS || place + length > end) return undefined;
    if (view.getUint16(place + 2, true) === type) return { at: place + netlink.RTATTR_OCTETS, end: place + length };
    place += (length + 3) & ~3;
  }
  return undefined;
}
