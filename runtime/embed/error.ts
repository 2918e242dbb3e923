/** What was wrong; programs decide by this, people read the message. */
export type CoreErrorCode =
  /** An option or a number is out of its range. */
  | "option"
  /** A text is no IPv6 address. */
  | "address"
  /** A text is no IPv6 prefix. */
  | "prefix"
  /** A number is no context tag. */
  | "tag"
  /** The ULID pair or the local tag is in the table already. */
  | "taken"
  /** The table has no room for another context. */
  | "full"
  /** No context has this id. */
  | "unknown"
  /** A batch has more packets than slots. */
  | "packet"
  /** There is no such memory here: it is not shared where it must be, or there is too little. */
  | "memory"
  /** What was given as the core's module is none, or this runtime compiles none. */
  | "module"
  /** Used after it was closed. */
  | "closed";

/** The core was used wrongly, or cannot be had here. Octets from the network never lead to one. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly code: CoreErrorCode;
  constructor(code: CoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
