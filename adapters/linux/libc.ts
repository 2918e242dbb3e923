/**
 * The C library's functions that we call, as data. `address` is a number that points into memory, `buffer` a typed array.
 *
 * size_t, nfds_t and ssize_t are written as 32-bit: no length of ours comes near 2^31, all three foreign-function interfaces
 * widen an unsigned argument with zeros, and Deno's fast calls know no 64-bit numbers (measured, Deno 2.9: 340 against 230 ns).
 */
export type CType = "i32" | "u32" | "address" | "buffer";

/** Arguments of a function and what it returns. */
export interface Signature {
  readonly parameters: readonly CType[];
  readonly result: "i32";
}

/** On the packet path: all memory by address. */
export const MEMORY_CALLS = {
  read: { parameters: ["i32", "address", "u32"], result: "i32" },
  write: { parameters: ["i32", "address", "u32"], result: "i32" },
  poll: { parameters: ["address", "u32", "i32"], result: "i32" },
  madvise: { parameters: ["address", "u32", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "address", "i32"], result: "i32" },
  /** The time-out at the end is a null pointer: recvmmsg(2) with MSG_DONTWAIT needs none. */
  recvmmsg: { parameters: ["i32", "address", "u32", "i32", "u32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "address", "u32", "i32"], result: "i32" },
  epoll_wait: { parameters: ["i32", "address", "i32", "i32"], result: "i32" },
} as const satisfies Record<string, Signature>;

/** At start and stop. Texts are NUL-terminated buffers. open(2) and ioctl(2) are variadic, which changes nothing on x86-64 and arm64 Linux. */
export const SETUP_CALLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "i32" },
} as const satisfies Record<string, Signature>;

/** ioctl(2) again, for requests whose last argument is a number instead of an address. */
export const NUMBER_CALLS = {
  ioctl: { parameters: ["i32", "u32", "u32"], result: "i32" },
} as const satisfies Record<string, Signature>;

/** Where this thread's errno is; the address stays the same for the life of the thread. */
export const ERRNO_LOCATION = "__errno_location";

/** Names under which the C library may be found, glibc first, then musl. */
export const LIBC_FILES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
