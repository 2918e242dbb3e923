/** Every packet that a host ever sent, by its number: what arrives is compared with what left. */
import type { Millis } from "../value/time.ts";
import type { Person } from "./people.ts";

/** One packet of a host, or of somebody who pretends to be one. */
export interface Sent {
  readonly number: number;
  readonly at: Millis;
  /** As the host sent it. */
  readonly packet: Uint8Array;
  readonly from: Person;
  readonly to: Person;
  /** Made by an attacker who knows the context's tag: the box cannot know, the host throws it away. */
  readonly forged: boolean;
  /** Times that the sender's box put it on a wire, that it came to the receiver's box, and that a host got it. */
  left: number;
  /** Offsets of the pieces in which it left, if its box had to cut it. */
  pieces: Set<number> | undefined;
  came: number;
  delivered: number;
}

/** All of them. */
export class Ledger {
  readonly #sent: Sent[] = [];

  /** The number of the next packet; 0 stands for none. */
  get next(): number {
    return this.#sent.length + 1;
  }

  /** Enters the packet that carries the number {@link next}. */
  enter(at: Millis, packet: Uint8Array, from: Person, to: Person, forged = false): Sent {
    const sent = { number: this.next, at, packet, from, to, forged, left: 0, pieces: undefined, came: 0, delivered: 0 };
    this.#sent.push(sent);
    return sent;
  }

  find(number: number): Sent | undefined {
    return this.#sent[number - 1];
  }
}
