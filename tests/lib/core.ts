/** The packet core for tests: builds dist/core.wasm when it is missing or stale, makes cores and lanes, moves frames in and out. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VIRTIO_HEADER_OCTETS } from "../../core-as/layout/virtio.ts";
import type { ContextRecord, Core, CoreOptions, CorePrefixes, CoreSizes, Lane, RecordTiming } from "../../runtime/fast/contract.ts";
import { createCore, HASH_KEY_OCTETS } from "../../runtime/fast/core.ts";
import { openLane } from "../../runtime/fast/lane.ts";
import { type Address, addressAt } from "../../runtime/value/address.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { contextTag } from "../../runtime/value/tag.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The compiled module. @throws if the build fails, with what it printed */
export function coreModule(): WebAssembly.Module {
  const done = spawnSync(join(root, "node_modules", "node", "bin", "node"), ["build/core.ts", "--quiet"], { cwd: root, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`build/core.ts: ${done.stdout}${done.stderr}`);
  return new WebAssembly.Module(Uint8Array.from(readFileSync(join(root, "dist", "core.wasm"))));
}

export const SIZES: CoreSizes = { contexts: 64, lanes: 1, batch: 32, slotOctets: 2048, puntOctets: 65_536 };

export const PREFIXES: CorePrefixes = {
  ulid: prefix("fc00:aaaa:1::/48"),
  generic: prefix("fc00::/7"),
  locators: [prefix("2001:db8:a1::/48"), prefix("2001:db8:a2::/48")],
};

export const TIMING: RecordTiming = { sendTimeout: 15_000, keepaliveTimeout: 15_000, keepaliveInterval: 5000, idleTimeout: 300_000 };

/** Octets that look random but are the same in every run. */
export function hashKey(seed = 1): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length: HASH_KEY_OCTETS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

export interface Rig {
  readonly core: Core;
  readonly lane: Lane;
  readonly memory: Uint8Array;
}

/** A core with {@link PREFIXES} and its first lane. */
export async function rig(sizes: Partial<CoreSizes> = {}, options: Partial<CoreOptions> = {}, module = coreModule()): Promise<Rig> {
  const core = await createCore(module, { ...SIZES, ...sizes }, { hashKey: hashKey(), now: 0, ...options });
  core.setPrefixes(PREFIXES);
  return { core, lane: await openLane(core.shared, 0), memory: new Uint8Array(core.shared.memory.buffer) };
}

/** An address of 14 octets of `head`, then `n` (below 2^32) in its last four octets. */
export function numbered(head: readonly number[], n: number): Address {
  const octets = new Uint8Array(16);
  octets.set(head);
  new DataView(octets.buffer).setUint32(12, n);
  return addressAt(octets);
}

/** The `n`th of a row of contexts that differ in everything. */
export function sampleRecord(n: number, change: Partial<ContextRecord> = {}): ContextRecord {
  return {
    localUlid: numbered([0xfc, 0, 0xaa, 0xaa, 0, 1], n),
    peerUlid: numbered([0xfc, 0, 0xbb, 0xbb, 0, 1], n),
    fork: 0,
    localTag: contextTag(0x1111_0000_0000 + n),
    peerTag: contextTag(0x2222_0000_0000 + n),
    localLocator: numbered([0x20, 0x01, 0x0d, 0xb8, 0, 0xa1], n),
    peerLocator: numbered([0x20, 0x01, 0x0d, 0xb8, 0, 0xb3], n),
    timing: TIMING,
    ...change,
  };
}

/** Lays `packet` behind a virtio header into slot `slot`. */
export function putPacket(
  { lane, memory }: Pick<Rig, "lane" | "memory">,
  slot: number,
  packet: Uint8Array,
  virtio: Uint8Array = new Uint8Array(VIRTIO_HEADER_OCTETS),
): void {
  const at = lane.inputOffset(slot);
  memory.set(virtio, at);
  memory.set(packet, at + VIRTIO_HEADER_OCTETS);
  lane.lengths[slot] = packet.length + VIRTIO_HEADER_OCTETS;
}

/** Copy of the `i`th packet to write, without its virtio header. */
export function outputPacket({ lane, memory }: Rig, i: number): Uint8Array {
  const at = lane.outputOffsets[i];
  return memory.slice(at + VIRTIO_HEADER_OCTETS, at + lane.outputLengths[i]);
}

/** One packet through the core. `out` is what is to be written, if anything. */
export function runOne(world: Rig, packet: Uint8Array, now = 0, virtio?: Uint8Array): { verdict: number; out: Uint8Array | undefined } {
  putPacket(world, 0, packet, virtio);
  const outputs = world.lane.run(1, now);
  return { verdict: world.lane.verdicts[0], out: outputs === 1 ? outputPacket(world, 0) : undefined };
}
