/**
 * Classic pcap files of bare IPv6 packets (LINKTYPE_IPV6), big-endian, microseconds since 1970: what tcpdump, tshark and
 * Wireshark read. Packets are kept whole.
 */
import { putU16, putU32 } from "../value/bytes.ts";

const MAGIC = 0xa1b2c3d4;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 4;
const LINKTYPE_IPV6 = 229;
/** No packet is longer: the largest IPv6 packet has 65,575 octets. */
const SNAPSHOT_OCTETS = 262_144;
const MICROSECONDS = 1_000_000;

export const PCAP_HEADER_OCTETS = 24;
export const PCAP_RECORD_OCTETS = 16;

/** What a file begins with, in a new array. */
export function pcapHeader(): Uint8Array {
  const header = new Uint8Array(PCAP_HEADER_OCTETS);
  putU32(header, 0, MAGIC);
  putU16(header, 4, VERSION_MAJOR);
  putU16(header, 6, VERSION_MINOR);
  putU32(header, 16, SNAPSHOT_OCTETS);
  putU32(header, 20, LINKTYPE_IPV6);
  return header;
}

/** A packet as the file holds it, in a new array. @param wall milliseconds since 1970-01-01 UTC */
export function pcapRecord(wall: number, packet: Uint8Array): Uint8Array {
  const record = new Uint8Array(PCAP_RECORD_OCTETS + packet.length);
  const microseconds = Math.round(wall * 1000);
  putU32(record, 0, Math.floor(microseconds / MICROSECONDS));
  putU32(record, 4, microseconds % MICROSECONDS);
  putU32(record, 8, packet.length);
  putU32(record, 12, packet.length);
  record.set(packet, PCAP_RECORD_OCTETS);
  return record;
}
