/** What a worker thread of this program starts with: the bundle's entry calls {@link serveIfWorker} before all else. */
import { AnswerCache } from "../runtime/dns/answers.ts";
import { openLane } from "../runtime/fast/lane.ts";
import { linkWork, serveLinks } from "./common/links-thread.ts";
import { serveStore, storeWork } from "./common/store-thread.ts";
import { dataWork, serveQueue } from "./data/worker.ts";
import { loadLibc, loadMonotonic } from "./platform.ts";
import { searchWork, serveSearch } from "./search/worker.ts";
import { serveDatagrams, udpWork } from "./udp/worker.ts";

/** Does this thread's work, if it is a worker. Resolves with whether it was one, when the work is done. */
export async function serveIfWorker(): Promise<boolean> {
  const system = { loadLibc: () => loadLibc(), loadMonotonic: () => loadMonotonic() };
  const frames = dataWork();
  if (frames !== undefined) await serveQueue(frames, { ...system, openLane });
  const datagrams = udpWork();
  if (datagrams !== undefined)
    await serveDatagrams(datagrams, {
      ...system,
      openAnswerer: (limits) => new AnswerCache(limits),
    });
  const search = searchWork();
  if (search !== undefined) serveSearch(search);
  const links = linkWork();
  if (links !== undefined) await serveLinks(links, system.loadLibc);
  const groups = storeWork();
  if (groups !== undefined) await serveStore(groups);
  return frames !== undefined || datagrams !== undefined || links !== undefined || groups !== undefined || search !== undefined;
}
