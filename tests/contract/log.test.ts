/** Logs: in memory, and on LogTape. */
import { fstatSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isJournal, systemLogs } from "../../adapters/common/log.ts";
import { memoryLogs } from "../../adapters/memory/log.ts";
import type { Logs } from "../../runtime/port/log.ts";

const lines: string[] = [];
const system = systemLogs((line) => lines.push(line));
const memory = memoryLogs();
const taken = (): string[] => lines.splice(0);

const kinds: [string, Logs, () => string[]][] = [
  ["memory", memory, () => memory.take().map((note) => `${note.level} ${note.area}: ${note.message}`)],
  ["system", system, () => taken().map((line) => line.slice(line.indexOf(" ") + 1, -1))],
];

for (const [name, logs, read] of kinds) {
  test(`${name}: levels hold for all areas, and for one`, () => {
    for (const level of ["debug", "info", "warn", "error"] as const) logs.area("reap")[level](`at ${level}`);
    assert.equal(read(), ["warn reap: at warn", "error reap: at error"]);
    logs.configure({ level: "error", areas: { shim6: "debug" }, format: "text" });
    for (const area of ["reap", "shim6"]) for (const level of ["debug", "info", "warn", "error"] as const) logs.area(area)[level]("x");
    assert.equal(read(), ["error reap: x", "debug shim6: x", "info shim6: x", "warn shim6: x", "error shim6: x"]);
    logs.configure({ level: "debug", format: "text" });
  });

  test(`${name}: braces in a message are braces`, () => {
    logs.area("data").info("a {name} and {{two}}", { name: "value" });
    assert.match(read()[0], /^info data: a \{name\} and \{\{two\}\}/);
  });
}

test("system: fields are shown, octets are not", () => {
  system.configure({ level: "debug", format: "text" });
  system.area("api").warn("refused", {
    from: "2001:db8::1",
    why: 'bad "token"',
    key: new Uint8Array(32).fill(7),
    nested: { secret: new Uint8Array(4) },
    error: new Error("no route"),
    count: 3,
    big: 5n,
    none: undefined,
  });
  assert.is(
    taken()[0].replace(/^\S+ /, ""),
    'warn api: refused from=2001:db8::1 why="bad \\"token\\"" key="<32 octets>" nested={"secret":"<4 octets>"} error="no route" count=3 big=5 none=undefined\n',
  );
});

test("system: JSON is one object a line", () => {
  system.configure({ level: "info", format: "json" });
  system.area("box").info("two\nlines", { key: new Uint8Array(2) });
  const [line] = taken();
  assert.is(line.split("\n").length, 2);
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.equal(rest, { level: "info", area: "box", message: "two\nlines", key: "<2 octets>" });
  system.configure({ level: "warn", format: "text" });
});

test("system: the journal gets priorities, and no time", () => {
  system.configure({ level: "debug", format: "text", journal: true });
  for (const level of ["debug", "info", "warn", "error"] as const) system.area("box")[level]("said", { n: 1 });
  assert.equal(taken(), ["<7>debug box: said n=1\n", "<6>info box: said n=1\n", "<4>warn box: said n=1\n", "<3>error box: said n=1\n"]);
  system.configure({ level: "debug", format: "json", journal: true });
  system.area("box").warn("said", { n: 1 });
  assert.equal(taken(), ['<4>{"level":"warn","area":"box","message":"said","n":1}\n']);
  system.configure({ level: "warn", format: "text" });
});

test("the journal is known by device and inode, not by its name", () => {
  const { dev, ino } = fstatSync(2, { bigint: true });
  assert.is(isJournal(2, `${dev}:${ino}`), true);
  assert.is(isJournal(2, `${dev}:${ino + 1n}`), false);
  assert.is(isJournal(2, undefined), false);
  assert.is(isJournal(999, "1:1"), false);
});

test.run();
