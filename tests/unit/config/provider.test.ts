/** What providers cost and carry, and when contexts go back: values of site.yaml, and what is said of wrong ones. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../../runtime/config/read.ts";

const yaml = (provider: string, more = ""): string => `site: alpha
ulid: { prefix: "fc00:aaaa:1::/48" }
lan: { interface: lan, subnets: ["fc00:aaaa:1::/64"] }
providers:
  - { name: isp1, prefix: "2001:db8:a1::/48", interface: up1${provider} }
  - { name: isp2, prefix: "2001:db8:a2::/48", interface: up2 }
${more}`;

function read(provider: string, more = "") {
  const reading = readSite(yaml(provider, more), "site.yaml");
  assert.ok("site" in reading, JSON.stringify(reading));
  return reading.site;
}

function faults(provider: string, more = ""): string[] {
  const reading = readSite(yaml(provider, more), "site.yaml");
  return "faults" in reading ? reading.faults.map(({ line, path, message, hint }) => `${line} ${path} ${message}; ${hint}`) : [];
}

test("rates in bits per second, as operators write them", () => {
  for (const [text, rate] of [
    ["512k", 512_000],
    ["100M", 100_000_000],
    ["2.5G", 2_500_000_000],
    ["10Mbit", 10_000_000],
    ["1Gbit/s", 1_000_000_000],
  ] as const)
    assert.is(read(`, capacity: ${text}`).providers[0].capacity, rate, text);
  assert.is(read("").providers[0].capacity, undefined);
});

test("when contexts go back, of the site and of a rule", () => {
  for (const [text, failback] of [
    ["never", { kind: "never" }],
    ["idle", { kind: "idle" }],
    ["at-once", { kind: "after", hold: 0 }],
    ["5m", { kind: "after", hold: 300_000 }],
  ] as const) {
    assert.equal(read("", `failback: ${text}`).failback, failback);
    assert.equal(read("", `policy: [{ prefer: [isp2], failback: ${text} }]`).policy[0].failback, failback);
  }
  assert.equal(read("").failback, { kind: "after", hold: 60_000 });
  assert.is(read("", "policy: [{ prefer: [isp2] }]").policy[0].failback, undefined);
});

test("all that is wrong at once, with what to write instead", () => {
  const said = faults(", cost: -1, metered: maybe, capacity: fast", "failback: soon\npolicy: [{ pin: isp1, failback: 0s }]");
  for (const [line, what] of [
    [5, /cost/],
    [5, /metered/],
    [5, /capacity is no rate: .*fast.*; write bits per second like "512k"/],
    [7, /failback says nothing about going back: .*soon.*; write never, idle, at-once/],
    [8, /policy\[0\]\.failback|policy\.0\.failback/],
  ] as const)
    assert.ok(
      said.some((text) => text.startsWith(`${line} `) && what.test(text)),
      `${what}\n${said.join("\n")}`,
    );
});

test.run();
