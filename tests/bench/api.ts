/**
 * What one answer of the API costs a box with many contexts, milliseconds of processor time: the box does nothing else meanwhile.
 *
 *   npm run bench -- api [--hosts N] [--json]
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { runtimeName } from "../../adapters/platform.ts";
import { createApi } from "../../runtime/api/app.ts";
import { createFacade } from "../../runtime/box/facade.ts";
import { Feed } from "../../runtime/box/feed.ts";
import { readSite } from "../../runtime/config/read.ts";
import { establishAll, makeWorld } from "../lib/bench/pairs.ts";

const ASKED = 9;
const args = process.argv.slice(2);
const hosts = args.includes("--hosts") ? Number(args[args.indexOf("--hosts") + 1]) : 317;

const { a, b } = await makeWorld(hosts);
const { contexts } = establishAll(a, b);
const read = readSite(readFileSync(new URL("../../examples/lab-alpha.yaml", import.meta.url), "utf8"), "lab-alpha.yaml");
if (!("site" in read)) throw new Error("examples/lab-alpha.yaml has mistakes");
// Its providers have the prefixes of the site that the contexts are of.
const site = { ...read.site, contexts: { ...read.site.contexts, max: 2 * contexts } };
const events = new Feed({ run: "1", now: () => performance.now(), wall: () => Date.now(), later: () => undefined });
const unasked = () => ({ ok: false, why: "failed", detail: "nobody asks" }) as const;
const facade = createFacade({
  box: a.box,
  reload: unasked,
  providers: { setPrefix: unasked, drain: unasked, restore: unasked, say: unasked, mend: unasked },
  told: { of: () => undefined, drained: new Set(), saidOf: () => undefined },
  explainer: { explain: () => Promise.reject(new Error("nobody asks")) },
  file: "",
  where: () => null,
  site,
  events,
  drills: { start: unasked, end: () => undefined, get: () => undefined, rows: () => [] },
  version: "",
  runtime: runtimeName(),
  startedAt: 0,
  filterCounts: () => [],
  planeTotals: () => new Map(),
  linesDown: () => new Set(),
});
const api = createApi(facade);

async function costOf(path: string): Promise<{ path: string; first: number; median: number; worst: number }> {
  const took: number[] = [];
  for (let i = 0; i < ASKED; i++) {
    const before = process.cpuUsage();
    const response = await api.request(path);
    await response.text();
    const { user, system } = process.cpuUsage(before);
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    took.push((user + system) / 1_000);
  }
  const [first] = took;
  took.sort((x, y) => x - y);
  return { path, first, median: took[ASKED >> 1], worst: took[ASKED - 1] };
}

const queries = ["", `ulid=${b.ulids[0]}&`, "state=Operational&", "state=Exploring&", "provider=isp1&", "provider=isp2&"];
const paths = [
  ...queries.map((query) => `/contexts?${query}limit=100`),
  `/contexts?limit=100&cursor=${contexts >> 1}`,
  "/contexts",
  "/metrics",
];
const rows = [];
for (const path of paths) rows.push(await costOf(path));
if (args.includes("--json")) console.log(JSON.stringify({ bench: "api", runtime: runtimeName(), contexts, rows }));
else {
  console.log(`${runtimeName()}: ${contexts} contexts`);
  for (const { path, first, median, worst } of rows)
    console.log(`${path.padEnd(60)} first ${first.toFixed(1)}, median ${median.toFixed(1)}, worst ${worst.toFixed(1)} ms`);
}
process.exit(0);
