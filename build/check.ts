/**
 * `npm run check`: types, lint and format, and the rules of the house that no tool knows: which folder may import which
 * (imports point one way only), the same files in the three adapters, no runtime's globals in `runtime/`, a docstring at
 * the top of every source file's public face. Every fault is shown; exit 1 if there is one.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { checkConformance } from "./conform.ts";
import { checkPeers } from "./peers.ts";
import { root } from "./tools.ts";

/** Folder → folders it may import from, itself always included; the longest name that fits a file counts. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "core-as/layout": [],
  "core-as/wire": ["core-as/layout"],
  "core-as/table": ["core-as/layout", "core-as/wire"],
  "core-as/timer": ["core-as/layout", "core-as/table"],
  "core-as/step": ["core-as/layout", "core-as/wire", "core-as/table"],
  "core-as/path": ["core-as/layout", "core-as/wire", "core-as/table", "core-as/step"],
  "core-as": ["core-as/layout", "core-as/wire", "core-as/table", "core-as/timer", "core-as/step", "core-as/path"],
  "runtime/value": [],
  "runtime/port": ["runtime/value"],
  "runtime/wire": ["runtime/value", "core-as/layout"],
  "runtime/fast": ["runtime/value", "runtime/port", "core-as/layout"],
  "runtime/locator": ["runtime/value", "runtime/wire"],
  "runtime/cga": ["runtime/value", "runtime/port", "runtime/wire"],
  "runtime/shim6": ["runtime/value", "runtime/wire"],
  "runtime/router": ["runtime/value", "runtime/wire"],
  "runtime/reap": ["runtime/value", "runtime/wire", "runtime/locator"],
  "runtime/dns": ["runtime/value", "runtime/wire"],
  "runtime/dhcp6": ["runtime/value", "runtime/wire"],
  "runtime/zone": ["runtime/value", "runtime/port", "runtime/wire", "runtime/locator"],
  "runtime/policy": ["runtime/value"],
  "runtime/firewall": ["runtime/value", "runtime/policy"],
  "runtime/config": ["runtime/value", "runtime/wire", "runtime/locator", "runtime/policy", "runtime/firewall"],
  "runtime/api": ["runtime/value"],
  "runtime/box": [
    "runtime/value",
    "runtime/port",
    "runtime/wire",
    "runtime/fast",
    "runtime/locator",
    "runtime/cga",
    "runtime/shim6",
    "runtime/reap",
    "runtime/router",
    "runtime/dns",
    "runtime/dhcp6",
    "runtime/zone",
    "runtime/policy",
    "runtime/firewall",
    "runtime/config",
    "runtime/api",
    "core-as/layout",
  ],
  "runtime/sim": [
    "runtime/value",
    "runtime/port",
    "runtime/wire",
    "runtime/fast",
    "runtime/locator",
    "runtime/cga",
    "runtime/shim6",
    "runtime/reap",
    "runtime/policy",
    "runtime/config",
    "runtime/box",
  ],
  "runtime/dashboard": ["runtime/value", "runtime/api", "runtime/lab"],
  "runtime/lab": ["runtime/value", "runtime/port", "runtime/wire", "runtime/config", "runtime/api"],
  "runtime/cli": [
    "runtime/value",
    "runtime/port",
    "runtime/wire",
    "runtime/cga",
    "runtime/shim6",
    "runtime/locator",
    "runtime/dhcp6",
    "runtime/zone",
    "runtime/policy",
    "runtime/config",
    "runtime/api",
    "runtime/sim",
  ],
  "runtime/embed": ["runtime/value", "runtime/wire", "runtime/fast", "runtime/config", "runtime/box", "runtime/cli", "core-as/layout"],
  "adapters/linux": [],
  "adapters/memory": ["runtime/value", "runtime/port", "runtime/fast", "runtime/sim"],
  "adapters/common": ["runtime/value", "runtime/port", "adapters/linux"],
  "adapters/udp": ["runtime/value", "runtime/port", "adapters/linux", "adapters/common"],
  "adapters/search": ["runtime/value", "runtime/port", "runtime/cga", "adapters/common"],
  "adapters/data": ["runtime/value", "runtime/port", "runtime/fast", "adapters/linux", "adapters/common"],
  "adapters/node": ["runtime/value", "runtime/port", "adapters/linux", "adapters/common", "adapters/data"],
  "adapters/deno": ["runtime/value", "runtime/port", "adapters/linux", "adapters/common", "adapters/data"],
  "adapters/bun": ["runtime/value", "runtime/port", "adapters/linux", "adapters/common", "adapters/data"],
  "adapters/embed": ["runtime/embed", "dist"],
  "adapters/lab": ["runtime/value", "runtime/port", "runtime/lab", "adapters/common"],
  adapters: ["runtime", "adapters", "core-as/layout", "dist"],
  build: ["runtime/config", "runtime/embed", "runtime/api"],
};
const LANGUAGE_GLOBALS = /\b(Deno|Bun|process)\.[a-zA-Z]/;
const FOLDERS = ["core-as", "runtime", "adapters", "build"];
const SAME_FILES = ["adapters/node", "adapters/deno", "adapters/bun"];

const faults: string[] = [];

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function roomOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== "."; folder = dirname(folder)) if (folder in MAY_IMPORT) return folder;
  return undefined;
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:^|\s)(?:import|export)\s[^"';]*?from\s*"([^"]+)"|import\s*\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm)].map(
    (match) => match[1] ?? match[2] ?? match[3],
  );
}

function checkFile(file: string): void {
  const text = readFileSync(join(root, file), "utf8");
  const room = roomOf(file);
  if (room === undefined) {
    faults.push(`${file}: lies in no room that build/check.ts knows`);
    return;
  }
  for (const target of importsOf(text)) {
    if (target.startsWith("node:") || !target.startsWith(".")) {
      if (target.startsWith("node:") && (room.startsWith("runtime") || room.startsWith("core-as")))
        faults.push(`${file}: imports ${target}; the operating system is reached through adapters/ only`);
      continue;
    }
    const other =
      roomOf(posix.normalize(posix.join(posix.dirname(file), target))) ?? posix.normalize(posix.join(posix.dirname(file), target));
    const allowed = other === room || MAY_IMPORT[room].some((folder) => other === folder || other.startsWith(`${folder}/`));
    if (!allowed) faults.push(`${file}: ${room} may not import ${other} (${target})`);
  }
  if (room === "runtime/dashboard" && /^(?:import|export) (?!type )[^;]*?from "\.\.\/(?:api|lab)\//m.test(text))
    faults.push(`${file}: what browsers run takes types of runtime/api and runtime/lab, no code`);
  if (room.startsWith("runtime")) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replace(/`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g, '""');
    const hit = code.match(LANGUAGE_GLOBALS);
    if (hit) faults.push(`${file}: uses ${hit[0]}…; runtimes' globals belong into adapters/`);
  }
}

/** An exported function, class or interface without a docstring above it. */
function checkDocstrings(file: string): void {
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  lines.forEach((line, i) => {
    const match = line.match(/^export (?:async )?(?:function|class|interface) (\w+)/);
    if (!match) return;
    let above = i - 1;
    while (above >= 0 && /^(@inline|\/\/ )/.test(lines[above])) above--;
    if (above < 0 || !/\*\/\s*$/.test(lines[above])) faults.push(`${file}:${i + 1}: ${match[1]} has no docstring`);
  });
}

for (const folder of FOLDERS) {
  for (const file of sources(folder)) {
    if (file.endsWith(".d.ts")) continue;
    checkFile(file);
    if (folder !== "build") checkDocstrings(file);
  }
}

const names = (folder: string): string[] =>
  sources(folder)
    .map((file) => relative(folder, file))
    .filter((file) => !file.endsWith(".d.ts"))
    .sort();
for (const folder of SAME_FILES.slice(1)) {
  const [ours, theirs] = [names(SAME_FILES[0]), names(folder)];
  for (const file of new Set([...ours, ...theirs]))
    if (!ours.includes(file) || !theirs.includes(file))
      faults.push(`${folder}/${file}: ${SAME_FILES[0]} and ${folder} hold different files`);
}

const readmes = Object.keys(MAY_IMPORT).filter((folder) => /^(runtime|adapters|core-as)\//.test(folder) && existsSync(join(root, folder)));
for (const folder of readmes) if (!existsSync(join(root, folder, "README.md"))) faults.push(`${folder}: no README.md`);

faults.push(...checkConformance(root), ...checkPeers(root));

for (const fault of faults) console.error(fault);
const tools: (readonly [string, ...string[]])[] = [
  ["tsc", "-p", "."],
  ["tsc", "-p", "core-as"],
  ["biome", "check", "--error-on-warnings", "."],
];
let failed = faults.length > 0;
for (const [tool, ...args] of tools) {
  const done = spawnSync(join(root, "node_modules", ".bin", tool), args, { cwd: root, stdio: "inherit" });
  console.error(`${done.status === 0 ? "ok  " : "FAIL"} ${[tool, ...args].join(" ")}`);
  if (done.status !== 0) failed = true;
}
console.error(`${faults.length === 0 ? "ok  " : "FAIL"} house rules: ${faults.length} faults`);
process.exit(failed ? 1 : 0);
