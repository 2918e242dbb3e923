/**
 * The packet core alone: nanoseconds a packet, outbound and inbound, by number of contexts hit at random. Frames of 64
 * octets (72 with the payload header), TCP segments, are laid into the slots before each batch, as read(2) does, and only the batch is timed.
 */
import { IP6_LENGTH, NEXT_TCP } from "../../core-as/layout/ip6.ts";
import * as map from "../../core-as/layout/map.ts";
import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import { address, addressOctets } from "../value/address.ts";
import { prefix } from "../value/prefix.ts";
import type { Core, CoreSizes, Lane } from "./contract.ts";
import { createCore } from "./core.ts";
import { openModule } from "./exports.ts";
import { openLane } from "./lane.ts";

/** Numbers of contexts that a whole benchmark goes through. */
export const BENCH_CONTEXTS = [16, 1024, 65_536, 1_048_576] as const;
/** Frames in a batch. */
export const BENCH_BATCH = 256;
const BATCH = BENCH_BATCH;
const PAYLOAD = 24;
const WARM_BATCHES = 2000;
const RUNS = 7;
const BATCHES_A_RUN = 2000;

/** Median of several runs. */
export interface CoreBenchRow {
  readonly contexts: number;
  readonly direction: "out" | "in";
  /** For one packet. */
  readonly nanoseconds: number;
  /** Million packets a second. */
  readonly mpps: number;
}

/** The same for packets to and from peers without Shim6. */
export interface MappingBenchRow extends Omit<CoreBenchRow, "contexts"> {
  readonly hosts: number;
}

/** What the benchmark needs from outside. */
export interface CoreBenchOptions {
  /** dist/core.wasm, compiled. */
  readonly module: WebAssembly.Module;
  /** `HASH_KEY_OCTETS` random octets. */
  readonly hashKey: Uint8Array;
  /** A clock that does not go back, nanoseconds; its differences are below 2^53. */
  readonly nanoseconds: () => number;
  /** Called with the core's memory before it is used: to advise huge pages. */
  readonly opened?: (memory: ArrayBufferLike) => void;
}

/** The rows as a table with a head line. */
export function showCoreBench(rows: readonly CoreBenchRow[], title: string): string {
  const lines = rows.map(
    ({ contexts, direction, nanoseconds, mpps }) =>
      `${String(contexts).padStart(10)}  ${direction.padEnd(9)}  ${nanoseconds.toFixed(1).padStart(9)}  ${mpps.toFixed(2).padStart(6)}`,
  );
  return [`core, ${title}`, "  contexts  direction  ns/packet    Mpps", ...lines, ""].join("\n");
}

/** The rows of the mapping, behind those of the core. */
export function showMappingBench(rows: readonly MappingBenchRow[]): string {
  const lines = rows.map(
    ({ hosts, direction, nanoseconds, mpps }) =>
      `${String(hosts).padStart(10)}  ${direction.padEnd(9)}  ${nanoseconds.toFixed(1).padStart(9)}  ${mpps.toFixed(2).padStart(6)}`,
  );
  return ["mapping, peers without Shim6", "     hosts  direction  ns/packet    Mpps", ...lines, ""].join("\n");
}

/** A lane over a table of `contexts`, and a way to refill its slots. */
async function world(contexts: number, options: CoreBenchOptions, mapped = false) {
  const sizes: CoreSizes = { contexts, lanes: 1, batch: BATCH, slotOctets: 2048, puntOctets: 65_536, ways: mapped ? 2 * contexts : 0 };
  const core = await createCore(options.module, sizes, { hashKey: options.hashKey, now: 1 });
  options.opened?.(core.shared.memory.buffer);
  core.setPrefixes({
    ulid: prefix("fc00:aaaa:1::/48"),
    generic: prefix("fc00::/7"),
    locators: [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")],
  });
  const { buffer } = core.shared.memory;
  const view = new DataView(buffer);
  const raw = await openModule(options.module, core.shared.memory);
  const heads: readonly (readonly [number, bigint])[] = [
    [map.STAGE_LOCAL_ULID, 0xfc00_aaaa_0001_0000n],
    [map.STAGE_PEER_ULID, 0xfc00_bbbb_0001_0000n],
    [map.STAGE_LOCAL_LOCATOR, 0x2001_0db8_00a1_0000n],
    [map.STAGE_PEER_LOCATOR, 0x2001_0db8_00b3_0000n],
  ];
  for (const [at, head] of heads) view.setBigUint64(at, head);
  for (let id = 0; id < contexts && !mapped; id++) {
    for (const [at] of heads) view.setUint32(at + 12, spread(id));
    view.setUint32(map.STAGE_LOCAL_TAG + 2, 0x8000_1111);
    view.setUint16(map.STAGE_LOCAL_TAG + 6, id);
    view.setUint16(map.STAGE_LOCAL_TAG + 2, 0x8000 | (id >>> 16));
    view.setUint32(map.STAGE_PEER_TAG + 4, spread(id));
    view.setUint16(map.STAGE_PEER_TAG + 2, 0x8000);
    for (const at of [map.STAGE_SEND_TIMEOUT, map.STAGE_KEEPALIVE_TIMEOUT]) view.setUint32(at, 15_000, true);
    view.setUint32(map.STAGE_KEEPALIVE_INTERVAL, 5000, true);
    if (raw.add(id, 1) !== 0) throw new Error(`context ${id} refused`);
  }
  const lane = await openLane(core.shared, 0);
  const halves = new Uint16Array(buffer);
  const words = new Uint32Array(buffer);
  let state = 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) & (contexts - 1);
  };
  const swap = (value: number): number =>
    (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
  const begin = (slot: number, octets: number): number => {
    const at = lane.inputOffset(slot);
    for (let i = 0; i < VIRTIO_HEADER_OCTETS / 2; i++) halves[(at >>> 1) + i] = 0;
    lane.lengths[slot] = VIRTIO_HEADER_OCTETS + octets;
    return (at + VIRTIO_HEADER_OCTETS) >>> 2;
  };
  const putAddresses = (at: number, source: bigint, destination: bigint, tail: number): void => {
    words[at] = swap(Number(source >> 32n));
    words[at + 1] = swap(Number(source & 0xffff_ffffn));
    words[at + 2] = 0;
    words[at + 3] = tail;
    words[at + 4] = swap(Number(destination >> 32n));
    words[at + 5] = swap(Number(destination & 0xffff_ffffn));
    words[at + 6] = 0;
    words[at + 7] = tail;
  };
  const refill = {
    out(): void {
      for (let slot = 0; slot < BATCH; slot++) {
        const id = draw();
        const at = begin(slot, IP6_LENGTH + PAYLOAD);
        words[at] = 0x60;
        words[at + 1] = swap((PAYLOAD << 16) | (NEXT_TCP << 8) | 64);
        putAddresses(at + 2, heads[0][1], heads[1][1], swap(spread(id)));
      }
    },
    in(): void {
      for (let slot = 0; slot < BATCH; slot++) {
        const id = draw();
        const at = begin(slot, IP6_LENGTH + 8 + PAYLOAD);
        words[at] = 0x60;
        words[at + 1] = swap(((PAYLOAD + 8) << 16) | (140 << 8) | 64);
        putAddresses(at + 2, heads[3][1], heads[2][1], 0);
        words[at + 10] = swap((NEXT_TCP << 24) | 0x8000 | (id >>> 16));
        words[at + 11] = swap(((0x1111 << 16) | (id & 0xffff)) >>> 0);
      }
    },
  };
  const refillMapped = (direction: "out" | "in"): void => {
    for (let slot = 0; slot < BATCH; slot++) {
      const tail = swap(spread(draw()));
      const at = begin(slot, IP6_LENGTH + PAYLOAD);
      words[at] = 0x60;
      words[at + 1] = swap((PAYLOAD << 16) | (NEXT_TCP << 8) | 64);
      if (direction === "out") putAddresses(at + 2, heads[0][1], PEERS, tail);
      else putAddresses(at + 2, PEERS, heads[2][1], tail);
      // Some data of an open connection: no SYN, a checksum of sorts.
      words[at + 13] = swap(0x5010_ffff);
      words[at + 14] = swap(0x1234_0000);
    }
  };
  return { core, lane, refill, refillMapped };
}

/** Where the peers without Shim6 are. */
const PEERS = 0x2a00_0001_0000_0000n;

/** A bijection of 32-bit numbers: contexts that follow one another have nothing else in common. */
function spread(id: number): number {
  return Math.imul(id, 0x9e37_79b1) >>> 0;
}

/**
 * Measures both directions with `contexts` of them, each hit at random. Takes seconds and blocks meanwhile.
 * @throws {Error} when a frame was not forwarded
 */
export async function measureCore(contexts: number, options: CoreBenchOptions): Promise<CoreBenchRow[]> {
  const { core, lane, refill } = await world(contexts, options);
  return (["out", "in"] as const).map((direction) => {
    const nanoseconds = median(core, lane, refill[direction], options);
    return { contexts, direction, nanoseconds: round(nanoseconds, 1), mpps: round(1000 / nanoseconds, 2) };
  });
}

/** Nanoseconds a packet, in the median run. */
function median(core: Core, lane: Lane, refill: () => void, options: CoreBenchOptions): number {
  const runs: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const batches = run === 0 ? WARM_BATCHES : BATCHES_A_RUN;
    let spent = 0;
    for (let batch = 0; batch < batches; batch++) {
      refill();
      const before = options.nanoseconds();
      const outputs = lane.run(BATCH, 1000);
      spent += options.nanoseconds() - before;
      if (outputs !== BATCH)
        throw new Error(`${outputs} of ${BATCH} forwarded: ${JSON.stringify([...core.totals()].filter(([, n]) => n > 0))}`);
      if (lane.takeBell()) core.advance(1000, 1000, () => undefined);
    }
    if (run > 0) runs.push(spent / (batches * BATCH));
  }
  runs.sort((a, b) => a - b);
  return runs[runs.length >> 1];
}

/** Hosts, each with a peer of its own without Shim6, that the mapping is measured with. */
export const BENCH_HOSTS = 65_536;
const SHARES = 256;

/**
 * Measures the exchange of addresses for peers without Shim6, both ways: `hosts` of them at random, two providers, TCP segments with a checksum to
 * mend; with so many `rules` about other peers. Takes seconds and blocks meanwhile.
 * @throws {Error} when a frame was not forwarded
 */
export async function measureMapping(hosts: number, options: CoreBenchOptions, rules = 0): Promise<MappingBenchRow[]> {
  const { core, lane, refillMapped } = await world(hosts, options, true);
  const mask = Uint8Array.from({ length: 16 }, (_, i) => (i < 6 ? 0xff : 0));
  const [head, ...bases] = ["fc00:aaaa:1::", "2001:db8:a1::", "2001:db8:a2::"].map((text) => addressOctets(address(text)));
  const shares = Uint8Array.from({ length: SHARES }, (_, share) => share & 1);
  const terms = Array.from({ length: rules }, (_, i) => ({ to: [prefix(`2b00:${i.toString(16)}::/32`)], kind: 0 }));
  core.setMapping({
    providers: bases.map((base, place) => ({ place, mask, head, base, usable: true })),
    shares,
    limitIn: 1500,
    spared: [],
    rules: rules === 0 ? undefined : { epoch: 0, classes: [{ shares, allowed: [0, 1] }], terms },
  });
  return (["out", "in"] as const).map((direction) => {
    const nanoseconds = median(core, lane, () => refillMapped(direction), options);
    return { hosts, direction, nanoseconds: round(nanoseconds, 1), mpps: round(1000 / nanoseconds, 2) };
  });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
