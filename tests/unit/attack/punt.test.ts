// A flood of I1 at the packet core: an eighth of the ring to the control thread is all it gets, and those we know get more.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DROP_PUNT_FULL, PUNT_CONTROL, PUNT_NO_CONTEXT } from "../../../core-as/layout/verdict.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix, withPrefix } from "../../../runtime/value/prefix.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { emitPacket, type Message } from "../../../runtime/wire/index.ts";
import { rig, runOne, SIZES, sampleRecord } from "../../lib/core.ts";
import { packetOf } from "../../lib/packet.ts";

const locator = address("2001:db8:a1::1");
const from = address("2001:db8:e000::1");
const I1: Message = { kind: "I1", initiatorTag: contextTag(1), initiatorNonce: 2, options: [] };
const KEEPALIVE: Message = { kind: "Keepalive", receiverTag: contextTag(3), options: [] };

test("when I1 have filled their share, other messages and hosts' packets still get through, and I1 again when it is drained", async () => {
  const world = await rig();
  const i1 = emitPacket(from, locator, I1);
  let taken = 0;
  for (let n = 0; n < 5000; n++) if (runOne(world, i1).verdict === PUNT_CONTROL) taken++;
  const entry = (i1.length + 16 + 15) & ~15;
  assert.ok(taken > 0 && taken * entry <= SIZES.puntOctets / 8, `${taken} taken`);
  assert.is(runOne(world, i1).verdict, DROP_PUNT_FULL);
  const { localUlid } = sampleRecord(1);
  assert.is(runOne(world, emitPacket(from, locator, KEEPALIVE)).verdict, PUNT_CONTROL);
  assert.is(runOne(world, packetOf(localUlid, address("fc00:bbbb:1::99"), 17, new Uint8Array(8))).verdict, PUNT_NO_CONTEXT);
  world.core.drainPunts(10_000, () => undefined);
  assert.is(runOne(world, i1).verdict, PUNT_CONTROL);
});

test("a flood of I1 does not keep out those of sites that we have had a context with", async () => {
  const world = await rig();
  const record = sampleRecord(1);
  world.core.add(1, record, 0);
  world.core.remove(1);
  for (let n = 0; n < 5000; n++) runOne(world, emitPacket(from, locator, I1));
  assert.is(runOne(world, emitPacket(address("2001:db8:e001::1"), locator, I1)).verdict, DROP_PUNT_FULL);
  const i1 = emitPacket(withPrefix(prefix("2001:db8:b3::/48"), from), locator, I1);
  let taken = 0;
  for (let n = 0; n < 5000; n++) if (runOne(world, i1).verdict === PUNT_CONTROL) taken++;
  assert.ok(taken > 0);
  assert.is(runOne(world, emitPacket(from, locator, KEEPALIVE)).verdict, PUNT_CONTROL);
});

test.run();
