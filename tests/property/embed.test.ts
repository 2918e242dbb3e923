/** `pshim6/core` on anything: octets from the network never throw, and unshared memory does what shared memory does. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { EmbeddedCore } from "../../runtime/embed/contract.ts";
import { embedCore } from "../../runtime/embed/core.ts";
import { CoreError } from "../../runtime/embed/error.ts";
import { withoutSharing } from "../../runtime/embed/module.ts";
import { coreModule, hashKey } from "../lib/core.ts";
import { packetBetween } from "../lib/edges.ts";
import { seed } from "../lib/seed.ts";

coreModule();
const OCTETS = Uint8Array.from(readFileSync(fileURLToPath(new URL("../../dist/core.wasm", import.meta.url))));
const HOSTS = Array.from({ length: 6 }, (_, n) => `fc00:aaaa:1::${n}`);
const PEERS = Array.from({ length: 3 }, (_, n) => `fc00:bbbb:1::${n}`);

type Step =
  | { readonly kind: "run"; readonly packets: readonly Uint8Array[]; readonly after: number }
  | { readonly kind: "add"; readonly host: number; readonly peer: number; readonly tag: number }
  | { readonly kind: "update"; readonly id: number; readonly hold: boolean }
  | { readonly kind: "remove"; readonly id: number }
  | { readonly kind: "advance"; readonly after: number };

const place = (list: readonly string[]) => fc.constantFrom(...list);
/** What hosts send, what peers send with some tag, the same with octets changed, and anything. */
const packet = fc.oneof(
  fc.tuple(place(HOSTS), place(PEERS)).map(([from, to]) => packetBetween(from, to, "out")),
  fc.nat(7).map((tag) => {
    const inner = packetBetween("2001:db8:b3::1", "2001:db8:a1::1", "in");
    inner[6] = 140;
    inner.set([17, 0, 0x80, 0, 0, 0, 0, tag], 40);
    return inner;
  }),
  fc.tuple(place(HOSTS), fc.nat(60), fc.nat(255)).map(([from, at, value]) => {
    const changed = packetBetween(from, PEERS[0], "0123456789abcdef");
    changed[at] = value;
    return changed;
  }),
  fc.uint8Array({ maxLength: 120 }),
  fc.uint8Array({ minLength: 40, maxLength: 1400 }).map((octets) => {
    octets[0] = 0x60 | (octets[0] & 0x0f);
    return octets;
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("run" as const), packets: fc.array(packet, { maxLength: 9 }), after: fc.nat(4000) }),
  fc.record({ kind: fc.constant("add" as const), host: fc.nat(5), peer: fc.nat(2), tag: fc.nat(7) }),
  fc.record({ kind: fc.constant("update" as const), id: fc.nat(9), hold: fc.boolean() }),
  fc.record({ kind: fc.constant("remove" as const), id: fc.nat(9) }),
  fc.record({ kind: fc.constant("advance" as const), after: fc.nat(20_000) }),
);

/** Everything that a caller can see of a row of steps. */
function story(core: EmbeddedCore, steps: readonly Step[]): unknown[] {
  let now = 0;
  const seen: unknown[] = [];
  for (const one of steps) {
    if ("after" in one) now += one.after;
    try {
      seen.push(act(core, one, now, seen));
    } catch (error) {
      if (!(error instanceof CoreError)) throw error;
      seen.push(error.code);
    }
    core.takePunts(100, (octets, reason, context) => seen.push([octets.slice().join(), reason, context]));
  }
  return [...seen, JSON.stringify(core.counters())];
}

function act(core: EmbeddedCore, one: Step, now: number, seen: unknown[]): unknown {
  switch (one.kind) {
    case "run":
      return core.run(one.packets, now, (octets, direction, index) => seen.push([octets.slice().join(), direction, index]));
    case "add": {
      const ulids = { localUlid: HOSTS[one.host], peerUlid: PEERS[one.peer] };
      const locators = { localLocator: "2001:db8:a1::1", peerLocator: "2001:db8:b3::1" };
      const timing = { sendTimeout: 15_000, keepaliveTimeout: 15_000, keepaliveInterval: 5000 };
      return core.addContext({ ...ulids, ...locators, localTag: one.tag, peerTag: one.tag, timing }, now);
    }
    case "update":
      return core.updateContext(one.id, { hold: one.hold }, now);
    case "remove":
      return core.removeContext(one.id);
    case "advance":
      return core.advance(now, (id, kind) => seen.push([id, kind, now]));
  }
}

test("unshared and shared memory tell the same story", async () => {
  const settings = { prefixes: { ulid: "fc00:aaaa:1::/48", locators: ["2001:db8:a1::/48"] }, contexts: 8, batch: 4, hashKey: hashKey() };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const [alone, together] = await Promise.all([false, true].map((shared) => embedCore(OCTETS, { ...settings, shared })));
      assert.equal(story(alone, steps), story(together, steps));
    }),
    { seed, numRuns: 200 },
  );
});

test("whatever claims to be the core's program is changed in one bit, or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (octets, prefixed) => {
      const given = prefixed ? Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...octets]) : octets;
      try {
        const changed = withoutSharing(given);
        assert.is(changed.filter((octet, i) => octet !== given[i]).length <= 1, true);
      } catch (error) {
        assert.ok(error instanceof CoreError && error.code === "module");
      }
    }),
    { seed, numRuns: 2000 },
  );
});

test.run();
