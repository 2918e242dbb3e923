/** The C library on Bun: bun:ffi. Addresses are plain numbers (Bun 1.4: 235 ns for read of 1,400 octets). */
import { cString, type Libc, type MemoryCalls, openLibrary } from "../common/libc.ts";
import { type CType, ERRNO_LOCATION, MEMORY_CALLS, NUMBER_CALLS, SETUP_CALLS, type Signature } from "../linux/libc.ts";

type NativeType = "i32" | "u32" | "ptr";
const TYPES: Record<CType, NativeType> = { i32: "i32", u32: "u32", address: "ptr", buffer: "ptr" };

/** Opens the C library. @throws {PortError} `unsupported` when it cannot be loaded */
export async function openLibc(): Promise<Libc> {
  // Imported here: a static import would stand at the top of the bundle and stop the other runtimes.
  const { dlopen, read: peek, ptr } = await import("bun:ffi");
  const { symbols } = openLibrary((file) =>
    dlopen(file, { ...translate(SETUP_CALLS), ...translate(MEMORY_CALLS), [ERRNO_LOCATION]: { args: [], returns: "ptr" } }),
  );
  const numbers = openLibrary((file) => dlopen(file, translate(NUMBER_CALLS))).symbols;
  const { read, write, poll, madvise, recvmsg, recvmmsg, sendmmsg, epoll_wait } = symbols;
  const errno = symbols[ERRNO_LOCATION]();
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
    errno: () => peek.i32(errno),
    onMemory(buffer): MemoryCalls {
      const base = ptr(new Uint8Array(buffer));
      return {
        read: (fd, offset, octets) => read(fd, base + offset, octets),
        write: (fd, offset, octets) => write(fd, base + offset, octets),
        poll: (offset, count, timeout) => poll(base + offset, count, timeout),
        madvise: (offset, octets, advice) => madvise(base + offset, octets, advice),
        recvmsg: (fd, offset) => recvmsg(fd, base + offset, 0),
        recvmmsg: (fd, offset, count, flags) => recvmmsg(fd, base + offset, count, flags, 0),
        sendmmsg: (fd, offset, count) => sendmmsg(fd, base + offset, count, 0),
        epollWait: (fd, offset, count, timeout) => epoll_wait(fd, base + offset, count, timeout),
        base: BigInt(base),
      };
    },
  };
}

function translate<Name extends string>(calls: Record<Name, Signature>): Record<Name, { args: NativeType[]; returns: "i32" }> {
  const translated: Partial<Record<Name, { args: NativeType[]; returns: "i32" }>> = {};
  for (const name in calls) translated[name] = { args: calls[name].parameters.map((type) => TYPES[type]), returns: "i32" };
  return translated as Record<Name, { args: NativeType[]; returns: "i32" }>;
}
