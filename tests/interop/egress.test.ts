/**
 * The plan of routes and rules in a real kernel, in a network namespace of its own:
 *
 *     lan ── [ box: pshim0 ] ── up1 (isp1), up2 (isp2)
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { egressPlan } from "../../runtime/box/egress.ts";
import { readSite } from "../../runtime/config/read.ts";
import type { Site } from "../../runtime/config/site.ts";
import { insideNamespace } from "../lib/netns.ts";

const HOST = "fc00:aaaa:1::10";
const PEER = "fc00:bbbb:1::10";
const VIA1 = "2001:db8:a1::10";
const VIA2 = "2001:db8:a2::10";
const FAR = "2001:db8:b3::10";
const PLACES = ["lan", "up1", "up2"];

function site(): Site {
  const reading = readSite(readFileSync(new URL("../../examples/lab-alpha.yaml", import.meta.url), "utf8"), "lab-alpha.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  return reading.site;
}

function ip(args: readonly string[], input?: string): { readonly code: number; readonly out: string } {
  const done = spawnSync("ip", ["-6", ...args], { encoding: "utf8", input });
  return { code: done.status ?? 127, out: (done.stdout ?? "") + (done.stderr ?? "") };
}

function batch(lines: readonly string[]): void {
  const { code, out } = ip(["-batch", "-"], `${lines.join("\n")}\n`);
  assert.is(code, 0, out);
}

/** Interface that a packet leaves through, with its gateway; `refused` if the kernel answers "unreachable". */
function way(source: string, destination: string, from: string): string {
  const { code, out } = ip(["route", "get", destination, "from", source, "iif", from]);
  if (code !== 0) return "refused";
  const [, gateway, device] = /(?:via (\S+) )?dev (\S+)/.exec(out) ?? [];
  return gateway === undefined ? device : `${device} via ${gateway}`;
}

/** Routes and rules, without those that the kernel makes by itself. */
function state(): string {
  const routes = ip(["route", "show", "table", "all"]).out.split("\n");
  const own = routes.filter((line) => !/table local|proto kernel|^$/.test(line));
  return [...own, ip(["rule", "show"]).out].join("\n");
}

if (insideNamespace(fileURLToPath(import.meta.url))) {
  const plan = egressPlan(site());
  let before = "";

  test.before(() => {
    batch([
      "link set lo up",
      ...PLACES.flatMap((place) => [`link add ${place} type veth peer name ${place}p`, `link set ${place} up`, `link set ${place}p up`]),
    ]);
    batch([
      "addr add fc00:aaaa:1::1/64 dev lan nodad",
      "addr add 2001:db8:f1::2/64 dev up1 nodad",
      "addr add 2001:db8:f2::2/64 dev up2 nodad",
    ]);
    // The box's own way out: what the rules do not catch would leak through it.
    batch(["route add default via 2001:db8:f1::1 dev up1 proto static"]);
    batch(["tuntap add pshim0 mode tun"]);
    for (const { key, value } of plan.sysctls) assert.is(spawnSync("sysctl", ["-qw", `${key}=${value}`]).status, 0, key);
    before = state();
    batch(plan.up);
  });

  test("to the TUN: other sites' identifiers and the providers' prefixes", () => {
    assert.is(way(HOST, PEER, "lan"), "pshim0");
    assert.is(way(FAR, VIA1, "up1"), "pshim0");
    assert.is(way(FAR, VIA2, "up2"), "pshim0");
  });

  test("hosts are told of packets that would grow too large", () => {
    assert.match(ip(["route", "get", PEER, "from", HOST, "iif", "lan"]).out, / mtu lock 1492 /);
    assert.not.match(ip(["route", "get", VIA1, "from", FAR, "iif", "up1"]).out, / mtu /);
  });

  test("from the TUN: identifiers to the LAN, each locator to its own provider", () => {
    assert.is(way(PEER, HOST, "pshim0"), "lan");
    assert.is(way(VIA1, FAR, "pshim0"), "up1 via 2001:db8:f1::1");
    assert.is(way(VIA2, FAR, "pshim0"), "up2 via 2001:db8:f2::1");
  });

  test("from the TUN: nothing returns to it, nothing leaks", () => {
    const never: [what: string, source: string, destination: string][] = [
      ["to another site's identifier", HOST, PEER],
      ["from a locator to another site's identifier", VIA1, PEER],
      ["to our own locator", VIA1, VIA2],
      ["from afar to our own locator", FAR, VIA1],
      ["to a subnet that no LAN has", PEER, "fc00:aaaa:1:5::10"],
      ["with an identifier to the internet", HOST, FAR],
      ["with a foreign source to the internet", "3fff::1", FAR],
    ];
    for (const [what, source, destination] of never) assert.is(way(source, destination, "pshim0"), "refused", what);
  });

  test("from the LAN: own identifiers without a subnet are refused", () => {
    assert.is(way(HOST, "fc00:aaaa:1:5::10", "lan"), "refused");
    assert.is(way(HOST, "fc00:aaaa:1::11", "lan"), "lan");
  });

  test("a line that is gone takes nothing to another; its lines put it back", () => {
    batch(["link set up1 down"]);
    assert.is(way(VIA1, FAR, "pshim0"), "refused");
    batch(["link set up1 up", "addr replace 2001:db8:f1::2/64 dev up1 nodad", ...(plan.providers.get("isp1") ?? [])]);
    batch(["route replace default via 2001:db8:f1::1 dev up1 proto static"]);
    assert.is(way(VIA1, FAR, "pshim0"), "up1 via 2001:db8:f1::1");
    batch(plan.providers.get("isp1") ?? []);
  });

  test("what a killed box left is removed, and only that", () => {
    batch(["rule add priority 1500 from 3fff::/20 lookup 55 protocol 4", "route add 3fff::/20 dev up2 table 55"]);
    batch(plan.down);
    assert.match(state(), /1500:\s+from 3fff::\/20 lookup 55/);
    batch(["rule del priority 1500", "route flush table 55"]);
    assert.is(state(), before);
  });

  test("down removes all of it, and again when nothing is left; up works once more", () => {
    batch(plan.up);
    assert.is.not(state(), before);
    batch(plan.down);
    assert.is(state(), before);
    batch(plan.down);
    batch(plan.up);
    batch(["link del pshim0"]);
    batch(plan.down);
    assert.is(state(), before);
  });

  test.run();
}
