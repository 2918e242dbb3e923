/** One writer, readers on other threads, no locks: a reader sees a record whole or not at all, and misses none that is there. */
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { STAGE, STAGE_END } from "../../../core-as/layout/map.ts";
import { createCore, HASH_KEY_OCTETS } from "../../../runtime/fast/core.ts";
import { openModule } from "../../../runtime/fast/exports.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, hashKey, PREFIXES, SIZES, sampleRecord } from "../../lib/core.ts";
import { packetOf, payloadHeader } from "../../lib/packet.ts";

/** As in tests/lib/core-reader.ts, which is a worker and cannot be imported. */
const [STOP, BATCHES, MIXED, MISSED, FOUND, GONE, PAUSE, PAUSED, WORDS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const ROUNDS = 20_000;
const LEAST_BATCHES = 2000;
const STEADY = 4;
const READERS = 2;
const ROOMS = 4;
const TURNS = 32;

async function race(hash: Uint8Array): Promise<Int32Array> {
  const core = await createCore(coreModule(), { ...SIZES, contexts: 16, lanes: READERS }, { hashKey: hash, now: 0 });
  core.setPrefixes(PREFIXES);
  const steady = Array.from({ length: STEADY }, (_, id) => sampleRecord(id, { peerTag: contextTag(id) }));
  for (let id = 0; id < STEADY; id++) core.add(id, steady[id], 0);
  const packets = Array.from({ length: 12 }, (_, number) => {
    const record = sampleRecord(number);
    const out = packetOf(record.localUlid, record.peerUlid, 17, new Uint8Array(16));
    const into = packetOf(record.peerLocator, record.localLocator, 140, concat(payloadHeader(17, record.localTag), new Uint8Array(16)));
    return [
      { octets: out, inbound: false, steady: number < STEADY, number },
      { octets: into, inbound: true, steady: number < STEADY, number },
    ];
  }).flat();
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  const workers = Array.from(
    { length: READERS },
    (_, lane) =>
      new Worker(new URL("../../lib/core-reader.ts", import.meta.url), { workerData: { shared: core.shared, lane, words, packets } }),
  );
  const ended = Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on("message", () => resolve());
          worker.on("error", reject);
        }),
    ),
  );
  let failure: unknown;
  ended.catch((error) => {
    failure = error;
  });
  const versions = Array.from({ length: 64 }, (_, v) => {
    const { localLocator, peerLocator } = sampleRecord(v);
    return { localLocator, peerLocator, peerTag: contextTag(v) };
  });
  const until = async (reached: () => boolean): Promise<void> => {
    while (failure === undefined && !reached()) await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const paused = async (change: () => void): Promise<void> => {
    Atomics.store(words, PAUSE, 1);
    await until(() => Atomics.load(words, PAUSED) === READERS);
    change();
    Atomics.store(words, PAUSE, 0);
    Atomics.notify(words, PAUSE);
    await until(() => Atomics.load(words, PAUSED) === 0);
  };
  const raw = await openModule(core.shared.module, core.shared.memory);
  const memory = new Uint8Array(core.shared.memory.buffer);
  // What the face stages for a context, kept to add it again at full speed.
  const roomers = Array.from({ length: 8 }, (_, n) => {
    core.add(STEADY, sampleRecord(STEADY + n, { peerTag: contextTag(STEADY + n) }), 0);
    core.remove(STEADY);
    return memory.slice(STAGE, STAGE_END);
  });
  const rooms: number[] = new Array<number>(ROOMS).fill(-1);
  for (let round = 0; failure === undefined && (round < ROUNDS || Atomics.load(words, BATCHES) < LEAST_BATCHES); round++) {
    core.update(round % STEADY, versions[round % 64], 0);
    // Eight contexts live in four rooms by turns: entries of both indexes move all the time, and every record changes its owner.
    for (let turn = 0; turn < TURNS; turn++) {
      const roomer = (round * 5 + turn) % roomers.length;
      const room = STEADY + (turn % ROOMS);
      if (rooms[turn % ROOMS] >= 0) raw.remove(room);
      rooms[turn % ROOMS] = -1;
      if (rooms.includes(roomer)) continue;
      memory.set(roomers[roomer], STAGE);
      assert.is(raw.add(room, 0), 0);
      rooms[turn % ROOMS] = roomer;
    }
    if (round % 128 !== 0) continue;
    core.advance(round, 1000, () => undefined);
    core.drainPunts(1000, () => undefined);
    // Steady contexts get behind the roomers in the index, so that they move again when those go.
    await paused(() => {
      for (let id = 0; id < STEADY; id++) {
        core.remove(id);
        core.add(id, steady[id], 0);
      }
    });
  }
  Atomics.store(words, STOP, 1);
  await ended;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return words;
}

for (const [name, hash] of [
  ["random hashes", hashKey()],
  ["hashes that collide", new Uint8Array(HASH_KEY_OCTETS)],
] as const) {
  test(`whole or not at all, ${name}`, async () => {
    const words = await race(hash);
    assert.is(words[MIXED], 0, "mixed");
    assert.is(words[MISSED], 0, "missed, though no search gave up");
    assert.ok(words[FOUND] > 0 && words[GONE] > 0, "contexts came and went while packets were running");
  });
}

test.run();
