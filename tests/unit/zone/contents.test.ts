/** What is published for which hosts, and as which text. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { address } from "../../../runtime/value/address.ts";
import { prefix } from "../../../runtime/value/prefix.ts";
import { ContentsBuilder, contentsOf, reverseOrigins, serversWithoutAddress } from "../../../runtime/zone/contents.ts";
import { difference } from "../../../runtime/zone/difference.ts";
import { zoneHosts } from "../../../runtime/zone/owners.ts";
import { laterSerial, nextSerial } from "../../../runtime/zone/serial.ts";
import { zoneTerms } from "../../../runtime/zone/terms.ts";
import { zoneText } from "../../../runtime/zone/text.ts";
import { alphaTerms, hostOf, ISP1, ISP2, shown, ulidOf } from "../../lib/zone.ts";

const SERIAL = 1_800_000_000;

test("the zones of a site, as text", () => {
  const [forward, reverse, ...rest] = contentsOf(alphaTerms(), [hostOf(0x10, "h1"), hostOf(0x20)], [ISP1, ISP2]);
  assert.is(rest.length, 0);
  assert.is(
    zoneText(forward, SERIAL),
    [
      "$ORIGIN alpha.example.",
      "$TTL 300",
      "@                      IN SOA       ns.alpha.example. hostmaster.alpha.example. 1800000000 900 300 1209600 300",
      "@                      IN NS        ns.alpha.example.",
      "h-00000000000000000020 IN AAAA      2001:db8:a1::20",
      "h-00000000000000000020 IN AAAA      2001:db8:a2::20",
      "h-00000000000000000020 IN TYPE65280 \\# 16 fc00aaaa000100000000000000000020",
      "h1                     IN AAAA      2001:db8:a1::10",
      "h1                     IN AAAA      2001:db8:a2::10",
      "h1                     IN TYPE65280 \\# 16 fc00aaaa000100000000000000000010",
      "ns                     IN AAAA      2001:db8:f1::2",
      "",
    ].join("\n"),
  );
  assert.is(
    zoneText(reverse, SERIAL),
    [
      "$ORIGIN 1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa.",
      "$TTL 300",
      "@                                       IN SOA ns.alpha.example. hostmaster.alpha.example. 1800000000 900 300 1209600 300",
      "@                                       IN NS  ns.alpha.example.",
      "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR h1.alpha.example.",
      "0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR h-00000000000000000020.alpha.example.",
      "",
    ].join("\n"),
  );
});

test("the order of hosts does not show; long TTLs are not for negative answers", () => {
  const hosts = [hostOf(1, "b"), hostOf(2, "a"), hostOf(3)];
  const text = (list: typeof hosts) =>
    contentsOf(alphaTerms({ ttl: 86_400 }), list, [ISP2, ISP1])
      .map((zone) => zoneText(zone, 7))
      .join("");
  assert.is(text(hosts), text([...hosts].reverse()));
  assert.match(text(hosts), /^@\s+3600 IN SOA .* 7 900 300 1209600 3600$/m);
});

test("a provider that is down is withdrawn; when all are, none is", () => {
  const down = (provider: typeof ISP1) => ({ ...provider, usable: false });
  const addresses = (...providers: (typeof ISP1)[]) =>
    zoneText(contentsOf(alphaTerms({ addresses: [] }), [hostOf(0x10, "h1")], providers)[0], 1)
      .match(/AAAA +(\S+)/g)
      ?.map((line) => line.split(/ +/)[1]);
  assert.equal(addresses(ISP1, ISP2), ["2001:db8:a1::10", "2001:db8:a2::10"]);
  assert.equal(addresses(down(ISP1), ISP2), ["2001:db8:a2::10"]);
  assert.equal(addresses(down(ISP1), down(ISP2)), ["2001:db8:a1::10", "2001:db8:a2::10"]);
});

test("a host with an HBA set has its members for locators; only one that signs too has others", () => {
  const members = [address("2001:db8:a1::77")];
  const addresses = (signs: boolean) => {
    const setOf = (ulid: ReturnType<typeof ulidOf>) => (ulid === ulidOf(0x10) ? { members, signs } : undefined);
    const [forward] = contentsOf({ ...alphaTerms({ addresses: [] }), setOf }, [hostOf(0x10, "h1"), hostOf(0x20, "h2")], [ISP1, ISP2]);
    return zoneText(forward, 1)
      .split("\n")
      .flatMap((line) => /^(h\d) +IN AAAA +(\S+)/.exec(line)?.slice(1).join(" ") ?? []);
  };
  const plain = ["h2 2001:db8:a1::20", "h2 2001:db8:a2::20"];
  assert.equal(addresses(false), ["h1 2001:db8:a1::77", ...plain]);
  assert.equal(addresses(true), ["h1 2001:db8:a1::77", "h1 2001:db8:a2::10", ...plain]);
});

test("a host without a locator still has its ULID; one outside the prefix is not ours", () => {
  const long = { prefix: prefix("2001:db8:a1:100::/56"), usable: true };
  const zones = contentsOf(
    alphaTerms(),
    [
      { name: "far", ulid: address("fc00:aaaa:1:2200::1") },
      { name: "alien", ulid: address("fc00:bbbb:1::1") },
    ],
    [long],
  );
  assert.match(zoneText(zones[0], 1), /far IN TYPE65280/);
  assert.not.match(zoneText(zones[0], 1), /far +IN AAAA|alien/);
});

test("who has which name", () => {
  const named = (...hosts: Parameters<typeof contentsOf>[1][]) => {
    const [forward] = contentsOf(
      alphaTerms(),
      hosts.flatMap((list) => [...list]),
      [ISP1],
    );
    return Object.fromEntries(
      [...forward.nodes.values()].flatMap(({ name, ulid }) => (ulid === undefined ? [] : [[ulid, name.split(".")[0]]])),
    );
  };
  const derived = (n: number) => `h-${n.toString(16).padStart(20, "0")}`;
  assert.equal(named([hostOf(1, "web"), hostOf(2, "WEB")]), { [ulidOf(1)]: "web", [ulidOf(2)]: derived(2) }, "the first wins");
  assert.equal(named([hostOf(1, "web", true), hostOf(2, "web")]), { [ulidOf(1)]: derived(1), [ulidOf(2)]: "web" }, "a claim loses");
  assert.equal(named([hostOf(1, "ns")]), { [ulidOf(1)]: derived(1) }, "a server's name");
  assert.equal(named([hostOf(1, derived(2)), hostOf(2)]), { [ulidOf(1)]: derived(1), [ulidOf(2)]: derived(2) }, "a derived name");
  for (const bad of ["-a", "a-", "a.b", "a_b", "", "é", "a b", "x".repeat(64), "*", "@"])
    assert.equal(named([hostOf(1, bad)]), { [ulidOf(1)]: derived(1) }, bad);
  assert.equal(named([hostOf(1, "one"), hostOf(1, "two")]), { [ulidOf(1)]: "one" }, "one name each");
});

test("hosts of site.yaml come first, leases must hold, and names that nobody gave are claims", () => {
  const lease = { duid: Uint8Array.of(1, 2, 3), iaid: 1, mac: undefined, since: 0, until: 1000 };
  const hosts = zoneHosts(
    [{ name: "h1", ulid: ulidOf(1) }],
    [
      { ...lease, ulid: ulidOf(2), state: "bound", name: "printer", matched: "reservation mac" },
      { ...lease, ulid: ulidOf(3), state: "bound", name: "laptop", matched: "pool" },
      { ...lease, ulid: ulidOf(4), state: "released", name: "gone", matched: "pool" },
      { ...lease, ulid: ulidOf(5), state: "bound", name: "over", matched: "pool", until: 500 },
    ],
    500,
  );
  assert.equal(
    hosts.map(({ name, claimed = false }) => `${name} ${claimed}`),
    ["h1 false", "printer false", "laptop true"],
  );
});

test("the reverse tree branches every four bits", () => {
  const origins = (text: string) => reverseOrigins(prefix(text));
  assert.equal(origins("fc00:aaaa:1::/48"), ["1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa"]);
  assert.equal(
    origins("fc00:aaaa:1:8000::/49"),
    [8, 9, "a", "b", "c", "d", "e", "f"].map((digit) => `${digit}.1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa`),
  );
  assert.equal(
    origins("fc00:aaaa:1:4000::/50"),
    [4, 5, 6, 7].map((digit) => `${digit}.1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa`),
  );
  assert.equal(
    origins("fc00:aaaa:1:e000::/51"),
    ["e", "f"].map((digit) => `${digit}.1.0.0.0.a.a.a.a.0.0.c.f.ip6.arpa`),
  );
  assert.equal(origins("fc00::/7"), ["c.f.ip6.arpa", "d.f.ip6.arpa"]);
  const zones = contentsOf(
    alphaTerms({ ulidPrefix: prefix("fc00:aaaa:1:4000::/50") }),
    [{ name: "a", ulid: address("fc00:aaaa:1:6000::1") }],
    [ISP1],
  );
  assert.equal(
    zones.map(({ nodes }) => [...nodes.keys()].some((name) => /^1\.0/.test(name))),
    [false, false, false, true, false],
  );
});

test("the reverse zones of the providers, when they are wanted", () => {
  const zones = contentsOf(alphaTerms({ locatorTrees: true }), [hostOf(0x10, "h1")], [ISP1, ISP2]);
  assert.equal(
    zones.map(({ origin }) => origin.split(".").length),
    [2, 14, 14, 14],
  );
  assert.match(zoneText(zones[3], 1), /^\$ORIGIN 2\.a\.0\.0\.8\.b\.d\.0\.1\.0\.0\.2\.ip6\.arpa\.\n[\s\S]*PTR h1\.alpha\.example\.$/m);
});

test("what did not change is the same object, and a difference is the fewest records", () => {
  const builder = new ContentsBuilder(alphaTerms());
  const before = builder.build([hostOf(1, "a"), hostOf(2, "b")], [ISP1]);
  const after = builder.build([hostOf(2, "b"), hostOf(1, "a"), hostOf(3, "c")], [ISP1]);
  assert.is(before[0].nodes.get("a.alpha.example"), after[0].nodes.get("a.alpha.example"));
  assert.is(before[1].nodes.get(before[1].origin), after[1].nodes.get(after[1].origin));
  const step = difference(before[0].nodes, after[0].nodes);
  assert.is(step.gone.length, 0);
  assert.equal(shown(step.come), shown(after[0].nodes.get("c.alpha.example")?.records ?? []));
  const more = builder.build([hostOf(1, "a"), hostOf(2, "b"), hostOf(3, "c")], [ISP1, ISP2]);
  const added = difference(after[0].nodes, more[0].nodes);
  assert.is(added.gone.length, 0);
  assert.is(added.come.length, 3, "one address a host");
});

test("addresses of the zone's own servers", () => {
  const wishes = {
    name: "alpha.example",
    reverse: false,
    ttl: 1,
    servers: ["ns.alpha.example", "ns.other.example"],
    contact: "x.y",
    listen: [],
    update: undefined,
  };
  const missing = (listen: string[], update?: string) =>
    serversWithoutAddress(
      contentsOf(
        zoneTerms(
          { ...wishes, listen: listen.map((host) => ({ host })), update: update === undefined ? undefined : { host: update } },
          prefix("fc00:aaaa:1::/48"),
          65_280,
        ),
        [],
        [],
      )[0],
    );
  assert.equal(missing([]), ["ns.alpha.example"]);
  assert.equal(missing(["::", "::1", "fe80::1"]), ["ns.alpha.example"], "addresses that lead nowhere");
  assert.equal(missing(["2001:db8::1"]), []);
  assert.equal(missing([], "2001:db8::53"), []);
});

test("serials grow, in a circle, and with the calendar", () => {
  // RFC 1982 §5.1, with 32 bits.
  for (const [a, b, later] of [
    [1, 0, true],
    [44, 0, true],
    [0x8000_0000, 0, false],
    [0x8000_0001, 0, false],
    [0, 0xffff_ffff, true],
    [100, 100, false],
  ] as const)
    assert.is(laterSerial(a, b), later, `${a} ${b}`);
  assert.is(nextSerial(undefined, 1_800_000_000.9), 1_800_000_000);
  assert.is(nextSerial(1_800_000_000, 1_800_000_000), 1_800_000_001);
  assert.is(nextSerial(1_800_000_005, 1_800_000_000), 1_800_000_006, "a calendar that goes back");
  assert.is(nextSerial(0xffff_ffff, 0xffff_ffff), 0);
});

test.run();
