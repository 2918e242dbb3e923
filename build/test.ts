/**
 * `npm test`: every tests/**\/*.test.ts, each in a process of its own, under one runtime (Node unless `--runtime`) or all
 * three (`--all-runtimes`). Words without dashes choose files whose path contains one of them. Ends with the line
 * `N passed, N failed`, counted over the tests in the files; a file that dies counts as one failure.
 *
 * `--require-peers` (also set by PSHIM6_REQUIRE_PEERS=1): a test that would be skipped for a missing program fails.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { RUNTIMES, type Runtime, root, runtimeCommand } from "./tools.ts";

const FILE_LIMIT_MS = 300_000;
const NODE_ONLY = ["tests/unit/build", "tests/interop"];
/** They wait for others' timers most of the time, and leave the processors to a second file meanwhile. */
const PATIENT = ["tests/interop/dhcp-clients", "tests/interop/npt", "tests/interop/corners", "tests/interop/renumber"];
/** Nothing but arithmetic: as many at a time as there are processors. The rest has the machine to itself, one file at a time, but for the patient ones. */
const PURE = ["tests/unit", "tests/property", "tests/sim"];

interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly output: string;
}

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
};
const chosen = option("--runtime");
const runtimes: readonly Runtime[] = args.includes("--all-runtimes")
  ? RUNTIMES
  : RUNTIMES.filter((runtime) => runtime === (chosen ?? "node"));
if (runtimes.length === 0) {
  console.error(`no runtime ${chosen}; one of ${RUNTIMES.join(", ")}`);
  process.exit(2);
}
const words = args.filter((word, i) => !word.startsWith("--") && args[i - 1] !== "--runtime");
const env = { ...process.env, ...(args.includes("--require-peers") ? { PSHIM6_REQUIRE_PEERS: "1" } : {}) };

function testFiles(): string[] {
  return readdirSync(join(root, "tests"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

function runFile(runtime: Runtime, file: string): Promise<FileResult> {
  const [program, ...rest] = runtimeCommand(runtime, file);
  return new Promise((resolve) => {
    const child = spawn(program, rest, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const limit = setTimeout(() => {
      output += `\nstill running after ${FILE_LIMIT_MS / 1000} s: killed\n`;
      child.kill("SIGKILL");
    }, FILE_LIMIT_MS);
    child.on("close", (code) => {
      clearTimeout(limit);
      resolve(count(output, code ?? 1));
    });
  });
}

function count(output: string, code: number): FileResult {
  const sum = (label: string): number =>
    [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, "gm"))].reduce((n, m) => n + Number(m[1]), 0);
  const total = sum("Total");
  const passed = sum("Passed");
  const skipped = sum("Skipped");
  const failed = total - passed - skipped;
  const died = code !== 0 && failed <= 0;
  const empty = code === 0 && total === 0 && !/^skipped: /m.test(output);
  return { passed, failed: Math.max(0, failed) + (died || empty ? 1 : 0), skipped, output: empty ? `${output}\nno test ran\n` : output };
}

interface Job {
  readonly runtime: Runtime;
  readonly file: string;
}

async function runJob({ runtime, file }: Job): Promise<void> {
  const begun = performance.now();
  const result = await runFile(runtime, file);
  passed += result.passed;
  failed += result.failed;
  skipped += result.skipped;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const mark = result.failed > 0 ? "FAIL" : "ok  ";
  console.log(
    `${mark} ${runtime.padEnd(4)} ${file}  ${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ""}  ${seconds} s`,
  );
  if (result.failed > 0) console.log(result.output.replace(/^/gm, "  | "));
  else for (const line of result.output.match(/^skipped: .*$/gm) ?? []) console.log(`     ${line}`);
}

async function runAll(jobs: readonly Job[], atOnce: number): Promise<void> {
  const waiting = jobs[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const job of waiting) await runJob(job);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const files = testFiles();
let passed = 0;
let failed = 0;
let skipped = 0;
const started = performance.now();
const isIn = (folders: readonly string[], file: string): boolean => folders.some((folder) => file.startsWith(`${folder}/`));
const jobs = runtimes.flatMap((runtime) =>
  files.filter((file) => runtime === "node" || !isIn(NODE_ONLY, file)).map((file): Job => ({ runtime, file })),
);
await runAll(
  jobs.filter(({ file }) => isIn(PURE, file)),
  availableParallelism(),
);
const heavy = jobs.filter(({ file }) => !isIn(PURE, file));
const isPatient = ({ file }: Job): boolean => PATIENT.some((name) => file.startsWith(`${name}.`));
await Promise.all([
  runAll(heavy.filter(isPatient), 1),
  runAll(
    heavy.filter((job) => !isPatient(job)),
    1,
  ),
]);
console.log(`${files.length} files, ${runtimes.join(", ")}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
