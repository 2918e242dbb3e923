/** The live picture as text. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { addLog, addRate, newModel, RATE_SAMPLES } from "../../../runtime/lab/model.ts";
import { drawScreen, sparkline } from "../../../runtime/lab/screen.ts";

const GREEN = "\x1b[1;32m";
const RED = "\x1b[1;31m";

/** Without escape sequences. */
function plain(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").split("\r\n");
}

function running() {
  const model = newModel(["node", "bun"]);
  model.phase = "the stream runs";
  for (const name of ["isp1", "isp2", "isp3"]) model.providers.set(name, "up");
  model.outbound = "isp1";
  model.inbound = "isp1";
  for (let i = 0; i < 300; i++) addRate(model, i * 10_000);
  for (let i = 0; i < 300; i++) addLog(model, i * 100, `line ${i}`);
  return model;
}

test("fits every window, whatever its size", () => {
  const model = running();
  for (const columns of [20, 40, 80, 200]) {
    for (const rows of [5, 12, 24, 60]) {
      const lines = plain(drawScreen(model, { columns, rows }));
      assert.ok(lines.length < rows, `${lines.length} lines in ${rows}`);
      for (const line of lines) assert.ok([...line].length <= columns, `${columns}: ${line}`);
    }
  }
});

test("the live way is green, a dead provider red", () => {
  const model = running();
  assert.ok(drawScreen(model, { columns: 100, rows: 30 }).includes(`${GREEN}╔══ isp1`));
  model.providers.set("isp1", "dead");
  model.outbound = "isp2";
  const picture = drawScreen(model, { columns: 100, rows: 30 });
  assert.ok(picture.includes(`${RED}╔══ isp1 ═╳╗`));
  assert.ok(picture.includes(`${GREEN}╚══ isp2`));
});

test("a standing stream is said to stand", () => {
  const model = running();
  model.stillFor = 420;
  const text = plain(drawScreen(model, { columns: 120, rows: 30 })).join("\n");
  assert.match(text, /stands still for 420 ms/);
});

test("the newest lines of the log are shown, the oldest samples forgotten", () => {
  const model = running();
  const text = plain(drawScreen(model, { columns: 120, rows: 30 })).join("\n");
  assert.match(text, /line 299/);
  assert.not.match(text, /line 100\b/);
  assert.is(model.rates.length, RATE_SAMPLES);
});

test("a spark per value, as tall as it is large", () => {
  assert.is(sparkline([0, 1, 4, 8], 4), " ▁▄█");
  assert.is(sparkline([8], 3), "  █");
  assert.is(sparkline([1, 2, 8, 8], 2), "██");
  assert.is(sparkline([], 2), "  ");
});

test.run();
