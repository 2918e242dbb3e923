import { putU48, u48 } from "../../value/bytes.ts";
import { type Reject, reject } from "../../value/reject.ts";
import { CONTEXT_TAG_LIMIT, type ContextTag, contextTag } from "../../value/tag.ts";
import type { Message, Option } from "../message.ts";
import {
  OPTION_CAPABILITIES,
  OPTION_CGA_PDS,
  OPTION_CGA_SIGNATURE,
  OPTION_FORKED_INSTANCE,
  OPTION_KEEPALIVE_TIMEOUT,
  OPTION_LOCATOR_LIST,
  OPTION_LOCATOR_PREFERENCES,
  OPTION_RESPONDER_VALIDATOR,
  OPTION_ULID_PAIR,
  SHIM6_TAG_AT,
} from "../number.ts";

/** One message type. `header` is always the whole Shim6 header, as long as its Hdr Ext Len says. */
export interface MessageCodec<M extends Message = Message> {
  readonly kind: M["kind"];
  readonly type: number;
  /** Octets that the header has at least. */
  readonly minLength: number;
  /** Option types defined for this message. */
  readonly options: ReadonlySet<number>;
  /** Where options begin in a header of at least {@link minLength} octets, or what is wrong with its fixed part. */
  optionsAt(header: Uint8Array): number | Reject;
  /** Reads the fixed part, which {@link optionsAt} found right. What is returned shares no memory with `header`. */
  parse(header: Uint8Array, options: readonly Option[]): M;
  /** Octets before the options. */
  length(message: M): number;
  /** Fills the fixed part but for the first six octets, whose S octet alone is its own. `header` has zeros. @throws {RangeError} */
  emit(message: M, header: Uint8Array): void;
  /** A few words, tcpdump style, without the options. */
  show(message: M): string;
}

/** The tag in the lower 47 bits of the six octets at `at`; the top bit is reserved. */
export function tagAt(header: Uint8Array, at: number = SHIM6_TAG_AT): ContextTag {
  return contextTag(u48(header, at) % CONTEXT_TAG_LIMIT);
}

/** Writes a tag into the six octets at `at`; the reserved bit above it is 0. */
export function putTag(header: Uint8Array, tag: ContextTag, at: number = SHIM6_TAG_AT): void {
  putU48(header, at, contextTag(tag));
}

/** Eight hexadecimal digits. */
export function showNonce(nonce: number): string {
  return nonce.toString(16).padStart(8, "0");
}

/** Reject of a header that is shorter than its message needs. */
export function tooShort(header: Uint8Array): Reject {
  return reject("short-shim6", header.length);
}

const NAMES_CONTEXT = [OPTION_ULID_PAIR, OPTION_FORKED_INSTANCE];
const TELLS_LOCATORS = [OPTION_LOCATOR_LIST, OPTION_LOCATOR_PREFERENCES, OPTION_CGA_PDS, OPTION_CGA_SIGNATURE, OPTION_KEEPALIVE_TIMEOUT];

/** Which option is defined in which message (RFC 5533 §5.4 to §5.13, RFC 5534 §5.3; CAPABILITIES: docs/capabilities.md). */
export const I1_OPTIONS: ReadonlySet<number> = new Set([...NAMES_CONTEXT, OPTION_CAPABILITIES]);
export const R1_OPTIONS: ReadonlySet<number> = new Set([OPTION_RESPONDER_VALIDATOR, OPTION_CAPABILITIES]);
export const I2_OPTIONS: ReadonlySet<number> = new Set([
  OPTION_RESPONDER_VALIDATOR,
  ...NAMES_CONTEXT,
  ...TELLS_LOCATORS,
  OPTION_CAPABILITIES,
]);
export const R2_OPTIONS: ReadonlySet<number> = new Set([...TELLS_LOCATORS, OPTION_CAPABILITIES]);
export const UPDATE_OPTIONS: ReadonlySet<number> = new Set([...TELLS_LOCATORS, OPTION_CAPABILITIES]);
export const NO_OPTIONS: ReadonlySet<number> = new Set();
