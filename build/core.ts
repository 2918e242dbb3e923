/**
 * The packet core: `core-as/` to `dist/core.wasm` and `dist/core.wat`, skipped when nothing changed since. Then reads the
 * binary and fails on what DESIGN §4 forbids: a data section (written again at every instantiation), memory.grow (views
 * would detach), any import but the shared memory, an export nobody knows of.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { changedAt, must, root } from "./tools.ts";

const EXPORTS = "add adjust advance change hold keepaliveTimer live nextDue pairId remove run sendTimer start sum tagId touch watch";
const MOST_OCTETS = 32_768;

const wasm = join(root, "dist", "core.wasm");
const wat = join(root, "dist", "core.wat");

function newest(folder: string): number {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path));
    else if (entry.name.endsWith(".ts")) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

/** What is wrong with the module, one sentence each. */
function faults(octets: Uint8Array<ArrayBuffer>, text: string): string[] {
  const found: string[] = [];
  const module = new WebAssembly.Module(octets);
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name, kind }) => `${from}.${name}:${kind}`);
  if (imports.join() !== "env.memory:memory") found.push(`imports ${imports.join()} instead of env.memory alone`);
  if (!/\(import "env" "memory" \(memory [^)]*shared\)\)/.test(text)) found.push("the memory is not a shared one");
  const exported = WebAssembly.Module.exports(module)
    .map(({ name }) => name)
    .sort()
    .join(" ");
  if (exported !== EXPORTS) found.push(`exports ${exported} instead of ${EXPORTS}`);
  for (const form of ["(data ", "memory.grow", "(global ", "(start "]) if (text.includes(form)) found.push(`contains ${form.trim()}`);
  if (octets.length > MOST_OCTETS) found.push(`${octets.length} octets, more than ${MOST_OCTETS}`);
  return found;
}

const latest = Math.max(newest(join(root, "core-as")), changedAt(join(root, "asconfig.json")), changedAt(join(root, "build", "core.ts")));
if (Math.min(changedAt(wasm), changedAt(wat)) <= latest) {
  must(process.execPath, [
    join(root, "node_modules", "assemblyscript", "bin", "asc.js"),
    "--config",
    "asconfig.json",
    "--target",
    "release",
  ]);
}
const octets = Uint8Array.from(readFileSync(wasm));
const wrong = faults(octets, readFileSync(wat, "utf8"));
for (const line of wrong) console.error(`core.wasm: ${line}`);
if (wrong.length > 0) process.exit(1);
if (!process.argv.includes("--quiet")) console.log(`dist/core.wasm: ${octets.length} octets`);
