/** What is said of providers while a box runs: prefixes that are told, drained ones; what of it lasts. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryFiles } from "../../../adapters/memory/files.ts";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { egressPlan } from "../../../runtime/box/egress.ts";
import { Providers } from "../../../runtime/box/providers.ts";
import { Reloader } from "../../../runtime/box/reload.ts";
import { TOLD_FILE, Told } from "../../../runtime/box/told.ts";
import { readSite } from "../../../runtime/config/read.ts";
import type { Site } from "../../../runtime/config/site.ts";
import { everyProvider, type ToldPrefixes } from "../../../runtime/config/told.ts";
import { PortError } from "../../../runtime/port/error.ts";
import { prefix, showPrefix } from "../../../runtime/value/prefix.ts";
import { connected } from "../../lib/boxpair.ts";

const ALPHA = readFileSync(new URL("../../../examples/lab-alpha.yaml", import.meta.url), "utf8");
const AUTO = ALPHA.replace('"2001:db8:a1::/48"', "auto");
const [A1, A2, A7] = ["2001:db8:a1::/48", "2001:db8:a2::/48", "2001:db8:a7::/56"].map(prefix);
const STATE = `/state/${TOLD_FILE}`;

function site(text: string, told: ToldPrefixes = new Map()): Site {
  const reading = readSite(text, "site.yaml", told);
  if (!("site" in reading)) throw new Error(JSON.stringify(reading.faults));
  return reading.site;
}

/** Names and prefixes, those that are awaited with none, in the order of the file. */
const shown = (of: Site) => everyProvider(of).map(({ name, prefix: value }) => `${name} ${value === undefined ? "-" : showPrefix(value)}`);

test("auto is awaited until it is told, in its place; what is told is checked like what is written", () => {
  assert.equal(shown(site(AUTO)), ["isp1 -", "isp2 2001:db8:a2::/48"]);
  assert.equal(shown(site(AUTO, new Map([["isp1", A7]]))), ["isp1 2001:db8:a7::/56", "isp2 2001:db8:a2::/48"]);
  assert.equal(shown(site(AUTO, new Map([["isp2", A7]]))), ["isp1 -", "isp2 2001:db8:a2::/48"], "what is written holds");
  assert.equal(
    site(AUTO, new Map([["isp1", A7]])).providers.map(({ auto }) => auto),
    [true, false],
  );
  const refused: [string, RegExp][] = [
    ["2001:db8:a2::/48", /is the prefix of isp1 already|is the prefix of isp2 already/],
    ["2001:db8:a2:1::/64", /overlaps the prefix of isp/],
    ["fc00::/16", /overlaps ulid.generic/],
    ["2001:db8:a1::1/128", /longer than 64 bits/],
  ];
  for (const [told, why] of refused) {
    const reading = readSite(AUTO, "site.yaml", new Map([["isp1", prefix(told)]]));
    assert.match("faults" in reading ? reading.faults.map(({ message }) => message).join() : "fine", why);
  }
  for (const wrong of ["automatic", "Auto", '"2001:db8:a1::"']) {
    const reading = readSite(ALPHA.replace('"2001:db8:a1::/48"', wrong), "site.yaml");
    assert.ok("faults" in reading, wrong);
  }
});

test("a provider has the same table and rule whenever its prefix comes", () => {
  const full = egressPlan(site(ALPHA)).up;
  const late = egressPlan(site(AUTO)).up;
  assert.equal(
    late.filter((line) => !full.includes(line)),
    [],
  );
  assert.ok(!late.some((line) => line.includes("up1")));
});

/** Providers over a box in memory; `refused` = what the kernel refuses. */
async function running(text = AUTO, refused = "nothing", files = memoryFiles()) {
  const { net, a } = await connected();
  files.writeText("/site.yaml", text);
  files.makeDirectory("/state");
  const logs = memoryLogs();
  const log = logs.area("test");
  const clock = { now: () => net.now, wall: () => net.now };
  const lines: string[] = [];
  const links = JSON.stringify(["lan", "up1", "up2"].map((ifname) => ({ ifname })));
  const command = {
    run(_program: string, args: readonly string[], input = "") {
      if (args.includes("show")) return { code: 0, stdout: links, stderr: "" };
      const said = input.split("\n").filter((line) => line !== "");
      if (!args.includes("-force") && said.some((line) => line.includes(refused))) return { code: 1, stdout: "", stderr: "no\n" };
      lines.push(...said);
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  const told = new Told({ files, clock, log, directory: "/state" });
  const start = site(text, told.prefixes);
  const reloader = new Reloader(start, egressPlan(start), {
    file: "/site.yaml",
    text,
    told: () => told.prefixes,
    box: a.box,
    core: { setPrefixes: () => undefined, setPairRules: () => undefined },
    kernel: { command, files },
    store: { cgaParameters: () => new Map() },
    log,
    setLog: undefined,
    learnt: () => undefined,
  });
  const drained: string[][] = [];
  const preferred: string[][] = [];
  const changes: string[] = [];
  const providers = new Providers({
    file: "/site.yaml",
    told,
    reloader,
    drain: { set: (prefixes) => void drained.push([...prefixes]) },
    prefer: (prefixes) => void preferred.push([...prefixes]),
    clock,
    log,
    later: (at, run) => a.box.at(at, run),
    changed: () => {
      changes.push(shown(reloader.site).join());
      providers.refresh();
    },
    untold: () => 0,
  });
  return { net, files, lines, told, reloader, providers, drained, preferred, changes, a };
}

test("a prefix is told: routes, locators and memory follow; another one takes its place; none takes it away", async () => {
  const { lines, providers, reloader, files, a } = await running();
  const first = providers.setPrefix("isp1", A1);
  assert.ok(first.ok && /isp1: prefix to be told → 2001:db8:a1::\/48/.test(first.changed.join()), JSON.stringify(first));
  assert.ok(lines.some((line) => line.startsWith("rule add priority 1410 from 2001:db8:a1::/48")));
  assert.is(a.box.parts.identities.of(a.ulid)?.list.locators.length, 2);
  const second = providers.setPrefix("isp1", A7);
  assert.ok(second.ok);
  assert.equal(shown(reloader.site)[0], "isp1 2001:db8:a7::/56");
  assert.ok(lines.some((line) => line.startsWith("rule del priority 1410 from 2001:db8:a1::/48")));
  assert.match(files.readText(STATE) ?? "", /a7::\/56/);
  assert.is(files.mode(STATE), 0o600);
  const same = providers.setPrefix("isp1", A7);
  assert.equal(same.ok && same.changed, []);
  assert.ok(providers.setPrefix("isp1", undefined).ok);
  assert.equal(shown(reloader.site)[0], "isp1 -");
  assert.not.match(files.readText(STATE) ?? "", /a7/);
});

test("what does not fit is refused with the reason, and nothing changes", async () => {
  const { providers, reloader, files } = await running(AUTO, "2001:db8:a7::");
  const cases: [string, ReturnType<typeof prefix>, string, RegExp][] = [
    ["isp1", A2, "faults", /isp/],
    ["isp2", A7, "refused", /prefix: auto/],
    ["isp9", A7, "unknown", /there is no provider "isp9"; there is: isp1, isp2/],
    ["isp1", A7, "failed", /the kernel refuses/],
  ];
  for (const [name, value, why, detail] of cases) {
    const result = providers.setPrefix(name, value);
    assert.ok(!result.ok && result.why === why, `${why}: ${JSON.stringify(result)}`);
    assert.match(result.ok ? "" : result.detail, detail);
  }
  assert.equal(shown(reloader.site), ["isp1 -", "isp2 2001:db8:a2::/48"]);
  assert.is(files.readText(STATE), undefined);
});

test("a hook does not take over what somebody is editing; a reload keeps what was told", async () => {
  const { providers, reloader, files } = await running();
  files.writeText("/site.yaml", AUTO.replace("weight: 40", "weight: 7"));
  assert.ok(providers.setPrefix("isp1", A1).ok);
  assert.is(reloader.site.providers[1].weight, 40);
  assert.ok(reloader.run().ok);
  assert.is(reloader.site.providers[1].weight, 7);
  assert.equal(shown(reloader.site)[0], "isp1 2001:db8:a1::/48");
});

test("a prefix ends when it is not told again, and not before", async () => {
  const { net, providers, reloader, changes } = await running();
  providers.setPrefix("isp1", A1, 10_000);
  net.run(net.now + 8_000);
  providers.setPrefix("isp1", A1, 10_000);
  net.run(net.now + 9_000);
  assert.equal(shown(reloader.site)[0], "isp1 2001:db8:a1::/48");
  net.run(net.now + 2_000);
  assert.equal(shown(reloader.site)[0], "isp1 -");
  assert.match(changes.at(-1) ?? "", /^isp1 -/);
});

test("prefixes outlast a restart while they are valid; drained providers if that was asked for", async () => {
  const { files, providers } = await running();
  providers.setPrefix("isp1", A1, 100_000);
  providers.drain("isp1", true);
  providers.drain("isp2", false);
  const again = await running(AUTO, "nothing", files);
  assert.equal(shown(again.reloader.site)[0], "isp1 2001:db8:a1::/48");
  assert.equal(again.drained, [["2001:db8:a1::/48"]]);
  const clock = { wall: () => 10_000_000 };
  const late = new Told({ files, clock, log: memoryLogs().area("test"), directory: "/state" });
  assert.is(late.prefixes.size, 0);
  assert.ok(again.providers.restore("isp1").ok);
  assert.not.match(files.readText(STATE) ?? "", /drained": \[\s*"isp1/);
});

test("drain and restore: by name, once, known while the provider has no prefix", async () => {
  const { providers, drained, changes } = await running();
  const first = providers.drain("isp2", false);
  assert.equal(first.ok && first.changed, ["provider isp2 is drained"]);
  assert.equal(drained.at(-1), ["2001:db8:a2::/48"]);
  assert.equal([providers.isUsable("isp1"), providers.isUsable("isp2")], [true, false]);
  const again = providers.drain("isp2", false);
  assert.equal(again.ok && again.changed, []);
  assert.is(changes.length, 1);
  providers.drain("isp1", false);
  providers.setPrefix("isp1", A1);
  assert.equal(drained.at(-1), ["2001:db8:a1::/48", "2001:db8:a2::/48"]);
  const back = providers.restore("isp2");
  assert.equal(back.ok && back.changed, ["provider isp2 is used again"]);
  const unknown = providers.drain("isp9", false);
  assert.ok(!unknown.ok && unknown.why === "unknown");
  const nothing = providers.restore("isp9");
  assert.ok(!nothing.ok && nothing.why === "unknown");
});

test("dead and preferred: said, taken back, ended by time, and kept if that was asked for", async () => {
  const { net, providers, told, changes, preferred, files } = await running(ALPHA);
  const first = providers.say("broken", "isp1");
  assert.equal(first.ok && first.changed, ["provider isp1 is taken for dead"]);
  assert.equal([...told.named("broken")], ["isp1"]);
  const again = providers.say("broken", "isp1", 5_000);
  assert.equal(again.ok && again.changed, []);
  net.run(net.now + 4_900);
  assert.is(told.named("broken").size, 1);
  const before = changes.length;
  net.run(net.now + 200);
  assert.equal([told.named("broken").size, changes.length], [0, before + 1]);
  providers.say("preferred", "isp2", undefined, true);
  assert.equal(preferred.at(-1), ["2001:db8:a2::/48"]);
  providers.say("broken", "isp1", 60_000, true);
  const later = await running(ALPHA, "nothing", files);
  assert.equal([[...later.told.named("broken")], [...later.told.named("preferred")]], [["isp1"], ["isp2"]]);
  assert.equal(later.preferred.at(-1), ["2001:db8:a2::/48"]);
  const mended = later.providers.mend("isp1");
  assert.equal(mended.ok && mended.changed, ["provider isp1 is no longer taken for dead"]);
  const restored = later.providers.restore("isp2");
  assert.equal(restored.ok && restored.changed, ["provider isp2 ranks as site.yaml says"]);
  assert.equal(later.preferred.at(-1), []);
  for (const result of [later.providers.say("broken", "isp9"), later.providers.mend("isp9")])
    assert.ok(!result.ok && result.why === "unknown");
});

test("a full disk, and a file that nobody can read, stop nothing", async () => {
  const files = memoryFiles();
  files.makeDirectory("/state");
  for (const text of ["", "{", "[]", '{"prefixes": {"isp1": {"prefix": 7}}}', '{"drained": "isp1"}']) {
    files.writeText(STATE, text);
    const { told } = await running(AUTO, "nothing", files);
    assert.equal([told.prefixes.size, told.drained.size], [0, 0], text);
  }
  files.remove(STATE);
  const full = {
    ...files,
    writeText(path: string, text: string, mode?: number) {
      if (path === STATE) throw new PortError("full", "no space left");
      files.writeText(path, text, mode);
    },
  };
  const { providers, reloader } = await running(AUTO, "nothing", full);
  const result = providers.setPrefix("isp1", A1, 5_000);
  assert.match((result.ok && result.warnings.at(-1)) || "", /not on the disk/);
  assert.equal(shown(reloader.site)[0], "isp1 2001:db8:a1::/48");
});

test.run();
