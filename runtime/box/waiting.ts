/** Hosts' packets that the box holds back: until there is a context, or until its exploration is over. */
import type { UlidPair } from "../shim6/contract.ts";
import { Hold, type HoldLimits } from "./hold.ts";

/** Both kinds of waiting, each bounded by the same limits. */
export class Waiting {
  /** Under {@link pairKey}. */
  readonly forContext: Hold;
  /** Under the context's id. */
  readonly exploring: Hold;

  constructor(limits: HoldLimits) {
    this.forContext = new Hold(limits, "keep-oldest");
    this.exploring = new Hold(limits, "keep-newest");
  }

  /** From the next packet on. */
  set limits(limits: HoldLimits) {
    this.forContext.limits = limits;
    this.exploring.limits = limits;
  }

  get octets(): number {
    return this.forContext.octets + this.exploring.octets;
  }

  get keys(): number {
    return this.forContext.keys + this.exploring.keys;
  }
}

/** What packets that need a context for `pair` wait under. */
export function pairKey(pair: UlidPair): string {
  return `${pair.local} ${pair.peer} ${pair.fork}`;
}
