import type { Millis } from "../value/time.ts";

/**
 * The packet plane as the box sees it: one worker per queue moves frames between the TUN and the core without TypeScript;
 * what the core cannot decide comes here.
 *
 * The two `on` functions are called on the box's own thread, never inside a call of the box into this port.
 */
export interface PacketPlane {
  /** Starts the workers. Resolves when each of them reads its queue. @throws if a worker cannot start. */
  start(handlers: PacketHandlers): Promise<void>;
  /**
   * Sends one IPv6 packet into the TUN, from where the kernel routes it on. `packet` is copied before return.
   * @returns `false` when the kernel refuses it (counted as `drop-write-*`)
   */
  send(packet: Uint8Array): boolean;
  /** What this port counted since start, by the counter's name: `drop-write-eio`, `drop-write-einval`, … */
  totals(): ReadonlyMap<string, number>;
  /** Stops the workers, waits for them, closes the TUN. */
  stop(): Promise<void>;
}

/** Who hears of what the workers cannot decide. */
export interface PacketHandlers {
  /**
   * Packets that the core punted, oldest first. `packet` is a view that is valid during the call only: copy what is kept.
   * `reason` is a PUNT_* of core-as/layout/verdict.ts; `context` is the record's index, or -1.
   */
  punt(packet: Uint8Array, reason: number, context: number): void;
  /** After a batch of punts, and when the core's activity ring has entries: the box drains its timers. */
  activity(now: Millis): void;
  /** A worker ended by itself. The box stops with this error. */
  failed(error: Error): void;
}
