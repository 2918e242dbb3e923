/** The lab's host for tests: the program is {@link ./labself.ts}, run from the sources, unless a test names another. */
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { DenoNamespace } from "../../adapters/common/deno.ts";
import { systemFiles } from "../../adapters/common/files.ts";
import { systemHttp } from "../../adapters/common/http.ts";
import { createLabHost } from "../../adapters/lab/host.ts";
import type { LabHost, RuntimeName, SelfCommand } from "../../runtime/lab/host.ts";

export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const BIN = `${PROJECT}/node_modules/.bin`;

export function ownRuntime(): RuntimeName {
  if ("deno" in process.versions) return "deno";
  return "bun" in process.versions ? "bun" : "node";
}

/** How `file` (below the project's folder) is started on `runtime`. */
export function commandOf(runtime: RuntimeName, file: string): SelfCommand {
  const how = { node: ["node", "--no-warnings"], deno: ["deno", "run", "-A", "--no-lock", "--node-modules-dir=manual"], bun: ["bun"] };
  const [program, ...flags] = how[runtime];
  return { runtime, argv: [`${BIN}/${program}`, ...flags, `${PROJECT}/${file}`] };
}

/** @param file what stands for the program */
export async function testHost(file = "tests/lib/labself.ts"): Promise<LabHost> {
  const runtime = ownRuntime();
  const { deno } = (await import(`../../adapters/${runtime}/host.ts`)) as { deno: DenoNamespace };
  const http = systemHttp((error) => console.error(error));
  return createLabHost({ runtime, files: systemFiles(deno), http, selfCommand: (wanted) => commandOf(wanted, file) });
}
