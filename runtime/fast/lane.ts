import * as layout from "../../core-as/layout/lane.ts";
import { DROP_WRITE_TUN } from "../../core-as/layout/verdict.ts";
import type { Millis } from "../value/time.ts";
import type { Lane, SharedCore } from "./contract.ts";
import { type CoreExports, openModule, stamp } from "./exports.ts";
import { laneAt, type Plan, planMemory } from "./plan.ts";

/**
 * Opens lane `index` of `shared`, in the thread that will run it. One thread at a time may use a lane.
 * @throws {RangeError} if there is no such lane
 */
export async function openLane(shared: SharedCore, index: number): Promise<Lane> {
  if (!Number.isInteger(index) || index < 0 || index >= shared.sizes.lanes)
    throw new RangeError(`no lane ${index} of ${shared.sizes.lanes}`);
  return new LaneView(shared, index, await openModule(shared.module, shared.memory));
}

class LaneView implements Lane {
  readonly lengths: Uint32Array;
  readonly verdicts: Uint32Array;
  readonly outputOffsets: Uint32Array;
  readonly outputLengths: Uint32Array;
  readonly inputOctets: number;
  readonly #core: CoreExports;
  readonly #plan: Plan;
  readonly #at: number;
  readonly #batch: number;
  readonly #bell: Uint32Array;
  readonly #writeErrors: Uint32Array;

  constructor(shared: SharedCore, index: number, core: CoreExports) {
    const plan = planMemory(shared.sizes);
    const { batch } = shared.sizes;
    const { buffer } = shared.memory;
    const at = laneAt(plan, index);
    this.#core = core;
    this.#plan = plan;
    this.#at = at;
    this.#batch = batch;
    this.inputOctets = plan.inputOctets;
    this.lengths = new Uint32Array(buffer, at + plan.inLane.lengths, batch);
    this.verdicts = new Uint32Array(buffer, at + plan.inLane.verdicts, batch);
    this.outputOffsets = new Uint32Array(buffer, at + plan.inLane.outputOffsets, plan.outputs);
    this.outputLengths = new Uint32Array(buffer, at + plan.inLane.outputLengths, plan.outputs);
    this.#bell = new Uint32Array(buffer, at + layout.LANE_BELL, 1);
    this.#writeErrors = new Uint32Array(buffer, at + layout.LANE_COUNTERS + 8 * DROP_WRITE_TUN, 2);
  }

  readonly inputOffset = (slot: number): number => this.#at + this.#plan.inLane.slots + slot * this.#plan.slotStride + layout.SLOT_HEADROOM;

  run(count: number, now: Millis): number {
    if (count > this.#batch) throw new RangeError(`${count} frames in a batch of ${this.#batch}`);
    return this.#core.run(this.#at, count, stamp(now));
  }

  takeBell(): boolean {
    if (this.#bell[0] === 0) return false;
    this.#bell[0] = 0;
    return true;
  }

  countWriteError(): void {
    this.#writeErrors[0]++;
    if (this.#writeErrors[0] === 0) this.#writeErrors[1]++;
  }
}
