/** Where the time of a piece of work goes, as the runtime's own profiler sees it: Node only, elsewhere an empty list. */
import { runtimeName } from "../../../adapters/platform.ts";

/** One place in the program and its share of the time, calls to others not counted. */
export interface ProfileRow {
  readonly what: string;
  readonly share: number;
}

const ROWS = 25;
const SAMPLE_MICROSECONDS = 200;

/** Runs `work` under the profiler. @returns the places that took most, the largest first */
export async function profiled(work: () => unknown): Promise<ProfileRow[]> {
  if (runtimeName() !== "node") {
    work();
    return [];
  }
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await session.post("Profiler.start");
  work();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const hits = new Map<string, number>();
  let all = 0;
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    const file = callFrame.url.split("/").slice(-2).join("/");
    const what = `${callFrame.functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${callFrame.lineNumber + 1}`}`;
    hits.set(what, (hits.get(what) ?? 0) + hitCount);
    all += hitCount;
  }
  return [...hits]
    .map(([what, count]) => ({ what, share: count / all }))
    .sort((a, b) => b.share - a.share)
    .slice(0, ROWS);
}
