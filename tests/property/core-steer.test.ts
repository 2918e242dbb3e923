/** Rules about pairs and flows without Shim6 in the core, against the plain decision of runtime/policy. */
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as verdict from "../../core-as/layout/verdict.ts";
import type { SteerClass, SteerTerm } from "../../runtime/fast/contract.ts";
import { decide } from "../../runtime/policy/decide.ts";
import type { PolicyRule } from "../../runtime/policy/rule.ts";
import { type Address, address, addressAt } from "../../runtime/value/address.ts";
import { contains, prefix } from "../../runtime/value/prefix.ts";
import { coreModule, rig, runOne } from "../lib/core.ts";
import { mappingFor, packetFor, setMapped } from "../lib/mapped.ts";
import { seed } from "../lib/seed.ts";

const module = coreModule();
const SITE = prefix("fc00:aaaa:1::/48");
const ISPS = ["2001:db8:a1::/48", "2001:db8:a2::/48", "2001:db8:a3::/48"].map((text) => ({ prefix: prefix(text) }));
const HOSTS = ["fc00:aaaa:1::10", "fc00:aaaa:1::11", "fc00:aaaa:1:7::10"].map(address);
const PEERS = ["2a00:1::20", "2a00:1::21", "2a00:2::20", "64:ff9b::102:304"].map(address);

const from = fc.subarray(["fc00:aaaa:1::/64", "fc00:aaaa:1::10/128", "fc00:aaaa:1:7::/64"], { minLength: 1 });
const to = fc.subarray(["2a00:1::/32", "2a00:1::20/128", "2a00::/12", "64:ff9b::/96"], { minLength: 1 });
const ports = fc.array(fc.tuple(fc.constantFrom(0, 53, 443, 5000), fc.constantFrom(0, 10, 65_000)), { minLength: 1, maxLength: 3 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const rule = fc
  .record({
    from: maybe(from),
    to: maybe(to),
    protocols: maybe(fc.subarray([6, 17, 47, 58, 255], { minLength: 1 })),
    ports: maybe(ports),
    classes: maybe(fc.subarray([0, 46, 63], { minLength: 1 })),
    named: maybe(fc.subarray(PEERS)),
    place: fc.nat(2),
  })
  .map(({ from: hosts, to: peers, protocols, ports: ranges, classes, named, place }) => ({
    term: {
      from: hosts?.map(prefix),
      to: peers?.map(prefix),
      named,
      protocols,
      ports: ranges?.map(([first, more]) => ({ first, last: Math.min(65_535, first + more) })),
      dscps: classes,
      kind: place,
    } satisfies SteerTerm,
    place,
  }));
type Rule = typeof rule extends fc.Arbitrary<infer T> ? T : never;
const packet = fc.record({
  host: fc.constantFrom(...HOSTS),
  peer: fc.constantFrom(...PEERS),
  protocol: fc.constantFrom(6, 17, 47, 58, 255),
  source: fc.constantFrom(53, 443, 5001, 40_000),
  destination: fc.constantFrom(0, 53, 443, 5005, 65_535),
  dscp: fc.constantFrom(0, 1, 46, 63),
});

/** One class a provider: it takes all shares, and nobody else keeps anything. */
const classes: readonly SteerClass[] = ISPS.map((_, place) => ({ shares: new Uint8Array(256).fill(place), allowed: [place] }));

function plainly(rules: readonly Rule[], flow: typeof packet extends fc.Arbitrary<infer T> ? T : never): number | undefined {
  const named = new Map<string, readonly Address[]>();
  const policy = rules.map(({ term }, i): PolicyRule => {
    const name = `n${i}.test`;
    if (term.named !== undefined) named.set(name, term.named);
    const names = term.named === undefined ? undefined : [name];
    const match = {
      from: term.from,
      to: term.to,
      names,
      protocols: term.protocols,
      ports: term.ports,
      classes: term.dscps,
      when: undefined,
    };
    return { name: String(i), match, use: { kind: "default" } };
  });
  const hasPorts = flow.protocol === 6 || flow.protocol === 17;
  const { rule: found } = decide(policy, [], {
    from: flow.host,
    to: flow.peer,
    names: [...named].flatMap(([name, addresses]) => (addresses.includes(flow.peer) ? [name] : [])),
    protocol: flow.protocol,
    sourcePort: hasPorts ? flow.source : undefined,
    destinationPort: hasPorts ? flow.destination : undefined,
    class: flow.dscp,
    minute: 0,
  });
  return found === undefined ? undefined : rules[Number(found.name)].place;
}

test("the first rule that matches decides, as in the plain form", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rule, { maxLength: 12 }), fc.array(packet, { minLength: 1, maxLength: 8 }), async (rules, packets) => {
      const world = await rig({ ways: 64 }, {}, module);
      setMapped(world.core, SITE, prefix("fc00::/7"), ISPS, 0);
      const terms = rules.map(({ term }) => term);
      world.core.setMapping({ ...mappingFor(SITE, ISPS, 0), rules: { epoch: 0, classes, terms } });
      for (const flow of packets) {
        const transport = new Uint8Array(40);
        if (flow.protocol === 6 || flow.protocol === 17)
          transport.set([flow.source >> 8, flow.source & 255, flow.destination >> 8, flow.destination & 255]);
        if (flow.protocol === 58) transport.set([128, 0, 0, 0, flow.source >> 8, flow.source & 255]);
        if (flow.protocol === 6) transport[12] = 0x50;
        const octets = packetFor({ protocol: flow.protocol, transport }, flow.host, flow.peer);
        octets[0] = 0x60 | (flow.dscp >> 2);
        octets[1] = (flow.dscp << 6) & 0xff;
        const { verdict: fate, out } = runOne(world, octets, 1_000);
        assert.is(fate, verdict.FORWARD_MAPPED_OUT);
        const taken = addressAt(out ?? new Uint8Array(40), 8);
        // A flow is led by its first packet, so by the class of that one: packets of a flow here differ in nothing else.
        const looksAtClass = terms.some(({ dscps }) => dscps !== undefined);
        const others = packets.some(
          (each) =>
            each !== flow && each.dscp !== flow.dscp && JSON.stringify({ ...each, dscp: 0 }) === JSON.stringify({ ...flow, dscp: 0 }),
        );
        const samePair = packets.some(
          (each) => each !== flow && each.protocol === flow.protocol && each.host === flow.host && each.peer === flow.peer,
        );
        if (looksAtClass && (others || samePair)) continue;
        assert.is(
          ISPS.findIndex((isp) => contains(isp.prefix, taken)),
          plainly(rules, flow) ?? 0,
        );
      }
    }),
    { seed, numRuns: 1500 },
  );
});

test.run();
