/** `npm run bench -- NAME…`: the benchmarks, as tables or, with `--json`, as one JSON array. Without a name: `core` and `goodput`. */
import { spawnSync } from "node:child_process";
import { RUNTIMES, type Runtime, root, runtimeCommand } from "./tools.ts";

const FILES: Record<string, string> = {
  api: "tests/bench/api.ts",
  core: "tests/bench/core.ts",
  dhcp: "tests/bench/dhcp.ts",
  dns: "tests/bench/dns.ts",
  drain: "tests/bench/drain.ts",
  establish: "tests/bench/establish.ts",
  flood: "tests/bench/flood.ts",
  goodput: "tests/bench/goodput.ts",
  handshake: "tests/bench/handshake.ts",
  kill: "tests/bench/kill.ts",
  linkloss: "tests/bench/linkloss.ts",
  mapping: "tests/bench/mapping.ts",
  rehome: "tests/bench/rehome.ts",
  soak: "tests/bench/soak.ts",
  store: "tests/bench/store.ts",
};
const USUAL = ["core", "goodput"];
/** They measure the runtime that runs them; the others start boxes on the wanted one themselves. */
const IN_RUNTIME = ["api", "core", "store"];

const args = process.argv.slice(2);
const names = args.filter((word) => word in FILES);
const json = args.includes("--json");
const chosen = args.includes("--runtime") ? args[args.indexOf("--runtime") + 1] : undefined;
const rest = args.filter((word, i) => !(word in FILES) && word !== "--runtime" && args[i - 1] !== "--runtime");
const results: unknown[] = [];
let worst = 0;

function run(runtime: Runtime, file: string, more: readonly string[]): void {
  const [program, ...words] = runtimeCommand(runtime, file);
  const done = spawnSync(program, [...words, ...more], {
    cwd: root,
    stdio: ["ignore", json ? "pipe" : "inherit", "inherit"],
    encoding: "utf8",
  });
  if (json && done.stdout) results.push(JSON.parse(done.stdout));
  worst = Math.max(worst, done.status ?? 1);
}

for (const name of names.length > 0 ? names : USUAL) {
  if (!IN_RUNTIME.includes(name)) run("node", FILES[name], [...rest, ...(chosen ? ["--runtime", chosen] : [])]);
  else for (const runtime of RUNTIMES) if (chosen === undefined || chosen === runtime) run(runtime, FILES[name], rest);
}
if (json) console.log(JSON.stringify(results));
process.exit(worst);
