/**
 * Update Acknowledgement: the request's nonce, copied (RFC 5533 §5.11).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type = 65  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                     Receiver Context Tag                      |
 *     |                        Request Nonce                          |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { UpdateAck } from "../message.ts";
import { TYPE_UPDATE_ACK } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, NO_OPTIONS, putTag, showNonce, tagAt } from "./codec.ts";

const LENGTH = 16;

export const updateAck: MessageCodec<UpdateAck> = {
  kind: "UpdateAck",
  type: TYPE_UPDATE_ACK,
  minLength: LENGTH,
  options: NO_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: UpdateAck["options"]): UpdateAck {
  return {
    kind: "UpdateAck",
    receiverTag: tagAt(header),
    requestNonce: u32(header, 12),
    options,
  };
}

function emit(message: UpdateAck, header: Uint8Array): void {
  putTag(header, message.receiverTag);
  putU32(header, 12, checkUnsigned(message.requestNonce, 32, "request nonce"));
}

function show(message: UpdateAck): string {
  return `tag ${showTag(message.receiverTag)} nonce ${showNonce(message.requestNonce)}`;
}
