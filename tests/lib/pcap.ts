/** Reads classic pcap files of Ethernet frames, whole, for tests that judge what was on a wire. */
import { readFileSync } from "node:fs";

/** Microsecond file of a little-endian machine (what tcpdump and dumpcap write here). */
const MAGIC = 0xa1b2c3d4;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 1;
const ETHERNET_HEADER = 14;
const TYPE_IPV6 = 0x86dd;

/** The IPv6 packets of a capture, link header removed. @throws when the file is something else, or a packet was cut */
export function readIpv6(file: string): Uint8Array[] {
  const bytes = readFileSync(file);
  if (bytes.length < FILE_HEADER || bytes.readUInt32LE(0) !== MAGIC) throw new Error(`${file}: no pcap file of this machine`);
  if (bytes.readUInt32LE(20) !== ETHERNET) throw new Error(`${file}: no Ethernet frames`);
  const packets: Uint8Array[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
    const [kept, whole] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
    if (kept !== whole) throw new Error(`${file}: a packet of ${whole} octets was cut to ${kept}`);
    const frame = at + RECORD_HEADER;
    if (bytes.readUInt16BE(frame + 12) === TYPE_IPV6) packets.push(bytes.subarray(frame + ETHERNET_HEADER, frame + kept));
    at = frame + kept;
  }
  return packets;
}
