/**
 * I2: the challenge answered (RFC 5533 §5.6).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  3  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                    Initiator Context Tag                      |
 *     |                       Initiator Nonce                         |
 *     |                       Responder Nonce                         |
 *     |                          Reserved2                            |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { I2 } from "../message.ts";
import { TYPE_I2 } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { I2_OPTIONS, type MessageCodec, putTag, showNonce, tagAt } from "./codec.ts";

const LENGTH = 24;

export const i2: MessageCodec<I2> = {
  kind: "I2",
  type: TYPE_I2,
  minLength: LENGTH,
  options: I2_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: I2["options"]): I2 {
  return {
    kind: "I2",
    initiatorTag: tagAt(header),
    initiatorNonce: u32(header, 12),
    responderNonce: u32(header, 16),
    options,
  };
}

function emit(message: I2, header: Uint8Array): void {
  putTag(header, message.initiatorTag);
  putU32(header, 12, checkUnsigned(message.initiatorNonce, 32, "initiator nonce"));
  putU32(header, 16, checkUnsigned(message.responderNonce, 32, "responder nonce"));
}

function show(message: I2): string {
  return `tag ${showTag(message.initiatorTag)} nonce ${showNonce(message.initiatorNonce)} responder-nonce ${showNonce(message.responderNonce)}`;
}
