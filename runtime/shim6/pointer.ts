/** Pointers of Error messages: octets of the raw packet, because the values that the machine works with have no places (RFC 5533 §5.14). */
import { Reject } from "../value/reject.ts";
import { messageCodec } from "../wire/control/table.ts";
import {
  IPV6_HEADER_LENGTH,
  OPTION_LOCATOR_LIST,
  OPTION_LOCATOR_PREFERENCES,
  SHIM6_HDR_EXT_LEN_AT,
  SHIM6_TYPE_AT,
} from "../wire/number.ts";
import { OPTION_HEADER_LENGTH, walkOptions } from "../wire/option/tlv.ts";
import { parseQuoted } from "../wire/quote.ts";

/** Where a packet with a control message is, and where its Shim6 header starts if that is known. */
export interface Place {
  readonly packet: Uint8Array;
  readonly offset?: number;
}

/** Verification method of locator `index` in the Locator List option (§7.2). */
export function methodPointer(place: Place, index: number): number {
  return optionAt(place, OPTION_LOCATOR_LIST) + OPTION_HEADER_LENGTH + GENERATION_OCTETS + COUNT_OCTETS + index;
}

/** First octet of the generation in the Locator Preferences option (§10.4). */
export function generationPointer(place: Place): number {
  return optionAt(place, OPTION_LOCATOR_PREFERENCES) + OPTION_HEADER_LENGTH;
}

/** First octet of the Length field of the Locator Preferences option (§10.4). */
export function lengthPointer(place: Place): number {
  return optionAt(place, OPTION_LOCATOR_PREFERENCES) + TYPE_OCTETS;
}

const TYPE_OCTETS = 2;
const GENERATION_OCTETS = 4;
const COUNT_OCTETS = 1;

/** Octet of the packet where the first option of `type` starts; that of the Shim6 header if there is none. */
function optionAt({ packet, offset }: Place, type: number): number {
  const at = offset ?? headerAt(packet);
  const header = packet.subarray(at, at + (packet[at + SHIM6_HDR_EXT_LEN_AT] + 1) * 8);
  const codec = messageCodec(header[SHIM6_TYPE_AT]);
  const start = codec?.optionsAt(header);
  if (start === undefined || start instanceof Reject) return at;
  return at + (walkOptions(header, start).options.find((option) => option.type === type)?.at ?? 0);
}

function headerAt(packet: Uint8Array): number {
  const found = parseQuoted(packet);
  return found instanceof Reject ? IPV6_HEADER_LENGTH : found.offset;
}
