/**
 * Router Solicitation and Router Advertisement (RFC 4861 §4.1, §4.2), without the IPv6 header; the checksum is the socket's.
 *
 *     |  Type = 134   |   Code = 0    |          Checksum             |
 *     | Cur Hop Limit |M|O|  Reserved |       Router Lifetime         |
 *     |                         Reachable Time                        |
 *     |                          Retrans Timer                        |
 *     ~   Options: Source Link-Layer Address (1), MTU (5)             ~
 */
import { type Address, UNSPECIFIED } from "../value/address.ts";
import { concat, putU16, putU32 } from "../value/bytes.ts";
import { type Reject, reject } from "../value/reject.ts";

export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
/** RFC 4861 §4.6, §4.6.1, §4.6.4. */
export const OPTION_SOURCE_LINK_ADDRESS = 1;
export const OPTION_MTU = 5;
const SOLICITATION_LENGTH = 8;
const ADVERTISEMENT_LENGTH = 16;
/** What hosts put into their packets (RFC 4861 §6.2.1). */
const CUR_HOP_LIMIT = 64;
const LINK_ADDRESS_OCTETS = 6;

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
  /** Seconds, 0 … 9000; 0 = no default router any more. */
  readonly lifetime: number;
  /** Octets that packets on the link may have. */
  readonly mtu: number;
  /** The interface's own address on the link, 6 octets; `undefined` = left out. */
  readonly linkAddress: Uint8Array | undefined;
}

/** The message in a new array, checksum 0. */
export function emitAdvertisement({ lifetime, mtu, linkAddress }: Advertisement): Uint8Array {
  const head = new Uint8Array(ADVERTISEMENT_LENGTH);
  head[0] = ROUTER_ADVERTISEMENT;
  head[4] = CUR_HOP_LIMIT;
  putU16(head, 6, lifetime);
  const mtuOption = Uint8Array.of(OPTION_MTU, 1, 0, 0, 0, 0, 0, 0);
  putU32(mtuOption, 4, mtu);
  if (linkAddress?.length !== LINK_ADDRESS_OCTETS) return concat(head, mtuOption);
  return concat(head, Uint8Array.of(OPTION_SOURCE_LINK_ADDRESS, 1), linkAddress, mtuOption);
}
