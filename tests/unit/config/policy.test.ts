/** Rules of traffic engineering in site.yaml: what they say, and what is wrong with them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../../runtime/config/read.ts";

const SITE = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1" }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, gateway: "2001:db8:f2::1" }
policy:
`;

/** Rules stand from line 8 on. */
function read(rules: readonly string[]) {
  return readSite(`${SITE}${rules.map((rule) => `  - ${rule}\n`).join("")}`, "site.yaml");
}

test("every criterion and every use", () => {
  const reading = read([
    '{ name: voice, from: ["fc00:aaaa:1::/64"], to: ["fc00:bbbb::/32"], names: [Beta.Example], protocols: [udp, 132], ports: [5060, "10000-20000"], classes: [ef, af41, 8], hours: ["mon-fri 08:00-18:00", "sat,sun", "22:00-06:00"], pin: isp1 }',
    '{ to: ["fc00:cccc::/32"], prefer: [isp2, isp1] }',
    '{ to: ["fc00:dddd::/32"], avoid: [isp2] }',
    '{ to: ["fc00:eeee::/32"] }',
    "{ spread: { isp1: 60, isp2: 40 } }",
  ]);
  assert.ok("site" in reading);
  const [voice, ...rest] = reading.site.policy;
  assert.is(voice.name, "voice");
  assert.equal(voice.match.protocols, [17, 132]);
  assert.equal(voice.match.ports, [
    { first: 5060, last: 5060 },
    { first: 10_000, last: 20_000 },
  ]);
  assert.equal(voice.match.classes, [46, 34, 8]);
  assert.equal(voice.match.when, [
    { days: [0, 1, 2, 3, 4], from: 480, to: 1080 },
    { days: [5, 6], from: 0, to: 1440 },
    { days: [0, 1, 2, 3, 4, 5, 6], from: 1320, to: 360 },
  ]);
  assert.equal(
    rest.map(({ name, use }) => `${name} ${use.kind}`),
    ["rule 2 prefer", "rule 3 avoid", "rule 4 default", "rule 5 spread"],
  );
  assert.equal(reading.warnings, []);
});

const FAULTS: readonly (readonly [name: string, rules: readonly string[], faults: readonly string[]])[] = [
  ["two uses", ["{ pin: isp1, avoid: [isp2] }"], ["8:5 policy[0] says several things at once: pin, avoid"]],
  [
    "providers that are not there",
    ["{ pin: isp3 }", "{ prefer: [isp1, isp4] }", "{ spread: { isp5: 1 } }"],
    [
      '8:12 policy[0].pin names no provider: "isp3"',
      '9:22 policy[1].prefer[1] names no provider: "isp4"',
      '10:23 policy[2].spread.isp5 names no provider: "isp5"',
    ],
  ],
  [
    "more rules about flows than the core has room for",
    Array.from({ length: 62 }, (_, n) => `{ ports: [${n + 1}], pin: isp1 }`),
    ["68:5 policy[60] is one too many that looks at ports, protocols or classes: there is room for 60"],
  ],
  [
    "more ranges of ports than that",
    [
      `{ ports: [${Array.from({ length: 1_000 }, (_, n) => 2 * n).join(", ")}], pin: isp1 }`,
      '{ protocols: [tcp], ports: ["1-9", "5-20", 21], pin: isp2 }',
      `{ ports: [${Array.from({ length: 24 }, (_, n) => 3 * n + 2_000).join(", ")}], pin: isp2 }`,
    ],
    ["10:14 policy[2].ports are too many with those before: there is room for 1024 ranges"],
  ],
  ["all avoided", ["{ avoid: [isp1, isp2] }"], ["8:14 policy[0].avoid avoids every provider"]],
  ["no share", ["{ spread: { isp1: 0 } }"], ["8:15 policy[0].spread gives every provider a share of zero"]],
  [
    "prefixes of the wrong side",
    ['{ from: ["fc00:bbbb::/32"], to: ["fc00:aaaa:1::/64"], pin: isp1 }'],
    [
      "8:14 policy[0].from[0] lies outside ulid.prefix, fc00:aaaa:1::/48: fc00:bbbb::/32",
      "8:38 policy[0].to[0] lies inside ulid.prefix, fc00:aaaa:1::/48: fc00:aaaa:1::/64",
    ],
  ],
  [
    "no values",
    ['{ ports: ["9-8"], protocols: [tpc], classes: [64], hours: ["mo 08:00"], pin: isp1 }'],
    [
      '8:15 policy[0].ports[0] is neither a port nor a range of ports: "9-8"',
      '8:35 policy[0].protocols[0] is no protocol: "tpc"',
      "8:51 policy[0].classes[0] is no class of traffic: 64",
      '8:64 policy[0].hours[0] is no time of the week: "mo 08:00"',
    ],
  ],
];

for (const [name, rules, expected] of FAULTS) {
  test(name, () => {
    const reading = read(rules);
    assert.ok("faults" in reading);
    assert.equal(
      reading.faults.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
      expected,
    );
  });
}

const SHADOWED: readonly (readonly [name: string, rules: readonly string[], warnings: readonly string[]])[] = [
  ["behind one for everything", ["{ name: all, pin: isp1 }", '{ to: ["fc00:bbbb::/32"], pin: isp2 }'], ["9 all 8"]],
  ["behind a wider prefix", ['{ to: ["fc00:bb00::/24"] }', '{ to: ["fc00:bbbb::/32"], ports: [80], pin: isp2 }'], ["9 rule 1 8"]],
  ["behind a narrower prefix", ['{ to: ["fc00:bbbb::/32"] }', '{ to: ["fc00:bb00::/24"], pin: isp2 }'], []],
  ["one of two prefixes is still its own", ['{ to: ["fc00:bbbb::/32"] }', '{ to: ["fc00:bbbb::/48", "fc00:cccc::/48"], pin: isp2 }'], []],
  ["behind a wider range", ['{ ports: ["1-1000"] }', '{ ports: [80, "90-99"], protocols: [tcp], pin: isp2 }'], ["9 rule 1 8"]],
  ["behind a domain", ["{ names: [example] }", "{ names: [beta.example], pin: isp2 }"], ["9 rule 1 8"]],
  ["behind one that holds at times", ['{ hours: ["mon-fri"], pin: isp1 }', "{ pin: isp2 }"], []],
  ["within another's hours", ['{ hours: ["mon-fri"], pin: isp1 }', '{ hours: ["tue 08:00-09:00"], pin: isp2 }'], ["9 rule 1 8"]],
];
for (const [name, rules, expected] of SHADOWED) {
  test(`a rule that can never decide: ${name}`, () => {
    const reading = read(rules);
    assert.ok("site" in reading);
    const found = reading.warnings.map(
      ({ line, message }) => `${line} ${/can never decide: (.*) in line (\d+)/.exec(message)?.slice(1).join(" ")}`,
    );
    assert.equal(found, expected);
  });
}

test.run();
