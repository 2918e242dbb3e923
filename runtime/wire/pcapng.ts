/**
 * pcapng files of bare IPv6 packets (draft-ietf-opsawg-pcapng): interfaces with names, comments on packets, names of addresses. Big-endian, as
 * the byte-order magic says; time in nanoseconds. What Wireshark, tshark and tcpdump read.
 *
 *   block: type u32, length u32 of all of it, body padded to 4 octets, length again
 */

import type { Address } from "../value/address.ts";
import { addressOctets } from "../value/address.ts";
import { concat, putU16, putU32 } from "../value/bytes.ts";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const NAME_RESOLUTION = 4;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION_MAJOR = 1;
const VERSION_MINOR = 0;
/** A section whose length nobody knows yet. */
const UNKNOWN_LENGTH = 0xffff_ffff;
const LINKTYPE_IPV6 = 229;
/** No packet is longer. */
const SNAPSHOT_OCTETS = 262_144;

// Options: code u16, length u16, value padded to 4 octets.
const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
/** Negative power of ten. */
const NANOSECONDS = 9;
const EPB_FLAGS = 2;
const DIRECTION_IN = 1;
const DIRECTION_OUT = 2;

const NRB_END = 0;
const NRB_IPV6 = 2;

/** Longest text of an option or name, octets: its length has 16 bits. */
const TEXT_OCTETS = 65_000;

/** A packet and what is known of it. */
export interface CapturedPacket {
  /** The interface's number: its place among the descriptions. */
  readonly interface: number;
  /** Nanoseconds since 1970. */
  readonly at: bigint;
  readonly outgoing: boolean;
  /** Absent = nothing to say. */
  readonly comment: string | undefined;
  readonly octets: Uint8Array;
}

/** What a file begins with. */
export function sectionHeader(program: string): Uint8Array {
  const fixed = new Uint8Array(16);
  putU32(fixed, 0, BYTE_ORDER_MAGIC);
  putU16(fixed, 4, VERSION_MAJOR);
  putU16(fixed, 6, VERSION_MINOR);
  putU32(fixed, 8, UNKNOWN_LENGTH);
  putU32(fixed, 12, UNKNOWN_LENGTH);
  return block(SECTION_HEADER, fixed, options([SHB_USERAPPL, text(program)]));
}

/** An interface; the first one has number 0. */
export function interfaceDescription(name: string, description: string): Uint8Array {
  const fixed = new Uint8Array(8);
  putU16(fixed, 0, LINKTYPE_IPV6);
  putU32(fixed, 4, SNAPSHOT_OCTETS);
  const said = options([IF_NAME, text(name)], [IF_DESCRIPTION, text(description)], [IF_TSRESOL, Uint8Array.of(NANOSECONDS)]);
  return block(INTERFACE_DESCRIPTION, fixed, said);
}

/** A packet, whole. */
export function enhancedPacket({ interface: number, at, outgoing, comment, octets }: CapturedPacket): Uint8Array {
  const fixed = new Uint8Array(20);
  putU32(fixed, 0, number);
  putU32(fixed, 4, Number(BigInt.asUintN(32, at >> 32n)));
  putU32(fixed, 8, Number(BigInt.asUintN(32, at)));
  putU32(fixed, 12, octets.length);
  putU32(fixed, 16, octets.length);
  const flags = new Uint8Array(4);
  putU32(flags, 0, outgoing ? DIRECTION_OUT : DIRECTION_IN);
  const said: [number, Uint8Array][] = [[EPB_FLAGS, flags]];
  if (comment !== undefined) said.push([OPT_COMMENT, text(comment)]);
  return block(ENHANCED_PACKET, fixed, padded(octets), options(...said));
}

/** Names of addresses. */
export function nameResolution(names: ReadonlyMap<Address, string>): Uint8Array {
  const records = [...names].map(([address, name]) => record(NRB_IPV6, concat(addressOctets(address), text(name), Uint8Array.of(0))));
  return block(NAME_RESOLUTION, ...records, record(NRB_END, new Uint8Array(0)));
}

function block(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(...parts);
  const length = body.length + 12;
  const head = new Uint8Array(8);
  putU32(head, 0, type);
  putU32(head, 4, length);
  return concat(head, body, head.subarray(4));
}

function options(...said: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  return concat(...said.map(([code, value]) => record(code, value)), record(OPT_END, new Uint8Array(0)));
}

/** Options and records have the same shape. */
function record(code: number, value: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  putU16(head, 0, code);
  putU16(head, 2, value.length);
  return concat(head, padded(value));
}

function padded(octets: Uint8Array): Uint8Array {
  const rest = -octets.length & 3;
  return rest === 0 ? octets : concat(octets, new Uint8Array(rest));
}

/** Long text is cut, between two characters. */
function text(value: string): Uint8Array {
  const octets = new TextEncoder().encode(value);
  if (octets.length <= TEXT_OCTETS) return octets;
  let end = TEXT_OCTETS;
  while ((octets[end] & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}
