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
