/** The golden payload vectors, both ways. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DROP_LENGTH_SHIM6, FORWARD_IN, FORWARD_OUT, PUNT_CONTROL, PUNT_NO_TAG } from "../../../core-as/layout/verdict.ts";
import { address } from "../../../runtime/value/address.ts";
import { hex, unhex } from "../../../runtime/value/bytes.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { contextTag } from "../../../runtime/value/tag.ts";
import { coreModule, type Rig, rig, runOne, TIMING } from "../../lib/core.ts";

interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly hex: string;
  readonly fields: { readonly src: string; readonly dst: string; readonly msg: string; readonly receiver_ct: string } & Record<
    "ulid_src" | "ulid_dst" | "ulid_packet",
    string
  >;
}

const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL("../../vector/vectors.json", import.meta.url), "utf8"));
const payloads = vectors.filter(({ kind, name }) => kind === "packet" && name.startsWith("payload-"));
const module = coreModule();

/** The box at one end of the vector's path: `sender` has the source as its own. */
async function boxOf({ fields }: Vector, sender: boolean): Promise<Rig> {
  const world = await rig({}, {}, module);
  const [localUlid, peerUlid] = sender ? [fields.ulid_src, fields.ulid_dst] : [fields.ulid_dst, fields.ulid_src];
  const [localLocator, peerLocator] = sender ? [fields.src, fields.dst] : [fields.dst, fields.src];
  const tag = contextTag(Number(fields.receiver_ct));
  world.core.setPrefixes({
    ulid: prefix(`${address(localUlid)}/128`),
    generic: prefix("fc00::/7"),
    locators: [prefix(`${address(localLocator)}/128`)],
  });
  world.core.add(
    7,
    {
      localUlid: address(localUlid),
      peerUlid: address(peerUlid),
      fork: 0,
      localTag: sender ? contextTag(0x1234) : tag,
      peerTag: sender ? tag : contextTag(0x1234),
      localLocator: address(localLocator),
      peerLocator: address(peerLocator),
      timing: TIMING,
    },
    0,
  );
  return world;
}

function octets(text: string): Uint8Array {
  const bytes = unhex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

test("there are payload vectors", () => assert.ok(payloads.length >= 13));

for (const vector of payloads) {
  test(`${vector.name}: out`, async () => {
    const world = await boxOf(vector, true);
    const { verdict, out } = runOne(world, octets(vector.fields.ulid_packet));
    assert.is(verdict, FORWARD_OUT);
    assert.is(hex(out ?? new Uint8Array()), vector.hex);
    assert.is(world.core.counters(7).octetsOut, vector.fields.ulid_packet.length / 2);
  });
  test(`${vector.name}: in`, async () => {
    const world = await boxOf(vector, false);
    const { verdict, out } = runOne(world, octets(vector.hex));
    assert.is(verdict, FORWARD_IN);
    assert.is(hex(out ?? new Uint8Array()), vector.fields.ulid_packet);
    assert.is(world.core.counters(7).octetsIn, vector.fields.ulid_packet.length / 2);
  });
}

async function fate(name: string): Promise<number> {
  const vector = vectors.find((each) => each.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const world = await rig({}, {}, module);
  world.core.setPrefixes({ ulid: prefix("fcc3:9e41:2d7::/48"), generic: prefix("fc00::/7"), locators: [prefix("2001:db8:b3::/48")] });
  return runOne(world, octets(vector.hex)).verdict;
}

test("a payload header without context is punted", async () => assert.is(await fate("nocontext-payload"), PUNT_NO_TAG));
test("a payload header with a length is dropped", async () => assert.is(await fate("bad-payload-ext-len"), DROP_LENGTH_SHIM6));

test("every control message between locators is punted", async () => {
  const world = await rig({ puntOctets: 2 ** 20 }, {}, module);
  let seen = 0;
  for (const vector of vectors) {
    const { msg, src, dst } = vector.fields;
    if (vector.kind !== "packet" || msg === "payload" || !src?.startsWith("2001:") || !dst?.startsWith("2001:")) continue;
    world.core.setPrefixes({ ulid: prefix("fc00:aaaa:1::/48"), generic: prefix("fc00::/7"), locators: [prefix(`${address(dst)}/128`)] });
    assert.is(runOne(world, octets(vector.hex)).verdict, PUNT_CONTROL, vector.name);
    world.core.drainPunts(1, (packet, reason, context) => {
      assert.is(hex(packet), vector.hex);
      assert.is(reason, PUNT_CONTROL);
      assert.is(context, -1);
      seen++;
    });
  }
  assert.ok(seen > 20, `only ${seen}`);
});

test.run();
