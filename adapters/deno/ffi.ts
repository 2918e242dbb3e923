/**
 * The C library on Deno: Deno.dlopen. Addresses are pointer objects, made once for each offset: a call with one takes 230 ns,
 * with a number 350 (read of 1,400 octets, Deno 2.9, x86-64), because 64-bit numbers leave the fast path.
 */
import { PortError } from "../../runtime/port/error.ts";
import { cString, type Libc, type MemoryCalls, openLibrary } from "../common/libc.ts";
import { type CType, ERRNO_LOCATION, MEMORY_CALLS, NUMBER_CALLS, SETUP_CALLS, type Signature } from "../linux/libc.ts";

interface NativeFunction {
  readonly parameters: readonly Deno.NativeType[];
  readonly result: "i32";
}

const TYPES: Record<CType, Deno.NativeType> = { i32: "i32", u32: "u32", address: "pointer", buffer: "buffer" };

/** Frames lie at a few places of each slot; beyond this many offsets the table starts anew. */
const POINTERS_MAX = 65_536;

/** Opens the C library. @throws {PortError} `unsupported` when it cannot be loaded, `permission` without --allow-ffi */
export async function openLibc(): Promise<Libc> {
  const { symbols } = openLibrary((file) =>
    Deno.dlopen(file, {
      ...translate(SETUP_CALLS),
      ...translate(MEMORY_CALLS),
      [ERRNO_LOCATION]: { parameters: [], result: "pointer" as const },
    }),
  );
  const numbers = openLibrary((file) => Deno.dlopen(file, translate(NUMBER_CALLS))).symbols;
  const { read, write, poll, madvise, recvmsg, recvmmsg, sendmmsg, epoll_wait } = symbols;
  const where = symbols[ERRNO_LOCATION]();
  if (where === null) throw new PortError("unsupported", "the C library has no errno");
  const errno = new Deno.UnsafePointerView(where);
  return {
    open: (path, flags) => symbols.open(cString(path), flags, 0),
    close: (fd) => symbols.close(fd),
    ioctl: (fd, request, argument) => symbols.ioctl(fd, request, argument),
    ioctlNumber: (fd, request, argument) => numbers.ioctl(fd, request, argument),
    eventfd: (initial, flags) => symbols.eventfd(initial, flags),
    socket: (domain, type, protocol) => symbols.socket(domain, type, protocol),
    setsockopt: (fd, level, option, value) => symbols.setsockopt(fd, level, option, value, value.length),
    getsockopt: (fd, level, option, value) =>
      symbols.getsockopt(fd, level, option, value, new Uint8Array(new Uint32Array([value.length]).buffer)),
    getsockname: (fd, name) => symbols.getsockname(fd, name, new Uint8Array(new Uint32Array([name.length]).buffer)),
    bind: (fd, name) => symbols.bind(fd, name, name.length),
    connect: (fd, name) => symbols.connect(fd, name, name.length),
    epollCreate: (flags) => symbols.epoll_create1(flags),
    epollControl: (epoll, operation, fd, event) => symbols.epoll_ctl(epoll, operation, fd, event),
    sendto: (fd, octets, to) => symbols.sendto(fd, octets, octets.length, 0, to, to.length),
    interfaceIndex: (name) => symbols.if_nametoindex(cString(name)),
    errno: () => errno.getInt32(),
    onMemory(buffer): MemoryCalls {
      const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer)));
      const pointers = new Map<number, Deno.PointerObject | null>();
      const at = (offset: number): Deno.PointerObject | null => pointers.get(offset) ?? make(offset);
      const make = (offset: number): Deno.PointerObject | null => {
        if (pointers.size >= POINTERS_MAX) pointers.clear();
        const pointer = Deno.UnsafePointer.create(base + BigInt(offset));
        pointers.set(offset, pointer);
        return pointer;
      };
      return {
        read: (fd, offset, octets) => read(fd, at(offset), octets),
        write: (fd, offset, octets) => write(fd, at(offset), octets),
        poll: (offset, count, timeout) => poll(at(offset), count, timeout),
        madvise: (offset, octets, advice) => madvise(at(offset), octets, advice),
        recvmsg: (fd, offset) => recvmsg(fd, at(offset), 0),
        recvmmsg: (fd, offset, count, flags) => recvmmsg(fd, at(offset), count, flags, 0),
        sendmmsg: (fd, offset, count) => sendmmsg(fd, at(offset), count, 0),
        epollWait: (fd, offset, count, timeout) => epoll_wait(fd, at(offset), count, timeout),
        base: BigInt(base),
      };
    },
  };
}

function translate<Name extends string>(calls: Record<Name, Signature>): Record<Name, NativeFunction> {
  const translated: Partial<Record<Name, NativeFunction>> = {};
  for (const name in calls) translated[name] = { parameters: calls[name].parameters.map((type) => TYPES[type]), result: "i32" };
  return translated as Record<Name, NativeFunction>;
}
