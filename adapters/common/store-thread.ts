/** The thread that writes groups: a sync of the disk takes milliseconds, and the main thread has packets to decide about meanwhile. */
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { PortError, type PortErrorCode } from "../../runtime/port/error.ts";
import type { StoreGroup } from "../../runtime/port/store.ts";
import { explain, storeError } from "./store-error.ts";
import { groupWriter, prepareConnection, transact } from "./store-tables.ts";

/** What the thread is started with. `kind` tells an entry file that serves several roles which one this thread has. */
export interface StoreWork {
  readonly kind: "pshim6-store";
  /** The database, whose tables are there. */
  readonly path: string;
}

/** What the thread is asked for: to write groups, or to end. */
export type StoreOrder = readonly StoreGroup[] | "end";

/** What became of one group: `undefined` = it is on the disk. */
export type StoreFault = { readonly code: PortErrorCode; readonly message: string } | undefined;

/** What the thread tells: the groups' fates in their order, or that it has ended. */
export type StoreAnswer = readonly StoreFault[] | "ended";

/** This thread's work, or `undefined` on the main thread and in workers of another kind. */
export function storeWork(): StoreWork | undefined {
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "pshim6-store" ? (data as StoreWork) : undefined;
}

/** Writes groups until it is told to end. */
export function serveStore({ path }: StoreWork): Promise<void> {
  const port = parentPort;
  if (port === null) throw new PortError("failed", "the store's thread has nobody to answer");
  const tell = (answer: StoreAnswer) => port.postMessage(answer);
  let database: Connection | undefined;
  return new Promise((resolve) => {
    port.on("message", (order: StoreOrder) => {
      if (order !== "end") {
        try {
          database ??= connect(path);
          tell(writeGroups(database, path, order));
        } catch (error) {
          const fault = faultOf(path, error);
          tell(order.map(() => fault));
        }
        return;
      }
      database?.close();
      tell("ended");
      resolve();
    });
  });
}

interface Connection {
  readonly database: DatabaseSync;
  readonly write: (group: StoreGroup) => void;
  close(): void;
}

function connect(path: string): Connection {
  const sqlite = process.getBuiltinModule("node:sqlite");
  const database = explain(path, () => new sqlite.DatabaseSync(path));
  try {
    explain(path, () => prepareConnection(database));
    return { database, write: explain(path, () => groupWriter(database)), close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** All in one transaction. When one of them is to blame, each by itself: it does not take the others with it. */
function writeGroups({ database, write }: Connection, path: string, groups: readonly StoreGroup[]): StoreFault[] {
  const attempt = (some: readonly StoreGroup[]): StoreFault => {
    try {
      transact(database, () => some.forEach(write));
      return undefined;
    } catch (error) {
      return faultOf(path, error);
    }
  };
  const fault = attempt(groups);
  return fault?.code === "failed" && groups.length > 1 ? groups.map((group) => attempt([group])) : groups.map(() => fault);
}

function faultOf(path: string, error: unknown): StoreFault {
  const { code, message } = storeError(path, error);
  return { code, message };
}
