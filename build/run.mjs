/**
 * The first program of every npm script. It runs on the machine's own Node (20 or newer) and needs nothing installed: it
 * installs the dependencies when package-lock.json has changed since the last time, then hands over to the verb's script
 * under the current Node that came with them. Progress goes to standard error, so that `--json` output stays clean.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".pshim6-installed");
const lock = join(root, ".build-lock");
const node = join(root, "node_modules", "node", "bin", "node");
const [verb, ...args] = process.argv.slice(2);

/** Verb → script, and whether it wants dist/ built first. */
const VERBS = {
  build: { script: "build/build.ts" },
  bench: { script: "build/bench.ts", built: true },
  check: { script: "build/check.ts" },
  executable: { script: "build/executable.ts", built: true },
  format: { script: "build/format.ts" },
  fuzz: { script: "tests/fuzz/main.ts", built: true },
  lab: { script: "dist/pshim6.mjs", before: ["lab"], built: true },
  pshim6: { script: "dist/pshim6.mjs", built: true },
  test: { script: "build/test.ts", built: true },
};

function fail(text) {
  console.error(`pshim6: ${text}`);
  process.exit(1);
}

/** Two starts in one clone must not install or build at the same time. The lock of a dead process does not count. */
function withLock(work) {
  const deadline = Date.now() + 600_000;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const owner = Number(readOrEmpty(join(lock, "pid")));
      if (owner > 0 && !existsSync(`/proc/${owner}`)) rmSync(lock, { recursive: true, force: true });
      else if (Date.now() > deadline) fail(`another build holds ${lock}; remove it if none runs`);
      else spawnSync("sleep", ["0.2"]);
    }
  }
  writeFileSync(join(lock, "pid"), String(process.pid));
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function readOrEmpty(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function install() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (readOrEmpty(stamp) === wanted) return;
  console.error("pshim6: installing dependencies (once, about half a minute) …");
  // Not `npm ci`: it insists on the packages of every platform, which a registry mirror for one platform does not have.
  const done = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (done.error) fail("npm is missing: install Node.js with npm");
  if (done.status !== 0) fail("npm install failed, see above; is the npm registry reachable?");
  if (!existsSync(node)) fail("the package `node` brought no binary for this machine (its install script was not allowed to run?)");
  writeFileSync(stamp, wanted);
}

function build() {
  const done = spawnSync(node, ["build/build.ts", "--quiet"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (done.status !== 0) fail("the build failed, see above");
}

const job = VERBS[verb];
if (!job) fail(`unknown verb ${verb ?? ""}; one of ${Object.keys(VERBS).join(", ")}`);
withLock(() => {
  install();
  if (job.built) build();
});

const child = spawn(node, [join(root, job.script), ...(job.before ?? []), ...args], {
  cwd: verb === "pshim6" ? process.cwd() : root,
  stdio: "inherit",
});
// The child shares the terminal's process group and gets its signals itself; npm forwards only to this process.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`cannot run ${node}: ${error.message}`));
child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
