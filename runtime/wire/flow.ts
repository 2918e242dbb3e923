/** What of a packet tells its flow: the plain form of what the core looks at (core-as/step/fork.ts). */
import {
  EXTENSIONS_MAX,
  NEXT_AH,
  NEXT_DCCP,
  NEXT_DESTINATION,
  NEXT_FRAGMENT,
  NEXT_HOP_BY_HOP,
  NEXT_ROUTING,
  NEXT_SCTP,
  NEXT_TCP,
  NEXT_UDP,
  NEXT_UDP_LITE,
} from "../../core-as/layout/ip6.ts";
import { u16 } from "../value/bytes.ts";
import { Reject } from "../value/reject.ts";
import { firstLink, nextLink, parseIpv6 } from "./ipv6.ts";

/** Protocol, ports and class. */
export interface PacketFlow {
  /** The transport behind all extension headers, AH included; of a fragment what its Fragment header names. */
  readonly protocol: number;
  /** Both or none: a fragment shows none, since its other fragments cannot, nor does a header that is cut off. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** DSCP. */
  readonly class: number;
}

const EXTENSIONS: ReadonlySet<number> = new Set([NEXT_HOP_BY_HOP, NEXT_ROUTING, NEXT_DESTINATION, NEXT_FRAGMENT, NEXT_AH]);
const WITH_PORTS: ReadonlySet<number> = new Set([NEXT_TCP, NEXT_UDP, NEXT_SCTP, NEXT_DCCP, NEXT_UDP_LITE]);
const PORTS_OCTETS = 4;

/** The flow of the IPv6 packet at the start of `packet`, or a Reject as `parseIpv6` gives it. Never throws. */
export function flowOf(packet: Uint8Array): PacketFlow | Reject {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  const dscp = ((packet[0] & 0xf) << 2) | (packet[1] >> 6);
  const portless = (protocol: number): PacketFlow => ({ protocol, sourcePort: undefined, destinationPort: undefined, class: dscp });
  let link = firstLink(packet);
  for (let walked = 1; EXTENSIONS.has(link.type); walked++) {
    const next = nextLink(packet, link, ip.end);
    if (next === undefined) return portless(link.type);
    if (link.type === NEXT_FRAGMENT || walked === EXTENSIONS_MAX) return portless(next.type);
    link = next;
  }
  if (!WITH_PORTS.has(link.type) || link.at + PORTS_OCTETS > ip.end) return portless(link.type);
  return { protocol: link.type, sourcePort: u16(packet, link.at), destinationPort: u16(packet, link.at + 2), class: dscp };
}
