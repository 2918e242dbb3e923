/** Which rows of a long list are seen, and where they stand. */

/** Pixels. Browsers do not make elements of any height: a longer list is scrolled at another scale. */
export const TALLEST = 8_000_000;
/** Rows made beyond the edges, so that a small step shows no hole. */
const MARGIN = 8;

/** What is made of a list. */
export interface Seen {
  /** Pixels of the whole list. */
  readonly height: number;
  /** Index of the first row that is made, and how many are. */
  readonly first: number;
  readonly count: number;
  /** Pixels from the top of the list to the first row that is made. */
  readonly top: number;
}

/** @param scrolled pixels above the edge of a view of `view` pixels; rows have `row` pixels each */
export function seenRows(total: number, row: number, scrolled: number, view: number): Seen {
  const whole = total * row;
  const height = Math.min(whole, TALLEST);
  const room = Math.max(0, height - view);
  const at = Math.min(Math.max(0, scrolled), room);
  // Of a list at another scale the row at the edge follows from the share that was scrolled.
  const offset = room === 0 ? 0 : (at / room) * (whole - view);
  const exact = Math.max(0, whole === height ? at : offset) / row;
  const first = Math.max(0, Math.floor(exact) - MARGIN);
  const count = Math.max(0, Math.min(total - first, Math.ceil(view / row) + 2 * MARGIN + 1));
  return { height, first, count, top: whole === height ? first * row : at - (exact - first) * row };
}

/** Pixels to scroll so that row `index` is seen as a whole; `scrolled` where it is already. */
export function scrollTo(index: number, total: number, row: number, scrolled: number, view: number): number {
  const whole = total * row;
  const height = Math.min(whole, TALLEST);
  const scale = whole <= view ? 1 : (height - view) / (whole - view);
  const offset = scrolled / scale;
  if (index * row < offset) return index * row * scale;
  return (index + 1) * row > offset + view ? ((index + 1) * row - view) * scale : scrolled;
}
