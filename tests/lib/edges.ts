import { address, putAddress } from "../../runtime/value/address.ts";
import { putU16 } from "../../runtime/value/bytes.ts";

/** A UDP packet, ports 7 and 7, no checksum of meaning, that carries `text`. */
export function packetBetween(source: string, destination: string, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const packet = new Uint8Array(48 + payload.length);
  packet.set([0x60, 0, 0, 0, 0, 0, 17, 64]);
  putU16(packet, 4, 8 + payload.length);
  putAddress(address(source), packet, 8);
  putAddress(address(destination), packet, 24);
  packet.set([0, 7, 0, 7, 0, 8 + payload.length, 1, 2], 40);
  packet.set(payload, 48);
  return packet;
}
