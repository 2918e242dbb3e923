/**
 * Keepalive Timeout (RFC 5534 §5.3): the Send Timeout of the sender of this option, in seconds.
 *
 *     |           Type = 10         |C|          Length = 4           |
 *     |            Reserved           |      Keepalive Timeout        |
 */
import { putU16, u16 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { OPTION_KEEPALIVE_TIMEOUT } from "../number.ts";
import { checkUnsigned, type OptionCodec, type OptionOf } from "./codec.ts";

const LENGTH = 4;
const SECONDS_AT = 2;

export const keepaliveTimeout: OptionCodec<OptionOf<"keepalive-timeout">> = {
  kind: "keepalive-timeout",
  type: OPTION_KEEPALIVE_TIMEOUT,
  parse,
  length,
  emit,
  show,
};

function parse(contents: Uint8Array): OptionOf<"keepalive-timeout"> | Reject {
  if (contents.length !== LENGTH) return reject("bad-length-option-shim6", OPTION_KEEPALIVE_TIMEOUT);
  return { kind: "keepalive-timeout", seconds: u16(contents, SECONDS_AT) };
}

function length(): number {
  return LENGTH;
}

function emit({ seconds }: OptionOf<"keepalive-timeout">, contents: Uint8Array): void {
  putU16(contents, SECONDS_AT, checkUnsigned(seconds, 16, "keepalive timeout"));
}

function show({ seconds }: OptionOf<"keepalive-timeout">): string {
  return `keepalive ${seconds}s`;
}
