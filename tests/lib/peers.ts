/** Programs and rights that some tests need. Absent: the test is skipped and says so, or fails with PSHIM6_REQUIRE_PEERS=1. */
import { spawnSync } from "node:child_process";
import process from "node:process";

/** @returns whether the test file should run */
export function havePeers(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => (program === "root" ? process.geteuid?.() !== 0 : !inPath(program)));
  if (missing.length === 0) return true;
  const what = `${missing.join(", ")} missing`;
  if (process.env.PSHIM6_REQUIRE_PEERS === "1") throw new Error(what);
  console.log(`skipped: ${what}`);
  return false;
}

function inPath(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;
}
