import type { MessagePort } from "node:worker_threads";
import type { UdpAnswerOptions } from "../../runtime/port/udp.ts";

/** What a thread is started with. `kind` tells an entry file that serves several roles which one this thread has. */
export interface UdpWork {
  readonly kind: "pshim6-udp";
  /** Its epoll descriptor; the 64 bits of an event are a descriptor and, above it, the socket's number. */
  readonly epoll: number;
  /** An eventfd in that epoll, as socket {@link WAKE_SOCKET}. */
  readonly wake: number;
  /** {@link CONTROL_WORDS} words of 32 bits. */
  readonly control: SharedArrayBuffer;
  /** Datagrams for the main thread ({@link ./ring.ts}). */
  readonly ring: SharedArrayBuffer;
  /** Descriptors to be closed, {@link CLOSES} words of 32 bits. */
  readonly closes: SharedArrayBuffer;
  /** For a thread that answers: what it is to know, and where more of it comes in. */
  readonly answers: { readonly options: UdpAnswerOptions; readonly port: MessagePort } | undefined;
}

/** What comes in by {@link UdpWork.answers}. */
export type AnswerMessage = { readonly put: unknown } | { readonly clear: true };

/** Words of the control block. */
export const CONTROL_WORDS = 16;
/** 1 = end. */
export const STOP = 0;
/** 1 = a bell is under way and was not yet answered. */
export const BELL = 1;
/** 1 = the eventfd was written and not yet read. */
export const WAKE = 2;
/** Descriptors put into `closes`, and taken out; they wrap at 2^32. */
export const CLOSES_PUT = 3;
export const CLOSES_TAKEN = 4;
/** Octets put into the ring, and taken out; they wrap at 2^32. */
export const RING_HEAD = 5;
export const RING_TAIL = 6;
/** Counters that the thread writes and the main thread reads; they wrap at 2^32. */
export const ANSWERED = 7;
export const DROPPED_FULL = 8;

/** Number of the eventfd among the sockets. */
export const WAKE_SOCKET = 0;
/** Sockets of one thread at most; a power of two. */
export const SOCKETS_MAX = 1024;
/** Room for descriptors on their way to being closed: all of them twice, so that it is never full. */
export const CLOSES = 2 * SOCKETS_MAX;

/** What a thread tells. */
export type UdpMessage =
  | { readonly kind: "ready" }
  /** The ring holds something. */
  | { readonly kind: "bell" }
  /** It has ended: because it was told to, or because of `error`, a sentence. */
  | { readonly kind: "ended"; readonly error: string | undefined };
