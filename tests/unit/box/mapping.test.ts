/** What the core is told of providers that die and of those that are drained, when hosts are mapped. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Standing } from "../../../runtime/box/mapped-rules.ts";
import { Mapping, mtuOf } from "../../../runtime/box/mapping.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";
import type { CoreMapping } from "../../../runtime/fast/contract.ts";
import { type Address, address } from "../../../runtime/value/address.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";

const PROVIDERS = `
  - { name: a, prefix: "2001:db8:a1::/48", interface: up1, priority: 10 }
  - { name: b, prefix: "2001:db8:a2::/48", interface: up2, priority: 10 }
  - { name: c, prefix: "2001:db8:a3::/48", interface: up3, priority: 20 }`;
const SLOTS = new Map(["a", "b", "c"].map((name, place) => [name, place]));
const MAPPED = "legacy: { mode: map }";

interface Bench {
  site: Site;
  standing: Standing;
  wall: number;
  named: readonly Address[];
  readonly heard: CoreMapping[];
  readonly alarms: { readonly delay: number; readonly run: () => void }[];
  readonly mapping: Mapping;
}

function siteOf(more: string): Site {
  const text = `site: s\nulid: { prefix: "fc00:aaaa:1::/48" }\nlan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }\nproviders:${PROVIDERS}\n${more}\n`;
  const reading = readSite(text, "site.yaml");
  assert.ok("site" in reading, JSON.stringify(reading));
  return reading.site;
}

function standing(dead: readonly string[] = [], drained: readonly string[] = [], preferred: readonly string[] = []): Standing {
  return { dead: new Set(dead), drained: new Set(drained), preferred: new Set(preferred) };
}

function bench(more: string, how = standing()): Bench {
  const heard: CoreMapping[] = [];
  const alarms: Bench["alarms"] = [];
  const made: Bench = {
    site: siteOf(more),
    standing: how,
    // A Monday, 07:59:30 local time.
    wall: new Date(2026, 10, 23, 7, 59, 30).getTime(),
    named: [],
    heard,
    alarms,
    mapping: new Mapping({
      core: { setMapping: (mapping) => mapping && heard.push(mapping) },
      site: () => made.site,
      slots: () => SLOTS,
      standing: () => made.standing,
      lanMtu: () => 1492,
      wall: () => made.wall,
      named: () => made.named,
      after: (delay, run) => alarms.push({ delay, run }),
    }),
  };
  made.mapping.tell();
  return made;
}

/** Places that take shares by the rule's decision at `kind`, and those that keep what they have. */
function classOf(mapping: CoreMapping | undefined, kind = 0): readonly [readonly number[], readonly number[]] {
  const found = mapping?.rules?.classes[kind];
  assert.ok(found !== undefined);
  return [[...new Set(found.shares)].sort(), found.allowed];
}

const cases: readonly (readonly [string, Standing, readonly number[], readonly number[]])[] = [
  ["all well: those of the best priority", standing(), [0, 1], [0, 1, 2]],
  ["one dead", standing(["a"]), [1], [1, 2]],
  ["one drained: what is there may stay", standing([], ["b"]), [0], [0, 1, 2]],
  ["the best drained and dead", standing(["a"], ["b"]), [2], [1, 2]],
  ["only drained ones live", standing(["a", "c"], ["b"]), [1], [1]],
  ["all drained", standing([], ["a", "b", "c"]), [0, 1], [0, 1, 2]],
  ["all dead: as good as before", standing(["a", "b", "c"]), [0, 1], [0, 1, 2]],
  ["the worst is preferred", standing([], [], ["c"]), [2], [0, 1, 2]],
  ["the preferred one is dead", standing(["c"], [], ["c"]), [0, 1], [0, 1]],
];

for (const [name, how, takers, usable] of cases) {
  test(name, () => {
    const [mapping] = bench(MAPPED, how).heard;
    assert.equal([...new Set(mapping.shares)].sort(), takers);
    assert.equal(
      mapping.providers.flatMap((provider) => (provider.usable ? [provider.place] : [])),
      usable,
    );
    assert.equal(
      mapping.providers.map(({ drained }) => drained),
      ["a", "b", "c"].map((each) => how.drained.has(each)),
    );
    assert.is(mapping.limitIn, 1492);
    assert.is(mapping.rules, undefined);
  });
}

const uses: readonly (readonly [string, Standing, readonly number[], readonly number[]])[] = [
  ["pin: c", standing(), [2], [2]],
  ["pin: c", standing(["c"]), [2], [2]],
  ["pin: c", standing([], ["c"]), [2], [2]],
  ["prefer: [c, b]", standing(), [2], [0, 1, 2]],
  ["prefer: [c, b]", standing(["c"]), [1], [0, 1, 2]],
  ["avoid: [a]", standing(), [1], [0, 1, 2]],
  ["avoid: [a, b]", standing(["c"]), [0, 1], [0, 1, 2]],
  ["spread: { a: 1, c: 1 }", standing(), [0, 2], [0, 1, 2]],
  ["spread: { a: 1, c: 1 }", standing([], ["a"]), [2], [0, 1, 2]],
  ["legacy: refuse", standing(), [255], []],
];

for (const [use, how, takers, allowed] of uses) {
  test(`a rule with ${use}; dead ${[...how.dead]}, drained ${[...how.drained]}`, () => {
    const { heard } = bench(`${MAPPED}\npolicy: [{ to: ["2a00::/12"], ${use} }]`, how);
    assert.equal(classOf(heard[0]), [takers, allowed]);
  });
}

test("rules about peers with ULIDs alone say nothing here, nor do those behind one that matches all", () => {
  const policy = (rules: readonly string[]) => `${MAPPED}\npolicy:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const about = (rules: readonly string[]) =>
    bench(policy(rules)).heard[0].rules?.terms.map(({ from, to }) => [from?.map(showPrefix), to?.map(showPrefix)]);
  assert.is(about(['{ to: ["fc00:bbbb::/32"], pin: a }']), undefined);
  assert.equal(about(['{ to: ["fc00:bbbb::/32", "2a00::/12"], pin: a }', "{ pin: b }", '{ to: ["2b00::/16"], pin: c }']), [
    [undefined, ["2a00::/12"]],
    [undefined, undefined],
  ]);
});

test("decisions that are the same are one; the epoch counts rules that changed, not providers or names", () => {
  const made = bench(`${MAPPED}\npolicy:\n  - { to: ["2a00::/12"], pin: a }\n  - { names: [example.net], pin: a }\n`);
  const [first] = made.heard;
  assert.equal([first.rules?.classes.length, first.rules?.epoch, first.rules?.terms[1].named], [1, 0, []]);
  made.named = [address("2a00:1::1")];
  made.standing = standing(["a"]);
  made.mapping.tell();
  assert.equal([made.heard[1].rules?.epoch, made.heard[1].rules?.terms[1].named], [0, made.named]);
  made.site = siteOf(`${MAPPED}\npolicy: [{ to: ["2a00::/12"], pin: b }]`);
  made.mapping.tell();
  assert.is(made.heard[2].rules?.epoch, 1);
  made.site = siteOf(MAPPED);
  made.mapping.tell();
  assert.is(made.heard[3].rules, undefined);
});

test("rules come and go by the hour, by themselves", () => {
  const made = bench(`${MAPPED}\npolicy: [{ hours: ["mon-fri 08:00-18:00"], pin: c }]`);
  assert.is(made.heard[0].rules, undefined);
  assert.equal(
    made.alarms.map(({ delay }) => delay),
    [30_000],
  );
  made.wall += 30_000;
  made.alarms[0].run();
  assert.equal(classOf(made.heard[1]), [[2], [2]]);
  assert.is(made.alarms[1].delay, 10 * 3_600_000);
  made.mapping.tell();
  made.alarms[1].run();
  assert.is(made.heard.length, 3, "an alarm that another one replaced says nothing");
});

test("off by default; hosts with Shim6 outside the generic prefix are spared", () => {
  assert.equal(bench("").heard, []);
  const binding = 'bindings: [{ ulid: "2001:db8:b3::10", locators: ["2001:db8:b3::10"] }]';
  assert.equal(bench(`${MAPPED}\n${binding}`).heard[0].spared, ["2001:db8:b3::10"]);
});

test("what the kernel says of an interface's MTU", () => {
  assert.is(mtuOf("1492\n"), 1492);
  for (const text of [undefined, "", "x", "-1", "900000"]) assert.is(mtuOf(text), 65_575);
});

test.run();
