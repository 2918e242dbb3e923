/** Why rules do not decide, and what they want, in words. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PolicyFlow } from "../../../runtime/policy/decide.ts";
import { EVERY_FLOW, type PolicyRule } from "../../../runtime/policy/rule.ts";
import { failing, reasonsFor, showUse } from "../../../runtime/policy/why.ts";
import { address } from "../../../runtime/value/address.ts";
import { parseClass, parseProtocol, parseWeekMinute } from "../../../runtime/value/flow.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const FLOW: PolicyFlow = {
  from: address("fc00:aaaa::1"),
  to: address("fc00:bbbb::1"),
  names: ["h2.beta.example"],
  protocol: 17,
  sourcePort: undefined,
  destinationPort: 5060,
  class: 46,
  minute: 100,
};
const rule = (name: string, match: Partial<PolicyRule["match"]>): PolicyRule => ({
  name,
  match: { ...EVERY_FLOW, ...match },
  use: { kind: "default" },
});

test("each criterion is named, the first that fails first", () => {
  const cases = [
    [{ from: [prefix("fc00:cccc::/32")] }, "from"],
    [{ to: [prefix("fc00:cccc::/32")] }, "to"],
    [{ names: ["gamma.example"] }, "names"],
    [{ protocols: [6] }, "protocols"],
    [{ ports: [{ first: 80, last: 80 }] }, "ports"],
    [{ classes: [0] }, "classes"],
    [{ when: [{ days: [3], from: 0, to: 60 }] }, "hours"],
    [{ protocols: [6], classes: [0] }, "protocols"],
    [{ names: ["beta.example"], ports: [{ first: 5000, last: 6000 }] }, undefined],
  ] as const;
  for (const [match, why] of cases) assert.is(failing({ ...EVERY_FLOW, ...match }, FLOW), why, JSON.stringify(match));
});

test("rules before the one that decides, in their order", () => {
  const rules = [rule("a", { protocols: [6] }), rule("b", { to: [prefix("fc00:cccc::/32")] }), rule("c", {}), rule("d", {})];
  const { place, before } = reasonsFor(rules, FLOW);
  assert.is(place, 2);
  assert.equal(
    before.map(({ rule: { name }, why }) => `${name} ${why}`),
    ["a protocols", "b to"],
  );
  assert.is(reasonsFor(rules.slice(0, 2), FLOW).place, undefined);
  assert.equal(reasonsFor([], FLOW), { place: undefined, before: [] });
});

test("what a rule wants", () => {
  assert.is(showUse({ kind: "pin", provider: "isp1" }), "pinned to isp1");
  assert.is(showUse({ kind: "prefer", providers: ["isp1", "isp2"] }), "prefers isp1, then isp2");
  assert.is(showUse({ kind: "spread", weights: new Map([["isp1", 60]]) }), "spreads isp1 60");
});

test("protocols, classes and times of the week as people write them", () => {
  assert.equal(["tcp", "6", "255", "256", "TCP", "", "-1", "toString"].map(parseProtocol), [6, 6, 255, ...Array(5).fill(undefined)]);
  assert.equal(["ef", "af41", "63", "64", "x"].map(parseClass), [46, 34, 63, undefined, undefined]);
  const times = ["mon 00:00", "fri 17:30", " SUN 23:59 ", "sun 24:00", "mon 1:60", "day 1:00", "17:30"];
  assert.equal(times.map(parseWeekMinute), [0, 4 * 1440 + 1050, 7 * 1440 - 1, ...Array(4).fill(undefined)]);
});

test.run();
