import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ModifierSearch } from "../../runtime/cga/index.ts";
import type { Entropy } from "../../runtime/port/entropy.ts";
import { PortError } from "../../runtime/port/error.ts";
import type { SearchAnswer, SearchWork } from "./worker.ts";

/** What the threads need. */
export interface SearchParts {
  readonly entropy: Entropy;
  /** The file that they start with: it calls `serveSearch` when `searchWork` finds work. */
  readonly entry: URL;
  /** Default: one for each processor. */
  readonly threads?: number;
}

/**
 * Searches for a modifier in several threads; `tried` hears the modifiers tried so far by all of them, some times a second.
 * @throws {PortError} `failed` when a thread dies
 */
export async function searchInThreads(
  search: ModifierSearch,
  tried: (tries: number) => void,
  { entropy, entry, threads = availableParallelism() }: SearchParts,
): Promise<Uint8Array> {
  const stop = new SharedArrayBuffer(4);
  const workers: Worker[] = [];
  let tries = 0;
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const failed = (error: unknown) =>
        reject(new PortError("failed", `a thread of the search died: ${error instanceof Error ? error.message : String(error)}`));
      for (let i = 0; i < threads; i++) {
        const start = i === 0 ? search.start : entropy.bytes(search.start.length);
        const work: SearchWork = { kind: "pshim6-search", search: { ...search, start }, stop };
        const worker = new Worker(entry, { workerData: work });
        workers.push(worker);
        worker.on("message", (answer: SearchAnswer) => {
          if ("modifier" in answer) return resolve(answer.modifier);
          tries += answer.tries;
          tried(tries);
        });
        worker.on("error", failed);
      }
    });
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
