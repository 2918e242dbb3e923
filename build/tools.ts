/** What several build scripts need: the project's root, child processes, the three runtimes. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const RUNTIMES = ["node", "deno", "bun"] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** The words that start `file` under `runtime`, with the runtimes that the development dependencies bring. */
export function runtimeCommand(runtime: Runtime, file: string): string[] {
  const binary = join(root, "node_modules", ".bin", runtime);
  switch (runtime) {
    case "node":
      return [join(root, "node_modules", "node", "bin", "node"), file];
    case "deno":
      return [binary, "run", "-A", "--quiet", "--node-modules-dir=manual", file];
    case "bun":
      return [binary, file];
  }
}

/** Runs a program in the root with our own output; ends this process when it fails. */
export function must(program: string, args: readonly string[]): void {
  const done = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** Last change in milliseconds since 1970, 0 when there is no such file. */
export function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
