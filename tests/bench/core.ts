/**
 * The packet core alone (runtime/fast/bench.ts) in the runtime that runs this file.
 *
 * `--json`: one object; `--huge`: memory advised to huge pages first (Linux); `--contexts 1024,65536`: only these sizes;
 * `--core FILE`: another build of the core; `--mapping`: the mapping for peers without Shim6 alone, `--no-mapping`: everything else.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import {
  BENCH_BATCH,
  BENCH_CONTEXTS,
  BENCH_HOSTS,
  type CoreBenchRow,
  measureCore,
  measureMapping,
  showCoreBench,
  showMappingBench,
} from "../../runtime/fast/bench.ts";
import { coreModule, hashKey } from "../lib/core.ts";
import { adviseHuge } from "../lib/hugepages.ts";

const option = (name: string): string | undefined => process.argv[process.argv.indexOf(name) + 1 || process.argv.length];
const huge = process.argv.includes("--huge");
const file = option("--core");
const module = file === undefined ? coreModule() : new WebAssembly.Module(Uint8Array.from(readFileSync(file)));
const versions = { node: process.versions.node, deno: process.versions.deno, bun: process.versions.bun };
const name = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : "node";
const runtime = `${name} ${versions[name]}`;

const nanoseconds = () => Number(process.hrtime.bigint());
const settings = { module, hashKey: hashKey(), nanoseconds, ...(huge ? { opened: adviseHuge } : {}) };
const rows: CoreBenchRow[] = [];
for (const contexts of option("--contexts")?.split(",").map(Number) ?? BENCH_CONTEXTS) {
  if (process.argv.includes("--mapping")) break;
  rows.push(...(await measureCore(contexts, settings)));
}
const mapping = process.argv.includes("--no-mapping") ? [] : await measureMapping(BENCH_HOSTS, settings);
if (process.argv.includes("--json")) console.log(JSON.stringify({ bench: "core", runtime, huge, batch: BENCH_BATCH, rows, mapping }));
else console.log(`${showCoreBench(rows, `${runtime}${huge ? ", huge pages" : ""}`)}${showMappingBench(mapping)}`);
