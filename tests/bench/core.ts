/**
 * The packet core alone: nanoseconds a packet, outbound and inbound, by number of contexts hit at random. Frames of 64
 * octets (72 with the payload header) are laid into the slots before each batch, as read(2) does, and only the batch is timed.
 *
 * `--json`: one object; `--huge`: memory advised to huge pages first (Linux); `--contexts 1024,65536`: only these sizes;
 * `--core FILE`: another build of the core.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { IP6_LENGTH } from "../../core-as/layout/ip6.ts";
import * as map from "../../core-as/layout/map.ts";
import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import type { CoreSizes } from "../../runtime/fast/contract.ts";
import { createCore } from "../../runtime/fast/core.ts";
import { openModule } from "../../runtime/fast/exports.ts";
import { openLane } from "../../runtime/fast/lane.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { coreModule, hashKey } from "../lib/core.ts";
import { adviseHuge } from "../lib/hugepages.ts";

const BATCH = 256;
const PAYLOAD = 24;
const WARM_BATCHES = 2000;
const RUNS = 7;
const BATCHES_A_RUN = 2000;

interface Row {
  readonly contexts: number;
  readonly direction: "out" | "in";
  readonly nanoseconds: number;
  readonly mpps: number;
}

const option = (name: string): string | undefined => process.argv[process.argv.indexOf(name) + 1 || process.argv.length];
const json = process.argv.includes("--json");
const huge = process.argv.includes("--huge");
const contextCounts = (option("--contexts") ?? "16,1024,65536,1048576").split(",").map(Number);
const file = option("--core");
const module = file === undefined ? coreModule() : new WebAssembly.Module(Uint8Array.from(readFileSync(file)));

/** A lane over a table of `contexts`, and a way to refill its slots. */
async function world(contexts: number) {
  const sizes: CoreSizes = { contexts, lanes: 1, batch: BATCH, slotOctets: 2048, puntOctets: 65_536 };
  const core = await createCore(module, sizes, { hashKey: hashKey(), now: 1 });
  if (huge) adviseHuge(core.shared.memory.buffer);
  core.setPrefixes({
    ulid: prefix("fc00:aaaa:1::/48"),
    generic: prefix("fc00::/7"),
    locators: [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")],
  });
  const { buffer } = core.shared.memory;
  const view = new DataView(buffer);
  const raw = await openModule(module, core.shared.memory);
  const heads: readonly (readonly [number, bigint])[] = [
    [map.STAGE_LOCAL_ULID, 0xfc00_aaaa_0001_0000n],
    [map.STAGE_PEER_ULID, 0xfc00_bbbb_0001_0000n],
    [map.STAGE_LOCAL_LOCATOR, 0x2001_0db8_00a1_0000n],
    [map.STAGE_PEER_LOCATOR, 0x2001_0db8_00b3_0000n],
  ];
  for (const [at, head] of heads) view.setBigUint64(at, head);
  for (let id = 0; id < contexts; id++) {
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
        words[at + 1] = swap((PAYLOAD << 16) | (17 << 8) | 64);
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
        words[at + 10] = swap((17 << 24) | 0x8000 | (id >>> 16));
        words[at + 11] = swap(((0x1111 << 16) | (id & 0xffff)) >>> 0);
      }
    },
  };
  return { core, lane, refill };
}

/** A bijection of 32-bit numbers: contexts that follow one another have nothing else in common. */
function spread(id: number): number {
  return Math.imul(id, 0x9e37_79b1) >>> 0;
}

async function measure(contexts: number): Promise<Row[]> {
  const { core, lane, refill } = await world(contexts);
  const rows: Row[] = [];
  for (const direction of ["out", "in"] as const) {
    const runs: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const batches = run === 0 ? WARM_BATCHES : BATCHES_A_RUN;
      let spent = 0n;
      for (let batch = 0; batch < batches; batch++) {
        refill[direction]();
        const before = process.hrtime.bigint();
        const outputs = lane.run(BATCH, 1000);
        spent += process.hrtime.bigint() - before;
        if (outputs !== BATCH)
          throw new Error(`${outputs} of ${BATCH} forwarded: ${JSON.stringify([...core.totals()].filter(([, n]) => n > 0))}`);
        if (lane.takeBell()) core.advance(1000, 1000, () => undefined);
      }
      if (run > 0) runs.push(Number(spent) / (batches * BATCH));
    }
    runs.sort((a, b) => a - b);
    const nanoseconds = runs[runs.length >> 1];
    rows.push({ contexts, direction, nanoseconds: round(nanoseconds, 1), mpps: round(1000 / nanoseconds, 2) });
  }
  return rows;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const runtime =
  "Bun" in globalThis
    ? `bun ${process.versions.bun}`
    : "Deno" in globalThis
      ? `deno ${process.versions.deno}`
      : `node ${process.versions.node}`;
const rows: Row[] = [];
if (!json) console.log(`core, ${runtime}${huge ? ", huge pages" : ""}\n  contexts  direction  ns/packet    Mpps`);
for (const contexts of contextCounts) {
  for (const row of await measure(contexts)) {
    rows.push(row);
    const { direction, nanoseconds, mpps } = row;
    if (!json)
      console.log(
        `${String(contexts).padStart(10)}  ${direction.padEnd(9)}  ${nanoseconds.toFixed(1).padStart(9)}  ${mpps.toFixed(2).padStart(6)}`,
      );
  }
}
if (json) console.log(JSON.stringify({ bench: "core", runtime, huge, batch: BATCH, rows }));
