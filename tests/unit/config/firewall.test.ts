/** The filter in site.yaml: defaults, and what does not fit together. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../../runtime/config/read.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const SITE = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1" }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, gateway: "2001:db8:f2::1" }
`;

/** Lines of the case count from 7 on. */
const read = (...lines: readonly string[]) => readSite(`${SITE}${lines.join("\n")}\n`, "site.yaml");

test("one line switches simple security on", () => {
  const reading = read("firewall: { simple: true }");
  assert.ok("site" in reading);
  assert.equal(reading.site.firewall, { simple: true, sets: new Map(), rules: [], in: "reject", out: "accept" });
  const open = read("firewall: { simple: false }");
  assert.ok("site" in open);
  assert.is(open.site.firewall?.in, "accept");
  const none = read();
  assert.ok("site" in none);
  assert.is(none.site.firewall, undefined);
});

test("rules and sets", () => {
  const reading = read(
    "firewall:",
    '  sets: { admins: ["fc00:bbbb::/32"] }',
    '  rules: [{ from: ["@admins", "fc00:cccc::/32"], ports: [22], action: accept }, { name: mail, direction: out, ports: [25], action: reject, log: true }]',
  );
  assert.ok("site" in reading);
  const [first, second] = reading.site.firewall?.rules ?? [];
  assert.is(first.name, "rule 1");
  assert.equal(first.from, [{ set: "admins" }, prefix("fc00:cccc::/32")]);
  assert.equal([second.direction, second.action, second.log], ["out", "reject", true]);
});

test("faults and warnings", () => {
  const reading = read(
    "firewall:",
    '  sets: { admins: ["fc00:bbbb::/32"] }',
    "  rules:",
    '    - { name: a, from: ["@admin"], action: accept }',
    '    - { name: a, from: ["here"], action: pass }',
  );
  assert.ok("faults" in reading);
  assert.equal(
    reading.faults.map(({ line, path, message }) => `${line} ${path} ${message}`),
    [
      '10 firewall.rules[0].from[0] names no set: "admin"',
      '11 firewall.rules[1].name is taken already: "a"',
      '11 firewall.rules[1].from[0] is neither a prefix nor a set: "here"',
      '11 firewall.rules[1].action must be accept, drop or reject, not "pass"',
    ],
  );
  const warned = read(
    "firewall:",
    '  sets: { admins: ["fc00:bbbb::/32"] }',
    '  rules: [{ from: ["fc00:aaaa:1::/64"], action: accept }]',
    "admission:",
    "  - { action: refuse }",
    '  - { peers: ["fc00:bbbb::/32"], action: accept }',
  );
  assert.ok("site" in warned);
  assert.equal(
    warned.warnings.map(({ line, path }) => `${line} ${path}`),
    ["8 firewall.sets.admins", "9 firewall.rules[0].from[0]", "12 admission[1]"],
  );
});

test.run();
