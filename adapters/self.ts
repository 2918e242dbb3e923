import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
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

/**
 * The words that start the file at `entry` on `wanted`: ourselves if we run on it, else the binary beside the bundle, else
 * the one in PATH.
 */
export function selfWords(entry: string, wanted: RuntimeName, current: RuntimeName): string[] {
  const file = fileURLToPath(entry);
  const brought = join(dirname(dirname(file)), BROUGHT[wanted]);
  const binary = wanted === current ? process.execPath : existsSync(brought) ? brought : wanted;
  return [binary, ...WORDS[wanted], file];
}
