/**
 * What one answer of the API costs a box with many contexts, milliseconds of processor time, and what is left of the packet rate while one
 * answer after the other is read: a thread runs packets of ten thousand contexts through a lane, in turns with and without somebody who reads.
 *
 *   npm run bench -- api [--hosts N] [--json]
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { runtimeName } from "../../adapters/platform.ts";
import { createApi } from "../../runtime/api/app.ts";
import { createFacade } from "../../runtime/box/facade.ts";
import { Feed } from "../../runtime/box/feed.ts";
import { readSite } from "../../runtime/config/read.ts";
import type { LaneWork } from "../lib/bench/lane-worker.ts";
import { establishAll, makeWorld } from "../lib/bench/pairs.ts";
import { packetOf } from "../lib/packet.ts";

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
  exceptions: { all: { peers: [], ports: [] }, set: () => false },
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
  `/contexts?limit=100&skip=${contexts >> 1}`,
  `/contexts?state=Operational&limit=100&skip=${contexts >> 1}`,
  "/contexts",
  "/metrics",
  "/providers",
  "/paths",
  "/counters",
  // Looks at the contexts the first time; asked again at once it answers what it knows.
  "/flows",
  "/history",
];
const rows = [];
for (const path of paths) rows.push(await costOf(path));

const TURNS = 16;
const TURN_MS = 250;
const FLOWS = 10_000;
const count = new Int32Array(new SharedArrayBuffer(8));
const flows = a.ulids.flatMap((from) => b.ulids.map((to) => packetOf(from, to, 17, new Uint8Array(64)))).slice(0, FLOWS);
const work: LaneWork = { shared: a.box.parts.core.shared, lane: 0, packets: flows, count };
const worker = new Worker(new URL("../lib/bench/lane-worker.ts", import.meta.url), { workerData: work });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
while (Atomics.load(count, 0) === 0) await wait(10);

/** Packets of the data thread for each second that it had a processor, while `busy` runs, or nothing does. */
async function rateDuring(busy: (() => Promise<unknown>) | undefined): Promise<number> {
  const begun = performance.now();
  const before = [0, 1].map((place) => Atomics.load(count, place));
  while (performance.now() - begun < TURN_MS) await (busy?.() ?? wait(TURN_MS));
  const [packets, micros] = before.map((value, place) => (Atomics.load(count, place) - value) | 0);
  return (packets * 1_000_000) / Math.max(1, micros);
}
const reads = ["/metrics", "/contexts?provider=isp1&limit=100", `/contexts?ulid=${b.ulids[0]}&limit=100`, "/providers", "/contexts"];
let asked = 0;
const readOne = async (): Promise<void> => {
  await (await api.request(reads[asked++ % reads.length])).text();
  // As a socket would: other work gets its turn between two requests.
  await wait(0);
};
const pairs: [quiet: number, read: number][] = [];
for (let i = 0; i < TURNS; i++) pairs.push([await rateDuring(undefined), await rateDuring(readOne)]);
const median = (values: number[]): number => values.sort((x, y) => x - y)[values.length >> 1];
const quiet = median(pairs.map(([rate]) => rate));
const ratio = median(pairs.map(([without, during]) => during / without));
await worker.terminate();
if (args.includes("--json"))
  console.log(JSON.stringify({ bench: "api", runtime: runtimeName(), contexts, rows, quietMpps: quiet / 1e6, ratio, asked }));
else {
  console.log(`${runtimeName()}: ${contexts} contexts`);
  for (const { path, first, median, worst } of rows)
    console.log(`${path.padEnd(60)} first ${first.toFixed(1)}, median ${median.toFixed(1)}, worst ${worst.toFixed(1)} ms`);
}
if (!args.includes("--json"))
  console.log(
    `packets: ${(quiet / 1e6).toFixed(2)} million a processor second without readers; with one that never rests (${asked} answers) ${ratio.toFixed(3)} of it`,
  );
process.exit(0);
