/** Classic pcap files of bare IPv6 packets (LINKTYPE_IPV6), big-endian, microseconds since the world's beginning. */
import { putU16, putU32 } from "../value/bytes.ts";
import type { Millis } from "../value/time.ts";

const MAGIC = 0xa1b2c3d4;
const LINKTYPE_IPV6 = 229;
const SNAPSHOT_OCTETS = 262_144;
const FILE_HEADER_OCTETS = 24;
const RECORD_HEADER_OCTETS = 16;

/** A capture that grows in memory, in the order in which packets are put in. */
export class Capture {
  readonly #parts: Uint8Array[] = [fileHeader()];
  #octets = FILE_HEADER_OCTETS;

  /** Keeps a copy of `packet`. */
  add(at: Millis, packet: Uint8Array): void {
    const record = new Uint8Array(RECORD_HEADER_OCTETS + packet.length);
    const microseconds = Math.round(at * 1000);
    putU32(record, 0, Math.floor(microseconds / 1e6));
    putU32(record, 4, microseconds % 1e6);
    putU32(record, 8, packet.length);
    putU32(record, 12, packet.length);
    record.set(packet, RECORD_HEADER_OCTETS);
    this.#parts.push(record);
    this.#octets += record.length;
  }

  /** The whole file, in a new array. */
  octets(): Uint8Array {
    const file = new Uint8Array(this.#octets);
    let at = 0;
    for (const part of this.#parts) {
      file.set(part, at);
      at += part.length;
    }
    return file;
  }
}

function fileHeader(): Uint8Array {
  const header = new Uint8Array(FILE_HEADER_OCTETS);
  putU32(header, 0, MAGIC);
  putU16(header, 4, 2);
  putU16(header, 6, 4);
  putU32(header, 16, SNAPSHOT_OCTETS);
  putU32(header, 20, LINKTYPE_IPV6);
  return header;
}
