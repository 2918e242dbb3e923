/**
 * CAPABILITIES: one of our boxes to another; see docs/capabilities.md. Not critical, so everybody else skips it.
 *
 *     |        Type = 0x5053        |0|          Length >= 8          |
 *     |      'P'      |      'S'      |      '6'      |  Version = 1  |
 *     |                  Send Timeout, milliseconds                   |
 *     ~                  what later versions add                      ~
 *
 * The type is experimental and may mean something else to somebody else: the marker tells. Contents that do not fit make
 * a Reject here, and the reader of the message skips the option as if it did not know it.
 */
import { putU32, u32 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { OPTION_CAPABILITIES } from "../number.ts";
import { checkUnsigned, type OptionCodec, type OptionOf } from "./codec.ts";

const MARKER = [0x50, 0x53, 0x36] as const;
const VERSION_AT = 3;
const SEND_TIMEOUT_AT = 4;
const MIN_LENGTH = 8;
/** Layouts with this version or a later one begin with the fields above. */
export const CAPABILITIES_VERSION = 1;

export const capabilities: OptionCodec<OptionOf<"capabilities">> = {
  kind: "capabilities",
  type: OPTION_CAPABILITIES,
  parse,
  length,
  emit,
  show,
};

function parse(contents: Uint8Array): OptionOf<"capabilities"> | Reject {
  if (contents.length < MIN_LENGTH) return reject("bad-capabilities-shim6", contents.length);
  if (MARKER.some((octet, i) => contents[i] !== octet)) return reject("bad-capabilities-shim6", 0);
  const version = contents[VERSION_AT];
  const sendTimeout = u32(contents, SEND_TIMEOUT_AT);
  if (version < CAPABILITIES_VERSION) return reject("bad-capabilities-shim6", VERSION_AT);
  if (sendTimeout === 0) return reject("bad-capabilities-shim6", SEND_TIMEOUT_AT);
  return { kind: "capabilities", version, sendTimeout };
}

function length(): number {
  return MIN_LENGTH;
}

/** A Send Timeout with fractions of a millisecond is rounded to the nearest. */
function emit({ version, sendTimeout }: OptionOf<"capabilities">, contents: Uint8Array): void {
  contents.set(MARKER);
  contents[VERSION_AT] = checkUnsigned(version, 8, "version of the capabilities");
  putU32(contents, SEND_TIMEOUT_AT, checkUnsigned(Math.max(1, Math.round(sendTimeout)), 32, "send timeout"));
}

function show({ version, sendTimeout }: OptionOf<"capabilities">): string {
  return `capabilities v${version} send-timeout ${sendTimeout}ms`;
}
