import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { PortError } from "../runtime/port/error.ts";
import type { RuntimeName } from "./platform.ts";

/** Where a runtime's binary lies when the development dependencies brought it, from the folder above the bundle. */
const BROUGHT: Record<RuntimeName, string> = {
  node: join("node_modules", "node", "bin", "node"),
  deno: join("node_modules", ".bin", "deno"),
  bun: join("node_modules", ".bin", "bun"),
};
const WORDS: Record<RuntimeName, readonly string[]> = {
  node: ["--disable-warning=ExperimentalWarning"],
  deno: ["run", "--allow-all", "--quiet"],
  bun: [],
};
/** Where Bun shows a single executable its own files. */
const BUN_INSIDE = "/$bunfs/";

/**
 * The words that start the file at `entry` on `wanted`: ourselves if we run on it, else the binary beside the bundle, else
 * the one in PATH. @throws {PortError} `unsupported` when a single executable is asked for another runtime
 */
export function selfWords(entry: string, wanted: RuntimeName, current: RuntimeName): string[] {
  if (isExecutable(entry)) {
    if (wanted === current) return [process.execPath];
    throw new PortError("unsupported", `this executable is ${current} alone: use the package to run a box on ${wanted}`);
  }
  const file = fileURLToPath(entry);
  const brought = join(dirname(dirname(file)), BROUGHT[wanted]);
  const binary = wanted === current ? process.execPath : existsSync(brought) ? brought : wanted;
  return [binary, ...WORDS[wanted], file];
}

/** Whether program and runtime are one file (`bun build --compile`, `deno compile`). */
function isExecutable(entry: string): boolean {
  const build: unknown = Reflect.get(Reflect.get(globalThis, "Deno") ?? {}, "build");
  return entry.includes(BUN_INSIDE) || (typeof build === "object" && build !== null && Reflect.get(build, "standalone") === true);
}
