import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EGRESS_PROTOCOL, egressPlan, egressScript } from "../../../runtime/box/egress.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";

const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");

function site(text = ALPHA): Site {
  const reading = readSite(text, "site.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  return reading.site;
}

test("the design's site, line by line", () => {
  const plan = egressPlan(site());
  assert.equal(plan.up, [
    "link set dev pshim0 addrgenmode none",
    "link set dev pshim0 mtu 1500 txqueuelen 2000 up",
    "route replace fc00:aaaa:1::/64 dev lan table 14000 proto 140",
    "route replace fc00:aaaa:1::/64 dev lan proto 140",
    "route replace unreachable fc00::/7 table 14000 proto 140",
    "route replace unreachable 2001:db8:a1::/48 table 14000 proto 140",
    "route replace unreachable 2001:db8:a2::/48 table 14000 proto 140",
    "route replace default via 2001:db8:f1::1 dev up1 onlink table 14001 proto 140",
    "route replace default via 2001:db8:f2::1 dev up2 onlink table 14002 proto 140",
    "rule add priority 1400 iif pshim0 lookup 14000 protocol 140",
    "rule add priority 1410 from 2001:db8:a1::/48 iif pshim0 lookup 14001 protocol 140",
    "rule add priority 1411 from 2001:db8:a2::/48 iif pshim0 lookup 14002 protocol 140",
    "rule add priority 1490 iif pshim0 unreachable protocol 140",
    "route replace unreachable fc00:aaaa:1::/48 proto 140",
    "route replace fc00::/7 dev pshim0 mtu lock 1492 proto 140",
    "route replace 2001:db8:a1::/48 dev pshim0 proto 140",
    "route replace 2001:db8:a2::/48 dev pshim0 proto 140",
  ]);
  assert.equal(plan.down, ["rule flush protocol 140", "route flush table all proto 140"]);
  assert.equal(plan.sysctls, [
    { key: "net.ipv6.conf.all.forwarding", value: "1" },
    { key: "net.ipv6.conf.pshim0.accept_ra", value: "0" },
  ]);
});

/** Beside its ULIDs the site has addresses of isp1, and isp2 has nothing else for it than one /64. */
const ROUTABLE = ALPHA.replace("ulid: {", 'ulid: { routable: ["2001:db8:a1:1::/64", "2001:db8:a2::/64"],')
  .replace('subnets: ["fc00:aaaa:1::/64"]', 'subnets: ["fc00:aaaa:1::/64", "2001:db8:a1:1::/64", "2001:db8:a2::/64"]')
  .replace("2001:db8:a2::/48", "2001:db8:a2::/64");

test("hosts that the internet reaches at their ULID: through the TUN both ways, neighbours directly", () => {
  const before = new Set(egressPlan(site()).up);
  assert.equal(
    egressPlan(site(ROUTABLE)).up.filter((line) => !before.has(line)),
    [
      "route replace 2001:db8:a1:1::/64 dev lan table 14000 proto 140",
      "route replace 2001:db8:a1:1::/64 dev lan proto 140",
      "route replace 2001:db8:a2::/64 dev lan table 14000 proto 140",
      "route replace 2001:db8:a2::/64 dev lan proto 140",
      "rule add priority 1401 to fc00:aaaa:1::/48 iif lan lookup main protocol 140",
      "rule add priority 1401 to 2001:db8:a1:1::/64 iif lan lookup main protocol 140",
      "rule add priority 1401 to 2001:db8:a2::/64 iif lan lookup main protocol 140",
      "rule add priority 1402 from 2001:db8:a1:1::/64 iif lan lookup 14017 protocol 140",
      "rule add priority 1402 to 2001:db8:a1:1::/64 iif up1 lookup 14017 protocol 140",
      "rule add priority 1402 to 2001:db8:a1:1::/64 iif up2 lookup 14017 protocol 140",
      "rule add priority 1402 from 2001:db8:a2::/64 iif lan lookup 14017 protocol 140",
      "rule add priority 1402 to 2001:db8:a2::/64 iif up1 lookup 14017 protocol 140",
      "rule add priority 1402 to 2001:db8:a2::/64 iif up2 lookup 14017 protocol 140",
      "rule add priority 1411 from 2001:db8:a2::/64 iif pshim0 lookup 14002 protocol 140",
      "route replace default dev pshim0 table 14017 mtu lock 1492 proto 140",
      "route replace 2001:db8:a1:1::/64 dev pshim0 table 14017 proto 140",
      "route replace 2001:db8:a2::/64 dev pshim0 table 14017 proto 140",
    ],
  );
  const { up } = egressPlan(site(ROUTABLE));
  assert.not(
    up.some((line) => /unreachable 2001:db8:a2|2001:db8:a2\S+ dev pshim0 proto/.test(line)),
    "the provider's /64 is the LAN's",
  );
});

test("every route and rule carries our mark", () => {
  for (const line of [...egressPlan(site()).up, ...egressPlan(site(ROUTABLE)).up].filter((one) => !one.startsWith("link "))) {
    assert.match(line, new RegExp(` proto(col)? ${EGRESS_PROTOCOL}$`));
  }
});

test("what an interface takes with it when it goes down can be put back", () => {
  const { providers, lan, up } = egressPlan(site());
  assert.equal([...providers.keys()], ["isp1", "isp2"]);
  for (const line of [...lan, ...[...providers.values()].flat()]) {
    assert.ok(up.includes(line));
    assert.match(line, /^route replace /);
  }
});

test("a point-to-point line, a table of the operator's, another device", () => {
  const text = ALPHA.replace('interface: up2, gateway: "2001:db8:f2::1"', "interface: ppp0, table: 77");
  const { up, sysctls } = egressPlan(site(text), { tun: "t.1" });
  assert.ok(up.includes("route replace default dev ppp0 table 77 proto 140"));
  assert.ok(up.includes("rule add priority 1411 from 2001:db8:a2::/48 iif t.1 lookup 77 protocol 140"));
  assert.not.ok(up.some((line) => line.includes("pshim0")));
  assert.is(sysctls[1].key, "net.ipv6.conf.t/1.accept_ra");
});

test("a LAN that is the whole site has no rest to refuse", () => {
  const text = ALPHA.replace('prefix: "fc00:aaaa:1::/48"', 'prefix: "fc00:aaaa:1::/64"');
  const { up } = egressPlan(site(text));
  assert.not.ok(up.some((line) => line === "route replace unreachable fc00:aaaa:1::/64 proto 140"));
  assert.ok(up.includes("route replace fc00:aaaa:1::/64 dev lan proto 140"));
});

test("the script for an operator", () => {
  const script = egressScript(egressPlan(site()));
  assert.match(script, /^# to bring it up.*\nsysctl -w net\.ipv6\.conf\.all\.forwarding=1\n/);
  assert.match(script, /\nip -6 rule add priority 1490 iif pshim0 unreachable protocol 140\n/);
  assert.match(script, /\n# to remove it:\nip -6 rule flush protocol 140\nip -6 route flush table all proto 140\n$/);
});

test.run();
