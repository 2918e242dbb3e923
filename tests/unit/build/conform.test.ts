// The check of the conformance pages finds every fault it is for, and none in the pages there are.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkConformance } from "../../../build/conform.ts";
import { root } from "../../../build/tools.ts";

const HEAD = "| id | § | what is asked | where it is shown |\n| --- | --- | --- | --- |\n";

function faults(rows: string): string[] {
  const scratch = mkdtempSync(join(tmpdir(), "pshim6-conform-"));
  mkdirSync(join(scratch, "docs/conformance"), { recursive: true });
  mkdirSync(join(scratch, "tests"));
  writeFileSync(join(scratch, "tests/x.test.ts"), 'test("it works", () => {});\n');
  writeFileSync(join(scratch, "docs/conformance/page.md"), rows);
  const found = checkConformance(scratch);
  rmSync(scratch, { recursive: true });
  return found;
}

test("the pages are right", () => {
  assert.equal(checkConformance(root), []);
});

test("a right page, with a test, two tests, a sentence", () => {
  const rows = [
    "| 1-2.3-1 | 2.3 | a | tests/x.test.ts: it works |",
    "| 1-2.3-2 | 2.3 | b | tests/x.test.ts: it<br>tests/x.test.ts: it works |",
    "| 1-3-1 | 3 | c | not done: why |",
  ];
  assert.equal(faults(`# x\n\n${HEAD}${rows.join("\n")}\n`), []);
});

const WRONG: readonly [string, RegExp][] = [
  ["# no table\n", /no table/],
  [HEAD, /empty/],
  [`${HEAD}| 1-2-2 | 2 | a | no |\n`, /should end in 2-1/],
  [`${HEAD}| 1-2-1 | 2 | a | no |\n| 1-2-1 | 2 | b | no |\n`, /should end in 2-2/],
  [`${HEAD}| 1-2-1 | 2 |  | no |\n`, /four cells/],
  [`${HEAD}| 1-2-1 | 2 | a | tests/y.test.ts: it works |\n`, /there is no tests\/y/],
  [`${HEAD}| 1-2-1 | 2 | a | tests/x.test.ts: it does not |\n`, /has no test/],
  [`${HEAD}| 1-2-1 | 2 | a | tests/x.test.ts |\n`, /names no test/],
];
for (const [page, fault] of WRONG)
  test(`a fault: ${fault.source}`, () => {
    assert.match(faults(page).join("\n"), fault);
  });

test.run();
