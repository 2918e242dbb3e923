/** What a simulation needs from outside: time that is moved, randomness from a seed, a packet plane without a kernel, hashes. */
import type { Core, Lane } from "../fast/contract.ts";
import type { Clock } from "../port/clock.ts";
import type { CryptoPort } from "../port/crypto.ts";
import type { Entropy } from "../port/entropy.ts";
import type { PacketPlane } from "../port/packet.ts";
import type { Millis } from "../value/time.ts";

/** A clock that stands still until it is moved. */
export interface SimClock extends Clock {
  /** When the waiting `wakeAt` is due, or `NEVER`. */
  due(): Millis;
  /** Moves to `at` as for a process that was stopped: what fell due meanwhile fires late, at `at`. */
  leapTo(at: Millis): void;
}

/** What a packet plane of a simulated machine is made of. */
export interface SimPlaneParts {
  readonly core: Core;
  readonly lane: Lane;
  readonly now: () => Millis;
  /** Packets that the box writes; the callee keeps them. */
  readonly deliver: (packet: Uint8Array) => void;
}

/** A packet plane on the caller's thread. */
export interface SimPlane extends PacketPlane {
  /** Packets that the kernel has for the box; all they lead to has happened on return. */
  receive(...packets: Uint8Array[]): void;
}

/** The outside of all simulations of a process. */
export interface SimOutside {
  readonly crypto: CryptoPort;
  /** dist/core.wasm, compiled once. */
  readonly module: WebAssembly.Module;
  clock(start: Millis): SimClock;
  /** The same octets for the same seed. */
  entropy(seed: number): Entropy;
  plane(parts: SimPlaneParts): SimPlane;
}
