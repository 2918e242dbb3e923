import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Column, showCount, showMillis, showTable } from "../../../runtime/cli/table.ts";
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
