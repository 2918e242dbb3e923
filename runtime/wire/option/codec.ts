import type { Reject } from "../../value/reject.ts";
import type { Option, OptionKind } from "../message.ts";

export type OptionOf<K extends OptionKind> = Extract<Option, { kind: K }>;

/** One option type. Contents are without the four octets of Type and Length and without trailing padding. */
export interface OptionCodec<O extends Option = Option> {
  readonly kind: O["kind"];
  readonly type: number;
  /** Reads Contents; what is returned shares no memory with them. Never throws. */
  parse(contents: Uint8Array): O | Reject;
  /** Octets of Contents. */
  length(option: O): number;
  /** Fills `contents`: zeros, {@link length} octets. @throws {RangeError} for what the format cannot hold. */
  emit(option: O, contents: Uint8Array): void;
  /** A few words, tcpdump style. */
  show(option: O): string;
}

/** @throws {RangeError} naming `what` unless `value` is an unsigned integer of `bits` bits. */
export function checkUnsigned(value: number, bits: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) throw new RangeError(`${what} does not fit ${bits} bits: ${value}`);
  return value;
}
