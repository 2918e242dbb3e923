/** Random octets from the system's generator, fit for keys. */
export interface Entropy {
  /** `count` fresh octets in a new array. */
  bytes(count: number): Uint8Array;
}
