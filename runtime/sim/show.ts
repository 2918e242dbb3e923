/** Packets and providers in the lines of a trace. */
import { Reject } from "../value/reject.ts";
import { parseControl, Refusal, showMessage } from "../wire/index.ts";
import { IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER_AT, PROTOCOL_ICMPV6, PROTOCOL_SHIM6, SHIM6_P_BIT, SHIM6_TYPE_AT } from "../wire/number.ts";
import type { ProviderEnd } from "./network.ts";
import { numberOf } from "./packet.ts";

/** What a packet is, in a few words. */
export function showPacket(packet: Uint8Array): string {
  const type = packet[IPV6_NEXT_HEADER_AT];
  if (type === PROTOCOL_ICMPV6) return `ICMPv6 ${packet[IPV6_HEADER_LENGTH]}/${packet[IPV6_HEADER_LENGTH + 1]}, ${packet.length} octets`;
  if (type !== PROTOCOL_SHIM6) return `packet ${numberOf(packet, type, 0)}, ${packet.length} octets`;
  if ((packet[IPV6_HEADER_LENGTH + SHIM6_TYPE_AT] & SHIM6_P_BIT) !== 0)
    return `payload, packet ${numberOf(packet, packet[IPV6_HEADER_LENGTH], 8)}, ${packet.length} octets`;
  const parsed = parseControl(packet);
  return parsed instanceof Reject || parsed instanceof Refusal
    ? `Shim6 that is none, ${packet.length} octets`
    : showMessage(parsed.message);
}

/** Site and place of a provider: `0.1`. */
export function nameOf(end: ProviderEnd | undefined): string {
  return end === undefined ? "nowhere" : `${end.site}.${end.index}`;
}
