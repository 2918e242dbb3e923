import type { LabHost } from "./host.ts";

/** The first of `works` to resolve, or `late` after `ms` milliseconds; no timer is left behind. */
export async function within<T>(host: Pick<LabHost, "sleep">, ms: number, late: T, ...works: readonly Promise<T>[]): Promise<T> {
  let settled: () => void = () => undefined;
  const cancel = new Promise<void>((resolve) => {
    settled = resolve;
  });
  try {
    return await Promise.race([...works, host.sleep(ms, cancel).then(() => late)]);
  } finally {
    settled();
  }
}
