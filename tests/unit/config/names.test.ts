/** Settings of names and addresses: defaults that follow from others, and what does not fit together. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../../runtime/config/read.ts";

const SITE = `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1" }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, gateway: "2001:db8:f2::1" }
`;

/** Lines of the case count from 7 on. */
function read(lines: readonly string[]) {
  return readSite(`${SITE}${lines.join("\n")}\n`, "site.yaml");
}

test("defaults follow from other settings", () => {
  const reading = read([
    'dns: { listen: ["fc00:aaaa:1::1", "[fc00:aaaa:1::2]:5353"], upstreams: [{ server: "2001:db8::53" }, { server: "[2001:db8::54]:5300", domains: [Beta.Example.] }] }',
    "dhcp: {}",
    "zone: { name: alpha.example }",
  ]);
  assert.ok("site" in reading);
  const { dns, dhcp, zone } = reading.site;
  assert.equal(dns?.upstreams, [
    { host: "2001:db8::53", port: 53, domains: [] },
    { host: "2001:db8::54", port: 5300, domains: ["beta.example"] },
  ]);
  assert.is(dns?.type, 65_280);
  assert.is(dns?.timeout, 1_500);
  // A host cannot be told a port.
  assert.equal(dhcp?.dns, ["fc00:aaaa:1::1"]);
  assert.equal(dhcp?.search, ["alpha.example"]);
  assert.is(dhcp?.valid, 86_400_000);
  assert.equal(zone?.servers, ["ns.alpha.example"]);
  assert.is(zone?.contact, "hostmaster.alpha.example");
  assert.is(zone?.update, undefined);
});

test("identifiers of a reservation are brought to one form", () => {
  const reading = read([
    "dhcp:",
    '  dns: ["2001:db8::53"]',
    '  reservations: [{ name: printer, duid: "00:03:00:01:02-00-00-00-00-0A", mac: "02-00-00-00-00-0A", relay: "ge-0/0/7" }]',
  ]);
  assert.ok("site" in reading);
  assert.equal(reading.site.dhcp?.reservations, [
    { name: "printer", duid: "0003000102000000000a", mac: "02:00:00:00:00:0a", relay: "ge-0/0/7", ulid: undefined },
  ]);
});

const DNS = 'dns: { listen: ["fc00:aaaa:1::1"], upstreams: [{ server: "2001:db8::53" }] }';

const FAULTS: readonly (readonly [name: string, lines: readonly string[], faults: readonly string[]])[] = [
  [
    "a server for hosts and for the world at one place",
    [DNS, 'zone: { name: a.example, listen: ["[fc00:aaaa:1::1]:53"] }'],
    ["8:35 zone.listen[0] is in dns.listen already: [fc00:aaaa:1::1]:53"],
  ],
  [
    "a gateway that asks itself",
    ['dns: { listen: ["fc00:aaaa:1::1"], upstreams: [{ server: "fc00:aaaa:1::1" }] }'],
    ["7:58 dns.upstreams[0].server is this box itself: [fc00:aaaa:1::1]:53"],
  ],
  [
    "a resolver twice",
    ['dns: { listen: ["fc00:aaaa:1::1"], upstreams: [{ server: "2001:db8::53" }, { server: "[2001:db8::53]:53" }] }'],
    ["7:86 dns.upstreams[1].server is in the list already: [2001:db8::53]:53"],
  ],
  ["a type that is not private", [`${DNS.slice(0, -2)}, type: 28 }`], ["7:83 dns.type must be at least 65280, not 28"]],
  ["preferred longer than valid", [DNS, "dhcp: { preferred: 2h, valid: 1h }"], ["8:20 dhcp.preferred is longer than dhcp.valid"]],
  [
    "a reservation for nobody, one outside the LAN, and two for one",
    [
      DNS,
      "dhcp:",
      "  reservations:",
      "    - { name: a }",
      '    - { name: b, mac: "02:00:00:00:00:01", ulid: "fc00:aaaa:1:1::5" }',
      '    - { name: c, mac: "02-00-00-00-00-01" }',
      '    - { name: c, duid: "00" }',
    ],
    [
      "10:7 dhcp.reservations[0] says not whose it is",
      "11:50 dhcp.reservations[1].ulid lies in no LAN subnet: fc00:aaaa:1:1::5",
      "12:7 dhcp.reservations[2] matches the same hosts as that of b: mac 02:00:00:00:00:01",
      '13:15 dhcp.reservations[3].name is taken already: "c"',
      '13:24 dhcp.reservations[3].duid is no DUID: "00"',
    ],
  ],
  ["no domain", [`zone: { name: "-a.example" }`], ['7:15 zone.name is no domain name: "-a.example"']],
];

for (const [name, lines, expected] of FAULTS) {
  test(name, () => {
    const reading = read(lines);
    assert.ok("faults" in reading);
    assert.equal(
      reading.faults.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
      expected,
    );
  });
}

test("what is allowed but probably not meant", () => {
  const reading = read([
    'dns: { listen: ["fc00:aaaa:1::1"], upstreams: [{ server: "2001:db8::53", domains: [beta.example] }] }',
    "dhcp: { sec: 2 }",
    'zone: { name: a.example, update: { server: "2001:db8::1" } }',
  ]);
  assert.ok("site" in reading);
  assert.equal(
    reading.warnings.map(({ path, message }) => `${path} ${message}`),
    ["dns.upstreams has no entry without domains", "dhcp.sec makes each address cost hours", "zone.update has no key"],
  );
});

test.run();
