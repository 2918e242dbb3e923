/**
 * Router Solicitation and Router Advertisement (RFC 4861 §4.1, §4.2), without the IPv6 header; the checksum is the socket's.
 *
 *     |  Type = 134   |   Code = 0    |          Checksum             |
 *     | Cur Hop Limit |M|O|  Reserved |       Router Lifetime         |
 *     |                         Reachable Time                        |
 *     |                          Retrans Timer                        |
 *     ~   Options: options.ts                                         ~
 */
import { type Address, UNSPECIFIED } from "../value/address.ts";
import { concat, putU16 } from "../value/bytes.ts";
import { type Reject, reject } from "../value/reject.ts";
import { type DnsName, IPV6_HEADER_LENGTH, IPV6_MINIMUM_MTU } from "../wire/index.ts";
import { linkAddressOption, mtuOption, OPTION_SOURCE_LINK_ADDRESS, prefixOption, searchOption, serversOption } from "./options.ts";
import type { PrefixLifetimes } from "./stale.ts";

export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
const SOLICITATION_LENGTH = 8;
const ADVERTISEMENT_LENGTH = 16;
/** What hosts put into their packets (RFC 4861 §6.2.1). */
const CUR_HOP_LIMIT = 64;
const LINK_ADDRESS_OCTETS = 6;
const MANAGED = 0x80;
const OTHER = 0x40;
const MESSAGE_OCTETS = IPV6_MINIMUM_MTU - IPV6_HEADER_LENGTH;
/** More than hosts look at: three servers (RFC 8106 §5.3.1), of domains even fewer octets. */
const SERVERS_MOST = 16;
const SEARCH_OCTETS_MOST = 512;

/**
 * Whether `message` is a Router Solicitation that counts (RFC 4861 §6.1.1); the hop limit was 255 and the checksum right.
 * @returns `undefined`, or a Reject: `short-solicitation`, `bad-solicitation` (code, or an option that a sender without address may not have),
 * `bad-option-solicitation`
 */
export function checkSolicitation(message: Uint8Array, source: Address): Reject | undefined {
  if (message.length < SOLICITATION_LENGTH) return reject("short-solicitation", message.length);
  if (message[0] !== ROUTER_SOLICITATION || message[1] !== 0) return reject("bad-solicitation", 0);
  for (let at = SOLICITATION_LENGTH; at < message.length; ) {
    const length = 8 * message[at + 1];
    // Written so that a length that is not there fails as well.
    if (!(length > 0 && at + length <= message.length)) return reject("bad-option-solicitation", at);
    if (message[at] === OPTION_SOURCE_LINK_ADDRESS && source === UNSPECIFIED) return reject("bad-solicitation", at);
    at += length;
  }
  return undefined;
}

/** What an advertisement says. */
export interface Advertisement {
  /** Seconds, 0 … 9000; 0 = no default router any more, and nothing else that was said here holds. */
  readonly lifetime: number;
  /** M: addresses come by DHCPv6. */
  readonly managed: boolean;
  /** O: other things do. */
  readonly other: boolean;
  /** Octets that packets on the link may have. */
  readonly mtu: number;
  /** The interface's own address on the link, 6 octets; `undefined` = left out. */
  readonly linkAddress: Uint8Array | undefined;
  /** What is on the link, and what is not any more. */
  readonly prefixes: readonly PrefixLifetimes[];
  /** Recursive DNS servers. */
  readonly servers: readonly Address[];
  /** DNS search list. */
  readonly search: readonly DnsName[];
}

/**
 * The messages, each in a new array, checksum 0: one, unless there are more options than fit the smallest MTU of IPv6 (RFC 4861 §6.2.3). What is
 * said of prefixes holds without the router, so the last word does not mention them.
 */
export function emitAdvertisement(advertisement: Advertisement): Uint8Array[] {
  const { lifetime, mtu, linkAddress, prefixes, servers, search } = advertisement;
  const first = [...(linkAddress?.length === LINK_ADDRESS_OCTETS ? [linkAddressOption(linkAddress)] : []), mtuOption(mtu)];
  const rest = [
    ...(servers.length === 0 ? [] : [serversOption(servers.slice(0, SERVERS_MOST), lifetime)]),
    ...(search.length === 0 ? [] : [searchOption(search, lifetime, SEARCH_OCTETS_MOST)]),
    ...(lifetime === 0 ? [] : prefixes.map(prefixOption)),
  ];
  const head = headOf(advertisement);
  const messages = [concat(head, ...first)];
  for (const option of rest) {
    const last = messages[messages.length - 1];
    if (last.length + option.length <= MESSAGE_OCTETS) messages[messages.length - 1] = concat(last, option);
    else messages.push(concat(head, option));
  }
  return messages;
}

function headOf({ lifetime, managed, other }: Advertisement): Uint8Array {
  const head = new Uint8Array(ADVERTISEMENT_LENGTH);
  head[0] = ROUTER_ADVERTISEMENT;
  head[4] = CUR_HOP_LIMIT;
  head[5] = (managed ? MANAGED : 0) | (other ? OTHER : 0);
  putU16(head, 6, lifetime);
  return head;
}
