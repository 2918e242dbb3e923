/**
 * Which context a host's packet goes on: the core's choice against the plain form, the first of the rules that matches what the packet says
 * of itself. Random rules, random packets, extension headers and fragments in between.
 */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COUNTER_NAMES } from "../../core-as/layout/names.ts";
import { FORWARD_OUT, PUNT_FORK } from "../../core-as/layout/verdict.ts";
import { forksOf } from "../../runtime/fast/forks.ts";
import { decide, forkOf, forksFor, type PolicyFlow } from "../../runtime/policy/decide.ts";
import { forkRules, withForks } from "../../runtime/policy/forks.ts";
import { EVERY_FLOW, looksAtTransport, type PolicyRule } from "../../runtime/policy/rule.ts";
import { concat, putU16 } from "../../runtime/value/bytes.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { contextTag } from "../../runtime/value/tag.ts";
import { flowOf } from "../../runtime/wire/index.ts";
import { coreModule, rig, runOne, sampleRecord } from "../lib/core.ts";
import { extension, packetOf } from "../lib/packet.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const record = sampleRecord(1);
const OTHERS = prefix("fc00:cccc::/32");

const port = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 80, 81, 443, 5060, 9999, 10_000, 20_000, 65_535) }, fc.nat(65_535));
const protocol = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(6, 17, 17, 58, 132, 33, 136, 50, 44, 60, 59) }, fc.nat(255));
const range = fc.oneof(
  fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
  port.map((only) => ({ first: only, last: only })),
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const rules: fc.Arbitrary<PolicyRule[]> = fc
  .array(
    fc.record({
      protocols: maybe(fc.array(protocol, { minLength: 1, maxLength: 3 })),
      ports: maybe(fc.array(range, { minLength: 1, maxLength: 7 })),
      classes: maybe(fc.array(fc.nat(63), { minLength: 1, maxLength: 40 })),
      to: fc.option(fc.constant([OTHERS]), { nil: undefined, freq: 4 }),
    }),
    { maxLength: 8 },
  )
  .map((matches) => matches.map((match, i) => ({ name: `r${i}`, match: { ...EVERY_FLOW, ...match }, use: { kind: "default" } })));

/** Extension headers, then a transport that may be cut short. */
const packet = fc
  .tuple(
    fc.oneof(fc.constant([]), fc.array(fc.constantFrom(0, 43, 60, 44, 51), { maxLength: 9 })),
    protocol,
    port,
    port,
    fc.constantFrom(0, 3, 4, 6, 6, 6, 6),
    fc.nat(63),
    fc.nat(0xffff),
  )
  .map(([headers, next, source, destination, octets, dscp, offset]) => {
    const transport = new Uint8Array(octets === 6 ? 24 : octets);
    if (transport.length >= 2) putU16(transport, 0, source);
    if (transport.length >= 4) putU16(transport, 2, destination);
    const chain = headers.map((type, i) => {
      const header = extension(headers[i + 1] ?? next, type === 44 ? 0 : i % 2);
      if (type === 43) header[3] = 0;
      if (type === 44) putU16(header, 2, offset % 3 === 0 ? offset : offset & 7);
      // AH counts in units of four octets, without the first two.
      if (type === 51) header[1] = 2 * (header[1] + 1) - 2;
      return header;
    });
    const whole = packetOf(record.localUlid, record.peerUlid, headers[0] ?? next, concat(...chain, transport));
    whole[0] = 0x60 | (dscp >> 2);
    whole[1] = ((dscp & 3) << 6) | (whole[1] & 0x3f);
    return whole;
  });

function pairFlow(): PolicyFlow {
  const unknown = { protocol: undefined, sourcePort: undefined, destinationPort: undefined, class: undefined };
  return { from: record.localUlid, to: record.peerUlid, names: [], minute: 0, ...unknown };
}

test("the core chooses the context that the rules want", async () => {
  const world = await rig({}, {}, module);
  world.core.add(1, record, 0);
  await fc.assert(
    fc.asyncProperty(rules, fc.array(packet, { minLength: 1, maxLength: 8 }), async (given, packets) => {
      const all = withForks(given, "site");
      const forks = forkRules(all);
      const own = forksFor(all, pairFlow());
      const block = world.core.setForkTerms(forks.map(({ fork, match }) => ({ ...match, fork })));
      const places = own.map((rule) => forks.indexOf(rule));
      world.core.update(1, { forks: forksOf(block, places) }, 0);
      const ids = new Map([...new Set(own.map(({ fork }) => fork))].map((fork, i) => [fork, 2 + i]));
      for (const [fork, id] of ids) world.core.add(id, { ...record, fork, localTag: contextTag(99 + id) }, 0);
      try {
        for (const each of packets) {
          const flow = flowOf(each);
          assert.ok("protocol" in flow);
          const { rule } = decide(all, [], { ...pairFlow(), ...flow });
          const wanted = rule !== undefined && looksAtTransport(rule.match) ? forkOf(own, { ...pairFlow(), ...flow }) : undefined;
          assert.is(wanted, rule !== undefined && looksAtTransport(rule.match) ? rule : undefined);
          const id = wanted === undefined ? 1 : ids.get(wanted.fork);
          assert.ok(id !== undefined);
          const before = world.core.counters(id).packetsOut;
          const { verdict } = runOne(world, each);
          // Some chains are too long for any packet.
          if (verdict >= 16 && verdict < 42) continue;
          assert.is(COUNTER_NAMES.get(verdict), COUNTER_NAMES.get(FORWARD_OUT));
          assert.is(world.core.counters(id).packetsOut, before + 1);
          if (wanted === undefined) continue;
          world.core.remove(id);
          assert.is(runOne(world, each).verdict, PUNT_FORK);
          world.core.drainPunts(10, (copy, reason, base) => {
            assert.is(reason, PUNT_FORK);
            assert.is(base, 1);
            assert.equal(copy.slice(), each);
          });
          world.core.add(id, { ...record, fork: wanted.fork, localTag: contextTag(99 + id) }, 0);
        }
      } finally {
        for (const id of ids.values()) world.core.remove(id);
      }
    }),
    { seed, numRuns: 2000 },
  );
});

test.run();
