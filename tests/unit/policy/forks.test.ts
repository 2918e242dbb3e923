/** Rules about flows as forks: which numbers they have, which of them take flows of a pair, and which rule a fork stands for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decide, forkOf, forksFor, type PolicyFlow } from "../../../runtime/policy/decide.ts";
import { FORK_RULES_MAX, forkRules, rangesOf, withForks } from "../../../runtime/policy/forks.ts";
import { EVERY_FLOW, type PolicyMatch, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const PREFER: PolicyUse = { kind: "prefer", providers: ["isp2"] };
const PIN: PolicyUse = { kind: "pin", provider: "isp2" };
const PROVIDERS = [
  { name: "isp1", priority: 0, weight: 1 },
  { name: "isp2", priority: 10, weight: 1 },
];
const ONE = { first: 5060, last: 5060 };

const rule = (name: string, match: Partial<PolicyMatch>, use: PolicyUse = PREFER): PolicyRule => ({
  name,
  match: { ...EVERY_FLOW, ...match },
  use,
});
const flow = (change: Partial<PolicyFlow> = {}): PolicyFlow => ({
  from: address("fc00:aaaa:1::1"),
  to: address("fc00:bbbb:1::1"),
  names: [],
  protocol: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  class: undefined,
  minute: 600,
  ...change,
});
const namesOf = (rules: readonly PolicyRule[]) => rules.map(({ name }) => name);
const fork = (match: Partial<PolicyMatch>, use: PolicyUse = PREFER, site = "a") => withForks([rule("r", match, use)], site)[0].fork;

test("only rules that look at the transport have a fork, never 0, whatever stands around them", () => {
  const rules = withForks(
    [rule("plain", {}), rule("voice", { ports: [ONE] }), rule("bulk", { classes: [8] }), rule("esp", { protocols: [50] })],
    "a",
  );
  assert.equal(namesOf(forkRules(rules)), ["voice", "bulk", "esp"]);
  assert.ok(forkRules(rules).every((each) => Number.isInteger(each.fork) && each.fork > 0 && each.fork < 2 ** 32));
  assert.is(forkRules(rules)[0].fork, fork({ ports: [ONE] }));
});

test("the number is that of what the rule says, not of how it says it, nor of whom it is for", () => {
  const same: readonly Partial<PolicyMatch>[] = [
    { protocols: [17, 6], ports: [ONE, { first: 10, last: 20 }] },
    { protocols: [6, 17, 17], ports: [{ first: 15, last: 20 }, ONE, { first: 10, last: 14 }] },
    { protocols: [17, 6], ports: [ONE, { first: 10, last: 20 }], to: [prefix("fc00:bbbb::/32")] },
  ];
  assert.is(new Set(same.map((match) => fork(match))).size, 1);
  const others: readonly Partial<PolicyMatch>[] = [
    same[0],
    { protocols: [17] },
    { ports: [ONE] },
    { classes: [17] },
    { protocols: [17], classes: [17] },
  ];
  assert.is(new Set(others.map((match) => fork(match))).size, others.length);
  assert.is(fork({ ports: [ONE] }, PREFER, "a"), fork({ ports: [ONE] }, { kind: "avoid", providers: ["isp1"] }, "b"));
});

test("a rule that pins has a number of its own site and provider", () => {
  const numbers = [
    fork({ ports: [ONE] }),
    fork({ ports: [ONE] }, PIN),
    fork({ ports: [ONE] }, PIN, "b"),
    fork({ ports: [ONE] }, { kind: "pin", provider: "isp1" }),
  ];
  assert.is(new Set(numbers).size, 4);
});

test("beyond what there is room for, rules have no fork", () => {
  const rules = withForks(
    Array.from({ length: FORK_RULES_MAX + 3 }, (_, port) => rule(`r${port}`, { ports: [{ first: port, last: port }] })),
    "",
  );
  assert.is(forkRules(rules).length, FORK_RULES_MAX);
  assert.is(new Set(forkRules(rules).map((each) => each.fork)).size, FORK_RULES_MAX);
});

test("ranges that touch or overlap need one place", () => {
  assert.is(
    rangesOf({
      ...EVERY_FLOW,
      ports: [
        { first: 5, last: 9 },
        { first: 1, last: 4 },
        { first: 8, last: 8 },
        { first: 11, last: 11 },
      ],
    }),
    2,
  );
  assert.is(rangesOf(EVERY_FLOW), 0);
});

test("of a pair: the rules for it before the first that takes everything", () => {
  const rules = withForks(
    [
      rule("theirs", { to: [prefix("fc00:cccc::/32")], ports: [ONE] }),
      rule("at night", { ports: [ONE], when: [{ days: [0], from: 0, to: 60 }] }),
      rule("plain, theirs", { to: [prefix("fc00:cccc::/32")] }),
      rule("voice", { ports: [ONE] }),
      rule("bulk", { classes: [8] }),
      rule("all", {}),
      rule("behind", { protocols: [6] }),
    ],
    "",
  );
  assert.equal(namesOf(forksFor(rules, flow())), ["voice", "bulk"]);
  assert.equal(namesOf(forksFor(rules, flow({ minute: 5 }))), ["at night", "voice", "bulk"]);
  assert.equal(namesOf(forksFor(rules, flow({ to: address("fc00:cccc::1") }))), ["theirs"]);
  const own = forksFor(rules, flow());
  assert.is(forkOf(own, flow({ protocol: 17, sourcePort: 1, destinationPort: 5060, class: 8 }))?.name, "voice");
  assert.is(forkOf(own, flow({ protocol: 17, sourcePort: 1, destinationPort: 2, class: 8 }))?.name, "bulk");
  assert.is(forkOf(own, flow({ protocol: 6, sourcePort: 1, destinationPort: 2, class: 0 })), undefined);
});

test("a fork's rule decides for it; for a default context, and a fork that no rule is for, the first that looks at no transport", () => {
  const rules = withForks([rule("voice", { ports: [ONE] }), rule("all", {}, { kind: "prefer", providers: ["isp1"] })], "");
  const which = (number: number) => decide(rules, PROVIDERS, flow({ fork: number })).rule?.name;
  assert.equal([which(rules[0].fork ?? 0), which(0), which(12)], ["voice", "all", "all"]);
});

test.run();
