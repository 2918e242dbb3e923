/**
 * A stand-in for the core: a lane that turns every IPv6 packet round, and punts UDP to {@link PUNT_PORT}. Same shapes as
 * runtime/fast, same memory rules, none of its work.
 */
import type { Core, Lane, SharedCore } from "../../runtime/fast/contract.ts";
import { u16 } from "../../runtime/value/bytes.ts";

export const PUNT_PORT = 9;
export const PUNT_REASON = 77;

const BATCH = 64;
const SLOT = 2048;
const HEADROOM = 64;
const VIRTIO = 10;
const WORDS = 4;
const LENGTHS = 64;
const OUT_OFFSETS = LENGTHS + 4 * BATCH;
const OUT_LENGTHS = OUT_OFFSETS + 4 * BATCH;
const SLOTS = 4096;
const PUNTS = 64;
const LANE = SLOTS + BATCH * SLOT + PUNTS * SLOT;
const UDP = 17;
const ICMP6 = 58;

/** Words of a lane's block: frames with a partial checksum, write errors, punts written, punts taken. */
const PARTIAL = 0;
const REFUSED = 1;
const PUT = 2;
const TAKEN = 3;

/** The main thread's end. */
export interface EchoCore extends Pick<Core, "shared" | "drainPunts"> {
  /** Frames seen whose transport checksum the kernel had left to us. */
  partialChecksums(): number;
  refusedWrites(): number;
}

export async function openEchoCore(lanes = 1): Promise<EchoCore> {
  const pages = Math.ceil((lanes * LANE) / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const module = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  const words = (lane: number) => new Int32Array(memory.buffer, lane * LANE, WORDS);
  const sum = (word: number) => Array.from({ length: lanes }, (_, lane) => Atomics.load(words(lane), word)).reduce((a, b) => a + b, 0);
  return {
    shared: { memory, module, sizes: { contexts: 1, lanes, batch: BATCH, slotOctets: SLOT, puntOctets: PUNTS * SLOT } },
    partialChecksums: () => sum(PARTIAL),
    refusedWrites: () => sum(REFUSED),
    drainPunts(limit, take) {
      let taken = 0;
      for (let lane = 0; lane < lanes; lane++) {
        const word = words(lane);
        while (taken < limit && word[TAKEN] !== Atomics.load(word, PUT)) {
          const at = lane * LANE + SLOTS + BATCH * SLOT + (word[TAKEN] % PUNTS) * SLOT;
          const length = new Uint32Array(memory.buffer, at, 1)[0];
          take(new Uint8Array(memory.buffer, at + 4, length), PUNT_REASON, -1);
          Atomics.store(word, TAKEN, word[TAKEN] + 1);
          taken++;
        }
      }
      return taken;
    },
  };
}

export async function openEchoLane(shared: SharedCore, index: number): Promise<Lane> {
  const { buffer } = shared.memory;
  const base = index * LANE;
  const words = new Int32Array(buffer, base, WORDS);
  const octets = new Uint8Array(buffer);
  const lengths = new Uint32Array(buffer, base + LENGTHS, BATCH);
  const outputOffsets = new Uint32Array(buffer, base + OUT_OFFSETS, BATCH);
  const outputLengths = new Uint32Array(buffer, base + OUT_LENGTHS, BATCH);
  const inputOffset = (slot: number) => base + SLOTS + slot * SLOT + HEADROOM;
  let bell = false;

  const swap = (a: number, b: number, count: number) => {
    for (let i = 0; i < count; i++) {
      const octet = octets[a + i];
      octets[a + i] = octets[b + i];
      octets[b + i] = octet;
    }
  };
  const punt = (ip: number, length: number) => {
    const put = Atomics.load(words, PUT);
    if (put - Atomics.load(words, TAKEN) >= PUNTS) return;
    const at = base + SLOTS + BATCH * SLOT + (put % PUNTS) * SLOT;
    new Uint32Array(buffer, at, 1)[0] = length;
    octets.copyWithin(at + 4, ip, ip + length);
    Atomics.store(words, PUT, put + 1);
    bell = true;
  };

  return {
    inputOffset,
    inputOctets: SLOT - HEADROOM,
    lengths,
    verdicts: new Uint32Array(BATCH),
    outputOffsets,
    outputLengths,
    run(count) {
      let outputs = 0;
      for (let slot = 0; slot < count; slot++) {
        const frame = inputOffset(slot);
        const ip = frame + VIRTIO;
        if (octets[ip] >> 4 !== 6) continue;
        if ((octets[frame] & 1) !== 0) words[PARTIAL]++;
        const next = octets[ip + 6];
        if (next === UDP && u16(octets, ip + 42) === PUNT_PORT) {
          punt(ip, lengths[slot] - VIRTIO);
          continue;
        }
        if (next === ICMP6) continue;
        swap(ip + 8, ip + 24, 16);
        if (next === UDP) swap(ip + 40, ip + 42, 2);
        outputOffsets[outputs] = frame;
        outputLengths[outputs++] = lengths[slot];
      }
      return outputs;
    },
    takeBell() {
      const rang = bell;
      bell = false;
      return rang;
    },
    countWriteError() {
      words[REFUSED]++;
    },
  };
}
