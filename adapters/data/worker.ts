import { parentPort, workerData } from "node:worker_threads";
import type { Lane, SharedCore } from "../../runtime/fast/contract.ts";
import type { Millis } from "../../runtime/value/time.ts";
import type { Libc } from "../common/libc.ts";
import { moveFrames } from "./loop.ts";
import type { DataMessage, DataWork } from "./message.ts";

/** What a runtime and the core bring to a worker. */
export interface WorkerParts {
  loadLibc(): Promise<Libc>;
  loadMonotonic(): Promise<() => Millis>;
  openLane(shared: SharedCore, index: number): Promise<Lane>;
}

/** This thread's work, or `undefined` on the main thread and in workers of another kind. */
export function dataWork(): DataWork | undefined {
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "pshim6-data" ? (data as DataWork) : undefined;
}

/** Serves one queue to the end. Resolves when it was stopped or cannot go on; the main thread has been told by then. */
export async function serveQueue(work: DataWork, parts: WorkerParts): Promise<void> {
  const tell = (message: DataMessage) => parentPort?.postMessage(message);
  let error: string | undefined;
  try {
    const [libc, now, lane] = await Promise.all([parts.loadLibc(), parts.loadMonotonic(), parts.openLane(work.shared, work.index)]);
    tell({ kind: "ready" });
    error = moveFrames(work, { libc, now, lane, ring: () => tell({ kind: "bell" }) });
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  tell({ kind: "ended", error });
}
