/** An interface as the kernel has it. */
export interface LinkState {
  readonly name: string;
  /** Switched on, and with a carrier, where there is such a thing. */
  readonly up: boolean;
}

/** Hears of interfaces: see `watchLinks` of the platform. */
export interface LinkMonitor {
  /** Nothing is heard afterwards. The second call is the same. */
  close(): Promise<void>;
}
