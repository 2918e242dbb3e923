/** One writer, readers on other threads, no locks: a reader sees a record whole or not at all, and misses none that is there. */
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCore, HASH_KEY_OCTETS } from "../../../runtime/fast/core.ts";
import { concat } from "../../../runtime/value/bytes.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, hashKey, PREFIXES, SIZES, sampleRecord } from "../../lib/core.ts";
import { packetOf, payloadHeader } from "../../lib/packet.ts";

/** As in tests/lib/core-reader.ts, which is a worker and cannot be imported. */
const [STOP, BATCHES, MIXED, MISSED, FOUND, GONE, WORDS] = [0, 1, 2, 3, 4, 5, 8];
const ROUNDS = 15_000;
const LEAST_BATCHES = 2000;
const STEADY = 4;
const READERS = 2;

async function race(hash: Uint8Array): Promise<Int32Array> {
  const core = await createCore(coreModule(), { ...SIZES, contexts: 16, lanes: READERS }, { hashKey: hash, now: 0 });
  core.setPrefixes(PREFIXES);
  for (let id = 0; id < STEADY; id++) core.add(id, sampleRecord(id, { peerTag: contextTag(id) }), 0);
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
  const roomers = Array.from({ length: 12 }, (_, n) => sampleRecord(n, { peerTag: contextTag(n) }));
  for (let round = 0; failure === undefined && (round < ROUNDS || Atomics.load(words, BATCHES) < LEAST_BATCHES); round++) {
    core.update(round % STEADY, versions[round % 64], 0);
    // Eight contexts live in these rooms by turns: entries of both indexes move all the time.
    const room = STEADY + (round % 6);
    core.remove(room);
    const roomer = roomers[STEADY + ((round * 5) % 8)];
    if (core.findTag(roomer.localTag) < 0) core.add(room, roomer, 0);
    if (round % 64 === 0) {
      core.advance(round, 1000, () => undefined);
      core.drainPunts(1000, () => undefined);
      // Lets the worker's messages in, and its start-up go on in runtimes that need this thread for it.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
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
    assert.is(words[MISSED], 0, "missed");
    assert.ok(words[FOUND] > 0 && words[GONE] > 0, "contexts came and went while packets were running");
  });
}

test.run();
