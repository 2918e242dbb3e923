/** Rules of traffic engineering: which one decides, and what it makes of the providers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decide, type PolicyFlow, type PolicyProvider } from "../../../runtime/policy/decide.ts";
import { holdsAt, MINUTES_A_DAY, MINUTES_A_WEEK, untilChange } from "../../../runtime/policy/hours.ts";
import { EVERY_FLOW, looksAtTransport, type PolicyMatch, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const PROVIDERS: readonly PolicyProvider[] = [
  { name: "isp1", priority: 10, weight: 60 },
  { name: "isp2", priority: 10, weight: 40 },
  { name: "lte", priority: 50, weight: 10 },
];
const FLOW: PolicyFlow = {
  from: address("fc00:aaaa:1::10"),
  to: address("fc00:bbbb:1::10"),
  names: ["h2.beta.example"],
  protocol: 6,
  sourcePort: 40_000,
  destinationPort: 443,
  class: 46,
  minute: 600,
};
const rule = (match: Partial<PolicyMatch>, use: PolicyUse = { kind: "pin", provider: "lte" }): PolicyRule => ({
  name: "r",
  match: { ...EVERY_FLOW, ...match },
  use,
});
const shown = (use: PolicyUse) =>
  decide([rule({}, use)], PROVIDERS, FLOW).choices.map(
    ({ name, rank, weight, allowed }) => `${name} ${rank}/${weight}${allowed ? "" : " never"}`,
  );

const MATCHES: readonly (readonly [name: string, match: Partial<PolicyMatch>, matches: boolean])[] = [
  ["nothing asked", {}, true],
  ["from", { from: [prefix("fc00:aaaa:1::/64")] }, true],
  ["from another", { from: [prefix("fc00:aaaa:2::/64")] }, false],
  ["to one of two", { to: [prefix("fc00:cccc::/32"), prefix("fc00:bbbb::/32")] }, true],
  ["to another", { to: [prefix("fc00:cccc::/32")] }, false],
  ["below a domain", { names: ["beta.example"] }, true],
  ["the name itself", { names: ["h2.beta.example"] }, true],
  ["a name that ends alike", { names: ["eta.example"] }, false],
  ["protocol", { protocols: [17, 6] }, true],
  ["another protocol", { protocols: [17] }, false],
  ["destination port", { ports: [{ first: 443, last: 443 }] }, true],
  ["source port", { ports: [{ first: 39_000, last: 40_000 }] }, true],
  ["another port", { ports: [{ first: 444, last: 39_999 }] }, false],
  ["class", { classes: [46] }, true],
  ["another class", { classes: [0] }, false],
  ["hours", { when: [{ days: [0], from: 600, to: 601 }] }, true],
  ["other hours", { when: [{ days: [0], from: 601, to: 660 }] }, false],
  ["all at once", { to: [prefix("fc00:bbbb::/32")], protocols: [6], ports: [{ first: 443, last: 443 }] }, true],
  ["all but one", { to: [prefix("fc00:bbbb::/32")], protocols: [6], ports: [{ first: 80, last: 80 }] }, false],
];
for (const [name, match, expected] of MATCHES)
  test(`match: ${name}`, () => assert.is(decide([rule(match)], PROVIDERS, FLOW).rule !== undefined, expected));

test("what is not known matches no criterion about it", () => {
  const unknown: PolicyFlow = {
    ...FLOW,
    names: [],
    protocol: undefined,
    sourcePort: undefined,
    destinationPort: undefined,
    class: undefined,
  };
  for (const match of [{ names: ["example"] }, { protocols: [6] }, { ports: [{ first: 0, last: 65_535 }] }, { classes: [0] }])
    assert.is(decide([rule(match)], PROVIDERS, unknown).rule, undefined);
});

test("the first that matches decides", () => {
  const rules = [rule({ protocols: [17] }), rule({ protocols: [6] }, { kind: "pin", provider: "isp2" }), rule({})];
  assert.is(decide(rules, PROVIDERS, FLOW).rule, rules[1]);
});

test("what each use makes of the providers", () => {
  assert.equal(shown({ kind: "default" }), ["isp1 0/60", "isp2 0/40", "lte 1/10"]);
  assert.equal(shown({ kind: "pin", provider: "isp2" }), ["isp1 3/60 never", "isp2 0/40", "lte 4/10 never"]);
  assert.equal(shown({ kind: "prefer", providers: ["lte", "isp2"] }), ["isp1 3/60", "isp2 1/1", "lte 0/1"]);
  assert.equal(shown({ kind: "avoid", providers: ["isp1"] }), ["isp1 3/60", "isp2 0/40", "lte 1/10"]);
  assert.equal(
    shown({
      kind: "spread",
      weights: new Map([
        ["isp2", 70],
        ["lte", 30],
      ]),
    }),
    ["isp1 3/60", "isp2 0/70", "lte 0/30"],
  );
});

test("hours over midnight and over the week's end", () => {
  const night = [{ days: [6], from: 22 * 60, to: 6 * 60 }];
  const sunday = 6 * MINUTES_A_DAY;
  assert.not(holdsAt(night, sunday + 22 * 60 - 1));
  assert.ok(holdsAt(night, sunday + 22 * 60));
  assert.ok(holdsAt(night, 0), "Monday, midnight");
  assert.ok(holdsAt(night, 6 * 60 - 1));
  assert.not(holdsAt(night, 6 * 60));
  assert.is(untilChange(night, 0), 360);
  assert.is(untilChange(night, 360), sunday + 22 * 60 - 360);
  assert.is(untilChange([], 5), MINUTES_A_WEEK);
  const day = [{ days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: MINUTES_A_DAY }];
  for (let minute = 0; minute < MINUTES_A_WEEK; minute += 97) assert.ok(holdsAt(day, minute));
});

test("which rules need contexts of their own", () => {
  assert.not(looksAtTransport({ ...EVERY_FLOW, to: [], names: [], when: [] }));
  for (const one of [{ protocols: [6] }, { ports: [] }, { classes: [1] }]) assert.ok(looksAtTransport({ ...EVERY_FLOW, ...one }));
});

test.run();
