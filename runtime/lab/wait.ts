import type { LabHost } from "./host.ts";

/** The first of `works` to resolve, or `late` after `ms` milliseconds; no timer is left behind. */
export async function within<T>(host: Pick<LabHost, "sleep">, ms: number, late: T, ...works: readonly Promise<T>[]): Promise<T> {
  const settled = new AbortController();
  try {
    return await Promise.race([...works, host.sleep(ms, settled.signal).then(() => late)]);
  } finally {
    settled.abort();
  }
}
