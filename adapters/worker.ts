/** What a worker thread of this program starts with: the bundle's entry calls {@link serveIfWorker} before all else. */
import { openLane } from "../runtime/fast/lane.ts";
import { serveStore, storeWork } from "./common/store-thread.ts";
import { dataWork, serveQueue } from "./data/worker.ts";
import { loadLibc, loadMonotonic } from "./platform.ts";

/** Does this thread's work, if it is a worker. Resolves with whether it was one, when the work is done. */
export async function serveIfWorker(): Promise<boolean> {
  const groups = storeWork();
  if (groups !== undefined) await serveStore(groups);
  const frames = dataWork();
  if (frames !== undefined) await serveQueue(frames, { loadLibc: () => loadLibc(), loadMonotonic: () => loadMonotonic(), openLane });
  return groups !== undefined || frames !== undefined;
}
