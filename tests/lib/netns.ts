/**
 * A network namespace for one test file: the file runs itself again inside a new one, which dies with that process.
 * Nothing of the machine's own network is touched.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { runtimeName } from "../../adapters/platform.ts";

const INSIDE = "PSHIM6_TEST_NETNS";

/** How this runtime starts the file `path` again. */
export function selfArguments(path: string): string[] {
  return runtimeName() === "deno" ? ["run", "-A", "--node-modules-dir=manual", path] : [path];
}

/**
 * Call first in a test file. @returns whether the tests are to run here: true inside the namespace; otherwise they have run
 * in a child whose output was ours, or the reason why they cannot was printed.
 */
export function insideNamespace(path: string): boolean {
  if (process.env[INSIDE] !== undefined) return true;
  const why = process.geteuid?.() === 0 ? whyNot() : "needs root for a network namespace";
  if (why !== undefined) {
    console.log(`skipped: ${why}`);
    if (process.env.PSHIM6_REQUIRE_PEERS === "1") process.exitCode = 1;
    return false;
  }
  const child = spawnSync("unshare", ["--net", process.execPath, ...selfArguments(path)], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  process.exitCode = child.status ?? 1;
  return false;
}

function whyNot(): string | undefined {
  const tried = spawnSync("unshare", ["--net", "test", "-c", "/dev/net/tun"], { encoding: "utf8" });
  if (tried.error !== undefined) return "`unshare` is missing: install util-linux";
  return tried.status === 0 ? undefined : `no network namespace with /dev/net/tun: ${tried.stderr.trim() || "the device is missing"}`;
}
