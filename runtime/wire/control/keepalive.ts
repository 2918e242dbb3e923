/**
 * Keepalive: packets arrive, nothing to send back (RFC 5533 §5.12, RFC 5534 §5.1).
 *
 *     |  Next Header  |  Hdr Ext Len  |0|   Type = 66  | Reserved1   |0|
 *     |           Checksum            |R|                             |
 *     |                     Receiver Context Tag                      |
 *     |                          Reserved2                            |
 */
import { showTag } from "../../value/tag.ts";
import type { Keepalive } from "../message.ts";
import { TYPE_KEEPALIVE } from "../number.ts";
import { type MessageCodec, NO_OPTIONS, putTag, tagAt } from "./codec.ts";

const LENGTH = 16;

export const keepalive: MessageCodec<Keepalive> = {
  kind: "Keepalive",
  type: TYPE_KEEPALIVE,
  minLength: LENGTH,
  options: NO_OPTIONS,
  optionsAt: () => LENGTH,
  parse,
  length: () => LENGTH,
  emit,
  show,
};

function parse(header: Uint8Array, options: Keepalive["options"]): Keepalive {
  return {
    kind: "Keepalive",
    receiverTag: tagAt(header),
    options,
  };
}

function emit(message: Keepalive, header: Uint8Array): void {
  putTag(header, message.receiverTag);
}

function show(message: Keepalive): string {
  return `tag ${showTag(message.receiverTag)}`;
}
