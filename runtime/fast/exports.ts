/** What the module exports (core-as/index.ts), as TypeScript sees it. Numbers are 32 bits; instants are taken modulo 2^32. */
export interface CoreExports {
  run(lane: number, count: number, now: number): number;
  start(now: number): void;
  add(id: number, now: number): number;
  change(id: number, parts: number, now: number): void;
  remove(id: number): void;
  live(id: number): number;
  hold(id: number, on: number): void;
  watch(id: number, on: number): void;
  touch(id: number, received: number, now: number): void;
  sendTimer(id: number, action: number, now: number): void;
  keepaliveTimer(id: number, action: number, now: number): void;
  pairId(): number;
  tagId(): number;
  advance(now: number, limit: number): number;
  nextDue(): number;
  sum(at: number, octets: number): number;
  adjust(field: number, was: number, now: number): number;
}

/** An instance of the core over `memory`. Several may share one memory: they keep nothing of their own. */
export async function openModule(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<CoreExports> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as CoreExports;
}

/** `instant` as the core keeps it: whole milliseconds modulo 2^32. */
export function stamp(instant: number): number {
  return Math.floor(instant) >>> 0;
}
