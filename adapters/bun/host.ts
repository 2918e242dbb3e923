import { Deno } from "@deno/shim-deno";
import type { DenoNamespace } from "../common/deno.ts";

/** The `Deno` namespace on Bun: the shim for Node, whose modules Bun has too. */
export const deno: DenoNamespace = Deno;

/** Runtime and version. */
export const runtime = `bun ${process.versions.bun ?? "?"}`;
