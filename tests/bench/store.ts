/**
 * The store in the runtime that runs this file: leases a second in groups of `--group` (100), one group after the other and many at once,
 * what a group costs the main thread, and how long reading and copying take. `--directory DIR`: on that disk; `--json`: one object.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { loadPlatform } from "../../adapters/platform.ts";
import type { StoredLease } from "../../runtime/port/store.ts";
import { address } from "../../runtime/value/address.ts";

const option = (name: string): string | undefined => process.argv[process.argv.indexOf(name) + 1 || process.argv.length];
const size = Number(option("--group") ?? 100);
const GROUPS = 400;
const ALONE = 100;

const { openStore, host } = await loadPlatform();
const directory = mkdtempSync(join(option("--directory") ?? tmpdir(), "pshim6-bench-"));
const store = openStore(directory);
let next = 0;

function lease(): StoredLease {
  const iaid = next++;
  return {
    ulid: address(`fc00:aaaa:1::${(iaid >>> 16).toString(16)}:${(iaid & 0xffff).toString(16)}`),
    duid: new Uint8Array(14).fill(iaid),
    iaid,
    state: "bound",
    name: `host-${iaid}`,
    mac: "02:00:00:00:00:01",
    matched: "pool",
    since: 1_790_000_000_000,
    until: 1_790_003_600_000,
  };
}

const groupOf = (leases: number) => ({ leases: Array.from({ length: leases }, lease) });

async function timed(work: () => Promise<void> | void): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

try {
  await store.commit(groupOf(1));
  const alone = await timed(async () => {
    for (let i = 0; i < ALONE; i++) await store.commit(groupOf(1));
  });
  const groups = Array.from({ length: 2 * GROUPS }, () => groupOf(size));
  const serial = await timed(async () => {
    for (const group of groups.slice(0, GROUPS)) await store.commit(group);
  });
  let main = 0;
  const together = await timed(async () => {
    const settled = groups.slice(GROUPS).map((group) => {
      const began = performance.now();
      const done = store.commit(group);
      main += performance.now() - began;
      return done;
    });
    await Promise.all(settled);
  });
  const read = await timed(() => void store.leases());
  const copy = await timed(() => store.backup(join(directory, "copy.db")));
  const row = {
    bench: "store",
    runtime: host.runtime,
    group: size,
    leaseMs: alone / ALONE,
    serialPerSecond: Math.round((1_000 * GROUPS * size) / serial),
    togetherPerSecond: Math.round((1_000 * GROUPS * size) / together),
    mainMsPerGroup: main / GROUPS,
    leases: next,
    readMs: Math.round(read),
    copyMs: Math.round(copy),
  };
  if (process.argv.includes("--json")) console.log(JSON.stringify(row));
  else
    console.log(
      [
        `${row.runtime}: a lease alone ${row.leaseMs.toFixed(2)} ms`,
        `groups of ${size}: ${row.serialPerSecond} leases/s one after the other, ${row.togetherPerSecond} together`,
        `main thread ${row.mainMsPerGroup.toFixed(3)} ms a group`,
        `${row.leases} leases read in ${row.readMs} ms, copied in ${row.copyMs} ms`,
      ].join("; "),
    );
} finally {
  await store.close();
  rmSync(directory, { recursive: true });
}
