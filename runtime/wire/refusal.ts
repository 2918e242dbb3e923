/**
 * A control message that must be answered with an Error message (RFC 5533 §5.14). Unlike a {@link Reject}, which is
 * silent. `pointer` counts octets from the first octet of the IPv6 header of the packet refused.
 */
export class Refusal {
  readonly code: number;
  readonly pointer: number;
  constructor(code: number, pointer: number) {
    this.code = code;
    this.pointer = pointer;
  }
}
