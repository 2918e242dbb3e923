/**
 * Along all extension headers to the transport, of a packet or of what an ICMPv6 error quotes of one. {@link chainOf} packs what it finds
 * into one number, so that nothing has to be stored.
 */
import {
  EXTENSION_LENGTH,
  EXTENSION_NEXT,
  EXTENSIONS_MAX,
  FRAGMENT_LENGTH,
  FRAGMENT_OFFSET,
  FRAGMENT_OFFSET_MASK,
  IP6_LENGTH,
  IP6_NEXT,
  NEXT_AH,
  NEXT_DCCP,
  NEXT_DESTINATION,
  NEXT_ESP,
  NEXT_ETHER_IP,
  NEXT_FRAGMENT,
  NEXT_GRE,
  NEXT_HOP_BY_HOP,
  NEXT_ICMP6,
  NEXT_IP4,
  NEXT_IP6,
  NEXT_L2TP,
  NEXT_MPLS,
  NEXT_NONE,
  NEXT_ROUTING,
  NEXT_SCTP,
  NEXT_SHIM6,
  NEXT_TCP,
  NEXT_UDP,
  NEXT_UDP_LITE,
} from "../layout/ip6.ts";
import { extensionOctets, isExtension } from "../wire/ip6.ts";

const PROTOCOL_AT: u64 = 20;
const DECIDES_AT: u64 = 28;
const PART: u64 = 1 << 36;
const FRAGMENT: u64 = 1 << 37;

/** The chain of the `octets` octets at `packet`, an IPv6 header at least. */
export function chainOf(packet: usize, octets: u32): u64 {
  const next = <u32>load<u8>(packet, IP6_NEXT);
  if (next == NEXT_TCP || next == NEXT_UDP) return pack(IP6_LENGTH, next, next);
  return chainAlong(packet, octets, next);
}

function chainAlong(packet: usize, octets: u32, first: u32): u64 {
  let next = first;
  let at: u32 = IP6_LENGTH;
  /** What a Fragment header names is all that its other fragments tell. */
  let named: u32 = 0x100;
  for (let walked = 0; walked < EXTENSIONS_MAX; walked++) {
    const decides = named < 0x100 ? named : next;
    let length: u32 = 0;
    if (isExtension(next)) length = extensionOctets(packet + at);
    else if (next == NEXT_FRAGMENT) length = FRAGMENT_LENGTH;
    else if (next == NEXT_AH) length = (<u32>load<u8>(packet + at, EXTENSION_LENGTH) + 2) << 2;
    else return pack(at, next, decides) | (named < 0x100 ? FRAGMENT : 0);
    if (at + length > octets) return pack(at, next, decides) | PART;
    const header = packet + at;
    const isFragment = next == NEXT_FRAGMENT;
    next = <u32>load<u8>(header, EXTENSION_NEXT);
    at += length;
    if (!isFragment) continue;
    if (named == 0x100) named = next;
    if ((<u32>bswap<u16>(load<u16>(header, FRAGMENT_OFFSET)) & FRAGMENT_OFFSET_MASK) != 0) return pack(at, next, named) | PART;
  }
  return pack(at, next, named < 0x100 ? named : next) | PART;
}

function pack(at: u32, protocol: u32, decides: u32): u64 {
  return <u64>at | ((<u64>protocol) << PROTOCOL_AT) | ((<u64>decides) << DECIDES_AT);
}

/** Where the chain ends, octets from the packet's start. */
export function endOf(chain: u64): u32 {
  return <u32>chain & 0xf_ffff;
}

/** What begins there, if {@link isWhole}. */
export function protocolOf(chain: u64): u32 {
  return <u32>(chain >> PROTOCOL_AT) & 0xff;
}

/** What decides about a flow: the transport, or of a fragment what its Fragment header names, since that is all that later ones tell. */
export function decidesOf(chain: u64): u32 {
  return <u32>(chain >> DECIDES_AT) & 0xff;
}

/** Whether the transport's header is there: no later fragment, and no header cut off. */
export function isWhole(chain: u64): bool {
  return (chain & PART) == 0;
}

/** Whether the transport's header is there, and in every packet of the flow: it is no fragment. */
export function tellsFlow(chain: u64): bool {
  return (chain & (PART | FRAGMENT)) == 0;
}

/**
 * Whether the addresses of the packet are to be mapped so that no sum over them changes (RFC 6296 §3): the transport is one of which nothing is
 * known here. The sums of those with a field in {@link sumField} are mended; the rest cover no addresses, or, as AH, cannot be helped.
 * ESP's addresses were agreed upon over UDP, whose are not neutral.
 */
export function isNeutral(chain: u64): bool {
  const next = decidesOf(chain);
  if (next == NEXT_TCP || next == NEXT_UDP || next == NEXT_ICMP6) return false;
  switch (next) {
    case NEXT_HOP_BY_HOP:
    case NEXT_IP4:
    case NEXT_DCCP:
    case NEXT_IP6:
    case NEXT_ROUTING:
    case NEXT_FRAGMENT:
    case NEXT_GRE:
    case NEXT_ESP:
    case NEXT_AH:
    case NEXT_NONE:
    case NEXT_DESTINATION:
    case NEXT_ETHER_IP:
    case NEXT_L2TP:
    case NEXT_SCTP:
    case NEXT_UDP_LITE:
    case NEXT_MPLS:
    case NEXT_SHIM6:
      return false;
    default:
      return true;
  }
}
