/** IPv6 packets put together for tests. */
import { type Address, putAddress } from "../../runtime/value/address.ts";
import { concat, putU16, putU48 } from "../../runtime/value/bytes.ts";
import type { ContextTag } from "../../runtime/value/tag.ts";

/** IPv6 header with traffic class and flow label set, Next Header `next`, then `rest`. */
export function packetOf(source: Address, destination: Address, next: number, rest: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  header.set([0x6a, 0xb1, 0x23, 0x45]);
  putU16(header, 4, rest.length);
  header[6] = next;
  header[7] = 61;
  putAddress(source, header, 8);
  putAddress(destination, header, 24);
  return concat(header, rest);
}

/** An extension header of 8 · (`units` + 1) octets. `fourth` is Segments Left of a Routing header. */
export function extension(next: number, units = 0, fourth = 0): Uint8Array {
  const octets = new Uint8Array(8 * (units + 1)).fill(1);
  octets.set([next, units, 4, fourth]);
  return octets;
}

export function payloadHeader(next: number, tag: ContextTag): Uint8Array {
  const octets = new Uint8Array(8);
  octets[0] = next;
  putU48(octets, 2, tag + 2 ** 47);
  return octets;
}
