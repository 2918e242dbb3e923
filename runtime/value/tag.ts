declare const tagBrand: unique symbol;

/** Context tag, 0 … 2^47 − 1 (RFC 5533 §5.1). Every value is exact in a number. */
export type ContextTag = number & { readonly [tagBrand]: true };

export const CONTEXT_TAG_BITS = 47;
export const CONTEXT_TAG_LIMIT = 2 ** CONTEXT_TAG_BITS;

/** `value` as a context tag. @throws {RangeError} if it is no integer from 0 to 2^47 − 1. */
export function contextTag(value: number): ContextTag {
  if (!Number.isInteger(value) || value < 0 || value >= CONTEXT_TAG_LIMIT) throw new RangeError(`not a context tag: ${value}`);
  return value as ContextTag;
}

/** Twelve hexadecimal digits, as captures show a tag. */
export function showTag(tag: ContextTag): string {
  return tag.toString(16).padStart(12, "0");
}
