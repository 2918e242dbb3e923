import { Deno } from "@deno/shim-deno";
import type { DenoNamespace } from "../common/deno.ts";

/** The `Deno` namespace on Node: the shim. */
export const deno: DenoNamespace = Deno;

/** Runtime and version. */
export const runtime = `node ${process.versions.node}`;
