/**
 * What other programs import from the package: `dist/{core,wire,index}.mjs`, each with its types beside it, and the core for unshared memory as a
 * file, `dist/core-unshared.wasm`. Skips what is up to date.
 *
 * Types: the compiler writes a declaration a source file; those that an entry reaches are laid flat into `dist/types`, because a path
 * with `.ts` in it means nothing to a reader without the sources.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { build } from "esbuild";
import { withoutSharing } from "../runtime/embed/module.ts";
import { changedAt, must, root } from "./tools.ts";

/** Entry of the package → the file that it is made of. */
const ENTRIES = { core: "adapters/embed/core.ts", index: "adapters/embed/index.ts", wire: "runtime/embed/wire.ts" } as const;
const INPUTS = ["runtime", "core-as/layout", "adapters/embed", "build"];
const UNSHARED = join(root, "dist", "core-unshared.wasm");
/** What `import wasm from "pshim6/core.wasm"` gives where modules are compiled ahead. */
const UNSHARED_TYPES = `/** The packet core as a WebAssembly.Module, for \`createCore({ wasm })\`. */
declare const wasm: object;
export default wasm;
`;
const TYPES = join(root, "dist", "types");
const quiet = process.argv.includes("--quiet");

function newest(folder: string): number {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((entry) => changedAt(join(entry.parentPath, entry.name))));
}

const outputs = [...Object.keys(ENTRIES).flatMap((name) => [`${name}.mjs`, `${name}.d.mts`])].map((name) => join(root, "dist", name));
const changed = Math.max(...INPUTS.map(newest), ...["dist/core.wasm", "package.json"].map((file) => changedAt(join(root, file))));
if (Math.min(...[UNSHARED, ...outputs].map(changedAt)) > changed) {
  if (!quiet) console.error("package: up to date");
} else {
  const started = performance.now();
  writeFileSync(UNSHARED, withoutSharing(readFileSync(join(root, "dist", "core.wasm"))));
  writeFileSync(join(root, "dist", "core-unshared.d.mts"), UNSHARED_TYPES);
  writeTypes();
  const sizes = await bundle();
  console.error(`package: ${sizes.join(", ")}, ${Math.round(performance.now() - started)} ms`);
}

async function bundle(): Promise<string[]> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const result = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(Object.entries(ENTRIES)),
    outdir: "dist",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    loader: { ".wasm": "binary" },
    define: { PSHIM6_VERSION: JSON.stringify(version) },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  return Object.entries(result.metafile.outputs).map(([file, { bytes }]) => `${file} ${Math.round(bytes / 1024)} KiB`);
}

/** Emits all declarations, then keeps those that the entries reach. */
function writeTypes(): void {
  const emitted = join(root, "dist", `.types-${process.pid}`);
  must(join(root, "node_modules", ".bin", "tsc"), ["-p", "build/declarations.json", "--outDir", emitted]);
  const fresh = `${TYPES}-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const seen = new Set<string>();
  const waiting: string[] = Object.values(ENTRIES).map(declarationOf);
  const entries = new Map(Object.entries(ENTRIES).map(([name, file]) => [declarationOf(file), name]));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(join(emitted, file), "utf8");
    const name = entries.get(file);
    const place = (target: string): string => (name === undefined ? `./${flat(target)}.mjs` : `./types/${flat(target)}.mjs`);
    const rewritten = text.replace(/(from\s*|import\s*\(\s*)"(\.[^"]*)\.ts"/g, (_, before: string, path: string) => {
      const target = posix.normalize(posix.join(posix.dirname(file), `${path}.d.ts`));
      if (entries.has(target)) throw new Error(`${file} imports the entry ${target}`);
      waiting.push(target);
      return `${before}"${place(target)}"`;
    });
    writeFileSync(name === undefined ? join(fresh, `${flat(file)}.d.mts`) : join(root, "dist", `${name}.d.mts`), rewritten);
  }
  rmSync(TYPES, { recursive: true, force: true });
  renameSync(fresh, TYPES);
  rmSync(emitted, { recursive: true, force: true });
}

function declarationOf(file: string): string {
  return file.replace(/\.ts$/, ".d.ts");
}

/** `runtime/value/address.d.ts` → `value-address`. */
function flat(file: string): string {
  return file
    .replace(/^runtime\//, "")
    .replace(/\.d\.ts$/, "")
    .replaceAll("/", "-");
}
