import type { Address } from "../value/address.ts";

/** Where ICMPv6 between neighbours goes in and out: one interface (RFC 4861). */
export interface NeighbourLink {
  /**
   * Hands over the Router Solicitations that have come since the last call, oldest first, at most `limit`; returns at once. They had hop limit 255 and
   * a right checksum. `message` begins with the ICMPv6 header and is valid during the call only.
   */
  receive(limit: number, take: (message: Uint8Array, source: Address) => void): void;
  /**
   * Sends an ICMPv6 message to all nodes of the link, from the interface's link-local address and with hop limit 255. Its checksum is filled in.
   * @returns `false` when the kernel refuses: the interface is down or has no address yet
   */
  advertise(message: Uint8Array): boolean;
  close(): void;
}
