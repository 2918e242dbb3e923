/**
 * `npm run executable`: dist/pshim6, program and runtime in one file for this machine's system and processor. With Bun (the default) this needs nothing
 * but the development dependencies; with `--runtime deno` Deno loads its part for executables (denort) from dl.deno.land, once, or takes
 * the one that DENORT_BIN names. `--out <file>` writes elsewhere.
 */
import { join } from "node:path";
import { must, root, runtimeCommand } from "./tools.ts";

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
};
const BUNDLE = join("dist", "pshim6.mjs");
const out = option("--out") ?? join(root, "dist", "pshim6");
const runtime = option("--runtime") ?? "bun";
switch (runtime) {
  case "bun":
    // Node's way to call C stays outside: Bun has its own.
    must(runtimeCommand("bun", "")[0], ["build", "--compile", BUNDLE, "--external", "koffi", "--outfile", out]);
    break;
  case "deno":
    must(runtimeCommand("deno", "")[0], ["compile", "--allow-all", "--quiet", "--output", out, BUNDLE]);
    break;
  default:
    console.error(`no executables with ${runtime}; one of bun, deno`);
    process.exit(2);
}
console.error(`executable: ${out}`);
