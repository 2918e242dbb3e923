/** What kind of thing went wrong outside; callers decide by this, people read the message. */
export type PortErrorCode =
  /** A file, device or program that must be there is not. */
  | "missing"
  /** The system does not let us: privilege or file mode. */
  | "permission"
  /** Somebody else has it: a device name, a socket, a lock. */
  | "busy"
  /** What is stored there is not what we wrote. */
  | "corrupt"
  /** No room: the disk is full, or a quota is used up. */
  | "full"
  /** The system is too old, or built without what is needed. */
  | "unsupported"
  /** Used after it was closed. */
  | "closed"
  /** Anything else that the system refused. */
  | "failed";

/** The outside failed. The message is one sentence for the operator: what was wrong, where, and what to do. */
export class PortError extends Error {
  override readonly name = "PortError";
  readonly code: PortErrorCode;
  constructor(code: PortErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
