/**
 * Fragment header (RFC 8200 §4.5), and packets cut for a path that carries less than they have.
 *
 *     |  Next Header  |   Reserved    |      Fragment Offset    |Res|M|
 *     |                         Identification                        |
 */
import { concat, putU16, putU32, u16 } from "../value/bytes.ts";
import { Reject, reject } from "../value/reject.ts";
import { parseIpv6 } from "./ipv6.ts";
import { IPV6_HEADER_LENGTH, IPV6_PAYLOAD_LENGTH_AT, PROTOCOL_FRAGMENT } from "./number.ts";
import { placeForShim6 } from "./shim6.ts";

export const FRAGMENT_HEADER_LENGTH = 8;
/** M flag in the 16 bits with the offset, which counts units of 8 octets and so stands at its place as a number of octets. */
const MORE = 1;
const OFFSET_MASK = 0xfff8;

/**
 * `packet` as fragments of at most `limit` octets each. A packet that is a fragment already is cut again: its pieces keep its
 * Identification, and `identification` is not used (shim6-state §9.4). The headers that every fragment repeats are those that
 * stand before a payload header. In new arrays, in order.
 * @param identification 32 bits; differs from that of every other packet between the two addresses for as long as reassembly may wait
 * @returns at least two packets; or one copy when `packet` is small enough; or a Reject: those of `parseIpv6` and `placeForShim6`,
 * `tight-fragment` when `limit` leaves no room for data, `bad-fragment` for a fragment whose length no fragment may have
 */
export function fragmentPacket(packet: Uint8Array, limit: number, identification: number): Uint8Array[] | Reject {
  const ip = parseIpv6(packet);
  if (ip instanceof Reject) return ip;
  if (ip.end <= limit) return [packet.slice(0, ip.end)];
  const place = placeForShim6(packet, ip.end);
  if (place instanceof Reject) return place;
  const again = place.type === PROTOCOL_FRAGMENT;
  const dataAt = place.at + (again ? FRAGMENT_HEADER_LENGTH : 0);
  if (dataAt > ip.end) return reject("bad-fragment", place.at);
  const data = packet.subarray(dataAt, ip.end);
  const room = (limit - place.at - FRAGMENT_HEADER_LENGTH) & OFFSET_MASK;
  if (limit <= place.at + FRAGMENT_HEADER_LENGTH || room === 0) return reject("tight-fragment", limit);
  const field = again ? u16(packet, place.at + 2) : 0;
  const first = field & OFFSET_MASK;
  const more = (field & MORE) !== 0;
  if ((more && data.length % 8 !== 0) || first + data.length > 0xffff) return reject("bad-fragment", place.at);
  const header = new Uint8Array(FRAGMENT_HEADER_LENGTH);
  if (again) header.set(packet.subarray(place.at, dataAt));
  else {
    header[0] = place.type;
    putU32(header, 4, identification);
  }
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += room) {
    const piece = concat(packet.subarray(0, place.at), header, data.subarray(at, at + room));
    const last = at + room >= data.length;
    piece[place.typeAt] = PROTOCOL_FRAGMENT;
    putU16(piece, place.at + 2, (first + at) | (last && !more ? 0 : MORE));
    putU16(piece, IPV6_PAYLOAD_LENGTH_AT, piece.length - IPV6_HEADER_LENGTH);
    pieces.push(piece);
  }
  return pieces;
}
