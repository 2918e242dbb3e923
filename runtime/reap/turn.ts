import type { Millis } from "../value/time.ts";
import type { ReapEffect } from "./contract.ts";
import type { Draw } from "./draw.ts";

/** One step of the machine: its instant, its random numbers, its effects so far. */
export interface Turn {
  readonly now: Millis;
  readonly draw: Draw;
  readonly effects: ReapEffect[];
}
