/**
 * R1: the responder's challenge (RFC 5533 §5.5).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type =  2  | Reserved1   |0|
 *     |           Checksum            |          Reserved2            |
 *     |                       Initiator Nonce                         |
 *     |                       Responder Nonce                         |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import type { R1 } from "../message.ts";
import { TYPE_R1 } from "../number.ts";
import { checkUnsigned } from "../option/codec.ts";
import { type MessageCodec, R1_OPTIONS, showNonce } from "./codec.ts";

const LENGTH = 16;

export const r1: MessageCodec<R1> = {
  kind: "R1",
  type: TYPE_R1,
  minLength: LENGTH,
  options: R1_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: R1["options"]): R1 {
  return {
    kind: "R1",
    initiatorNonce: u32(header, 8),
    responderNonce: u32(header, 12),
    options,
  };
}

function emit(message: R1, header: Uint8Array): void {
  putU32(header, 8, checkUnsigned(message.initiatorNonce, 32, "initiator nonce"));
  putU32(header, 12, checkUnsigned(message.responderNonce, 32, "responder nonce"));
}

function show(message: R1): string {
  return `nonce ${showNonce(message.initiatorNonce)} responder-nonce ${showNonce(message.responderNonce)}`;
}
