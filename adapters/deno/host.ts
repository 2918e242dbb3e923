import type { DenoNamespace } from "../common/deno.ts";

const native = (globalThis as unknown as { readonly Deno: DenoNamespace & { readonly version: { readonly deno: string } } }).Deno;

/** The `Deno` namespace on Deno. */
export const deno: DenoNamespace = native;

/** Runtime and version. */
export const runtime = `deno ${native.version.deno}`;
