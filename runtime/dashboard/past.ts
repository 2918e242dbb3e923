/** Samples of paths as the box gave them, piece by piece. */
import type { HistoryRow } from "../api/flow-rows.ts";

/** Samples kept. */
const KEPT = 150;

/** One path's samples, the oldest first. */
export interface PathPast {
  readonly path: string;
  readonly peerBox: string;
  readonly provider: string | null;
  readonly peerLocator: string;
  /** One letter a sample: a = alive, b = alive and bad, l = lost, u = unknown, - = no such path. */
  readonly states: string;
  readonly rttMs: readonly (number | null)[];
  /** Shares, 0 … 1. */
  readonly loss: readonly (number | null)[];
}

/** All paths' samples. */
export interface Past {
  /** Number of the last sample; 0 = there is none. */
  readonly latest: number;
  readonly stepMs: number;
  readonly paths: ReadonlyMap<string, PathPast>;
}

/** Nothing is known yet. */
export const NOTHING: Past = { latest: 0, stepMs: 1_000, paths: new Map() };

/** `past` with what `row` adds. A row that does not follow on it takes its place. */
export function goOn(past: Past, row: HistoryRow): Past {
  const follows = past.latest > 0 && row.from === past.latest + 1;
  const paths = new Map<string, PathPast>();
  for (const { path, peerBox, localProvider, peerLocator, states, rttMs, loss } of row.paths) {
    const before = follows ? past.paths.get(path) : undefined;
    paths.set(path, {
      path,
      peerBox,
      provider: localProvider,
      peerLocator,
      states: `${before?.states ?? ""}${states}`.slice(-KEPT),
      rttMs: [...(before?.rttMs ?? []), ...rttMs].slice(-KEPT),
      loss: [...(before?.loss ?? []), ...loss].slice(-KEPT),
    });
  }
  return { latest: row.latest, stepMs: row.stepMs, paths };
}

/** Whether samples of the box at `latest` would follow on `past`: after a restart it counts anew. */
export function isOfOneRun(past: Past, latest: number): boolean {
  return latest >= past.latest;
}
