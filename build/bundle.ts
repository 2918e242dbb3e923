/**
 * One file for all runtimes: dist/pshim6.mjs, with dist/core.wasm inside as octets and the dashboard as files. `koffi` stays outside (a native addon
 * that only Node loads), and so do the runtimes' own modules.
 */
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { changedAt, root } from "./tools.ts";

const OUTPUT = join(root, "dist", "pshim6.mjs");
const quiet = process.argv.includes("--quiet");

function newest(folder: string): number {
  let latest = 0;
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) latest = Math.max(latest, changedAt(join(entry.parentPath, entry.name)));
  }
  return latest;
}

const inputs = Math.max(
  ...["runtime", "adapters", "core-as"].map(newest),
  ...["dist/core.wasm", "dist/dashboard.pack", "package.json", "package-lock.json", "build/bundle.ts"].map((file) =>
    changedAt(join(root, file)),
  ),
);
if (changedAt(OUTPUT) > inputs) {
  if (!quiet) console.error("bundle: up to date");
} else {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const started = performance.now();
  const result = await build({
    absWorkingDir: root,
    entryPoints: ["adapters/main.ts"],
    outfile: OUTPUT,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    external: ["koffi", "bun:ffi", "bun:sqlite"],
    loader: { ".wasm": "binary", ".pack": "json" },
    define: { PSHIM6_VERSION: JSON.stringify(version) },
    // CommonJS inside the bundle (yaml, commander, the Deno shim) asks for `require`; ES modules have none of their own.
    banner: {
      js: [
        "#!/usr/bin/env node",
        'import { createRequire as __createRequire } from "node:module";',
        "const require = __createRequire(import.meta.url);",
      ].join("\n"),
    },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  chmodSync(OUTPUT, 0o755);
  const octets = Object.values(result.metafile.outputs)[0].bytes;
  console.error(`bundle: dist/pshim6.mjs, ${Math.round(octets / 1024)} KiB, ${Math.round(performance.now() - started)} ms`);
}
