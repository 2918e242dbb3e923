/**
 * Update Request: new locators or preferences (RFC 5533 §5.10).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type = 64  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                     Receiver Context Tag                      |
 *     |                        Request Nonce                          |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { UpdateRequest } from "../message.ts";
import { TYPE_UPDATE_REQUEST } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, putTag, showNonce, tagAt, UPDATE_OPTIONS } from "./codec.ts";

const LENGTH = 16;

export const updateRequest: MessageCodec<UpdateRequest> = {
  kind: "UpdateRequest",
  type: TYPE_UPDATE_REQUEST,
  minLength: LENGTH,
  options: UPDATE_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: UpdateRequest["options"]): UpdateRequest {
  return {
    kind: "UpdateRequest",
    receiverTag: tagAt(header),
    requestNonce: u32(header, 12),
    options,
  };
}

function emit(message: UpdateRequest, header: Uint8Array): void {
  putTag(header, message.receiverTag);
  putU32(header, 12, checkUnsigned(message.requestNonce, 32, "request nonce"));
}

function show(message: UpdateRequest): string {
  return `tag ${showTag(message.receiverTag)} nonce ${showNonce(message.requestNonce)}`;
}
