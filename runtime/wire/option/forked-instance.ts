/**
 * Forked Instance Identifier (RFC 5533 §5.15.7).
 *
 *     |           Type = 7          |C|         Length = 4            |
 *     |                  Forked Instance Identifier                   |
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { OPTION_FORKED_INSTANCE } from "../number.ts";
import { checkUnsigned, type OptionCodec, type OptionOf } from "./codec.ts";

const LENGTH = 4;

export const forkedInstance: OptionCodec<OptionOf<"forked-instance">> = {
  kind: "forked-instance",
  type: OPTION_FORKED_INSTANCE,
  parse,
  length,
  emit,
  show,
};

function parse(contents: Uint8Array): OptionOf<"forked-instance"> | Reject {
  if (contents.length !== LENGTH) return reject("bad-length-option-shim6", OPTION_FORKED_INSTANCE);
  return { kind: "forked-instance", identifier: u32(contents, 0) };
}

function length(): number {
  return LENGTH;
}

function emit({ identifier }: OptionOf<"forked-instance">, contents: Uint8Array): void {
  putU32(contents, 0, checkUnsigned(identifier, 32, "forked instance identifier"));
}

function show({ identifier }: OptionOf<"forked-instance">): string {
  return `fork ${identifier}`;
}
