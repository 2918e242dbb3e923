/** From one site.yaml to another while the box runs: what is refused, which routes and rules change, and when. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { describeChanges, needRestart, receivedPrefixes } from "../../../runtime/box/changes.ts";
import { egressChange, egressPlan } from "../../../runtime/box/egress.ts";
import { INBOUND_GRACE, Reloader } from "../../../runtime/box/reload.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";
import { showPrefix } from "../../../runtime/value/prefix.ts";
import { connected } from "../../lib/boxpair.ts";

const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");
const ISP1 = ALPHA.match(/^ *- \{ name: isp1.*\n/m)?.[0] ?? "";
const ISP3 = ISP1.replace("isp1", "isp3").replace(/a1/g, "a3").replace("up1", "up3").replace("f1", "f3");

function site(text = ALPHA): Site {
  const reading = readSite(text, "site.yaml");
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  return reading.site;
}

/** The plan for `text`, in the places that the one for {@link ALPHA} gave. */
function changeTo(text: string) {
  const from = egressPlan(site());
  return egressChange(from, egressPlan(site(text), { slots: from.slots }));
}

test("a provider is taken away: its rule and its way out go at once, what lets packets in later; the other's lines stay", () => {
  const { add, withdraw, retire } = changeTo(ALPHA.replace(ISP1, ""));
  assert.equal(add, []);
  assert.equal(withdraw, [
    "route del default via 2001:db8:f1::1 dev up1 onlink table 14001 proto 140",
    "rule del priority 1410 from 2001:db8:a1::/48 iif pshim0 lookup 14001 protocol 140",
  ]);
  assert.equal(retire, ["route del unreachable 2001:db8:a1::/48 table 14000 proto 140", "route del 2001:db8:a1::/48 dev pshim0 proto 140"]);
});

test("a provider comes in place of another: a table and a rule of its own, not those that were just left", () => {
  const { add, withdraw } = changeTo(ALPHA.replace(ISP1, ISP3));
  assert.equal(add, [
    "route replace unreachable 2001:db8:a3::/48 table 14000 proto 140",
    "route replace default via 2001:db8:f3::1 dev up3 onlink table 14003 proto 140",
    "rule add priority 1412 from 2001:db8:a3::/48 iif pshim0 lookup 14003 protocol 140",
    "route replace 2001:db8:a3::/48 dev pshim0 proto 140",
  ]);
  assert.is(withdraw.length, 2);
});

test("another gateway replaces the route in one step; order and priorities touch nothing", () => {
  const { add, withdraw, retire } = changeTo(ALPHA.replace("2001:db8:f1::1", "2001:db8:f1::9"));
  assert.equal(add, ["route replace default via 2001:db8:f1::9 dev up1 onlink table 14001 proto 140"]);
  assert.equal([...withdraw, ...retire], []);
  const lines = ALPHA.split("\n");
  const first = lines.findIndex((line) => line.includes("name: isp1"));
  const swapped = lines
    .toSpliced(first, 2, lines[first + 1], lines[first])
    .join("\n")
    .replace("priority: 10", "priority: 3");
  assert.equal(changeTo(swapped), { add: [], withdraw: [], retire: [] });
});

test("all sixteen places in use: places just left are taken again", () => {
  const providers = (from: number) =>
    Array.from({ length: 16 }, (_, i) => `  - { name: p${from + i}, prefix: "2001:db8:${from + i}::/48", interface: up1 }\n`).join("");
  const text = (from: number) => ALPHA.replace(/providers:\n( *- \{ name.*\n)+/, `providers:\n${providers(from)}`);
  const from = egressPlan(site(text(100)));
  const to = egressPlan(site(text(108)), { slots: from.slots });
  assert.is(new Set(to.slots.values()).size, 16);
  for (let i = 108; i < 116; i++) assert.is(to.slots.get(`p${i}`), from.slots.get(`p${i}`));
});

test("what only a restart can change is named, all of it", () => {
  assert.equal(needRestart(site(), site()), []);
  const other = ALPHA.replace("site: alpha", "site: gamma").replace("interface: lan", "interface: lan9");
  assert.equal(needRestart(site(), site(`${other}tun: { name: t9 }\ncontexts: { max: 1024 }\n`)), [
    "site",
    "lan.interface",
    "state",
    "control",
    "tun",
    "contexts.max",
  ]);
});

test("changes in words", () => {
  const other = ALPHA.replace(ISP1, ISP3).replace("weight: 40", "weight: 50").replace("profile: fast", "profile: rfc5534");
  const more =
    "log: { level: debug, format: json, areas: { lines: warn } }\nestablish: { packets: 9, ports: [ { ports: [80], when: now } ] }\nlinks: { halfLife: 1s }\n";
  assert.equal(describeChanges(site(), site(`${other}${more}`)), [
    "provider isp1 removed: 2001:db8:a1::/48",
    "provider isp3 added: 2001:db8:a3::/48",
    "provider isp2: weight 40 → 50",
    "links.halfLife: 15000 → 1000",
    "establish: packets 50, octets 0, millis 10000 → packets 9, octets 0, millis 10000",
    "establish.ports: 1 → 2",
    "reap.profile: fast → rfc5534, for contexts to come",
    "log.level: info → debug",
    "log.format: auto → json",
    "log.areas: none → lines warn",
  ]);
  assert.equal(describeChanges(site(), site()), []);
});

test("prefixes that went are received for a while, as far as there is room", () => {
  assert.equal(receivedPrefixes(site().providers, site(ALPHA.replace(ISP1, ISP3)).providers).map(showPrefix), [
    "2001:db8:a3::/48",
    "2001:db8:a2::/48",
    "2001:db8:a1::/48",
  ]);
});

/** A reloader over a box in memory; `ip` notes what it is told, and refuses lines with `refused` in them. */
async function reloader(refused = "nothing") {
  const { net, a } = await connected();
  const files = memoryFiles();
  files.writeText("/site.yaml", ALPHA);
  const told: string[] = [];
  const prefixes: number[] = [];
  const links = JSON.stringify(["lan", "up1", "up2", "up3"].map((ifname) => ({ ifname })));
  const command = {
    run(_program: string, args: readonly string[], input = "") {
      if (args.includes("show")) return { code: 0, stdout: links, stderr: "" };
      const lines = input.split("\n").filter((line) => line !== "");
      if (!args.includes("-force") && lines.some((line) => line.includes(refused)))
        return { code: 1, stdout: "", stderr: "RTNETLINK answers: no\n" };
      told.push(...lines);
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  const levels: string[] = [];
  const made = new Reloader(site(), egressPlan(site()), {
    file: "/site.yaml",
    box: a.box,
    core: { setPrefixes: ({ locators }) => void prefixes.push(locators.length), setPairRules: () => undefined },
    kernel: { command, files },
    store: { cgaParameters: () => new Map() },
    log: memoryLogs().area("test"),
    setLog: ({ level }) => void levels.push(level),
    learnt: () => undefined,
  });
  return { net, files, told, prefixes, levels, made };
}

test("a change takes hold in one go; the way in closes after its grace", async () => {
  const { net, files, told, prefixes, levels, made } = await reloader();
  files.writeText("/site.yaml", `${ALPHA.replace(ISP1, "")}log: { level: warn }\n`);
  const result = made.run();
  assert.ok(result.ok, JSON.stringify(result));
  assert.equal(
    told.map((line) => line.slice(0, 9)),
    ["route del", "rule del "],
  );
  assert.equal([prefixes, levels, made.site.providers.length], [[2], ["warn"], 1]);
  net.run(net.now + INBOUND_GRACE - 10);
  assert.is(told.length, 2);
  net.run(net.now + 20);
  assert.equal(
    told.slice(2).map((line) => line.slice(0, 9)),
    ["route del", "route del"],
  );
  assert.equal(prefixes, [2, 1]);
});

test("what comes back within its grace keeps its way in", async () => {
  const { net, files, told, made } = await reloader();
  files.writeText("/site.yaml", ALPHA.replace(ISP1, ""));
  made.run();
  net.run(net.now + 1_000);
  files.writeText("/site.yaml", ALPHA);
  made.run();
  net.run(net.now + 2 * INBOUND_GRACE);
  assert.equal(
    told.filter((line) => line.startsWith("route del") && !line.includes("default")),
    [],
  );
});

test("what is wrong changes nothing", async () => {
  const { files, told, prefixes, made } = await reloader("up3");
  const cases: [string, string, RegExp][] = [
    ["site: x\n", "faults", /providers/],
    [`${ALPHA}tun: { name: t9 }\n`, "restart", /^tun cannot change/],
    [`${ALPHA}hosts: [{ name: h9, ulid: "fc00:aaaa:1::99" }]\n`, "failed", /nothing is known about fc00:aaaa:1::99/],
    [ALPHA.replace("interface: up1", "interface: up9"), "failed", /there is no interface up9/],
    [ALPHA.replace(ISP1, ISP1 + ISP3), "failed", /the kernel refuses/],
  ];
  for (const [text, why, detail] of cases) {
    files.writeText("/site.yaml", text);
    const result = made.run();
    if (result.ok) return assert.unreachable(text);
    assert.is(result.why, why);
    assert.match(result.detail, detail);
    assert.equal([made.site, prefixes], [site(), []]);
  }
  // The refused lines were taken back.
  assert.ok(
    told.every((line) => / del /.test(line) || line.includes("up1") || line.includes("up2")),
    told.join("\n"),
  );
  files.remove("/site.yaml");
  const gone = made.run();
  assert.is(gone.ok ? "" : gone.detail, "there is no file /site.yaml any more");
});

test.run();
