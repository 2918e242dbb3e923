import type { SharedCore } from "../../runtime/fast/contract.ts";

/** What a worker is started with. `kind` tells an entry file that serves several roles which one this thread has. */
export interface DataWork {
  readonly kind: "pshim6-data";
  readonly shared: SharedCore;
  /** Lane and queue, 0 … lanes − 1. */
  readonly index: number;
  /** Descriptor of the TUN's queue. */
  readonly tun: number;
  /** An eventfd that becomes readable when {@link STOP} was set. */
  readonly wake: number;
  /** {@link CONTROL_WORDS} words of 32 bits, shared with the main thread. */
  readonly control: SharedArrayBuffer;
}

/** Words of the control block. */
export const CONTROL_WORDS = 16;
/** 1 = end after this batch. */
export const STOP = 0;
/** 1 = a bell is under way and was not yet answered: another would say the same. */
export const BELL = 1;
/** Counters that one worker writes and the main thread reads; they wrap at 2^32. */
export const POLLS = 2;
export const BATCHES = 3;
export const FRAMES_READ = 4;
export const FRAMES_WRITTEN = 5;

/** What a worker tells. */
export type DataMessage =
  /** From now on it reads its queue. */
  | { readonly kind: "ready" }
  /** The core's rings hold something for the main thread. */
  | { readonly kind: "bell" }
  /** It has ended: because it was told to, or because of `error`, a sentence. */
  | { readonly kind: "ended"; readonly error: string | undefined };
