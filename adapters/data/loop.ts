import type { Lane } from "../../runtime/fast/contract.ts";
import { batchOctets } from "../../runtime/fast/plan.ts";
import type { Millis } from "../../runtime/value/time.ts";
import { type Libc, type MemoryCalls, sharedBuffer } from "../common/libc.ts";
import { EAGAIN, EINTR, errnoName } from "../linux/errno.ts";
import {
  EVENTFD_OCTETS,
  POLL_FOREVER,
  POLLERR,
  POLLFD_EVENTS,
  POLLFD_FD,
  POLLFD_OCTETS,
  POLLFD_REVENTS,
  POLLHUP,
  POLLIN,
  POLLNVAL,
} from "../linux/file.ts";
import { BATCHES, BELL, type DataWork, FRAMES_READ, FRAMES_WRITTEN, POLLS, STOP } from "./message.ts";

/** What the loop is made of. */
export interface LoopParts {
  readonly libc: Libc;
  readonly now: () => Millis;
  readonly lane: Lane;
  /** Tells the main thread that the core's rings hold something. */
  readonly ring: () => void;
}

/**
 * After a batch of so many frames that did not fill it the thread rests, like a network card that moderates its interrupts: the next
 * frames come together, and whoever sends them wakes nobody for each. Two boxes on one machine: a fifth less processor time for the same
 * goodput (docs/performance.md). Packets that come one by one are not made to wait.
 */
const REST_FRAMES = 4;
/** With the kernel's timer slack 0.13 ms come of it (Linux 6.18, all three runtimes). */
const REST: Millis = 0.05;

/**
 * Moves frames until {@link STOP} is set and the wake descriptor is readable. Blocks in poll(2) when there is nothing to do:
 * reading again some times before it costs 10 to 30 % more processor time a packet and brings no shorter delay (20 reads, Node 26).
 * Allocates nothing for a frame, throws nothing for what the network or the kernel does with one.
 * @returns `undefined` when it was stopped, or why it cannot go on: the device is gone
 */
export function moveFrames(work: DataWork, { libc, now, lane, ring }: LoopParts): string | undefined {
  const { tun, control: controlBuffer } = work;
  const frames = libc.onMemory(sharedBuffer(work.shared.memory));
  const control = new Int32Array(controlBuffer);
  const wait = openWait(libc, work);
  const { batch } = work.shared.sizes;
  const budget = batchOctets(work.shared.sizes);
  const { inputOffset, inputOctets, lengths, outputOffsets, outputLengths } = lane;

  while (Atomics.load(control, STOP) === 0) {
    let count = 0;
    let total = 0;
    while (count < batch && total < budget) {
      const octets = frames.read(tun, inputOffset(count), inputOctets);
      if (octets <= 0) break;
      lengths[count++] = octets;
      total += octets;
    }
    if (count === 0) {
      control[POLLS]++;
      const fault = wait();
      if (fault !== undefined) return fault;
      continue;
    }
    const outputs = lane.run(count, now());
    let written = 0;
    for (let i = 0; i < outputs; i++) {
      if (frames.write(tun, outputOffsets[i], outputLengths[i]) >= 0) written++;
      else lane.countWriteError();
    }
    if (count >= REST_FRAMES && count < batch) Atomics.wait(control, STOP, 0, REST);
    control[BATCHES]++;
    control[FRAMES_READ] += count;
    control[FRAMES_WRITTEN] += written;
    // Set before the message, cleared before the rings are drained: no punt is ever left without a bell under way.
    if (lane.takeBell() && Atomics.exchange(control, BELL, 1) === 0) ring();
  }
  return undefined;
}

/** A wait for the queue or the wake descriptor. @returns why the queue is dead, or `undefined` */
function openWait(libc: Libc, { tun, wake }: DataWork): () => string | undefined {
  const buffer = new SharedArrayBuffer(2 * POLLFD_OCTETS + EVENTFD_OCTETS);
  const calls: MemoryCalls = libc.onMemory(buffer);
  const view = new DataView(buffer);
  [tun, wake].forEach((fd, i) => {
    view.setInt32(i * POLLFD_OCTETS + POLLFD_FD, fd, true);
    view.setInt16(i * POLLFD_OCTETS + POLLFD_EVENTS, POLLIN, true);
  });
  return () => {
    if (calls.poll(0, 2, POLL_FOREVER) < 0) {
      const errno = libc.errno();
      return errno === EINTR || errno === EAGAIN ? undefined : `poll failed: ${errnoName(errno)}`;
    }
    const happened = view.getInt16(POLLFD_REVENTS, true);
    if ((happened & (POLLERR | POLLHUP | POLLNVAL)) !== 0) return "the TUN device is gone: was its interface deleted?";
    // The counter goes back to zero, or the next wait would not wait.
    if (view.getInt16(POLLFD_OCTETS + POLLFD_REVENTS, true) !== 0) calls.read(wake, 2 * POLLFD_OCTETS, EVENTFD_OCTETS);
    return undefined;
  };
}
