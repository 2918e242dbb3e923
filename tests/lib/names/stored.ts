/** What a box wrote down, read from its state directory by another process. */
import { systemFiles } from "../../../adapters/common/files.ts";
import { openStore } from "../../../adapters/common/store.ts";
import { deno } from "../../../adapters/node/host.ts";
import type { StoredCga, StoredLease } from "../../../runtime/port/store.ts";

/** Leases, and CGA parameters by ULID. */
export interface Stored {
  readonly leases: readonly StoredLease[];
  readonly parameters: ReadonlyMap<string, StoredCga>;
}

/** The box may run meanwhile. */
export async function readStored(directory: string): Promise<Stored> {
  const store = openStore(deno, systemFiles(deno), directory, new URL("../../../adapters/worker.ts", import.meta.url));
  const stored = { leases: store.leases(), parameters: store.cgaParameters() };
  await store.close();
  return stored;
}
