/** Smallest, middle and largest of some numbers; the middle of an even count is the mean of the two in the middle. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** @returns `undefined` for no numbers */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { min: sorted[0], median: Math.round(median * 1000) / 1000, max: sorted[sorted.length - 1] };
}
