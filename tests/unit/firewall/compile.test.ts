/** The filter as nftables text: what the rules become, in which order, and what RFC 6092 adds. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileTable, removeTable, tableName } from "../../../runtime/firewall/compile.ts";
import { readCounters } from "../../../runtime/firewall/counters.ts";
import type { Firewall, FirewallRule } from "../../../runtime/firewall/rule.ts";
import { withTwins } from "../../../runtime/firewall/twins.ts";
import { type Prefix, prefix, showPrefix } from "../../../runtime/value/prefix.ts";

const PLACE = { tun: "pshim0", lan: "eth0.1", own: [prefix("fc00:aaaa:1::/48")] };
const OPEN: Firewall = { simple: false, sets: new Map(), rules: [], in: "accept", out: "accept" };
const RULE: FirewallRule = {
  name: "r",
  direction: "in",
  from: undefined,
  to: undefined,
  protocols: undefined,
  ports: undefined,
  action: "accept",
  log: false,
};

/** Lines of a chain, without indent. */
function chain(text: string, name: string): string[] {
  const body = text.split(`  chain ${name} {\n`)[1]?.split("\n  }")[0] ?? "";
  return body.split("\n").map((line) => line.trim());
}

const rules = (...list: Partial<FirewallRule>[]) => list.map((each) => ({ ...RULE, ...each }));

test("a table of its own is replaced as a whole", () => {
  const text = compileTable(OPEN, PLACE);
  assert.is(tableName("pshim-0.1"), "pshim6_pshim_0_1");
  assert.ok(text.startsWith("add table inet pshim6_pshim0\ndelete table inet pshim6_pshim0\ntable inet pshim6_pshim0 {\n"));
  assert.ok(text.startsWith(removeTable("pshim0")));
});

test("only what passes between TUN and LAN is looked at: locators are on the other side", () => {
  assert.equal(chain(compileTable(OPEN, PLACE), "forward"), [
    "type filter hook forward priority filter; policy accept;",
    'iifname "pshim0" oifname "eth0.1" jump between',
    'iifname "eth0.1" oifname "pshim0" jump between',
  ]);
});

test("forged addresses first, then flows that are known, then the rules", () => {
  assert.equal(chain(compileTable(OPEN, PLACE), "between"), [
    'iifname "pshim0" ip6 saddr @own counter name spoofed-in drop',
    'oifname "pshim0" ip6 saddr != @own counter name spoofed-out drop',
    "ct state established,related counter name known accept",
    'iifname "pshim0" jump inward',
    'oifname "pshim0" jump outward',
  ]);
});

test("hosts' addresses of the providers: on the lines themselves, by the same rules", () => {
  const beside = { prefixes: [prefix("2001:db8:a1:ff::/64")], lines: ["up1", "up2"] };
  const text = compileTable(OPEN, { ...PLACE, beside });
  assert.equal(chain(text, "forward").slice(3), [
    'iifname "up1" oifname "eth0.1" ip6 daddr @beside jump between',
    'iifname "eth0.1" oifname "up1" ip6 saddr @beside jump between',
    'iifname "up2" oifname "eth0.1" ip6 daddr @beside jump between',
    'iifname "eth0.1" oifname "up2" ip6 saddr @beside jump between',
  ]);
  const lines = chain(text, "between");
  assert.ok(lines.indexOf('iifname "up1" ip6 saddr @own counter name spoofed-in drop') < lines.indexOf('iifname "up1" jump inward'));
  assert.ok(lines.includes('oifname "up2" jump outward'));
  assert.match(text, /set own \{[^}]*fc00:aaaa:1::\/48, 2001:db8:a1:ff::\/64|set own \{[^}]*2001:db8:a1:ff::\/64/);
  assert.is(compileTable(OPEN, { ...PLACE, beside: { prefixes: [], lines: ["up1"] } }), compileTable(OPEN, PLACE));
});

test("a rule about a host is about all its addresses", () => {
  const twins = (of: Prefix) => (showPrefix(of) === "fc00:aaaa:1::10/128" ? [prefix("2001:db8:a1:ff::10/128")] : []);
  const host = prefix("fc00:aaaa:1::10/128");
  const whole = withTwins(
    { ...OPEN, sets: new Map([["s", [host]]]), rules: rules({ to: [host, { set: "s" }], from: [prefix("2a00::/12")] }) },
    twins,
  );
  assert.equal(whole.sets.get("s")?.map(showPrefix), ["fc00:aaaa:1::10/128", "2001:db8:a1:ff::10/128"]);
  const [{ from, to }] = whole.rules;
  assert.equal(
    [from?.length, to?.map((end) => ("set" in end ? end.set : showPrefix(end)))],
    [1, ["fc00:aaaa:1::10/128", "s", "2001:db8:a1:ff::10/128"]],
  );
});

test("rules by direction and in order, each with its counter", () => {
  const text = compileTable(
    {
      ...OPEN,
      sets: new Map([["admins", [prefix("fc00:bbbb:1::/64"), prefix("fc00:bbbb::/32")]]]),
      rules: rules(
        {
          name: "web",
          to: [prefix("fc00:aaaa:1::10/128")],
          protocols: [6],
          ports: [
            { first: 80, last: 80 },
            { first: 81, last: 90 },
          ],
        },
        { name: "rule 2", from: [{ set: "admins" }, prefix("fc00:cccc::/32")], ports: [{ first: 22, last: 22 }], log: true },
        { name: "mail", direction: "out", protocols: [6], ports: [{ first: 25, last: 25 }], action: "reject" },
      ),
      in: "drop",
    },
    PLACE,
  );
  const admins = "ip6 saddr @set_admins meta l4proto { 6, 17, 33, 132, 136 } th dport { 22 }";
  const others = "ip6 saddr { fc00:cccc::/32 } meta l4proto { 6, 17, 33, 132, 136 } th dport { 22 }";
  assert.equal(chain(text, "inward"), [
    "ip6 daddr { fc00:aaaa:1::10/128 } meta l4proto { 6 } th dport { 80-90 } counter name rule-web accept",
    `${others} limit rate 10/second log prefix "pshim6 rule 2: "`,
    `${others} counter name rule-rule-2 accept`,
    `${admins} limit rate 10/second log prefix "pshim6 rule 2: "`,
    `${admins} counter name rule-rule-2 accept`,
    "counter name default-inward drop",
  ]);
  assert.equal(chain(text, "outward"), [
    "meta l4proto { 6 } th dport { 25 } limit rate 100/second counter name rule-mail reject with icmpv6 type admin-prohibited",
    "meta l4proto { 6 } th dport { 25 } counter name rule-mail drop",
    "counter name default-outward accept",
  ]);
  assert.match(
    text,
    /set set_admins \{\n {4}type ipv6_addr\n {4}flags interval\n {4}elements = \{ fc00:bbbb::\/32 \}/,
    "intervals do not overlap",
  );
});

test("simple security: sanity before all, what peers may begin unasked behind the rules, times of state", () => {
  const text = compileTable({ ...OPEN, simple: true, in: "reject" }, PLACE);
  const between = chain(text, "between");
  assert.ok(between.slice(0, 5).every((line) => line.endsWith("counter name insane drop")));
  assert.equal(chain(text, "inward"), [
    "meta l4proto { 50, 135, 139, 140 } counter name simple-inward accept",
    "ip6 nexthdr 51 counter name simple-inward accept",
    "udp dport { 500, 4500 } counter name simple-inward accept",
    "limit rate 100/second counter name default-inward reject with icmpv6 type admin-prohibited",
    "counter name default-inward drop",
  ]);
  assert.match(text, /established: 7440/);
  assert.match(text, /unreplied: 300, replied: 300/);
});

test("the kernel's counters, and texts that hold none", () => {
  const text = JSON.stringify({
    nftables: [
      { metainfo: {} },
      { counter: { name: "rule-web", packets: 3, bytes: 240 } },
      { counter: { name: "known", packets: 1, bytes: 60 } },
      { counter: { name: 7 } },
    ],
  });
  assert.equal(readCounters(text), [
    { name: "known", packets: 1, octets: 60 },
    { name: "rule-web", packets: 3, octets: 240 },
  ]);
  for (const odd of ["", "[]", "null", '{"nftables": 1}', '{"nftables": [null]}']) assert.equal(readCounters(odd), []);
});

test.run();
