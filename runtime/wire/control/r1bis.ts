/**
 * R1bis: no context has this tag (RFC 5533 §5.8).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  5  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                      Packet Context Tag                       |
 *     |                       Responder Nonce                         |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { showTag } from "../../value/tag.ts";
import type { R1bis } from "../message.ts";
import { TYPE_R1BIS } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, putTag, R1_OPTIONS, showNonce, tagAt } from "./codec.ts";

const LENGTH = 16;

export const r1bis: MessageCodec<R1bis> = {
  kind: "R1bis",
  type: TYPE_R1BIS,
  minLength: LENGTH,
  options: R1_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: R1bis["options"]): R1bis {
  return {
    kind: "R1bis",
    packetTag: tagAt(header),
    responderNonce: u32(header, 12),
    options,
  };
}

function emit(message: R1bis, header: Uint8Array): void {
  putTag(header, message.packetTag);
  putU32(header, 12, checkUnsigned(message.responderNonce, 32, "responder nonce"));
}

function show(message: R1bis): string {
  return `packet-tag ${showTag(message.packetTag)} responder-nonce ${showNonce(message.responderNonce)}`;
}
