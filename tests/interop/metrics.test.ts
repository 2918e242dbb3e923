/** The metrics and the alert rules before Prometheus' own eyes, and the dashboard against the metrics. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { metricsOf } from "../../runtime/api/metrics.ts";
import { fakeFacade } from "../lib/facade.ts";
import { havePeers } from "../lib/peers.ts";

const example = (name: string): string => fileURLToPath(new URL(`../../examples/monitoring/${name}`, import.meta.url));

/** Metrics of a box that has something of everything. */
function everything(): string {
  const box = fakeFacade(3);
  const [path] = box.paths();
  box.paths = () => [path, { ...path, state: "alive", rttMs: 12.5 }];
  box.counters = () =>
    ["drop-token-api", "in-I1", "out-payload-shim6", "punt-hold", "pass-segments-routing", "held-octets"].map((name) => [name, 1]);
  return metricsOf(box);
}

if (havePeers("promtool")) {
  test("promtool finds nothing in the metrics", () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: everything(), encoding: "utf8" });
    assert.equal([status, stdout, stderr], [0, "", ""]);
  });

  test("promtool finds nothing in the alert rules", () => {
    const { status, stderr } = spawnSync("promtool", ["check", "rules", example("alerts.yaml")], { encoding: "utf8" });
    assert.equal([status, stderr], [0, ""]);
  });
}

test("the dashboard and the rules ask for metrics that there are", () => {
  const known = new Set([...everything().matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  for (const name of ["grafana-dashboard.json", "alerts.yaml"]) {
    const asked = readFileSync(example(name), "utf8").match(/\bpshim6_[a-z_]+/g) ?? [];
    assert.ok(asked.length > 5, name);
    for (const metric of asked) assert.ok(known.has(metric), `${name} asks for ${metric}`);
  }
  JSON.parse(readFileSync(example("grafana-dashboard.json"), "utf8"));
});

test.run();
