/** What the core is told of providers that die and of those that are drained, when hosts are mapped. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mtuOf, tellMapping } from "../../../runtime/box/mapping.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { CoreMapping } from "../../../runtime/fast/contract.ts";

const PROVIDERS = `
  - { name: a, prefix: "2001:db8:a1::/48", interface: up1, priority: 10 }
  - { name: b, prefix: "2001:db8:a2::/48", interface: up2, priority: 10 }
  - { name: c, prefix: "2001:db8:a3::/48", interface: up3, priority: 20 }`;

function told(dead: readonly string[], drained: readonly string[], more = "legacy: { mode: map }"): CoreMapping | undefined {
  const text = `site: s\nulid: { prefix: "fc00:aaaa:1::/48" }\nlan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }\nproviders:${PROVIDERS}\n${more}\n`;
  const reading = readSite(text, "site.yaml");
  assert.ok("site" in reading, JSON.stringify(reading));
  let heard: CoreMapping | undefined;
  const slots = new Map(["a", "b", "c"].map((name, place) => [name, place]));
  const core = {
    setMapping: (mapping: CoreMapping | undefined) => {
      heard = mapping;
    },
  };
  tellMapping(core, reading.site, slots, { dead: new Set(dead), drained: new Set(drained) }, 1492);
  return heard;
}

const cases: readonly (readonly [string, readonly string[], readonly string[], readonly number[], readonly number[]])[] = [
  ["all well: those of the best priority", [], [], [0, 1], [0, 1, 2]],
  ["one dead", ["up1"], [], [1], [1, 2]],
  ["one drained: what is there may stay", [], ["b"], [0], [0, 1, 2]],
  ["the best drained and dead", ["up1"], ["b"], [2], [1, 2]],
  ["only drained ones live", ["up1", "up3"], ["b"], [1], [1]],
  ["all drained", [], ["a", "b", "c"], [0, 1], [0, 1, 2]],
  ["all dead: as good as before", ["up1", "up2", "up3"], [], [0, 1], [0, 1, 2]],
];

for (const [name, dead, drained, takers, usable] of cases) {
  test(name, () => {
    const mapping = told(dead, drained);
    assert.equal([...new Set(mapping?.shares)].sort(), takers);
    assert.equal(
      mapping?.providers.flatMap((provider) => (provider.usable ? [provider.place] : [])),
      usable,
    );
    assert.is(mapping?.limitIn, 1492);
  });
}

test("off by default; hosts with Shim6 outside the generic prefix are spared", () => {
  assert.is(told([], [], ""), undefined);
  const binding = 'bindings: [{ ulid: "2001:db8:b3::10", locators: ["2001:db8:b3::10"] }]';
  assert.equal(told([], [], `legacy: { mode: map }\n${binding}`)?.spared, ["2001:db8:b3::10"]);
});

test("what the kernel says of an interface's MTU", () => {
  assert.is(mtuOf("1492\n"), 1492);
  for (const text of [undefined, "", "x", "-1", "900000"]) assert.is(mtuOf(text), 65_575);
});

test.run();
