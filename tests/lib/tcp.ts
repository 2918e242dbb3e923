/** TCP segments put together for tests. */
import type { Address } from "../../runtime/value/address.ts";
import { concat, putU16, putU32 } from "../../runtime/value/bytes.ts";
import { checksum, pseudoHeaderSum, sum16 } from "../../runtime/wire/checksum.ts";

export const TCP_SYN = 0x02;
export const TCP_ACK = 0x10;

/** A segment between these addresses with its checksum. `options` is filled up to a multiple of 4 with zeros (end of options). */
export function segmentOf(
  source: Address,
  destination: Address,
  flags: number,
  options: Uint8Array,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const padded = concat(options, new Uint8Array(-options.length & 3));
  const header = new Uint8Array(20);
  putU16(header, 0, 40_001);
  putU16(header, 2, 80);
  putU32(header, 4, 0x1234_5678);
  header[12] = ((20 + padded.length) / 4) << 4;
  header[13] = flags;
  putU16(header, 14, 65_535);
  const segment = concat(header, padded, data);
  putU16(segment, 16, checksum(segment, pseudoHeaderSum(source, destination, segment.length, 6)));
  return segment;
}

/** Whether the checksum of a segment between these addresses is right. */
export function isRight(source: Address, destination: Address, segment: Uint8Array): boolean {
  return sum16(segment, pseudoHeaderSum(source, destination, segment.length, 6)) === 0xffff;
}
