/** `legacy` in site.yaml: defaults, what contradicts the rest, and the routes that lead hosts' packets to the box. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { egressPlan } from "../../../runtime/box/egress.ts";
import { readSite } from "../../../runtime/config/read.ts";

const HEAD = `site: s
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: a, prefix: "2001:db8:a1::/48", interface: up1 }
  - { name: b, prefix: "2001:db8:a2::/48", interface: up2 }
`;
const bindings = (count: number): string =>
  `bindings:\n${Array.from({ length: count }, (_, n) => `  - { ulid: "2001:db8:b3::${n + 1}", locators: ["2001:db8:b3::${n + 1}"] }\n`).join("")}`;

function read(more: string) {
  const reading = readSite(`${HEAD}${more}`, "site.yaml");
  const site = "site" in reading ? reading.site : undefined;
  const faults = "faults" in reading ? reading.faults : [];
  const warnings = "warnings" in reading ? reading.warnings : [];
  return { site, faults, warnings };
}

test("off, and names as hosts can use them, unless it says otherwise", () => {
  assert.equal(read("").site?.legacy, { mode: "off", names: "pass" });
  assert.equal(read("legacy: { mode: map, names: hide }").site?.legacy, { mode: "map", names: "hide" });
});

test("more hosts with Shim6 outside the generic prefix than are told apart", () => {
  assert.equal(read(`legacy: { mode: map }\n${bindings(16)}`).faults, []);
  assert.equal(read(bindings(17)).faults, []);
  const [fault, ...others] = read(`legacy: { mode: map }\n${bindings(17)}`).faults;
  assert.is(fault.path, "bindings[16]");
  assert.match(fault.message, /one of 17 hosts outside ulid.generic/);
  assert.equal(others, []);
});

const policy = (count: number, rule: (n: number) => string): string =>
  `policy:\n${Array.from({ length: count }, (_, n) => `  - ${rule(n)}\n`).join("")}`;
const MAP = "legacy: { mode: map }\n";

test("rules about peers without Shim6: as many as the core has room for", () => {
  const rule = (n: number) => `{ to: ["2a00:${(n + 1).toString(16)}::/32"], pin: a }`;
  const cases: readonly (readonly [string, number, (n: number) => string, RegExp])[] = [
    ["rules", 256, rule, /256 rules/],
    ["peers", 8, (n) => `{ to: [${Array.from({ length: 128 }, (_, i) => `"2a${n}0:${i}::/32"`).join()}], pin: a }`, /1024 prefixes/],
    ["ports", 1, () => `{ to: ["2a00::/16"], ports: [${Array.from({ length: 1024 }, (_, i) => i).join()}], pin: a }`, /1024 ranges/],
    ["decisions", 32, (n) => `{ to: ["2a${10 + n}::/16"], spread: { a: ${n + 1}, b: 100 } }`, /32 different decisions/],
  ];
  for (const [name, most, each, message] of cases) {
    assert.equal(read(`${MAP}${policy(most, each)}`).faults, [], name);
    const one = (n: number) => (n < most ? each(n) : '{ to: ["2b00::/16"], ports: [1], spread: { a: 1, b: 999 } }');
    const [fault, ...others] = read(`${MAP}${policy(most + 1, one)}`).faults;
    assert.is(fault?.path, `policy[${most}]`, name);
    assert.match(fault.message, message);
    assert.equal(others, []);
    assert.equal(read(policy(most + 1, one)).faults, [], "nobody is mapped");
  }
  assert.equal(read(`${MAP}${policy(300, (n) => `{ to: ["fc00:b:${n}::/48"], pin: a }`)}`).faults, [], "about ULIDs");
});

test("what a rule wants must be something that the site has", () => {
  const faultOf = (mode: string, rule: string) =>
    read(`legacy: { mode: ${mode} }\npolicy: [{ ${rule} }]`).faults.map(({ path, message }) => [path, message]);
  assert.equal(faultOf("map", 'to: ["2a00::/12"], legacy: map'), [["policy[0].legacy", "is map, and legacy.mode is map"]]);
  assert.equal(faultOf("off", 'to: ["2a00::/12"], legacy: refuse'), [["policy[0].legacy", "is refuse, and no host is mapped"]]);
  assert.equal(faultOf("map", 'to: ["2a00::/12"], legacy: refuse'), []);
  assert.ok(faultOf("both", "legacy: map").some(([, message]) => /does not say for which peers/.test(message)));
});

test("peers outside the generic prefix have no context, but may be mapped", () => {
  const rule = 'policy: [{ to: ["2a00::/12"], pin: a }]';
  assert.equal(read(`${MAP}${rule}`).warnings, []);
  assert.ok(read(rule).warnings.some(({ path }) => path === "policy[0].to[0]"));
});

const PA = "legacy: { mode: pa, subnet: 255 }\n";
const DHCP = "dhcp: {}\n";
const WITH = (provider: string) => HEAD.replace('{ name: b, prefix: "2001:db8:a2::/48"', `{ name: b, ${provider}`);
const faultsOf = (text: string) => {
  const reading = readSite(text, "site.yaml");
  return "faults" in reading ? reading.faults.map(({ path, message }) => `${path} ${message}`) : [];
};

test("addresses beside: where nobody else's are", () => {
  assert.equal(faultsOf(`${HEAD}${DHCP}${PA}`), []);
  const cases: readonly (readonly [string, RegExp])[] = [
    [`${HEAD}${PA}`, /^legacy.mode is pa, and there is no dhcp$/],
    [`${HEAD}${DHCP}legacy: { mode: pa }`, /^providers\[0\].* neither `hosts` here nor legacy.subnet/],
    [`${HEAD}${DHCP}legacy: { mode: pa, subnet: 0 }`, /^legacy.subnet puts hosts' addresses where their locators are: 2001:db8:a1::\/64/],
    [`${HEAD}${DHCP}legacy: { mode: pa, subnet: 65536 }`, /^legacy.subnet leaves no room for hosts at a: 2001:db8:a1::\/48 has 65536/],
    [
      `${WITH('prefix: "2001:db8:a2::/48", hosts: "2001:db8:a1:ff::/64"')}${DHCP}${PA}`,
      /^providers\[1\].hosts puts .* where those of a are/,
    ],
    [
      `${WITH('prefix: "2001:db8:a2::/48", hosts: "2001:db8:a2::/64"')}${DHCP}${PA}`,
      /^providers\[1\].hosts puts .* where their locators are/,
    ],
    [`${WITH('prefix: "2001:db8:a2:8::/64"')}${DHCP}${PA}`, /^legacy.subnet leaves no room for hosts at b/],
    [`${WITH("prefix: auto")}${DHCP}legacy: { mode: pa }`, /^providers\[1\] does not say where in it/],
    [
      `${HEAD.replace('fc00:aaaa:1::/48" }', 'fc00:aaaa:1::/48", routable: ["2001:db8:a1:ff::/64"] }')}${DHCP}${PA}`,
      /puts hosts' addresses into ulid.routable/,
    ],
  ];
  for (const [text, message] of cases) {
    const faults = faultsOf(text);
    assert.ok(
      faults.some((fault) => message.test(fault)),
      `${message}: ${faults.join("; ")}`,
    );
  }
  assert.equal(faultsOf(`${WITH('prefix: "2001:db8:a2:8::/64", hosts: "2001:db8:f2:8::/64"')}${DHCP}${PA}`), []);
  assert.equal(faultsOf(`${WITH("prefix: auto")}${DHCP}${PA}`), [], "checked when it is told");
  assert.ok(read("legacy: { mode: map, subnet: 255 }").warnings.some(({ path }) => path === "legacy.subnet"));
});

test("RFC 6296 §3.4: neither may they be where hosts' packets of unknown transports come from", () => {
  // fc00 + aaaa + 1 − (2001 + db8 + a1), ones-complement, is the subnet of all neutral locators of the first LAN subnet.
  const neutral = 0xfc00 + 0xaaaa + 1 - (0x2001 + 0xdb8 + 0xa1);
  const subnet = neutral % 0xffff;
  assert.equal(faultsOf(`${HEAD}${DHCP}legacy: { mode: pa, subnet: ${subnet} }`), []);
  assert.match(faultsOf(`${HEAD}${DHCP}legacy: { mode: both, subnet: ${subnet} }`)[0] ?? "", /where their locators are/);
});

test("packets of such addresses: in to the LAN, out by their provider alone, to neighbours directly", () => {
  const [off, pa] = ["legacy: { mode: off }\n", PA].map((legacy) => {
    const { site } = read(`${DHCP}${legacy}`);
    assert.ok(site !== undefined);
    return egressPlan(site).up;
  });
  assert.equal(
    pa.filter((line) => !off.includes(line)),
    [
      "route replace 2001:db8:a1:ff::/64 dev lan proto 140",
      "route replace 2001:db8:a2:ff::/64 dev lan proto 140",
      "rule add priority 1401 to fc00::/7 iif lan lookup main protocol 140",
      "rule add priority 1401 to 2001:db8:a1:ff::/64 iif lan lookup main protocol 140",
      "rule add priority 1401 to 2001:db8:a2:ff::/64 iif lan lookup main protocol 140",
      "rule add priority 1440 from 2001:db8:a1:ff::/64 iif lan lookup 14001 protocol 140",
      "rule add priority 1490 from 2001:db8:a1:ff::/64 iif lan unreachable protocol 140",
      "rule add priority 1441 from 2001:db8:a2:ff::/64 iif lan lookup 14002 protocol 140",
      "rule add priority 1490 from 2001:db8:a2:ff::/64 iif lan unreachable protocol 140",
    ],
  );
});

test("names without a gateway draw a warning", () => {
  assert.ok(read("legacy: { names: pass }").warnings.some(({ path }) => path === "legacy.names"));
});

test("hosts' packets go to the box, but for those to neighbours", () => {
  const [off, map] = ["off", "map"].map((mode) => {
    const { site } = read(`legacy: { mode: ${mode} }`);
    assert.ok(site !== undefined);
    return egressPlan(site).up;
  });
  assert.equal(
    map.filter((line) => !off.includes(line)),
    [
      "rule add priority 1401 to fc00:aaaa:1::/48 iif lan lookup main protocol 140",
      "rule add priority 1402 from fc00:aaaa:1::/48 iif lan lookup 14017 protocol 140",
      "route replace default dev pshim0 table 14017 mtu lock 1492 proto 140",
    ],
  );
  assert.equal(
    off.filter((line) => !map.includes(line)),
    [],
  );
});

test.run();
