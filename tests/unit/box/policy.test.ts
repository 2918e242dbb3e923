/** Rules of traffic engineering over contexts: which provider carries the next one, and how shares come out. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { seededEntropy } from "../../../adapters/memory/entropy.ts";
import { Policy } from "../../../runtime/box/policy.ts";
import { createBindings } from "../../../runtime/locator/bindings.ts";
import { type LocalChoice, RANK_RANDOM_OCTETS, rankLocals } from "../../../runtime/locator/rank.ts";
import { minuteOfWeek } from "../../../runtime/policy/hours.ts";
import { EVERY_FLOW, type PolicyMatch, type PolicyRule, type PolicyUse } from "../../../runtime/policy/rule.ts";
import { address, addressAt } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { ALPHA, BETA, BoxNet, type SiteBox } from "../../lib/boxpair.ts";
import { seed } from "../../lib/seed.ts";

const PROVIDERS = [
  { name: "isp1", prefix: prefix("2001:db8:a1::/48") },
  { name: "isp2", prefix: prefix("2001:db8:a2::/48") },
];
const rule = (use: PolicyUse, match: Partial<PolicyMatch> = {}): PolicyRule => ({ name: "r", match: { ...EVERY_FLOW, ...match }, use });
const PAIR = { local: address("fc00:aaaa:1::1"), peer: address("fc00:bbbb:1::1"), fork: 0 };
const CHOICES: readonly LocalChoice[] = ["a1", "a2"].map((digits, i) => ({
  address: address(`2001:db8:${digits}::1`),
  priority: 10 * i,
  weight: 10,
  usable: true,
}));
/** Monday, 10:00 local time. */
const MONDAY = new Date(2026, 10, 23, 10).getTime();

function policyOf(rules: readonly PolicyRule[], bindings = createBindings(), wall = MONDAY): Policy {
  return new Policy({ terms: () => ({ rules, providers: PROVIDERS }), bindings, wall: () => wall });
}

test("shares of 60 and 40 over ten thousand contexts come out within two points", () => {
  const weights = new Map([
    ["isp1", 60],
    ["isp2", 40],
  ]);
  const choices = policyOf([rule({ kind: "spread", weights })]).apply(PAIR, CHOICES, 0);
  const entropy = seededEntropy(seed);
  let first = 0;
  const contexts = 10_000;
  for (let i = 0; i < contexts; i++) if (rankLocals(choices, entropy.bytes(RANK_RANDOM_OCTETS))[0] === CHOICES[0].address) first++;
  assert.ok(Math.abs(first / contexts - 0.6) <= 0.02, `${first} of ${contexts}, seed ${seed}`);
});

test("a provider that is pinned is the only one; one that is preferred comes first", () => {
  const pinned = policyOf([rule({ kind: "pin", provider: "isp2" })]).apply(PAIR, CHOICES, 0);
  assert.equal(
    pinned.map(({ usable }) => usable),
    [false, true],
  );
  const preferred = policyOf([rule({ kind: "prefer", providers: ["isp2"] })]).apply(PAIR, CHOICES, 0);
  assert.ok(preferred[1].priority < preferred[0].priority);
  const broken = [{ ...CHOICES[0] }, { ...CHOICES[1], usable: false }];
  assert.not(policyOf([rule({ kind: "prefer", providers: ["isp2"] })]).apply(PAIR, broken, 0)[1].usable, "a dead provider stays dead");
});

test("by the name that the peer was found under, and by the hour", () => {
  const bindings = createBindings();
  const rules = [
    rule({ kind: "pin", provider: "isp2" }, { names: ["beta.example"], when: [{ days: [0], from: 9 * 60, to: 17 * 60 }] }),
    rule({ kind: "pin", provider: "isp1" }),
  ];
  const which = (policy: Policy) => PROVIDERS[policy.apply(PAIR, CHOICES, 0).findIndex(({ usable }) => usable)].name;
  assert.is(which(policyOf(rules, bindings)), "isp1", "the name is not known");
  bindings.learn(PAIR.peer, [{ address: address("2001:db8:b3::1"), preference: { flags: 0 } }], 9e9, "dns", ["H2.beta.example"]);
  assert.is(which(policyOf(rules, bindings)), "isp2");
  assert.is(which(policyOf(rules, bindings, MONDAY + 8 * 3_600_000)), "isp1", "at 18:00");
  assert.is(minuteOfWeek(MONDAY), 600);
});

test("criteria about ports match no context that stands for all flows", () => {
  const rules = [rule({ kind: "pin", provider: "isp2" }, { ports: [{ first: 443, last: 443 }] })];
  assert.equal(policyOf(rules).apply(PAIR, CHOICES, 0), [...CHOICES]);
});

async function world(rules: readonly PolicyRule[]): Promise<{ net: BoxNet; a: SiteBox; b: SiteBox }> {
  const net = new BoxNet();
  const providers = ALPHA.providers.map((each, i) => ({ name: `isp${i + 1}`, prefix: each, priority: 10 * i, weight: 10 }));
  const a = await net.add({ ...ALPHA, change: { policy: rules, providers } });
  const b = await net.add(BETA, [{ ulid: a.ulid, locators: a.locators }]);
  a.box.parts.bindings.setStatic([{ ulid: b.ulid, locators: b.locators }]);
  return { net, a, b };
}

/** Where the first message, and where the first payload went out from; later messages ask about the other paths. */
function sources({ sent }: SiteBox): string[] {
  const payload = sent.find((packet) => (packet[42] & 0x80) !== 0);
  return [sent[0], payload].flatMap((packet) => (packet === undefined ? [] : [addressAt(packet, 8)]));
}

test("a whole box keeps to the rule with its first message", async () => {
  const { net, a, b } = await world([rule({ kind: "prefer", providers: ["isp2"] }, { to: [prefix("fc00:bbbb::/32")] })]);
  net.host(a, b.ulid);
  net.run(net.now + 1_000);
  assert.is(b.delivered.length, 1);
  assert.equal(sources(a), [a.locators[1], a.locators[1]]);
});

test("without a rule the providers' own priorities hold", async () => {
  const { net, a, b } = await world([rule({ kind: "pin", provider: "isp2" }, { to: [prefix("fc00:cccc::/32")] })]);
  net.host(a, b.ulid);
  net.run(net.now + 1_000);
  assert.equal(sources(a), [a.locators[0], a.locators[0]]);
});

test.run();
