/** The lab's texts: worlds as lines for iproute2, settings, what is read back. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../../runtime/config/read.ts";
import { saysReady } from "../../../runtime/lab/boxes.ts";
import { busiest, readCounters } from "../../../runtime/lab/carrier.ts";
import { round } from "../../../runtime/lab/events.ts";
import { summarize } from "../../../runtime/lab/lab.ts";
import type { PassReport } from "../../../runtime/lab/model.ts";
import { optionWords, scheduleOf } from "../../../runtime/lab/options.ts";
import { raisePlan, razeLines } from "../../../runtime/lab/raise.ts";
import { locatorsOf, siteYaml } from "../../../runtime/lab/site.ts";
import { spread } from "../../../runtime/lab/spread.ts";
import { ALPHA, BETA, directSites, LAN_MTU, PAYLOAD_HEADER, twoSites, WIRE_MTU } from "../../../runtime/lab/world.ts";
import { address } from "../../../runtime/value/address.ts";

const H1 = { site: ALPHA, ulid: address("fc00:aaaa:1:0:1c2d:3e4f:5061:7283") };
const H2 = { site: BETA, ulid: address("fc00:bbbb:1:0:0:0:0:10") };

test("a LAN packet and the payload header fill a wire packet", () => {
  assert.is(LAN_MTU + PAYLOAD_HEADER, WIRE_MTU);
});

test("every cable's ends are nodes, every node has a cable, interface names are unique and short", () => {
  for (const world of [twoSites(), directSites().world]) {
    const nodes = world.nodes.map((node) => node.name);
    const ends = world.cables.flatMap((cable) => cable.ends);
    assert.equal([...new Set(ends.map((end) => end.node))].sort(), [...nodes].sort());
    assert.is(new Set(ends.map((end) => `${end.node} ${end.as}`)).size, ends.length);
    assert.ok(ends.every((end) => end.as.length <= 15));
  }
});

test("settings come before interfaces, so that these are born with them", () => {
  const plan = raisePlan(twoSites(), (node) => `x-${node}`);
  assert.match(plan.ip, /^netns add x-h1\n/);
  assert.match(plan.settings.get("isp1") ?? "", /echo 1 > \/proc\/sys\/net\/ipv6\/conf\/all\/forwarding/);
  assert.match(plan.settings.get("h1") ?? "", /echo 0 > \/proc\/sys\/net\/ipv6\/conf\/all\/forwarding/);
  assert.match(plan.cables, /link add name up1 mtu 1500 netns x-boxA type veth peer name customer mtu 1500 netns x-isp1\n/);
  const isp1 = plan.inside.get("isp1") ?? "";
  assert.match(isp1, /rule add pref 100 from 2001:db8:a1::\/48 iif customer lookup main\nrule add pref 101 iif customer blackhole\n/);
  assert.match(isp1, /route add 2001:db8:a1::\/48 via 2001:db8:f1::2 dev customer\n/);
  assert.is(razeLines(["a", "b"]), "netns delete a\nnetns delete b\n");
});

test("large frames are cut on wires and pass on LANs", () => {
  const inside = raisePlan(twoSites(), (node) => node).inside.get("boxA") ?? "";
  assert.match(inside, /link set dev up1 gso_max_size 1500 gso_max_segs 1\n/);
  assert.not.match(inside, /link set dev lan gso/);
});

test("a host's locators are its ULID under each provider's prefix, best first", () => {
  assert.equal(locatorsOf(H1), ["2001:db8:a1:0:1c2d:3e4f:5061:7283", "2001:db8:a2:0:1c2d:3e4f:5061:7283"]);
  assert.equal(locatorsOf(H2), ["2001:db8:b3::10"]);
});

test("both sites' settings are right as they are, before and after the ULIDs are known", () => {
  for (const [own, other] of [
    [H1, H2],
    [H2, H1],
  ]) {
    for (const text of [siteYaml(own.site, "/run/lab", [], []), siteYaml(own.site, "/run/lab", [own], [other])]) {
      const reading = readSite(text, "site.yaml");
      const faults = "faults" in reading ? reading.faults : [];
      assert.equal(faults, [], text);
    }
  }
});

test("a round ends as it began", () => {
  const last = new Map(round().map((event) => [event.node, event.leaves]));
  assert.equal(
    [...last],
    [
      ["isp1", "up"],
      ["isp2", "up"],
    ],
  );
});

test("which interface carries is told by its counters, and by none when hardly anything went", () => {
  const text = (sent1: number, sent2: number) =>
    `Inter-|   Receive  |  Transmit\n face |bytes packets\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n   up1: 1000000 8 0 0 0 0 0 0 ${sent1} 9 0 0 0 0 0 0\n   up2:1 1 0 0 0 0 0 0 ${sent2} 2 0 0 0 0 0 0\n`;
  const before = readCounters(text(100, 100));
  assert.equal(before.get("up1"), { received: 1_000_000, sent: 100, packetsSent: 9 });
  assert.is(busiest(before, readCounters(text(9100, 100_000)), ["up1", "up2"], "sent"), "up2");
  assert.is(busiest(before, readCounters(text(200, 300)), ["up1", "up2"], "sent"), undefined);
  assert.is(busiest(before, before, ["up1", "up2"], "received"), undefined);
});

test("a box is ready when it says so, in text or JSON", () => {
  for (const line of ["ready", "ready alpha on node 26", '{"ready":true}', '{"level":"info","message":"ready"}'])
    assert.ok(saysReady(line), line);
  for (const line of ["", "already there", "not ready", "{", '{"message":"readying"}', "null", "7"]) assert.not(saysReady(line), line);
});

test("options survive the way into a user namespace", () => {
  assert.equal(
    optionWords({ once: true, json: true, runtimeA: "bun", seconds: 3, capture: "/tmp/c d", passes: 2, delay: 5, verbose: true }),
    ["--once", "--json", "--verbose", "--runtime-a", "bun", "--seconds", "3", "--capture", "/tmp/c d", "--passes", "2", "--delay", "5"],
  );
  assert.equal(optionWords({ once: false, json: false }), []);
});

test("the first event comes after eight seconds, or when asked", () => {
  assert.equal(scheduleOf({ once: true, json: false }), { lead: 8000, dwell: 6000 });
  assert.equal(scheduleOf({ once: true, json: false, seconds: 1 }), { lead: 1000, dwell: 2000 });
});

test("smallest, middle and largest", () => {
  assert.is(spread([]), undefined);
  assert.equal(spread([3]), { min: 3, median: 3, max: 3 });
  assert.equal(spread([9, 1, 4, 2]), { min: 1, median: 3, max: 9 });
});

test("several passes are summed up by event", () => {
  const pass = (stallMs: number, ok: boolean): PassReport => ({
    ok,
    runtimeA: "node",
    runtimeB: "node",
    hosts: { h1: "fc00:aaaa:1::10", h2: "fc00:bbbb:1::10" },
    leaseMs: 5,
    resolveMs: 4,
    handshakeMs: stallMs / 10,
    events: [{ name: "isp1-dies", stallMs, from: "isp1", to: "isp2", returnFrom: "isp1", returnTo: "isp2", recovered: true }],
    octets: 1,
    contentOk: true,
    contextsLeft: 0,
  });
  const summary = summarize([pass(200, true), pass(500, true), pass(300, false)]);
  assert.is(summary.ok, false);
  assert.equal(summary.stallMs, { "isp1-dies": { min: 200, median: 300, max: 500 } });
  assert.equal(summary.handshakeMs, { min: 20, median: 30, max: 50 });
});

test.run();
