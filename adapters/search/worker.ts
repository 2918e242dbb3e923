import { parentPort, workerData } from "node:worker_threads";
import { type ModifierSearch, searchModifier } from "../../runtime/cga/index.ts";

/** What a thread is started with. `kind` tells an entry file that serves several roles which one this thread has. */
export interface SearchWork {
  readonly kind: "pshim6-search";
  readonly search: ModifierSearch;
  /** One word: 1 = another thread has found one. */
  readonly stop: SharedArrayBuffer;
}

/** What a thread tells: modifiers tried since it last told, or the one that it found. */
export type SearchAnswer = { readonly tries: number } | { readonly modifier: Uint8Array };

/** Modifiers tried in a slice: a tenth of a second. */
const SLICE = 1 << 17;

/** This thread's work, or `undefined` on the main thread and in workers of another kind. */
export function searchWork(): SearchWork | undefined {
  const data: unknown = workerData;
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "pshim6-search" ? (data as SearchWork) : undefined;
}

/** Searches until it has found a modifier, or another thread has. */
export function serveSearch({ search, stop }: SearchWork): void {
  const tell = (answer: SearchAnswer) => parentPort?.postMessage(answer);
  const stopped = new Int32Array(stop);
  const work = searchModifier(search, SLICE);
  while (Atomics.load(stopped, 0) === 0) {
    const { done, value } = work.next();
    if (done) return tell({ modifier: value });
    tell({ tries: SLICE });
  }
}
