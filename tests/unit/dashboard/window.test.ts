/** Which rows of a list are made, whatever its length. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { scrollTo, seenRows, TALLEST } from "../../../runtime/dashboard/window.ts";
import { seed } from "../../lib/seed.ts";

const ROW = 28;

test("an empty list", () => {
  assert.equal(seenRows(0, ROW, 0, 560), { height: 0, first: 0, count: 0, top: 0 });
});

test("a long list has as many rows as fit, and some more", () => {
  const { height, first, count, top } = seenRows(100_000, ROW, 50_000 * ROW, 560);
  assert.is(height, 100_000 * ROW);
  assert.ok(first <= 50_000 && first + count >= 50_020);
  assert.ok(count < 50);
  assert.is(top, first * ROW);
});

const lists = fc.record({
  total: fc.nat(5_000_000),
  view: fc.integer({ min: 1, max: 2_000 }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

test("what is seen is made, at every scale", () => {
  fc.assert(
    fc.property(lists, ({ total, view, share }) => {
      const height = Math.min(total * ROW, TALLEST);
      const scrolled = share * Math.max(0, height - view);
      const seen = seenRows(total, ROW, scrolled, view);
      assert.is(seen.height, height);
      assert.ok(seen.first >= 0 && seen.first + seen.count <= total);
      assert.ok(seen.count <= view / ROW + 20);
      if (total === 0) return;
      const ends = seen.top + seen.count * ROW;
      assert.ok(seen.top <= scrolled + 0.01 || seen.first === 0, `${seen.top} ${scrolled}`);
      assert.ok(ends >= Math.min(height, scrolled + view) - 0.01, `${ends} of ${scrolled + view}`);
    }),
    { seed, numRuns: 1_000 },
  );
});

test("the last row is reached", () => {
  for (const total of [1, 50, 100_000, 3_000_000]) {
    const { first, count } = seenRows(total, ROW, Number.MAX_SAFE_INTEGER, 560);
    assert.is(first + count, total);
  }
});

test("a row that was chosen is seen as a whole, and nothing moves for one that is seen", () => {
  fc.assert(
    fc.property(lists, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), ({ total, share, view: some }, chosen) => {
      const view = Math.max(ROW, some);
      if (total === 0) return;
      const index = Math.floor(chosen * total);
      const scrolled = share * Math.max(0, Math.min(total * ROW, TALLEST) - view);
      const next = scrollTo(index, total, ROW, scrolled, view);
      assert.ok(Math.abs(scrollTo(index, total, ROW, next, view) - next) < 0.01);
      const { first, count, top } = seenRows(total, ROW, next, view);
      assert.ok(index >= first && index < first + count, `${index} in ${first}+${count}`);
      const at = top + (index - first) * ROW - next;
      assert.ok(at >= -0.1 && at + ROW <= view + 0.1, `${at} of ${view}`);
    }),
    { seed, numRuns: 1_000 },
  );
});

test.run();
