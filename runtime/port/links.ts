import type { Address } from "../value/address.ts";

/** An interface as the kernel has it. */
export interface LinkState {
  readonly name: string;
  /** Switched on, and with a carrier, where there is such a thing. */
  readonly up: boolean;
}

/** A router next door. */
export interface Gateway {
  /** Name of the interface that it is behind. */
  readonly link: string;
  readonly address: Address;
}

/** What neighbour discovery has found out about a gateway (RFC 4861 §7.3.2). */
export interface GatewayState extends Gateway {
  /**
   * `answers`: it has just confirmed that it is there. `silent`: the kernel has asked in vain, three times in three seconds unless it is set otherwise.
   * `fixed`: nobody asks, because the line knows no neighbour discovery or the operator has told its address.
   */
  readonly standing: "answers" | "silent" | "fixed";
}

/** Who hears of interfaces and gateways. Called on the thread that opened the monitor. */
export interface LinkWatcher {
  /** Once for every interface there is, then for every change; also for changes that concern something else of the interface. */
  readonly link: (state: LinkState) => void;
  /** After each {@link LinkMonitor.solicit}, and for changes in between; of those gateways only. Says the same more than once. */
  readonly gateway: (state: GatewayState) => void;
  /** Nothing will be heard any more, for this reason. */
  readonly failed: (error: Error) => void;
}

/** Gateways that a monitor watches at most; more are not asked. */
export const GATEWAYS_WATCHED = 16;

/** Hears of interfaces: see `watchLinks` of the platform. */
export interface LinkMonitor {
  /**
   * These gateways are watched from now on, and no others; has the kernel ask each of them, by itself, whether it is there. An interface that there
   * is not is passed over. Returns at once.
   */
  solicit(gateways: readonly Gateway[]): void;
  /** Nothing is heard afterwards. The second call is the same. */
  close(): Promise<void>;
}
