import { Worker } from "node:worker_threads";
import { PortError } from "../../runtime/port/error.ts";
import type { StoreGroup } from "../../runtime/port/store.ts";
import type { StoreAnswer, StoreFault, StoreOrder, StoreWork } from "./store-thread.ts";

/** Groups that wait for the thread at most. */
const WAITING_LIMIT = 65_536;
/** Groups in one transaction at most: the first one is not to wait for all. */
const GROUPS_TOGETHER = 1_024;

interface Waiting {
  readonly group: StoreGroup;
  readonly resolve: () => void;
  readonly reject: (error: PortError) => void;
}

/**
 * Hands groups to the store's thread, in order. While it writes, the next ones gather, and are written together with one sync. The thread
 * starts with the first group; one that died is replaced with the next.
 */
export class Commits {
  readonly #path: string;
  readonly #entry: URL;
  #waiting: Waiting[] = [];
  /** What the thread is writing. */
  #writing: readonly Waiting[] = [];
  #thread: Worker | undefined;
  #askedToSend = false;
  #closed: Promise<void> | undefined;
  #ended: () => void = () => undefined;

  /** @param entry the file that the thread starts with: it calls `serveStore` when `storeWork` finds work */
  constructor(path: string, entry: URL) {
    this.#path = path;
    this.#entry = entry;
  }

  commit(group: StoreGroup): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(new PortError("closed", `${this.#path} is closed`));
    if (this.#waiting.length >= WAITING_LIMIT)
      return Promise.reject(new PortError("busy", `${this.#path}: the disk does not keep up, ${WAITING_LIMIT} groups wait: ask for less`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group: compact(group), resolve, reject });
      this.#sendSoon();
    });
  }

  /** Resolves when what was handed in is settled and the thread is gone. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#ended = resolve;
      this.#sendSoon();
    });
    return this.#closed;
  }

  /** What is handed in at one moment goes together. */
  #sendSoon(): void {
    if (this.#askedToSend) return;
    this.#askedToSend = true;
    queueMicrotask(() => {
      this.#askedToSend = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#writing.length > 0) return;
    if (this.#waiting.length > 0) {
      this.#writing = this.#waiting.splice(0, GROUPS_TOGETHER);
      try {
        this.#thread ??= this.#start();
        this.#thread.ref();
        this.#thread.postMessage(this.#writing.map(({ group }) => group) satisfies StoreOrder);
      } catch (error) {
        this.#settle(() => this.#died(error));
      }
    } else if (this.#closed !== undefined) {
      if (this.#thread === undefined) return this.#ended();
      this.#thread.ref();
      this.#thread.postMessage("end" satisfies StoreOrder);
    } else {
      // A thread that has nothing to do does not keep the process alive.
      this.#thread?.unref();
    }
  }

  #start(): Worker {
    const work: StoreWork = { kind: "pshim6-store", path: this.#path };
    const thread = new Worker(this.#entry, { workerData: work, name: "pshim6-store" } as ConstructorParameters<typeof Worker>[1]);
    const gone = (error: unknown) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#settle(() => this.#died(error));
    };
    const end = (error?: unknown) => {
      void thread.terminate().then(() => gone(error));
    };
    thread.on("message", (answer: StoreAnswer) => {
      if (answer === "ended") end();
      else this.#settle((i) => answer[i]);
    });
    thread.on("error", end);
    thread.on("exit", () => gone("it ended by itself"));
    return thread;
  }

  #died(error: unknown): StoreFault {
    const why = error instanceof Error ? error.message : String(error);
    return { code: "failed", message: `${this.#path}: the thread that writes died: ${why}` };
  }

  #settle(faultOf: (i: number) => StoreFault): void {
    const settled = this.#writing;
    this.#writing = [];
    settled.forEach(({ resolve, reject }, i) => {
      const fault = faultOf(i);
      if (fault === undefined) resolve();
      else reject(new PortError(fault.code, fault.message));
    });
    this.#send();
  }
}

/** A view would take the whole buffer that it looks at along to the thread. */
function compact(group: StoreGroup): StoreGroup {
  const own = (octets: Uint8Array) => (octets.byteLength === octets.buffer.byteLength ? octets : octets.slice());
  return {
    ...group,
    ...(group.cga && { cga: group.cga.map((value) => ({ ...value, pds: own(value.pds) })) }),
    ...(group.leases && { leases: group.leases.map((lease) => ({ ...lease, duid: own(lease.duid) })) }),
  };
}
