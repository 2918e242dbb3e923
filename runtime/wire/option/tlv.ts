/**
 * The common form of options (RFC 5533 §5.15).
 *
 *     |           Type              |C|            Length             |
 *     ~                  Contents (Length octets)                     ~
 *     ~                           |  Padding to a multiple of 8       |
 */
import { putU16, u16 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import type { Option, OptionKind } from "../message.ts";
import { capabilities } from "./capabilities.ts";
import { checkUnsigned, type OptionCodec } from "./codec.ts";
import { forkedInstance } from "./forked-instance.ts";
import { keepaliveTimeout } from "./keepalive-timeout.ts";
import { locatorList } from "./locator-list.ts";
import { locatorPreferences } from "./locator-preferences.ts";
import { cgaPds, cgaSignature, responderValidator } from "./opaque.ts";
import { ulidPair } from "./ulid-pair.ts";

const CODECS: readonly OptionCodec[] = [
  responderValidator,
  locatorList,
  locatorPreferences,
  cgaPds,
  cgaSignature,
  ulidPair,
  forkedInstance,
  keepaliveTimeout,
  capabilities,
];
const BY_TYPE = new Map(CODECS.map((codec) => [codec.type, codec]));
const BY_KIND = new Map<OptionKind, OptionCodec>(CODECS.map((codec) => [codec.kind, codec]));

export const OPTION_HEADER_LENGTH = 4;

/** One option as it stands in the octets that {@link walkOptions} was given: `at` is the first octet of Type. */
export interface Tlv {
  readonly at: number;
  readonly type: number;
  readonly critical: boolean;
  /** A view, valid as long as the octets are. */
  readonly contents: Uint8Array;
}

/**
 * The options from `start` to the end of `bytes`. Stops at the first that does not fit.
 * @returns what it found, and where and whether it had to stop
 */
export function walkOptions(bytes: Uint8Array, start: number): { readonly options: Tlv[]; readonly broken: Reject | undefined } {
  const options: Tlv[] = [];
  let at = start;
  while (at < bytes.length) {
    if (at + OPTION_HEADER_LENGTH > bytes.length) return { options, broken: reject("short-option-shim6", at) };
    const length = u16(bytes, at + 2);
    if (at + paddedLength(length) > bytes.length) return { options, broken: reject("short-option-shim6", at) };
    const contents = bytes.subarray(at + OPTION_HEADER_LENGTH, at + OPTION_HEADER_LENGTH + length);
    options.push({ at, type: u16(bytes, at) >> 1, critical: (bytes[at + 1] & 1) === 1, contents });
    at += paddedLength(length);
  }
  return { options, broken: undefined };
}

/** How to read options of `type`; `undefined` for a type that we do not know. */
export function optionCodec(type: number): OptionCodec | undefined {
  return BY_TYPE.get(type);
}

/** Octets of the whole option, header and padding included. */
export function optionLength(option: Option): number {
  return paddedLength(contentsLength(option));
}

/** Writes the whole option at `at` of `bytes`, which has zeros there. @throws {RangeError} for what the format cannot hold. */
export function emitOption(option: Option, bytes: Uint8Array, at: number): void {
  const length = checkUnsigned(contentsLength(option), 16, "length of an option");
  const codec = option.kind === "unknown" ? undefined : BY_KIND.get(option.kind);
  const type = option.kind === "unknown" ? option.type : (codec?.type ?? 0);
  putU16(bytes, at, (checkUnsigned(type, 15, "type of an option") << 1) | (option.critical ? 1 : 0));
  putU16(bytes, at + 2, length);
  const contents = bytes.subarray(at + OPTION_HEADER_LENGTH, at + OPTION_HEADER_LENGTH + length);
  if (option.kind === "unknown") contents.set(option.contents);
  else codec?.emit(option, contents);
}

/** A few words, tcpdump style; of opaque contents the length alone. */
export function showOption(option: Option): string {
  if (option.kind === "unknown") return `option ${option.type} ${option.contents.length}`;
  return BY_KIND.get(option.kind)?.show(option) ?? option.kind;
}

function contentsLength(option: Option): number {
  if (option.kind === "unknown") return option.contents.length;
  return BY_KIND.get(option.kind)?.length(option) ?? 0;
}

function paddedLength(length: number): number {
  return (OPTION_HEADER_LENGTH + length + 7) & ~7;
}
