/**
 * I1: the initiator wants a context (RFC 5533 §5.4).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  1  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                    Initiator Context Tag                      |
 *     |                       Initiator Nonce                         |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { I1 } from "../message.ts";
import { TYPE_I1 } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { I1_OPTIONS, type MessageCodec, putTag, showNonce, tagAt } from "./codec.ts";

const LENGTH = 16;

export const i1: MessageCodec<I1> = {
  kind: "I1",
  type: TYPE_I1,
  minLength: LENGTH,
  options: I1_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: I1["options"]): I1 {
  return {
    kind: "I1",
    initiatorTag: tagAt(header),
    initiatorNonce: u32(header, 12),
    options,
  };
}

function emit(message: I1, header: Uint8Array): void {
  putTag(header, message.initiatorTag);
  putU32(header, 12, checkUnsigned(message.initiatorNonce, 32, "initiator nonce"));
}

function show(message: I1): string {
  return `tag ${showTag(message.initiatorTag)} nonce ${showNonce(message.initiatorNonce)}`;
}
