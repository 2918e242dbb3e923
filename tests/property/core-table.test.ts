/** The context table against a Map: random additions, changes and removals, asked through packets and through the face. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FORWARD_IN, FORWARD_OUT, PUNT_NO_CONTEXT, PUNT_NO_TAG } from "../../core-as/layout/verdict.ts";
import type { ContextRecord } from "../../runtime/fast/contract.ts";
import { HASH_KEY_OCTETS } from "../../runtime/fast/core.ts";
import { concat, hex } from "../../runtime/value/bytes.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import { coreModule, hashKey, type Rig, rig, runOne, sampleRecord } from "../lib/core.ts";
import { packetOf, payloadHeader } from "../lib/packet.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const IDS = 16;
const body = Uint8Array.of(1, 2, 3, 4);

type Step =
  | { readonly kind: "add"; readonly id: number; readonly pair: number; readonly fork: number; readonly tag: number }
  | { readonly kind: "update"; readonly id: number; readonly to: number }
  | { readonly kind: "remove"; readonly id: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      id: fc.nat(IDS - 1),
      pair: fc.nat(19),
      fork: fc.constantFrom(0, 0, 1, 0xffff_ffff),
      tag: fc.nat(19),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("update" as const), id: fc.nat(IDS - 1), to: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), id: fc.nat(IDS - 1) }) },
);

const tagOf = (n: number) => contextTag(0x1111_0000_0000 + n);

function recordOf({ pair, fork, tag }: { pair: number; fork: number; tag: number }): ContextRecord {
  return sampleRecord(pair, { fork, localTag: tagOf(tag) });
}

function play(world: Rig, model: Map<number, ContextRecord>, change: Step): void {
  const { core } = world;
  switch (change.kind) {
    case "add": {
      const record = recordOf(change);
      const taken = [...model.values()].some(
        (other) => other.localTag === record.localTag || (other.localUlid === record.localUlid && other.fork === record.fork),
      );
      if (taken || model.has(change.id)) assert.throws(() => core.add(change.id, record, 0));
      else {
        core.add(change.id, record, 0);
        model.set(change.id, record);
      }
      return;
    }
    case "update": {
      const record = model.get(change.id);
      const { localLocator, peerLocator, peerTag } = sampleRecord(change.to);
      if (record === undefined) assert.throws(() => core.update(change.id, { localLocator }, 0));
      else {
        core.update(change.id, { localLocator, peerLocator, peerTag }, 0);
        model.set(change.id, { ...record, localLocator, peerLocator, peerTag });
      }
      return;
    }
    case "remove":
      core.remove(change.id);
      model.delete(change.id);
  }
}

function compare(world: Rig, model: Map<number, ContextRecord>): void {
  for (let n = 0; n < 20; n++) {
    const { localUlid, peerUlid } = sampleRecord(n);
    const byPair = [...model].find(([, record]) => record.localUlid === localUlid && record.fork === 0);
    assert.is(world.core.findPair(localUlid, peerUlid, 0), byPair?.[0] ?? -1);
    const sent = runOne(world, packetOf(localUlid, peerUlid, 17, body));
    assert.is(sent.verdict, byPair === undefined ? PUNT_NO_CONTEXT : FORWARD_OUT);
    if (byPair !== undefined) {
      const { localLocator, peerLocator, peerTag } = byPair[1];
      assert.is(hex(sent.out ?? body), hex(packetOf(localLocator, peerLocator, 140, concat(payloadHeader(17, peerTag), body))));
    }
    const byTag = [...model].find(([, record]) => record.localTag === tagOf(n));
    assert.is(world.core.findTag(tagOf(n)), byTag?.[0] ?? -1);
    const { localLocator, peerLocator } = sampleRecord(n);
    const received = runOne(world, packetOf(peerLocator, localLocator, 140, concat(payloadHeader(17, tagOf(n)), body)));
    assert.is(received.verdict, byTag === undefined ? PUNT_NO_TAG : FORWARD_IN);
    if (byTag !== undefined) assert.is(hex(received.out ?? body), hex(packetOf(byTag[1].peerUlid, byTag[1].localUlid, 17, body)));
    world.core.drainPunts(10, () => undefined);
  }
}

/** The same question after every step, without packets: an index that loses an entry shows it at once. */
function present(world: Rig, model: Map<number, ContextRecord>): void {
  for (const [id, { localUlid, peerUlid, fork, localTag }] of model) {
    assert.is(world.core.findPair(localUlid, peerUlid, fork), id);
    assert.is(world.core.findTag(localTag), id);
  }
}

async function against(keys: fc.Arbitrary<Uint8Array>, runs: number): Promise<void> {
  const property = fc.asyncProperty(keys, fc.array(step, { maxLength: 80, size: "max" }), async (key, steps) => {
    const world = await rig({ contexts: IDS }, { hashKey: key }, module);
    const model = new Map<number, ContextRecord>();
    for (const each of steps) {
      play(world, model, each);
      present(world, model);
    }
    compare(world, model);
  });
  await fc.assert(property, { seed, numRuns: runs });
}

test("as a Map would, whatever the hash key", () => against(fc.nat().map(hashKey), 150));
// A key of zeros gives every one of these tags the same hash: the whole index is one run.
test("as a Map would, with hashes that collide", () => against(fc.constant(new Uint8Array(HASH_KEY_OCTETS)), 100));

test.run();
