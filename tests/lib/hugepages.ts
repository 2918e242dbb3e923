/** madvise(MADV_HUGEPAGE) on a buffer, in whichever runtime this is. For benchmarks on Linux. */
import { createRequire } from "node:module";

const MADV_HUGEPAGE = 14;
const PAGE = 4096n;

interface BunFfi {
  dlopen(name: string, symbols: object): { symbols: { madvise(address: bigint, octets: bigint, advice: number): number } };
  ptr(view: ArrayBufferView): number;
}
interface DenoFfi {
  dlopen(name: string, symbols: object): { symbols: { madvise(address: bigint, octets: bigint, advice: number): number } };
  UnsafePointer: { of(view: ArrayBufferView): unknown; value(pointer: unknown): bigint | number };
}

/** @throws {Error} when the kernel refuses */
export function adviseHuge(buffer: ArrayBufferLike): void {
  const octets = BigInt(buffer.byteLength);
  const result = "Bun" in globalThis ? byBun(buffer, octets) : "Deno" in globalThis ? byDeno(buffer, octets) : byKoffi(buffer, octets);
  if (result !== 0) throw new Error(`madvise: ${result}`);
}

function byBun(buffer: ArrayBufferLike, octets: bigint): number {
  const ffi = createRequire(import.meta.url)("bun:ffi") as BunFfi;
  const { symbols } = ffi.dlopen("libc.so.6", { madvise: { args: ["u64", "u64", "i32"], returns: "i32" } });
  return symbols.madvise(aligned(BigInt(ffi.ptr(new Uint8Array(buffer)))), octets, MADV_HUGEPAGE);
}

function byDeno(buffer: ArrayBufferLike, octets: bigint): number {
  const deno = (globalThis as unknown as { Deno: DenoFfi }).Deno;
  const { symbols } = deno.dlopen("libc.so.6", { madvise: { parameters: ["u64", "u64", "i32"], result: "i32" } });
  return symbols.madvise(aligned(BigInt(deno.UnsafePointer.value(deno.UnsafePointer.of(new Uint8Array(buffer))))), octets, MADV_HUGEPAGE);
}

function byKoffi(buffer: ArrayBufferLike, octets: bigint): number {
  const koffi = createRequire(import.meta.url)("koffi") as {
    load(name: string): { func(prototype: string): (view: Uint8Array, octets: bigint, advice: number) => number };
  };
  return koffi.load("libc.so.6").func("int madvise(void *address, size_t octets, int advice)")(
    new Uint8Array(buffer),
    octets,
    MADV_HUGEPAGE,
  );
}

function aligned(address: bigint): bigint {
  return address & ~(PAGE - 1n);
}
