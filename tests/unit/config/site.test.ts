/** What site.yaml comes to when it is right. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nearest } from "../../../runtime/config/nearest.ts";
import { readSite } from "../../../runtime/config/read.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { seed } from "../../lib/seed.ts";

const EXAMPLES = new URL("../../../examples/", import.meta.url);

/** The example of the design, word for word. */
const DESIGN = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48", generic: "fc00::/7" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1", priority: 10, weight: 60 }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, gateway: "2001:db8:f2::1", priority: 10, weight: 40 }
bindings:            # static ULID -> locators, like a hosts file
  - { ulid: "fc00:bbbb:1::10", locators: ["2001:db8:b3::10"] }
reap: { profile: fast }      # or rfc5534
api: { listen: "[::1]:8686" }
`;

test("the design's example, defaults filled in", () => {
  assert.equal(readSite(DESIGN, "site.yaml"), {
    site: {
      site: "alpha",
      ulid: { prefix: prefix("fc00:aaaa:1::/48"), generic: prefix("fc00::/7"), routable: [] },
      lan: { interface: "lan", subnets: [prefix("fc00:aaaa:1::/64")], advertise: false },
      providers: [
        {
          name: "isp1",
          prefix: prefix("2001:db8:a1::/48"),
          interface: "up1",
          gateway: "2001:db8:f1::1",
          priority: 10,
          weight: 60,
          table: undefined,
          auto: false,
          cost: 0,
          metered: false,
        },
        {
          name: "isp2",
          prefix: prefix("2001:db8:a2::/48"),
          interface: "up2",
          gateway: "2001:db8:f2::1",
          priority: 10,
          weight: 40,
          table: undefined,
          auto: false,
          cost: 0,
          metered: false,
        },
      ],
      awaited: [],
      bindings: [{ ulid: "fc00:bbbb:1::10", locators: ["2001:db8:b3::10"] }],
      hosts: [],
      state: "/var/lib/pshim6/alpha",
      control: "/run/pshim6/alpha.sock",
      tun: { name: "pshim0", mtu: 1500, queues: 1 },
      mss: "auto",
      icmp: { pass: "auto" },
      mtu: { probe: true },
      contexts: { max: 65_536, idle: 600_000 },
      hold: { packets: 32, octets: 262_144, total: 16_777_216 },
      legacy: { mode: "off", names: "pass" },
      establish: {
        others: { packets: 50, octets: 0, millis: 10_000 },
        ports: [
          {
            ports: [
              { first: 53, last: 53 },
              { first: 123, last: 123 },
            ],
            packets: 0,
            octets: 0,
            millis: 0,
          },
        ],
      },
      reap: { profile: "fast", quality: { watch: true, loss: 0.2, delay: 500, interval: 200, standby: 2_000, hold: 10_000 } },
      shim6: { routingHeader: "drop" },
      egress: { manage: true },
      links: { watch: true, gateway: { watch: true, interval: 3000 }, halfLife: 15_000, longest: 60_000 },
      log: { level: "info", format: "auto", areas: {} },
      key: { bits: 2048 },
      api: { listen: { host: "::1", port: 8686 } },
      dns: undefined,
      dhcp: undefined,
      zone: undefined,
      policy: [],
      firewall: undefined,
      admission: [],
      failback: { kind: "after", hold: 60_000 },
    },
    warnings: [],
  });
});

test("every setting at once", () => {
  const reading = readSite(
    `site: s1
ulid: { prefix: "FC00:AAAA:0001::/48", routable: ["2001:db8:a1:80::/60"] }
lan: { interface: br-lan.5, subnets: ["fc00:aaaa:1:10::/64", "fc00:aaaa:1:ff::/64", "2001:db8:a1:81::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/56", interface: ppp0, priority: 0, weight: 255, table: 100 }
  - { name: isp2, prefix: "2001:db9::/40", interface: up2, gateway: "fe80::1" }
hosts: [ { name: h1, ulid: "fc00:aaaa:1:10:0:0:0:1" }, { name: h2, ulid: "2001:db8:a1:81::2" } ]
establish:
  packets: 7
  octets: 100000
  seconds: 0
  ports:
    - { ports: [443, "8000-8999"], when: now }
    - { ports: [53], seconds: 30, packets: 9 }
    - { ports: [22], when: never }
state: /tmp/state
control: /tmp/control.sock
tun: { name: shim.1, mtu: 9000, queues: 2 }
mss: 1220
icmp: { pass: all }
mtu: { probe: false }
contexts: { max: 1048576, idle: 1.5h }
hold: { packets: 1, octets: 65576, total: 65576 }
reap: { profile: rfc5534, quality: { watch: false, loss: "2.5%", delay: 1s, interval: 1s, standby: 10s, hold: 1m } }
shim6: { routingHeader: pass }
egress: { manage: false }
links: { watch: false, gateway: { watch: false, interval: 10s }, halfLife: 1s, longest: 5m }
log: { level: debug, format: text, areas: { contexts: warn, dhcp: debug } }
key: { bits: 4096 }
`,
    "site.yaml",
  );
  assert.ok("site" in reading, JSON.stringify(reading));
  const { site } = reading;
  assert.equal(site.ulid, { prefix: prefix("fc00:aaaa:1::/48"), generic: prefix("fc00::/7"), routable: [prefix("2001:db8:a1:80::/60")] });
  const port = (first: number, last = first) => ({ first, last });
  assert.equal(site.establish, {
    others: { packets: 7, octets: 100_000, millis: 0 },
    ports: [
      { ports: [port(443), port(8000, 8999)], packets: 1, octets: 0, millis: 0 },
      { ports: [port(53)], packets: 9, octets: 0, millis: 30_000 },
      { ports: [port(22)], packets: 0, octets: 0, millis: 0 },
      { ports: [port(53), port(123)], packets: 0, octets: 0, millis: 0 },
    ],
  });
  assert.is(site.lan.interface, "br-lan.5");
  assert.equal(site.providers[0], {
    name: "isp1",
    prefix: prefix("2001:db8:a1::/56"),
    interface: "ppp0",
    gateway: undefined,
    priority: 0,
    weight: 255,
    table: 100,
    auto: false,
    cost: 0,
    metered: false,
  });
  assert.is(site.providers[1].gateway, "fe80::1");
  assert.equal(site.hosts, [
    { name: "h1", ulid: "fc00:aaaa:1:10::1" },
    { name: "h2", ulid: "2001:db8:a1:81::2" },
  ]);
  assert.equal([site.state, site.control], ["/tmp/state", "/tmp/control.sock"]);
  assert.equal(site.tun, { name: "shim.1", mtu: 9000, queues: 2 });
  assert.is(site.mss, 1220);
  assert.equal([site.icmp, site.mtu], [{ pass: "all" }, { probe: false }]);
  assert.equal(site.contexts, { max: 1_048_576, idle: 5_400_000 });
  assert.equal(site.hold, { packets: 1, octets: 65_576, total: 65_576 });
  assert.equal([site.reap.profile, site.shim6.routingHeader, site.egress.manage], ["rfc5534", "pass", false]);
  assert.equal(site.reap.quality, { watch: false, loss: 0.025, delay: 1_000, interval: 1_000, standby: 10_000, hold: 60_000 });
  assert.equal(site.links, { watch: false, gateway: { watch: false, interval: 10_000 }, halfLife: 1000, longest: 300_000 });
  assert.equal([site.log.level, site.key.bits, site.api], ["debug", 4096, undefined]);
});

test("groups that are all comment count as absent", () => {
  const reading = readSite(`${DESIGN.replace(/bindings:.*\n.*\n/, "bindings:\n  # none yet\n")}tun:\n`, "site.yaml");
  assert.ok("site" in reading);
  assert.equal(reading.site.bindings, []);
  assert.is(reading.site.tun.name, "pshim0");
});

test("warnings say what is allowed but seldom meant", () => {
  const text = `site: beta
ulid: { prefix: "fc00:bbbb:1::/48" }
lan: { interface: eth0, subnets: ["fc00:bbbb:1::/64"] }
providers: [ { name: isp3, prefix: "2001:db8:b3::/48", interface: eth0 } ]
bindings:
  - { ulid: "fc00:aaaa:1::10", locators: ["2001:db8:a1::10"] }
  - { ulid: "fc00:aaaa:1::11", locators: ["2001:db8:a1::10"] }
contexts: { idle: 299s }
api: { listen: "[2001:db8::1]:80" }
`;
  const reading = readSite(text, "site.yaml");
  assert.ok("site" in reading);
  assert.equal(
    reading.warnings.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
    [
      "4:12 providers has a single entry",
      "4:67 providers[0].interface is the LAN's interface too: eth0",
      "7:43 bindings[1].locators[0] is a locator of fc00:aaaa:1::10 too: 2001:db8:a1::10",
      "8:19 contexts.idle is below the 300s that RFC 5533 recommends",
      "9:16 api.listen can be reached from other machines",
    ],
  );
});

test("an idle time of 300s is as recommended", () => {
  const reading = readSite(`${DESIGN}contexts: { idle: 300s }\n`, "site.yaml");
  assert.ok("site" in reading);
  assert.equal(reading.warnings, []);
});

test("the examples are right", () => {
  const files = readdirSync(EXAMPLES).filter((file) => file.endsWith(".yaml"));
  assert.ok(files.length >= 3);
  for (const file of files) {
    const reading = readSite(readFileSync(new URL(file, EXAMPLES), "utf8"), file);
    assert.ok("site" in reading, `${file}: ${JSON.stringify(reading)}`);
  }
});

test("what a misspelt name was meant to be", () => {
  const known = ["providers", "bindings", "contexts", "lan"];
  assert.is(nearest("provider", known), "providers");
  assert.is(nearest("Bindigns", known), "bindings");
  assert.is(nearest("lna", known), "lan");
  assert.is(nearest("x", known), undefined);
  assert.is(nearest("firewall", known), undefined);
  assert.is(nearest("p".repeat(10_000), known), undefined);
});

/** Values of every kind in the places of the settings, so that the checks between settings see odd company. */
const odd = fc.oneof(
  fc.constantFrom("fc00:aaaa:1::/48", "fc00::/7", "::/0", "2001:db8::/32", "ff02::1", "fc00::1", "up1", "", "5s", "pshim0", "isp1"),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const group = fc.dictionary(
  fc.constantFrom("name", "prefix", "interface", "gateway", "table", "ulid", "locators", "idle", "listen", "generic", "subnets", "x"),
  fc.oneof(odd, fc.array(odd, { maxLength: 3 })),
);
const file = fc.dictionary(
  fc.constantFrom("site", "ulid", "lan", "providers", "bindings", "hosts", "tun", "contexts", "hold", "api", "y"),
  fc.oneof(odd, group, fc.array(fc.oneof(odd, group), { maxLength: 4 })),
);

test("any settings: taken, or refused with faults inside the file", () => {
  fc.assert(
    fc.property(file, fc.boolean(), (value, pretty) => {
      const text = JSON.stringify(value, null, pretty ? 2 : 0);
      checkPlaces(text);
    }),
    { seed, numRuns: 400 },
  );
});

test("any text: taken, or refused with faults inside the file", () => {
  const fragment = fc.oneof(
    fc.constantFrom(
      "site: a\n",
      "providers:\n",
      "  - ",
      "{",
      "}",
      "[",
      "]",
      ":",
      "&a ",
      "*a",
      "!!x ",
      "\t",
      "\n",
      '"',
      "'",
      "|",
      ">",
      "---\n",
      "? ",
      "<<: ",
      "#",
    ),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 24 }), (parts) => checkPlaces(parts.join(""))),
    { seed, numRuns: 600 },
  );
});

test("a right file with any line spoilt never throws", () => {
  const lines = DESIGN.split("\n");
  fc.assert(
    fc.property(fc.nat(lines.length - 1), fc.nat(120), fc.string({ unit: "binary", maxLength: 4 }), (at, column, junk) => {
      const spoilt = lines.map((line, i) => (i === at ? line.slice(0, column) + junk + line.slice(column + 1) : line));
      checkPlaces(spoilt.join("\n"));
    }),
    { seed, numRuns: 400 },
  );
});

test("nesting deeper than the stack is a fault", () => checkPlaces("[".repeat(200_000)));

function checkPlaces(text: string): void {
  const reading = readSite(text, "site.yaml");
  if ("site" in reading) return;
  assert.ok(reading.faults.length > 0, "refused without a fault");
  const lines = text.split("\n").length;
  for (const { line, column, message } of reading.faults) {
    assert.ok(line >= 1 && line <= lines + 1 && column >= 1, `${line}:${column} is no place in ${lines} lines`);
    assert.ok(message.length > 0);
  }
}

test.run();
