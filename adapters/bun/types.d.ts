/** The part of Bun's foreign-function module that `adapters/bun` uses. */
declare module "bun:ffi" {
  type NativeType = "i32" | "u32" | "ptr";
  interface ForeignFunction {
    readonly args: readonly NativeType[];
    readonly returns: "i32" | "ptr";
  }
  type NativeCall = (...parameters: (number | Uint8Array)[]) => number;
  function dlopen<Name extends string>(
    file: string,
    functions: Record<Name, ForeignFunction>,
  ): { readonly symbols: Readonly<Record<Name, NativeCall>> };
  /** Address of the array's first octet. */
  function ptr(buffer: Uint8Array): number;
  const read: { i32(pointer: number, offset?: number): number };
}
