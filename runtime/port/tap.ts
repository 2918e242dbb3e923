/** Packets of a layer-3 interface, looked at as they pass; nothing is taken away. */
export interface Tap {
  /**
   * Hands over packets that have passed, oldest first, at most `limit`, and returns at once. `packet` is a whole IPv6 packet, the callee's only
   * until it returns; `at` is when the kernel saw it, nanoseconds since 1970; `outgoing`: the machine sent it on that interface.
   * @returns how many there were; `limit` = there may be more
   */
  read(limit: number, take: (packet: Uint8Array, at: bigint, outgoing: boolean) => void): number;
  /** Packets that passed and found no room, since the start; 0 after the end. */
  missed(): number;
  /** The second call does nothing. */
  close(): void;
}
