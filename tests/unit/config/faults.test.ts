/** A table of broken settings: exactly these faults, at exactly these places. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { showFaults } from "../../../runtime/config/fault.ts";
import { readSite } from "../../../runtime/config/read.ts";

/** Right by itself; each case replaces or adds a line. Line numbers of the cases count from here. */
const GOOD = [
  "site: alpha",
  'ulid: { prefix: "fc00:aaaa:1::/48", generic: "fc00::/7" }',
  'lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }',
  "providers:",
  '  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, gateway: "2001:db8:f1::1" }',
  '  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, gateway: "2001:db8:f2::1" }',
  "bindings:",
  '  - { ulid: "fc00:bbbb:1::10", locators: ["2001:db8:b3::10"] }',
];
const PROVIDER = 5;

interface Case {
  readonly name: string;
  /** Line number → what stands there instead; a number behind the last one adds a line. */
  readonly lines: Readonly<Record<number, string>>;
  /** `line:column path message` of each fault, the hint behind ` | ` if it matters. */
  readonly faults: readonly string[];
}

const CASES: readonly Case[] = [
  { name: "missing setting", lines: { 1: "# no name" }, faults: ["2:1 site is missing | add it"] },
  { name: "unknown setting", lines: { 9: "raep: { profile: fast }" }, faults: ["9:1 raep is no setting | did you mean reap?"] },
  {
    name: "unknown setting inside, with its own suggestion",
    lines: { 9: "tun: { nmae: tun0 }" },
    faults: ["9:8 tun.nmae is no setting | did you mean name?"],
  },
  {
    name: "unknown setting that resembles nothing",
    lines: { 9: "reap: { zebra: 1 }" },
    faults: ["9:9 reap.zebra is no setting | there is: profile, quality"],
  },
  {
    name: "a share that is none",
    lines: { 9: 'reap: { quality: { loss: 0.2, delay: "500" } }' },
    faults: [
      "9:26 reap.quality.loss must be text, not 0.2 | put it in quotes",
      '9:38 reap.quality.delay is no duration: "500" | write it like "250ms", "15s" or "10m"',
    ],
  },
  {
    name: "no share at all, and more than everything",
    lines: { 9: 'reap: { quality: { loss: "101%" } }' },
    faults: ['9:26 reap.quality.loss is no share: "101%" | write per cent like "20%" or "2.5%", up to "100%"'],
  },
  {
    name: "routable prefixes: too long, out of the wrong block, over one another, nobody's; each complaint once",
    lines: {
      2: 'ulid: { prefix: "fc00:aaaa:1::/48", routable: ["2001:db8:a1:1::/65", "fc00:aaaa:2::/48", "2001:db8:a2::/60", "2001:db8:a2:8::/64", "2001:db8:a3::/48"] }',
      3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/64", "2001:db8:a1:1::/64", "2001:db8:a2::/64", "2001:db8:a2:8::/64"] }',
    },
    faults: [
      "2:48 ulid.routable[0] is longer than 64 bits: 2001:db8:a1:1::/65",
      "2:70 ulid.routable[1] overlaps ulid.generic, fc00::/7: fc00:aaaa:2::/48",
      "2:70 ulid.routable[1] lies in no provider's prefix: fc00:aaaa:2::/48",
      "2:110 ulid.routable[3] overlaps 2001:db8:a2::/60: 2001:db8:a2:8::/64",
      "2:132 ulid.routable[4] lies in no provider's prefix: 2001:db8:a3::/48 | give the prefix of the provider that routes it to this site, or a part of it",
      "3:54 lan.subnets[1] lies outside ulid.prefix, fc00:aaaa:1::/48: 2001:db8:a1:1::/64",
    ],
  },
  {
    name: "a routable subnet's bits that another provider's locators lose",
    lines: {
      2: 'ulid: { prefix: "fc00:aaaa:1::/48", routable: ["2001:db8:a1::/48"] }',
      3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/64", "2001:db8:a1:100::/64"] }',
      6: '  - { name: isp2, prefix: "2001:db8:a2::/56", interface: up2, gateway: "2001:db8:f2::1" }',
    },
    faults: [
      "6:27 providers[1].prefix leaves no room for LAN subnet 2001:db8:a1:100::/64: its bits 49 to 56 would be lost in locators | ask the provider for a /48, or use subnets whose bits up to 56 are those of 2001:db8:a1::/48",
    ],
  },
  {
    name: "when contexts are set up: neither now nor never nor a number, or both",
    lines: {
      2: 'ulid: { prefix: "fc00:aaaa:1::/48", routable: ["2001:db8:a1::/64"] }',
      3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/64", "2001:db8:a1::/64"] }',
      9: "establish:",
      10: "  ports:",
      11: "    - { ports: [1] }",
      12: "    - { ports: [2], packets: 0 }",
      13: "    - { ports: [3], when: now, seconds: 3 }",
      14: '    - { ports: ["9-2"], when: soon }',
      15: "    - { ports: [], when: never }",
    },
    faults: [
      "11:7 establish.ports[0] does not say when | add packets, octets or seconds above 0, or when: now, or when: never",
      "12:7 establish.ports[1] does not say when",
      "13:7 establish.ports[2] says now, and a number too | leave one of them",
      '14:17 establish.ports[3].ports[0] is neither a port nor a range of ports: "9-2"',
      '14:31 establish.ports[3].when must be now or never, not "soon"',
      "15:16 establish.ports[4].ports needs at least 1 entry",
    ],
  },
  { name: "setting twice", lines: { 9: "site: beta" }, faults: ["9:1  this setting is there twice | leave one of them"] },
  { name: "number for text", lines: { 1: "site: 12" }, faults: ["1:7 site must be text, not 12 | put it in quotes"] },
  {
    name: "bad name",
    lines: { 1: "site: Alpha Site" },
    faults: ['1:7 site is no name: "Alpha Site" | use lower-case letters, digits and hyphens, such as "alpha-site"'],
  },
  {
    name: "choice",
    lines: { 9: "reap: { profile: rfc5543 }" },
    faults: ['9:18 reap.profile must be fast or rfc5534, not "rfc5543" | did you mean rfc5534?'],
  },
  { name: "key size", lines: { 9: "key: { bits: 512 }" }, faults: ["9:14 key.bits must be 1024, 2048, 3072 or 4096, not 512"] },
  {
    name: "no segment size",
    lines: { 9: "mss: large" },
    faults: ['9:6 mss is neither "auto", "off" nor a segment size: "large" | write "auto", "off" or a number from 536 to 65535'],
  },
  {
    name: "segment size too small",
    lines: { 9: "mss: 500" },
    faults: ['9:6 mss is neither "auto", "off" nor a segment size: 500 | write "auto", "off" or a number from 536 to 65535'],
  },
  { name: "too small", lines: { 9: "tun: { mtu: 1280 }" }, faults: ["9:13 tun.mtu must be at least 1288, not 1280"] },
  { name: "too big", lines: { 9: "contexts: { max: 2000000 }" }, faults: ["9:18 contexts.max must be at most 1048576, not 2000000"] },
  { name: "no truth", lines: { 9: "egress: { manage: yes }" }, faults: ['9:19 egress.manage must be true or false, not "yes"'] },
  {
    name: "duration",
    lines: { 9: 'contexts: { idle: "10 min" }' },
    faults: ['9:19 contexts.idle is no duration: "10 min" | write it like "250ms", "15s" or "10m"'],
  },
  { name: "endpoint", lines: { 9: 'api: { listen: "::1:8686" }' }, faults: ['9:16 api.listen is no address with a port: "::1:8686"'] },
  {
    name: "port",
    lines: { 9: 'api: { listen: "[::1]:65536" }' },
    faults: ['9:16 api.listen is no address with a port: "[::1]:65536"'],
  },
  {
    name: "interface with too long a name",
    lines: { 3: 'lan: { interface: abcdefghijklmnop, subnets: ["fc00:aaaa:1::/64"] }' },
    faults: ['3:19 lan.interface is longer than 15 characters: "abcdefghijklmnop"'],
  },
  { name: "relative path", lines: { 9: "state: var/pshim6" }, faults: ['9:8 state is no absolute path: "var/pshim6"'] },
  { name: "long socket path", lines: { 9: `control: /${"x".repeat(107)}` }, faults: ["9:10 control is longer than 107 octets"] },
  {
    name: "interface with its parent",
    lines: { 3: 'lan: { interface: "vlan5@eth0", subnets: ["fc00:aaaa:1::/64"] }' },
    faults: ['3:19 lan.interface is no interface name: "vlan5@eth0" | did you mean "vlan5"?'],
  },
  {
    name: "interface that would be an option",
    lines: { 3: 'lan: { interface: "-force", subnets: ["fc00:aaaa:1::/64"] }' },
    faults: ['3:19 lan.interface is no interface name: "-force"'],
  },
  {
    name: "interface with a line end",
    lines: { 3: 'lan: { interface: "a\\nb", subnets: ["fc00:aaaa:1::/64"] }' },
    faults: ['3:19 lan.interface is no interface name: "a\\nb"'],
  },
  { name: "no subnets", lines: { 3: "lan: { interface: lan, subnets: [] }" }, faults: ["3:33 lan.subnets needs at least 1 entry"] },
  {
    name: "prefix without length",
    lines: { 3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::"] }' },
    faults: ['3:34 lan.subnets[0] has no length: "fc00:aaaa:1::"'],
  },
  {
    name: "bits behind the length",
    lines: { 3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::1/64"] }' },
    faults: ["3:34 lan.subnets[0] has bits set behind its length: fc00:aaaa:1::1/64 | did you mean fc00:aaaa:1::/64?"],
  },
  {
    name: "subnet outside",
    lines: { 3: 'lan: { interface: lan, subnets: ["fc00:bbbb:1::/64"] }' },
    faults: ["3:34 lan.subnets[0] lies outside ulid.prefix, fc00:aaaa:1::/48: fc00:bbbb:1::/64"],
  },
  {
    name: "subnets overlap",
    lines: { 3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/63", "fc00:aaaa:1:1::/64"] }' },
    faults: ["3:54 lan.subnets[1] overlaps fc00:aaaa:1::/63: fc00:aaaa:1:1::/64"],
  },
  {
    name: "ULIDs outside the generic block",
    lines: { 2: 'ulid: { prefix: "fc00:aaaa:1::/48", generic: "fd00::/8" }' },
    faults: [
      "2:17 ulid.prefix lies outside ulid.generic, fd00::/8",
      "8:13 bindings[0].ulid lies outside ulid.generic, fd00::/8: fc00:bbbb:1::10",
    ],
  },
  {
    name: "ULIDs are all of the generic block",
    lines: { 2: 'ulid: { prefix: "fc00:aaaa:1::/48", generic: "fc00:aaaa:1::/48" }', 7: "", 8: "" },
    faults: ["2:17 ulid.prefix is all of ulid.generic, fc00:aaaa:1::/48"],
  },
  {
    name: "same provider twice",
    lines: { 6: '  - { name: isp2, prefix: "2001:db8:a1::/48", interface: up1 }' },
    faults: ["6:27 providers[1].prefix and interface are those of isp1 already: 2001:db8:a1::/48 on up1 | leave one of the two entries"],
  },
  {
    name: "same prefix on two lines",
    lines: { 6: '  - { name: isp2, prefix: "2001:db8:a1::/48", interface: up2 }' },
    faults: ["6:27 providers[1].prefix is the prefix of isp1 already: 2001:db8:a1::/48"],
  },
  {
    name: "overlapping providers and one name",
    lines: { 6: '  - { name: isp1, prefix: "2001:db8:a1:8000::/49", interface: up2 }' },
    faults: [
      '6:13 providers[1].name is taken already: "isp1"',
      "6:27 providers[1].prefix overlaps the prefix of isp1, 2001:db8:a1::/48: 2001:db8:a1:8000::/49",
    ],
  },
  {
    name: "locators out of the ULIDs' block",
    lines: { 6: '  - { name: isp2, prefix: "fc00:cccc::/48", interface: up2, gateway: "fc00:cccc::1" }' },
    faults: [
      "6:27 providers[1].prefix overlaps ulid.generic, fc00::/7: fc00:cccc::/48",
      "6:70 providers[1].gateway lies in ulid.generic, fc00::/7: fc00:cccc::1",
    ],
  },
  {
    name: "provider's prefix eats subnet bits",
    lines: {
      3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1:1ff::/64"] }',
      6: '  - { name: isp2, prefix: "2001:db8:a2::/56", interface: up2 }',
    },
    faults: [
      "6:27 providers[1].prefix leaves no room for LAN subnet fc00:aaaa:1:1ff::/64: its bits 49 to 56 would be lost in locators" +
        " | ask the provider for a /48, or use subnets whose bits up to 56 are those of ulid.prefix",
    ],
  },
  {
    name: "provider's prefix longer than the subnet",
    lines: {
      3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/52"] }',
      6: '  - { name: isp2, prefix: "2001:db8:a2::/56", interface: up2 }',
    },
    faults: ["6:27 providers[1].prefix leaves no room for LAN subnet fc00:aaaa:1::/52: its bits 49 to 52 would be lost in locators"],
  },
  {
    name: "provider's prefix without room for hosts",
    lines: { 6: '  - { name: isp2, prefix: "2001:db8:a2::/80", interface: up2 }' },
    faults: ["6:27 providers[1].prefix is longer than 64 bits: 2001:db8:a2::/80"],
  },
  {
    name: "tables",
    lines: {
      5: '  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1, table: 254 }',
      6: '  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2, table: 14001 }',
      7: '  - { name: isp3, prefix: "2001:db8:a3::/48", interface: up3, table: 7 }',
      8: '  - { name: isp4, prefix: "2001:db8:a4::/48", interface: up4, table: 7 }',
    },
    faults: [
      "5:70 providers[0].table is a table of the system: 254",
      "6:70 providers[1].table is a table that the box numbers itself: 14001",
      "8:70 providers[3].table is the table of isp3 already: 7",
    ],
  },
  {
    name: "line that is the TUN",
    lines: { 6: '  - { name: isp2, prefix: "2001:db8:a2::/48", interface: pshim0 }' },
    faults: ["6:58 providers[1].interface is the name of the TUN device: pshim0"],
  },
  {
    name: "multicast, link-local, IPv4 and zones",
    lines: {
      6: '  - { name: isp2, prefix: "ff05::/16", interface: up2, gateway: "ff02::1" }',
      8: '  - { ulid: "fc00:bbbb:1::10", locators: ["fe80::1", "192.0.2.1", "2001:db8::1%eth0", "2001:db8::/64"] }',
    },
    faults: [
      "6:27 providers[1].prefix is a multicast prefix: ff05::/16",
      "6:65 providers[1].gateway is a multicast address: ff02::1",
      "8:43 bindings[0].locators[0] is a link-local address: fe80::1",
      '8:54 bindings[0].locators[1] is no IPv6 address: "192.0.2.1" | IPv4 is not supported; give an IPv6 address',
      '8:67 bindings[0].locators[2] is no IPv6 address: "2001:db8::1%eth0"',
      '8:87 bindings[0].locators[3] is no IPv6 address: "2001:db8::/64" | leave out the prefix length: one address is wanted here',
    ],
  },
  {
    name: "bindings",
    lines: {
      8: '  - { ulid: "fc00:aaaa:1::10", locators: ["2001:db8:a1::10", "fc00:bbbb:1::10", "2001:db8:b3::1", "2001:db8:b3:0::1"] }',
      9: '  - { ulid: "fc00:bbbb:1::10", locators: [] }',
      10: '  - { ulid: "fc00:bbbb:1:0::10", locators: ["2001:db8:b4::10"] }',
      11: '  - { ulid: "2001:db8:b4::1", locators: ["2001:db8:b4::10"] }',
    },
    faults: [
      "8:13 bindings[0].ulid lies inside the site's own prefix, fc00:aaaa:1::/48: fc00:aaaa:1::10",
      "8:43 bindings[0].locators[0] lies in the prefix of isp1: 2001:db8:a1::10",
      "8:62 bindings[0].locators[1] lies in ulid.generic, fc00::/7: fc00:bbbb:1::10",
      "8:99 bindings[0].locators[3] is in the list already: 2001:db8:b3::1",
      "9:42 bindings[1].locators needs at least 1 entry",
      "10:13 bindings[2].ulid is bound already: fc00:bbbb:1::10",
      "11:13 bindings[3].ulid lies outside ulid.generic, fc00::/7: 2001:db8:b4::1",
    ],
  },
  {
    name: "hosts",
    lines: {
      9: "hosts:",
      10: '  - { name: h1, ulid: "fc00:aaaa:1::10" }',
      11: '  - { name: h1, ulid: "fc00:aaaa:1:0::10" }',
      12: '  - { name: h2, ulid: "fc00:aaaa:1:5::10" }',
      13: '  - { name: h3, ulid: "fc00:cccc:1::10" }',
    },
    faults: [
      '11:13 hosts[1].name is taken already: "h1"',
      "11:23 hosts[1].ulid is the identifier of h1 already: fc00:aaaa:1::10",
      "12:23 hosts[2].ulid lies in no LAN subnet: fc00:aaaa:1:5::10",
      "13:23 hosts[3].ulid lies outside ulid.prefix, fc00:aaaa:1::/48: fc00:cccc:1::10",
    ],
  },
  {
    name: "hold",
    lines: { 9: "hold: { octets: 200000, total: 100000 }" },
    faults: ["9:32 hold.total is less than hold.octets: 100000 < 200000"],
  },
  { name: "empty list that must not be", lines: { 5: "", 6: "" }, faults: ["4:11 providers is missing"] },
  { name: "list that is none", lines: { 4: "providers: isp1", 5: "", 6: "" }, faults: ['4:12 providers must be a list, not "isp1"'] },
  {
    name: "flow that does not end",
    lines: { 3: 'lan: { interface: lan, subnets: ["fc00:aaaa:1::/64" }' },
    faults: [
      "3:53  this is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ] | each [ and { needs its ] or }",
    ],
  },
  { name: "tab", lines: { 9: "tun:", 10: "\tmtu: 1500" }, faults: ["10:1  a tab is used for indentation | YAML wants spaces"] },
  {
    name: "second document",
    lines: { 9: "---", 10: "site: beta" },
    faults: ['9:1  a second document begins here | one file holds one site: leave out the line "---"'],
  },
  { name: "prototype", lines: { 9: "__proto__: { site: evil }" }, faults: ["9:1 __proto__ is no setting"] },
];

for (const { name, lines, faults } of CASES) {
  test(name, () => {
    const text = [...GOOD];
    for (const [line, content] of Object.entries(lines)) text[Number(line) - 1] = content;
    const reading = readSite(text.join("\n"), "site.yaml");
    assert.ok("faults" in reading, "was taken as right");
    const found = reading.faults.map(({ line, column, path, message, hint }) => [`${line}:${column} ${path} ${message}`, hint]);
    const wanted = faults.map((fault) => fault.split(" | "));
    assert.equal(
      found.map(([fault], at) => (wanted[at]?.length === 2 ? found[at].join(" | ") : fault)),
      wanted.map((fault) => fault.join(" | ")),
    );
  });
}

test("nothing at all", () => {
  for (const text of ["", "# only words\n", "---\n"]) {
    const reading = readSite(text, "x.yaml");
    assert.ok("faults" in reading);
    assert.equal(reading.faults[0].message, "x.yaml holds no settings");
  }
});

test("not a group of settings", () => {
  for (const text of ["[]", "7", '"text"']) {
    const reading = readSite(text, "x.yaml");
    assert.ok("faults" in reading);
    assert.match(reading.faults[0].message, /^the file must be a group of settings, not /);
  }
});

test("faults of different kinds come together", () => {
  const text = [...GOOD];
  text[PROVIDER - 1] = '  - { name: isp1, prefix: "2001:db8:a1::/48", interfac: up1, gateway: nowhere, weight: 300 }';
  text[0] = "name: alpha";
  const reading = readSite(text.join("\n"), "site.yaml");
  assert.ok("faults" in reading);
  assert.equal(reading.faults.map(({ line, path }) => `${line} ${path}`).sort(), [
    "1 name",
    "1 site",
    "5 providers[0].gateway",
    "5 providers[0].interfac",
    "5 providers[0].interface",
    "5 providers[0].weight",
  ]);
});

test("aliases that multiply end in a fault", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x,x]",
    ..."bcdefg".split("").map((letter, i) => `${letter}: &${letter} [${Array(10).fill(`*${"abcdefg"[i]}`).join(",")}]`),
  ];
  const reading = readSite(bomb.join("\n"), "site.yaml");
  assert.ok("faults" in reading);
  assert.match(reading.faults[0].message, /^the file cannot be read: /);
});

test("a fault is shown with its line, a caret and the hint", () => {
  const text = "site: alpha\n\tx: \x1b[2J\n";
  const shown = showFaults([{ line: 2, column: 5, path: "x", message: "is no setting", hint: "did you mean y?" }], text, "s.yaml");
  assert.is(shown, "s.yaml:2:5: x is no setting\n 2 |  x: ·[2J\n   |     ^\n   = did you mean y?\n");
});

test("a long line is cut around the fault", () => {
  const text = `site: ${"a".repeat(5_000)}!`;
  const shown = showFaults([{ line: 1, column: 5_007, path: "site", message: "is no name", hint: "" }], text, "s.yaml");
  const [, source, caret] = shown.split("\n");
  assert.ok(source.length < 200);
  assert.is(source[caret.indexOf("^")], "!");
});

test.run();
