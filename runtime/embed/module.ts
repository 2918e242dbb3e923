/** The core's program, for shared memory and for memory that is not. */
import { CoreError } from "./error.ts";

const MAGIC_OCTETS = 8;
const SECTION_IMPORT = 2;
const KIND_MEMORY = 2;
/** Bit of a memory's limits (WebAssembly threads, binary format). */
const SHARED = 0x02;

/**
 * The same program over unshared memory: one bit of the imported memory's limits is cleared, in a copy. Atomic instructions are allowed there,
 * too. `octets` is dist/core.wasm, whose one import is that memory. @throws {CoreError} `module` if it is not
 */
export function withoutSharing(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(octets);
  const limits = limitsOfMemory(copy);
  if (limits === undefined) throw new CoreError("module", "the octets are no packet core: their first import is no memory");
  copy[limits] &= ~SHARED;
  return copy;
}

/** Place of the octet with the flags. */
function limitsOfMemory(octets: Uint8Array): number | undefined {
  let at = MAGIC_OCTETS;
  while (at < octets.length) {
    const section = octets[at];
    const size = readNumber(octets, at + 1);
    if (section !== SECTION_IMPORT) {
      at = size.end + size.value;
      continue;
    }
    let place = readNumber(octets, size.end).end;
    for (let names = 0; names < 2; names++) {
      const name = readNumber(octets, place);
      place = name.end + name.value;
    }
    return octets[place] === KIND_MEMORY ? place + 1 : undefined;
  }
  return undefined;
}

/** LEB128, unsigned, up to 32 bits. */
function readNumber(octets: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = from, shift = 0; at < octets.length && shift < 35; at++, shift += 7) {
    value += (octets[at] & 0x7f) * 2 ** shift;
    if (octets[at] < 0x80) return { value, end: at + 1 };
  }
  return { value, end: octets.length };
}

/** Compiles `octets`, or takes what was `given`. @throws {CoreError} `module` */
export async function moduleFor(octets: Uint8Array<ArrayBuffer>, shared: boolean, given: object | undefined): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined") throw new CoreError("module", "this runtime has no WebAssembly");
  if (given !== undefined) {
    if (given instanceof WebAssembly.Module) return given;
    throw new CoreError("module", "`wasm` is no WebAssembly.Module");
  }
  try {
    return await WebAssembly.compile(shared ? octets : withoutSharing(octets));
  } catch (cause) {
    if (cause instanceof CoreError) throw cause;
    throw new CoreError("module", "this runtime does not compile the core: give it one as `wasm`, compiled ahead", cause);
  }
}
