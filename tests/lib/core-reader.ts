/**
 * A data thread for the test of threads: sends and receives packets of contexts that the main thread changes meanwhile, and
 * counts what no reader may ever see. Counts go out through shared words, see READER_*.
 */
import { parentPort, workerData } from "node:worker_threads";
import { GIVEN_UP } from "../../core-as/layout/map.ts";
import { DROP_BUSY_CONTEXT, FORWARD_IN, FORWARD_OUT, PUNT_NO_CONTEXT, PUNT_NO_TAG } from "../../core-as/layout/verdict.ts";
import type { SharedCore } from "../../runtime/fast/contract.ts";
import { openLane } from "../../runtime/fast/lane.ts";
import { putPacket } from "./core.ts";

export const READER_STOP = 0;
export const READER_BATCHES = 1;
/** Locators, tag or ULIDs that were never together in one record. */
export const READER_MIXED = 2;
/** A context that was there all the time was not found. */
export const READER_MISSED = 3;
/** Packets of contexts that come and go: found, and not. */
export const READER_FOUND = 4;
export const READER_GONE = 5;
/** 1 = readers stop between two batches, and say so by counting themselves in the next word. */
export const READER_PAUSE = 6;
export const READER_PAUSED = 7;

export interface ReaderWork {
  readonly shared: SharedCore;
  readonly lane: number;
  readonly words: Int32Array;
  /** One packet a slot. `steady`: its context stays, only locators and peer tag change. */
  readonly packets: readonly {
    readonly octets: Uint8Array;
    readonly inbound: boolean;
    readonly steady: boolean;
    readonly number: number;
  }[];
}

/** Last four octets of both addresses of the packet at `at`. */
function tails(memory: Uint8Array, at: number): [number, number] {
  const view = new DataView(memory.buffer);
  return [view.getUint32(at + 20), view.getUint32(at + 36)];
}

async function read({ shared, lane: index, words, packets }: ReaderWork): Promise<void> {
  const lane = await openLane(shared, index);
  const memory = new Uint8Array(shared.memory.buffer);
  const view = new DataView(shared.memory.buffer);
  while (Atomics.load(words, READER_STOP) === 0) {
    if (Atomics.load(words, READER_PAUSE) !== 0) {
      Atomics.add(words, READER_PAUSED, 1);
      Atomics.wait(words, READER_PAUSE, 1);
      Atomics.sub(words, READER_PAUSED, 1);
    }
    for (const [slot, { octets }] of packets.entries()) putPacket({ lane, memory }, slot, octets);
    const before = view.getUint32(GIVEN_UP, true);
    const outputs = lane.run(packets.length, Atomics.add(words, READER_BATCHES, 1));
    // Excused only in the batch in which a search gave up: the kernel had put the writer aside in the middle of a change.
    const gaveUp = view.getUint32(GIVEN_UP, true) !== before;
    for (const [slot, { inbound, steady }] of packets.entries()) {
      const verdict = lane.verdicts[slot];
      const found = verdict === (inbound ? FORWARD_IN : FORWARD_OUT);
      if (!found && verdict !== (inbound ? PUNT_NO_TAG : PUNT_NO_CONTEXT))
        Atomics.add(words, READER_MISSED, steady && verdict !== DROP_BUSY_CONTEXT ? 1 : 0);
      else if (steady && !found && !gaveUp) Atomics.add(words, READER_MISSED, 1);
      else if (!steady) Atomics.add(words, found ? READER_FOUND : READER_GONE, 1);
    }
    for (let i = 0; i < outputs; i++) {
      const frame = lane.outputOffsets[i];
      const [source, destination] = tails(memory, frame + 10);
      // The slot that this frame began in: eight octets before or behind.
      const slot = packets.findIndex((_, at) => Math.abs(lane.inputOffset(at) - frame) <= 8);
      const { inbound, steady, number } = packets[slot];
      const tag = view.getUint32(frame + 10 + 44);
      const whole = inbound
        ? source === number && destination === number
        : source === destination && tag === source && (steady || source === number);
      if (!whole) Atomics.add(words, READER_MIXED, 1);
    }
  }
  parentPort?.postMessage("done");
}

await read(workerData as ReaderWork);
