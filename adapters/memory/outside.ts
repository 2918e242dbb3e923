import type { CryptoPort } from "../../runtime/port/crypto.ts";
import type { SimOutside } from "../../runtime/sim/outside.ts";
import { virtualClock } from "./clock.ts";
import { seededEntropy } from "./entropy.ts";
import { memoryPlane } from "./plane.ts";

/** What simulations run on: virtual time, seeded randomness, packet planes without a kernel. `module` is dist/core.wasm, compiled. */
export function memoryOutside(module: WebAssembly.Module, crypto: CryptoPort): SimOutside {
  return { crypto, module, clock: (start) => virtualClock(start), entropy: seededEntropy, plane: memoryPlane };
}
