import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Column, fit, showCount, showMillis, showTable, showTsv } from "../../../runtime/cli/table.ts";
import { seed } from "../../lib/seed.ts";

type Row = readonly [string, string, string];

const COLUMNS: readonly Column<Row>[] = [
  { title: "a", cell: (row) => row[0] },
  { title: "b", cell: (row) => row[1], right: true },
  { title: "c", cell: (row) => row[2], spare: 1 },
];

test("columns stand under their titles", () => {
  const rows: Row[] = [
    ["one", "1", "x"],
    ["three", "333", ""],
  ];
  assert.is(showTable(COLUMNS, rows, 80), "a        b  c\none      1  x\nthree  333\n");
  assert.is(showTable(COLUMNS, [], 80), "a  b  c\n");
});

test("spare columns go first, then cells are cut", () => {
  const rows: Row[] = [["abcdefghijklmnop", "12", "spare"]];
  assert.is(showTable(COLUMNS, rows, 25), "a                  b\nabcdefghijklmnop  12\n");
  assert.is(showTable(COLUMNS, rows, 12), "a          b\nabcdefg…  12\n");
});

test("addresses are cut in their middle, before spare columns go; numbers last", () => {
  const columns: readonly Column<Row>[] = [
    { title: "a", cell: (row) => row[0], middle: true, least: 9 },
    { title: "b", cell: (row) => row[1], right: true },
    { title: "c", cell: (row) => row[2], spare: 1 },
  ];
  const rows: Row[] = [["2001:db8:a1::17", "1234567", "spare"]];
  assert.is(showTable(columns, rows, 80).split("\n")[1], "2001:db8:a1::17  1234567  spare");
  assert.is(showTable(columns, rows, 28).split("\n")[1], "2001:d…1::17  1234567  spare");
  assert.is(showTable(columns, rows, 23).split("\n")[1], "2001:db…a1::17  1234567");
  assert.is(showTable(columns, rows, 15).split("\n")[1], "200…17  1234567");
});

test("what is cut keeps both ends, in any width", () => {
  for (let width = 1; width < 20; width++) {
    const cut = fit("2001:db8:a1::17", width, true);
    assert.ok(cut.length <= width);
    if (width >= 3 && width < 15) assert.ok(cut.startsWith("2") && cut.endsWith("7") && cut.includes("…"));
  }
});

test("colours stand around words, never around blanks", () => {
  const columns: readonly Column<Row>[] = [
    { title: "a", cell: (row) => row[0], tone: () => "good" },
    { title: "b", cell: (row) => row[1], right: true, tone: () => "bad" },
  ];
  const coloured = showTable(columns, [["up", "1", ""]], 80, true);
  assert.is(coloured, "\x1b[1ma\x1b[0m   \x1b[1mb\x1b[0m\n\x1b[32mup\x1b[0m  \x1b[31m1\x1b[0m\n");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
  assert.is(coloured.replace(/\x1b\[\d+m/g, ""), showTable(columns, [["up", "1", ""]], 80));
});

test("tab-separated values are whole and have no tab or line end within", () => {
  const columns: readonly Column<Row>[] = [
    { title: "a", cell: () => "short…", plain: (row) => row[0], name: "whole" },
    { title: "b", cell: (row) => row[1] },
  ];
  assert.is(showTsv(columns, [["x\ty\nz\\", "\x1b[2J", ""]]), "whole\tb\nx\\ty\\nz\\\\\t·[2J\n");
});

test("cells cannot move the cursor", () => {
  assert.is(showTable(COLUMNS, [["a\x1b[2J\n", "1", ""]], 80).includes("\x1b"), false);
});

test("any table fits from the width where each column has six letters", () => {
  const row = fc.tuple(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 14, max: 130 }), (rows, width) => {
      const lines = showTable(COLUMNS, rows, width).split("\n");
      assert.is(lines.length, rows.length + 2);
      for (const line of lines) assert.ok(line.length <= width, `${line.length} > ${width}`);
    }),
    { seed },
  );
});

test("durations", () => {
  const cases: [number | null, string][] = [
    [null, "-"],
    [0, "0ms"],
    [0.44, "0.4ms"],
    [9.97, "10ms"],
    [999.4, "999ms"],
    [1_000, "1.0s"],
    [59_999, "59.9s"],
    [60_000, "1m00s"],
    [3_599_999, "59m59s"],
    [3_600_000, "1h00m"],
    [86_400_000, "1d00h"],
  ];
  for (const [value, text] of cases) assert.is(showMillis(value), text);
});

test("counts", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [999, "999"],
    [1_000, "1.0k"],
    [999_999, "999.9k"],
    [1_000_000, "1.0M"],
    [1.5e12, "1.5T"],
    [Number.MAX_SAFE_INTEGER, "9.0P"],
  ];
  for (const [value, text] of cases) assert.is(showCount(value), text);
});

test.run();
