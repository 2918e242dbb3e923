/** Flags and layouts of open(2), eventfd(2), poll(2), madvise(2), clock_gettime(2). */

// open(2): include/uapi/asm-generic/fcntl.h. O_DIRECTORY and O_NOFOLLOW differ on arm64; these do not.
export const O_RDWR = 0o2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

// eventfd(2): include/uapi/linux/eventfd.h
export const EFD_CLOEXEC = O_CLOEXEC;
export const EFD_NONBLOCK = O_NONBLOCK;
/** An eventfd is read and written as one 64-bit number in the machine's order. */
export const EVENTFD_OCTETS = 8;

// poll(2): include/uapi/asm-generic/poll.h
export const POLLIN = 0x001;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;
export const POLLNVAL = 0x020;
/** struct pollfd: fd i32, events i16, revents i16. */
export const POLLFD_OCTETS = 8;
export const POLLFD_FD = 0;
export const POLLFD_EVENTS = 4;
export const POLLFD_REVENTS = 6;
/** A timeout that never ends, ms. */
export const POLL_FOREVER = -1;

// clock_gettime(2): include/uapi/linux/time.h
export const CLOCK_MONOTONIC = 1;
/** struct timespec: tv_sec i64, tv_nsec i64. */
export const TIMESPEC_OCTETS = 16;
export const TIMESPEC_SEC = 0;
export const TIMESPEC_NSEC = 8;

// madvise(2): include/uapi/asm-generic/mman-common.h
export const MADV_HUGEPAGE = 14;

/** Longest path of a Unix socket, octets, without the NUL: sun_path of include/uapi/linux/un.h holds 108. */
export const SUN_PATH_MAX = 107;
