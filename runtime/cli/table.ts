/** Tables: of text that fits a terminal, and of fields for programs. */

/** What a cell says beside its text, where colours may be shown. */
export type Tone = "good" | "warn" | "bad" | "faint";

/** A column of a table over rows of one kind. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** The cell for programs: whole and exact; absent = as it is shown. */
  readonly plain?: (row: Row) => string;
  /** The column's name for programs; absent = its title. */
  readonly name?: string;
  /** Numbers stand at the right, and are cut when all else is. */
  readonly right?: boolean;
  /** The higher, the earlier it is left out when the line is too narrow; absent = never. */
  readonly spare?: number;
  /** Characters to which it is cut before spare columns go; absent = it is cut when they have gone. */
  readonly least?: number;
  /** Cut in the middle: an address says most at its ends. */
  readonly middle?: true;
  /** Left out where no row has anything to say. */
  readonly sparse?: true;
  readonly tone?: (row: Row) => Tone | undefined;
}

const GAP = "  ";
const NARROWEST = 6;
const SGR: Readonly<Record<Tone | "title", string>> = { good: "32", warn: "33", bad: "31", faint: "2", title: "1" };

/** `text` in the colour of `tone`, by the escape sequences of ECMA-48. */
export function tinted(text: string, tone: Tone | "title"): string {
  return text === "" ? "" : `\x1b[${SGR[tone]}m${text}\x1b[0m`;
}

/**
 * The rows under their titles, each line at most `width` characters: cells are cut as far as their columns say, then spare columns are left
 * out, then the widest cells are cut further. Ends with a line end. `width` may be infinite: then nothing is cut.
 */
export function showTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number, coloured = false): string {
  const said = columns.filter(({ sparse, cell }) => !sparse || rows.some((row) => cell(row) !== ""));
  const all = said.map((column) => new Shown(column, rows));
  const shown = chosen(all, width);
  narrow(shown, width);
  const lines = Array.from({ length: rows.length + 1 }, (_, index) => {
    const cells = shown.map((one) => ({ text: one.line(index), tone: coloured ? one.tone(index, rows) : undefined }));
    return joined(cells);
  });
  return `${lines.join("\n")}\n`;
}

/** A column as it is going to stand there. */
class Shown<Row> {
  readonly column: Column<Row>;
  readonly #cells: readonly string[];
  /** Characters that it takes. */
  width: number;
  /** What it may be cut to before spare columns go. */
  readonly least: number;

  constructor(column: Column<Row>, rows: readonly Row[]) {
    this.column = column;
    this.#cells = [column.title, ...rows.map((row) => flat(column.cell(row)))];
    this.width = this.#cells.reduce((most, cell) => Math.max(most, cell.length), 0);
    this.least = column.right ? this.width : Math.min(this.width, column.least ?? this.width);
  }

  /** Line `index`, 0 = the title, padded to its width. */
  line(index: number): string {
    const { right, middle } = this.column;
    const text = fit(this.#cells[index], this.width, middle === true && index > 0);
    return right ? text.padStart(this.width) : text.padEnd(this.width);
  }

  tone(index: number, rows: readonly Row[]): Tone | "title" | undefined {
    return index === 0 ? "title" : this.column.tone?.(rows[index - 1]);
  }
}

const total = <Row>(shown: readonly Shown<Row>[], widthOf: (one: Shown<Row>) => number): number =>
  shown.reduce((sum, one) => sum + widthOf(one), 0) + GAP.length * (shown.length - 1);

/** Those that can stand in `width`, spare ones gone first. */
function chosen<Row>(all: readonly Shown<Row>[], width: number): readonly Shown<Row>[] {
  let shown = all;
  while (total(shown, ({ least }) => least) > width) {
    const spare = shown.reduce<number>((most, { column }) => Math.max(most, column.spare ?? 0), 0);
    if (spare === 0) break;
    shown = shown.filter(({ column }) => column.spare !== spare);
  }
  return shown;
}

/** Cuts the widest first, down to what each may be cut to; where that is not enough, further. */
function narrow<Row>(shown: readonly Shown<Row>[], width: number): void {
  const narrowest = (one: Shown<Row>): number => Math.min(one.least, NARROWEST);
  const floors = [
    (one: Shown<Row>) => one.least,
    (one: Shown<Row>) => (one.column.right ? one.width : narrowest(one)),
    (one: Shown<Row>) => narrowest(one),
  ];
  for (const floorOf of floors) {
    for (let over = total(shown, (one) => one.width) - width; over > 0; ) {
      const [widest] = shown.filter((one) => one.width > floorOf(one)).sort((a, b) => b.width - a.width);
      if (widest === undefined) break;
      const cut = Math.min(over, widest.width - floorOf(widest), Math.max(1, Math.ceil(over / 2)));
      widest.width -= cut;
      over -= cut;
    }
  }
}

/** One line without blanks at its end; colours end before the blanks that pad. */
function joined(cells: readonly { readonly text: string; readonly tone: Tone | "title" | undefined }[]): string {
  const plain = cells.map(({ text }) => text).join(GAP);
  if (cells.every(({ tone }) => tone === undefined)) return plain.trimEnd();
  return cells
    .map(({ text, tone }) => {
      if (tone === undefined) return text;
      const word = text.trim();
      const before = text.slice(0, text.length - text.trimStart().length);
      return `${before}${tinted(word, tone)}${" ".repeat(text.length - before.length - word.length)}`;
    })
    .join(GAP)
    .trimEnd();
}

/** `text` in at most `width` characters; what is left out is marked. */
export function fit(text: string, width: number, middle = false): string {
  if (text.length <= width) return text;
  if (!middle || width < 3) return `${text.slice(0, Math.max(0, width - 1))}…`;
  const head = Math.ceil((width - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** Nothing that moves the cursor: cells come from outside this process. */
export function flat(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "·");
}

/** The rows as tab-separated values under a line of names: nothing is cut or rounded; tab, line end and backslash are escaped. */
export function showTsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const names = columns.map(({ name, title }) => name ?? title);
  const lines = rows.map((row) => columns.map(({ plain, cell }) => escaped((plain ?? cell)(row))));
  return [names, ...lines].map((fields) => `${fields.join("\t")}\n`).join("");
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function escaped(text: string): string {
  return flat(text.replace(/[\\\t\n\r]/g, (sign) => ESCAPES[sign]));
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
