/**
 * The dashboard: `runtime/dashboard/` to dist/dashboard.pack, a JSON list of files (runtime/api/page.ts) that the bundle takes in: one page, one script,
 * one style sheet, each plain and compressed. Skipped when nothing changed since. Fails when it grows beyond what a slow line carries at once.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { PageFile } from "../runtime/api/page.ts";
import { changedAt, root } from "./tools.ts";

const FOLDER = join(root, "runtime", "dashboard");
const OUTPUT = join(root, "dist", "dashboard.pack");
/** Octets of all files, compressed by gzip. */
const MOST_OCTETS = 150_000;
const TAG_DIGITS = 16;
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

function pack(kind: string, octets: Uint8Array, isPage = false): PageFile {
  const tag = createHash("sha256").update(octets).digest("hex").slice(0, TAG_DIGITS);
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    name: isPage ? "" : `dashboard-${tag}.${kind}`,
    type: TYPES[kind],
    tag,
    coded: {
      identity: base64(octets),
      gzip: base64(gzipSync(octets, { level: 9 })),
      br: base64(brotliCompressSync(octets, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })),
    },
  };
}

const sources = readdirSync(FOLDER).map((name) => join(FOLDER, name));
const inputs = ["package-lock.json", "build/dashboard.ts"].map((file) => join(root, file));
if (changedAt(OUTPUT) <= Math.max(...[...sources, ...inputs].map(changedAt))) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["runtime/dashboard/main.ts", "runtime/dashboard/style.css"],
    outdir: "dist",
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: ["chrome120", "firefox121", "safari17"],
    legalComments: "none",
    logLevel: "warning",
  });
  const assets = outputFiles.map(({ path, contents }) => pack(path.endsWith(".css") ? "css" : "js", contents));
  const nameOf = (kind: string): string => assets.find(({ name }) => name.endsWith(`.${kind}`))?.name ?? "";
  const html = readFileSync(join(FOLDER, "index.html"), "utf8").replace("style.css", `assets/${nameOf("css")}`);
  const page = new TextEncoder().encode(html.replace("main.js", `assets/${nameOf("js")}`));
  const files = [pack("html", page, true), ...assets];
  const octets = files.reduce((sum, { coded }) => sum + Buffer.from(coded.gzip, "base64").length, 0);
  if (octets > MOST_OCTETS) {
    console.error(`dashboard: ${octets} octets compressed, more than ${MOST_OCTETS}`);
    process.exit(1);
  }
  writeFileSync(OUTPUT, JSON.stringify(files));
  console.error(`dashboard: ${Math.round(octets / 1024)} KiB compressed`);
} else if (!process.argv.includes("--quiet")) console.error("dashboard: up to date");
