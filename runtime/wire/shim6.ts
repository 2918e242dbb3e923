/**
 * Where the Shim6 header of a packet is (RFC 5533 §4.6): behind Hop-by-Hop Options, Destination Options that a Routing
 * header follows, and Routing; before Fragment, AH, ESP, other Destination Options and the upper layer.
 */
import { u16 } from "../value/bytes.ts";
import { type Reject, reject } from "../value/reject.ts";
import { firstLink, type Link, nextLink, routesOn } from "./ipv6.ts";
import {
  PROTOCOL_DESTINATION_OPTIONS,
  PROTOCOL_FRAGMENT,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_ROUTING,
  PROTOCOL_SHIM6,
  SHIM6_MIN_LENGTH,
} from "./number.ts";

/** Where a Shim6 header stands in a packet. */
export interface Shim6Place {
  readonly link: Link;
  /** Types of the extension headers before it, in order. */
  readonly before: readonly number[];
}

/**
 * Finds the Shim6 header, whichever order the headers before it stand in (RFC 8200 §4.1: process in the order found).
 * At least 8 octets of it are before `end`.
 * @returns its place, or a Reject: `absent-shim6`, `routed-ipv6` (Segments Left is not 0), `short-shim6`
 */
export function findShim6(packet: Uint8Array, end: number): Shim6Place | Reject {
  const before: number[] = [];
  let link = firstLink(packet);
  while (link.type !== PROTOCOL_SHIM6) {
    const known = link.type === PROTOCOL_HOP_BY_HOP || link.type === PROTOCOL_DESTINATION_OPTIONS || link.type === PROTOCOL_ROUTING;
    const next = known ? nextLink(packet, link, end) : undefined;
    if (next === undefined) return reject("absent-shim6", link.typeAt);
    if (routesOn(packet, link)) return reject("routed-ipv6", link.at);
    before.push(link.type);
    link = next;
  }
  if (link.at + SHIM6_MIN_LENGTH > end) return reject("short-shim6", link.at);
  return { link, before };
}

/**
 * Where the payload header belongs in a packet that has none.
 * @returns the place of the header that will stand behind it, or a Reject: `short-ipv6`, `routed-ipv6`
 */
export function placeForShim6(packet: Uint8Array, end: number): Link | Reject {
  let link = firstLink(packet);
  for (;;) {
    const next = nextLink(packet, link, end);
    const before =
      link.type === PROTOCOL_HOP_BY_HOP ||
      link.type === PROTOCOL_ROUTING ||
      (link.type === PROTOCOL_DESTINATION_OPTIONS && next?.type === PROTOCOL_ROUTING);
    if (!before) return link;
    if (next === undefined) return reject("short-ipv6", link.at);
    if (routesOn(packet, link)) return reject("routed-ipv6", link.at);
    link = next;
  }
}

/** Types of the headers from `link` on, up to and with the first that is no extension header or is cut off. */
export function headersFrom(packet: Uint8Array, link: Link, end: number): number[] {
  const types: number[] = [];
  let at: Link | undefined = link;
  while (at !== undefined) {
    types.push(at.type);
    const next = nextLink(packet, at, end);
    // A later fragment has data where a header would be.
    if (next !== undefined && at.type === PROTOCOL_FRAGMENT && u16(packet, at.at + 2) >> 3 > 0) return [...types, next.type];
    at = next;
  }
  return types;
}
