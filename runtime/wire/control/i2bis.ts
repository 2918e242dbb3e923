/**
 * I2bis: a lost context set up again (RFC 5533 §5.9).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  6  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                    Initiator Context Tag                      |
 *     |                       Initiator Nonce                         |
 *     |                       Responder Nonce                         |
 *     |                          Reserved2                            |
 *     |                               |R|                             |
 *     |                      Packet Context Tag                       |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { I2bis } from "../message.ts";
import { TYPE_I2BIS } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { I2_OPTIONS, type MessageCodec, putTag, showNonce, tagAt } from "./codec.ts";

const LENGTH = 32;
/** Lower 47 bits; the bit above them and the six octets before are reserved. */
const PACKET_TAG_AT = 26;

export const i2bis: MessageCodec<I2bis> = {
  kind: "I2bis",
  type: TYPE_I2BIS,
  minLength: LENGTH,
  options: I2_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: I2bis["options"]): I2bis {
  return {
    kind: "I2bis",
    initiatorTag: tagAt(header),
    initiatorNonce: u32(header, 12),
    responderNonce: u32(header, 16),
    packetTag: tagAt(header, PACKET_TAG_AT),
    options,
  };
}

function emit(message: I2bis, header: Uint8Array): void {
  putTag(header, message.initiatorTag);
  putU32(header, 12, checkUnsigned(message.initiatorNonce, 32, "initiator nonce"));
  putU32(header, 16, checkUnsigned(message.responderNonce, 32, "responder nonce"));
  putTag(header, message.packetTag, PACKET_TAG_AT);
}

function show(message: I2bis): string {
  return `tag ${showTag(message.initiatorTag)} nonce ${showNonce(message.initiatorNonce)} responder-nonce ${showNonce(message.responderNonce)} packet-tag ${showTag(message.packetTag)}`;
}
