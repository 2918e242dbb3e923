import { PortError } from "../../runtime/port/error.ts";
import { LIBC_FILES } from "../linux/libc.ts";

/**
 * System calls for the packet path, bound to one shared memory. Offsets count octets from its start. All give what the C
 * function gives: −1 is a failure, and {@link Libc.errno} says which if it is asked next. Nothing is allocated in the steady state.
 */
export interface MemoryCalls {
  read(fd: number, offset: number, octets: number): number;
  write(fd: number, offset: number, octets: number): number;
  /** `count` structures pollfd at `offset`; `timeout` in ms, −1 = for ever. Blocks this thread. */
  poll(offset: number, count: number, timeout: number): number;
  madvise(offset: number, octets: number, advice: number): number;
  /** One message into the structure msghdr at `offset`; its pointers are {@link base} and an offset. */
  recvmsg(fd: number, offset: number): number;
  /** `count` structures mmsghdr at `offset`, flags MSG_*. @returns how many were filled */
  recvmmsg(fd: number, offset: number, count: number, flags: number): number;
  /** Sends `count` structures mmsghdr at `offset`. @returns how many have left; −1 is of the first one */
  sendmmsg(fd: number, offset: number, count: number): number;
  /** At most `count` structures epoll_event into `offset`; `timeout` in ms, −1 = for ever. Blocks this thread. */
  epollWait(fd: number, offset: number, count: number, timeout: number): number;
  /** Where the memory is, as the C library sees it. */
  readonly base: bigint;
}

/** The C library, for one thread. Failures are −1, with {@link errno} to ask next. */
export interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** ioctl(2) with a number where the address would be, e.g. TUNSETOFFLOAD. */
  ioctlNumber(fd: number, request: number, argument: number): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  /** The option's value, into `value`. */
  getsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  /** The socket's own address, into the structure `name`. */
  getsockname(fd: number, name: Uint8Array): number;
  bind(fd: number, name: Uint8Array): number;
  connect(fd: number, name: Uint8Array): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  /** Sends `octets` to the address in the structure `to`, without flags. */
  sendto(fd: number, octets: Uint8Array, to: Uint8Array): number;
  /** Index of an interface; 0 = there is none of that name. */
  interfaceIndex(name: string): number;
  /** Why the last call of this thread failed. */
  errno(): number;
  /** Calls on `buffer`, which stays where it is because it is shared; the caller keeps it alive. */
  onMemory(buffer: SharedArrayBuffer): MemoryCalls;
}

/** NUL-terminated text for a C function. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** The C library under the first of its names that `open` takes. @throws {PortError} `unsupported`, or `permission` when the runtime forbids foreign calls */
export function openLibrary<T>(open: (file: string) => T): T {
  let cause: unknown;
  for (const file of LIBC_FILES) {
    try {
      return open(file);
    } catch (error) {
      if (error instanceof Error && error.name === "NotCapable")
        throw new PortError("permission", "the C library may not be called: start pshim6 with `deno run -A`", error);
      cause = error;
    }
  }
  throw new PortError("unsupported", `no C library found under ${LIBC_FILES.join(", ")}: pshim6 needs Linux`, cause);
}

/** The octets of a shared memory, whose buffer is typed as if it were not. @throws {TypeError} if it is not shared */
export function sharedBuffer(memory: WebAssembly.Memory): SharedArrayBuffer {
  const buffer: ArrayBufferLike = memory.buffer;
  if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError("the core's memory is not shared");
  return buffer;
}
