/** Simulations for tests: the real core, the sources as they are, the runtime that runs the test. */
import { createCrypto } from "../../adapters/common/crypto.ts";
import { memoryOutside } from "../../adapters/memory/outside.ts";
import { createSimulator, type SeedResult, type Simulator } from "../../runtime/sim/run.ts";
import { coreModule } from "./core.ts";

/** A simulator over dist/core.wasm. */
export function openSimulator(): Simulator {
  return createSimulator(memoryOutside(coreModule(), createCrypto()));
}

/** What to say about a seed that went wrong; `undefined` if it did not. */
export function complaint({ scenario, seed, violation }: SeedResult): string | undefined {
  if (violation === undefined) return undefined;
  const { invariant, at, what, stack } = violation;
  return `${scenario}, seed ${seed}: ${invariant} at ${(at / 1000).toFixed(3)} s: ${what}; pshim6 sim --scenario ${scenario} --seeds ${seed} --trace${stack === undefined ? "" : `\n${stack}`}`;
}
