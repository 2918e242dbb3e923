import { PortError } from "../../runtime/port/error.ts";
import type { Store, StoredBinding, StoredCga, StoredLease, StoreGroup } from "../../runtime/port/store.ts";

/** What outlasts the stores opened on it, as a disk would. */
export interface MemoryDisk {
  key: Uint8Array | undefined;
  duid: Uint8Array | undefined;
  readonly cga: Map<string, StoredCga>;
  readonly leases: Map<string, StoredLease>;
  /** By ULID and source. */
  readonly bindings: Map<string, StoredBinding>;
  /** By path: what {@link Store.backup} copied. */
  readonly backups: Map<string, MemoryDisk>;
  /** While it is set, nothing can be written: what the disk says instead. */
  refusal: PortError | undefined;
}

/** An empty disk. */
export function memoryDisk(): MemoryDisk {
  return {
    key: undefined,
    duid: undefined,
    cga: new Map(),
    leases: new Map(),
    bindings: new Map(),
    backups: new Map(),
    refusal: undefined,
  };
}

const copyCga = ({ name, pds }: StoredCga): StoredCga => ({ name, pds: pds.slice() });
const copyLease = (lease: StoredLease): StoredLease => ({ ...lease, duid: lease.duid.slice() });
const copyBinding = (binding: StoredBinding): StoredBinding => ({ ...binding, locators: [...binding.locators] });

/** The values of `map` in the order of their keys, each copied. */
function ordered<T>(map: ReadonlyMap<string, T>, copy: (value: T) => T): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, copy(value)]);
}

/** A store on `disk`; another one opened later finds what this one wrote. */
export function memoryStore(disk: MemoryDisk = memoryDisk()): Store {
  let open = true;
  const use = () => {
    if (!open) throw new PortError("closed", "the store is closed");
  };
  const write = () => {
    use();
    if (disk.refusal !== undefined) throw disk.refusal;
  };
  const kept = (known: Uint8Array | undefined, make: () => Uint8Array): Uint8Array => {
    if (known === undefined) write();
    return (known ?? make()).slice();
  };
  return {
    privateKey(make) {
      use();
      disk.key = kept(disk.key, make);
      return disk.key.slice();
    },
    serverDuid(make) {
      use();
      disk.duid = kept(disk.duid, make);
      return disk.duid.slice();
    },
    cgaParameters() {
      use();
      return new Map(ordered(disk.cga, copyCga));
    },
    putCga(ulid, value) {
      write();
      disk.cga.set(ulid, copyCga(value));
    },
    leases() {
      use();
      return ordered(disk.leases, copyLease).map(([, lease]) => lease);
    },
    bindings() {
      use();
      return ordered(disk.bindings, copyBinding).map(([, binding]) => binding);
    },
    async commit(group) {
      write();
      apply(disk, group);
    },
    backup(path) {
      use();
      if (disk.backups.has(path)) throw new PortError("busy", `${path} is there already: name a new file, or remove it`);
      disk.backups.set(path, {
        ...memoryDisk(),
        duid: disk.duid?.slice(),
        cga: new Map(ordered(disk.cga, copyCga)),
        leases: new Map(ordered(disk.leases, copyLease)),
        bindings: new Map(ordered(disk.bindings, copyBinding)),
      });
    },
    async close() {
      open = false;
    },
  };
}

function apply(disk: MemoryDisk, { cga = [], leases = [], forgotten = [], bindings = [], unbound = [] }: StoreGroup): void {
  for (const value of cga) disk.cga.set(value.ulid, copyCga(value));
  for (const lease of leases) disk.leases.set(lease.ulid, copyLease(lease));
  for (const ulid of forgotten) disk.leases.delete(ulid);
  for (const binding of bindings) disk.bindings.set(`${binding.ulid} ${binding.source}`, copyBinding(binding));
  for (const { ulid, source } of unbound) disk.bindings.delete(`${ulid} ${source}`);
}
