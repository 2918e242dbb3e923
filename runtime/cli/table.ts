/** Tables of text that fit a terminal. */

/** A column of a table over rows of one kind. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** The higher, the earlier it is left out when the line is too narrow; absent = never. */
  readonly spare?: number;
}

const GAP = "  ";
const NARROWEST = 6;

/**
 * The rows under their titles, each line at most `width` characters: spare columns are left out first, then the widest
 * cells are cut. Ends with a line end. `width` may be infinite.
 */
export function showTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  let shown = columns.map((column) => ({ column, cells: [column.title, ...rows.map((row) => flat(column.cell(row)))] }));
  const widthOf = (cells: readonly string[]) => cells.reduce((most, cell) => Math.max(most, cell.length), 0);
  const total = () => shown.reduce((sum, { cells }) => sum + widthOf(cells), 0) + GAP.length * (shown.length - 1);
  while (total() > width) {
    const spare = shown.reduce<number>((most, { column }) => Math.max(most, column.spare ?? 0), 0);
    if (spare === 0) break;
    shown = shown.filter(({ column }) => column.spare !== spare);
  }
  const widths = shown.map(({ cells }) => widthOf(cells));
  for (let over = total() - width; over > 0; ) {
    const widest = widths.indexOf(Math.max(...widths));
    const cut = Math.min(over, widths[widest] - NARROWEST, Math.max(1, Math.ceil(over / 2)));
    if (cut <= 0) break;
    widths[widest] -= cut;
    over -= cut;
  }
  const lines = Array.from({ length: rows.length + 1 }, (_, index) =>
    shown
      .map(({ column, cells }, at) =>
        column.right ? fit(cells[index], widths[at]).padStart(widths[at]) : fit(cells[index], widths[at]).padEnd(widths[at]),
      )
      .join(GAP)
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Nothing that moves the cursor: cells come from outside this process. */
function flat(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "·");
}

/** `950ms`, `12.3s`, `4m05s`, `3h12m`, `5d02h`; `-` for what is not known. */
export function showMillis(value: number | null): string {
  if (value === null) return "-";
  if (value < 10) return `${Number(value.toFixed(1))}ms`;
  if (value < 1_000) return `${Math.round(value)}ms`;
  if (value < 60_000) return `${(Math.floor(value / 100) / 10).toFixed(1)}s`;
  const seconds = Math.floor(value / 1_000);
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), "m", seconds % 60, "s");
  if (seconds < 86_400) return pair(Math.floor(seconds / 3_600), "h", Math.floor(seconds / 60) % 60, "m");
  return pair(Math.floor(seconds / 86_400), "d", Math.floor(seconds / 3_600) % 24, "h");
}

function pair(high: number, highUnit: string, low: number, lowUnit: string): string {
  return `${high}${highUnit}${String(low).padStart(2, "0")}${lowUnit}`;
}

/** `999`, `1.2k`, `34.5M`, `1.0G`: powers of 1,000. */
export function showCount(value: number): string {
  let scaled = value;
  for (const unit of ["", "k", "M", "G", "T", "P"]) {
    if (scaled < 1_000) return unit === "" ? String(scaled) : `${(Math.floor(scaled * 10) / 10).toFixed(1)}${unit}`;
    scaled /= 1_000;
  }
  return `${scaled.toExponential(1)}P`;
}
