import { PortError } from "../../runtime/port/error.ts";
import type { Store, StoredCga } from "../../runtime/port/store.ts";

/** What outlasts the stores opened on it, as a disk would. */
export interface MemoryDisk {
  key: Uint8Array | undefined;
  readonly cga: Map<string, StoredCga>;
}

/** An empty disk. */
export function memoryDisk(): MemoryDisk {
  return { key: undefined, cga: new Map() };
}

/** A store on `disk`; another one opened later finds what this one wrote. */
export function memoryStore(disk: MemoryDisk = memoryDisk()): Store {
  let open = true;
  const use = () => {
    if (!open) throw new PortError("closed", "the store is closed");
  };
  const copy = ({ name, pds }: StoredCga): StoredCga => ({ name, pds: pds.slice() });
  return {
    privateKey(make) {
      use();
      disk.key ??= make().slice();
      return disk.key.slice();
    },
    cgaParameters() {
      use();
      return new Map([...disk.cga].sort(([a], [b]) => (a < b ? -1 : 1)).map(([ulid, value]) => [ulid, copy(value)]));
    },
    putCga(ulid, value) {
      use();
      disk.cga.set(ulid, copy(value));
    },
    close() {
      open = false;
    },
  };
}
