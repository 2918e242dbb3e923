/**
 * A cage for one test file: the file runs itself again as the first process of new network, mount, name and process namespaces.
 * What it starts there, under whatever name and in whatever directory, is gone with it, also when it is killed; the
 * machine's network, /run and /etc are neither seen nor touched. On Node, as all that needs a cage.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync } from "node:fs";
import process from "node:process";

const INSIDE = "PSHIM6_TEST_CAGE";
/** In memory, and gone with the cage. */
const SCRATCH = "/mnt";

/** `/run` is new and empty; `/etc` is a copy that takes changes; namespaces by name lie in `/run/netns`. */
const FURNISH = [
  "mount -t tmpfs tmpfs /run",
  `mount -t tmpfs -o mode=0755 tmpfs ${SCRATCH}`,
  "mkdir -p /run/etc/upper /run/etc/work /run/lock",
  "mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc",
  'exec "$@"',
].join(" && ");

const ENTER = ["setpriv --pdeathsig KILL", "unshare --net --mount --uts --pid --fork --kill-child=KILL --mount-proc", "sh -c"].flatMap(
  (words) => words.split(" "),
);

/**
 * Call first in a test file or bench.
 * @returns whether the work is to be done here: true inside the cage; otherwise it was done in a child whose output was
 * ours and whose exit code is ours, or the reason why it cannot be done was printed
 */
export function insideCage(path: string, words: readonly string[] = []): boolean {
  if (process.env[INSIDE] !== undefined) return true;
  const why = process.geteuid?.() === 0 ? whyNot() : "needs root for namespaces";
  if (why !== undefined) {
    console.log(`skipped: ${why}`);
    if (process.env.PSHIM6_REQUIRE_PEERS === "1") process.exitCode = 1;
    return false;
  }
  const [program, ...rest] = [...ENTER, FURNISH, "sh", process.execPath, "--no-warnings", path, ...words];
  const child = spawnSync(program, rest, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
  process.exitCode = child.status ?? 1;
  return false;
}

/** @returns a new directory that is gone with the cage. It lies in memory: syncs cost nothing there */
export function scratch(name: string): string {
  const directory = mkdtempSync(`${SCRATCH}/${name}-`);
  // Some programs go on as a user of their own.
  chmodSync(directory, 0o755);
  return directory;
}

function whyNot(): string | undefined {
  const [program, ...rest] = [...ENTER, FURNISH, "sh", "ip", "link", "show", "lo"];
  const tried = spawnSync(program, rest, { encoding: "utf8" });
  if (tried.error !== undefined) return `\`${program}\` is missing: install util-linux`;
  return tried.status === 0 ? undefined : `no namespaces here: ${tried.stderr.trim()}`;
}
