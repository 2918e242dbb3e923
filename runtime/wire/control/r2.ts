/**
 * R2: the context stands (RFC 5533 §5.7).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  4  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                    Responder Context Tag                      |
 *     |                       Initiator Nonce                         |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { R2 } from "../message.ts";
import { TYPE_R2 } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, putTag, R2_OPTIONS, showNonce, tagAt } from "./codec.ts";

const LENGTH = 16;

export const r2: MessageCodec<R2> = {
  kind: "R2",
  type: TYPE_R2,
  minLength: LENGTH,
  options: R2_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: R2["options"]): R2 {
  return {
    kind: "R2",
    responderTag: tagAt(header),
    initiatorNonce: u32(header, 12),
    options,
  };
}

function emit(message: R2, header: Uint8Array): void {
  putTag(header, message.responderTag);
  putU32(header, 12, checkUnsigned(message.initiatorNonce, 32, "initiator nonce"));
}

function show(message: R2): string {
  return `tag ${showTag(message.responderTag)} nonce ${showNonce(message.initiatorNonce)}`;
}
