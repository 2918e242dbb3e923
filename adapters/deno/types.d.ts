/** The part of Deno's namespace that `adapters/deno` uses and that no installed package declares. */
declare namespace Deno {
  type NativeType = "i32" | "u32" | "pointer" | "buffer";
  interface PointerObject {
    readonly __pointer: unique symbol;
  }
  interface ForeignFunction {
    readonly parameters: readonly NativeType[];
    readonly result: "i32" | "pointer";
  }
  type NativeArgument = number | Uint8Array | PointerObject | null;
  type NativeCall<Result> = (...parameters: NativeArgument[]) => Result;
  function dlopen<Functions extends Record<string, ForeignFunction>>(
    file: string,
    functions: Functions,
  ): {
    readonly symbols: {
      readonly [Name in keyof Functions]: NativeCall<Functions[Name]["result"] extends "pointer" ? PointerObject | null : number>;
    };
  };
  const UnsafePointer: {
    create(address: bigint): PointerObject | null;
    of(buffer: Uint8Array): PointerObject | null;
    value(pointer: PointerObject | null): bigint;
  };
  class UnsafePointerView {
    constructor(pointer: PointerObject);
    getInt32(offset?: number): number;
  }
}
