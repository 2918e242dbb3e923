/** Sizes to places: where everything stands in the shared memory (core-as/layout/map.ts), written into its header block once. */
import * as lane from "../../core-as/layout/lane.ts";
import * as map from "../../core-as/layout/map.ts";
import { WAY_OCTETS, WAY_SET_OCTETS } from "../../core-as/layout/mapping.ts";
import { PAIR_SET_OCTETS, PAIR_WAYS, PORT_OCTETS } from "../../core-as/layout/plain.ts";
import { COLD_OCTETS, RECORD_OCTETS } from "../../core-as/layout/record.ts";
import { STEER_BLOCKS, STEER_OCTETS } from "../../core-as/layout/steer.ts";
import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import type { CoreSizes } from "./contract.ts";

const LINE = 64;
const PAGE = 65_536;
const ACTIVITY_ENTRIES_MAX = 65_536;
const SLOT_MIN = 256;
const SLOT_MAX = 131_072;
const SPILL_MAX = 2 ** 24;
const PAIRS_MAX = 2 ** 20;
const WAYS_MAX = 2 ** 24;

/** Octets from the start of the memory, but for what the names say otherwise. */
export interface Plan {
  readonly contexts: number;
  readonly indexSlots: number;
  readonly records: number;
  readonly cold: number;
  readonly pairIndex: number;
  readonly tagIndex: number;
  /** Pairs that pass without a context, and the classes of ports; 0 = there is no such table. */
  readonly pairs: number;
  readonly pairSets: number;
  readonly ports: number;
  /** Which provider pairs use that are mapped; 0 = there is no such table. */
  readonly ways: number;
  readonly waySets: number;
  /** Rules about mapped pairs, as many blocks as there are of mappings; 0 = there is no place for any. */
  readonly steer: number;
  readonly laneFirst: number;
  readonly laneStride: number;
  /** Places inside a lane, octets from its start. */
  readonly inLane: Readonly<
    Record<
      "lengths" | "verdicts" | "outputOffsets" | "outputLengths" | "workOut" | "workIn" | "activity" | "punt" | "slots" | "spill" | "flows",
      number
    >
  >;
  /** Frames that a batch may lead to. */
  readonly outputs: number;
  readonly spillOctets: number;
  readonly activityEntries: number;
  readonly slotStride: number;
  /** Longest frame that a slot takes, virtio header included. */
  readonly inputOctets: number;
  /** Size of the memory, a multiple of 65,536. */
  readonly octets: number;
}

/** @throws {RangeError} naming the size that is out of its range. */
export function planMemory(sizes: CoreSizes): Plan {
  within("contexts", sizes.contexts, 1, map.CONTEXTS_MAX);
  within("lanes", sizes.lanes, 1, 16);
  within("batch", sizes.batch, 1, 256);
  within("slotOctets", sizes.slotOctets, SLOT_MIN, SLOT_MAX);
  within("puntOctets", sizes.puntOctets, 4096, 2 ** 26);
  if (!Number.isInteger(Math.log2(sizes.puntOctets))) throw new RangeError(`puntOctets: ${sizes.puntOctets} is no power of two`);
  const contexts = 2 ** Math.ceil(Math.log2(Math.max(sizes.contexts, map.CONTEXTS_MIN)));
  const indexSlots = contexts * map.INDEX_SLOTS_PER_CONTEXT;
  const spillOctets = sizes.spillOctets ?? 0;
  within("spillOctets", spillOctets, 0, SPILL_MAX);
  const outputs = sizes.batch + Math.floor(spillOctets / lane.SPILL_PLACE_MIN);
  const plainPairs = sizes.plainPairs ?? 0;
  within("plainPairs", plainPairs, 0, PAIRS_MAX);
  const pairSets = plainPairs === 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(1, plainPairs / PAIR_WAYS)));
  const wayCount = sizes.ways ?? 0;
  within("ways", wayCount, 0, WAYS_MAX);
  const waySets = wayCount === 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(1, (wayCount * WAY_OCTETS) / WAY_SET_OCTETS)));
  const activityEntries = Math.min(contexts, ACTIVITY_ENTRIES_MAX);
  // An odd number of lines from slot to slot: headers of a batch then spread over all sets of the first-level cache.
  const slotStride = (Math.ceil(sizes.slotOctets / LINE) | 1) * LINE;

  const chain = new Chain(map.FIXED_END);
  const records = chain.take(contexts * RECORD_OCTETS);
  const cold = chain.take(contexts * COLD_OCTETS);
  const pairIndex = chain.take(indexSlots * map.INDEX_OCTETS);
  const tagIndex = chain.take(indexSlots * map.INDEX_OCTETS);
  const pairs = pairSets === 0 ? 0 : chain.take(pairSets * PAIR_SET_OCTETS);
  const ports = pairSets === 0 ? 0 : chain.take(PORT_OCTETS);
  const ways = waySets === 0 ? 0 : chain.take(waySets * WAY_SET_OCTETS);
  const steer = waySets === 0 ? 0 : chain.take(STEER_BLOCKS * STEER_OCTETS);

  const own = new Chain(lane.LANE_FIXED_OCTETS);
  const inLane = {
    lengths: own.take(4 * sizes.batch),
    verdicts: own.take(4 * sizes.batch),
    outputOffsets: own.take(4 * outputs),
    outputLengths: own.take(4 * outputs),
    workOut: own.take(lane.WORK_OCTETS_EACH * sizes.batch),
    workIn: own.take(lane.WORK_OCTETS_EACH * sizes.batch),
    activity: own.take(4 * activityEntries),
    punt: own.take(sizes.puntOctets),
    flows: own.take(lane.FLOWS * lane.FLOW_OCTETS),
    spill: own.take(spillOctets),
    slots: own.take(slotStride * sizes.batch),
  };
  const laneStride = own.end + LINE;
  const laneFirst = chain.take(laneStride * sizes.lanes);
  const octets = Math.ceil(chain.end / PAGE) * PAGE;
  if (octets > 2 ** 32 - PAGE) throw new RangeError(`sizes: ${octets} octets in all, more than a memory holds`);
  const inputOctets = sizes.slotOctets - lane.SLOT_HEADROOM - lane.SLOT_TAILROOM;
  return {
    contexts,
    indexSlots,
    records,
    cold,
    pairIndex,
    tagIndex,
    pairs,
    pairSets,
    ports,
    ways,
    waySets,
    steer,
    laneFirst,
    laneStride,
    inLane,
    outputs,
    spillOctets,
    activityEntries,
    slotStride,
    inputOctets,
    octets,
  };
}

/** Writes `plan` into the fresh memory seen by `words`. */
export function writePlan(plan: Plan, sizes: CoreSizes, words: Uint32Array): void {
  const put = (at: number, value: number): void => {
    words[at >>> 2] = value;
  };
  put(map.MAP_CONTEXTS, plan.contexts);
  put(map.MAP_INDEX_MASK, plan.indexSlots - 1);
  put(map.MAP_INDEX_SHIFT, 32 - Math.log2(plan.indexSlots));
  put(map.MAP_LANES, sizes.lanes);
  put(map.MAP_BATCH, sizes.batch);
  put(map.MAP_SLOT_STRIDE, plan.slotStride);
  put(map.MAP_INPUT_OCTETS, plan.inputOctets);
  put(map.MAP_PUNT_OCTETS, sizes.puntOctets);
  put(map.MAP_ACTIVITY_ENTRIES, plan.activityEntries);
  put(map.MAP_RECORDS, plan.records);
  put(map.MAP_COLD, plan.cold);
  put(map.MAP_PAIR_INDEX, plan.pairIndex);
  put(map.MAP_TAG_INDEX, plan.tagIndex);
  put(map.MAP_PAIRS, plan.pairs);
  put(map.MAP_PAIRS_MASK, Math.max(0, plan.pairSets - 1));
  put(map.MAP_PORTS, plan.ports);
  put(map.MAP_WAYS, plan.ways);
  put(map.MAP_WAYS_MASK, Math.max(0, plan.waySets - 1));
  put(map.MAP_LANE_FIRST, plan.laneFirst);
  put(map.MAP_LANE_STRIDE, plan.laneStride);
  put(map.MAP_PREFIXES, map.PREFIX_FIRST);
  for (let i = 0; i < sizes.lanes; i++) {
    const at = laneAt(plan, i);
    put(at + lane.LANE_LENGTHS, at + plan.inLane.lengths);
    put(at + lane.LANE_VERDICTS, at + plan.inLane.verdicts);
    put(at + lane.LANE_OUTPUT_OFFSETS, at + plan.inLane.outputOffsets);
    put(at + lane.LANE_OUTPUT_LENGTHS, at + plan.inLane.outputLengths);
    put(at + lane.LANE_WORK_OUT, at + plan.inLane.workOut);
    put(at + lane.LANE_WORK_IN, at + plan.inLane.workIn);
    put(at + lane.LANE_ACTIVITY, at + plan.inLane.activity);
    put(at + lane.LANE_PUNT, at + plan.inLane.punt);
    put(at + lane.LANE_SLOTS, at + plan.inLane.slots);
    put(at + lane.LANE_FLOWS, at + plan.inLane.flows);
    if (plan.spillOctets === 0) continue;
    put(at + lane.LANE_SPILL, at + plan.inLane.spill);
    put(at + lane.LANE_SPILL_END, at + plan.inLane.spill + plan.spillOctets);
  }
  put(map.MAP_MAGIC, map.MAGIC);
}

/** Place of lane `index`. */
export function laneAt(plan: Plan, index: number): number {
  return plan.laneFirst + index * plan.laneStride;
}

/** Shortest slot for packets of `packet` octets: what {@link CoreSizes.slotOctets} must be. */
export function slotFor(packet: number): number {
  return lane.SLOT_HEADROOM + VIRTIO_HEADER_OCTETS + packet + lane.SLOT_TAILROOM;
}

/**
 * Octets of frames in a batch after which no more are read: what they are cut or joined to then fits the spill, half of which is for
 * headers and for the last frame, unless segments are tiny (below 400 octets).
 */
export function batchOctets({ spillOctets }: CoreSizes): number {
  return spillOctets === undefined || spillOctets === 0 ? Number.MAX_SAFE_INTEGER : spillOctets >>> 1;
}

class Chain {
  end: number;
  constructor(start: number) {
    this.end = start;
  }
  /** The next `octets` octets, from a cache line's start. */
  take(octets: number): number {
    const at = Math.ceil(this.end / LINE) * LINE;
    this.end = at + octets;
    return at;
  }
}

function within(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name}: ${value} is not in ${least} … ${most}`);
}
