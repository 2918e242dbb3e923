/** Command: in memory, and this runtime's. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryCommand } from "../../adapters/memory/command.ts";
import { loadPlatform } from "../../adapters/platform.ts";
import { errorOf } from "../lib/scratch.ts";

const { command: system } = await loadPlatform();
const memory = memoryCommand({
  cat: ({ stdin }) => ({ stdout: stdin }),
  sh: ({ args }) => ({ code: 3, stdout: "out\n", stderr: `${args.length}\n` }),
  echo: ({ args }) => ({ stdout: `${args.join(" ")}\n` }),
});

for (const [name, command] of [["memory", memory] as const, ["system", system] as const]) {
  test(`${name}: status and both outputs come back`, () => {
    assert.equal(command.run("sh", ["-c", "echo out; echo 2 >&2; exit 3"]), { code: 3, stdout: "out\n", stderr: "2\n" });
  });

  test(`${name}: standard input is passed whole`, () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ß\n`).join("");
    assert.is(command.run("cat", [], lines).stdout, lines);
    assert.is(command.run("cat", []).stdout, "");
  });

  test(`${name}: no shell reads the arguments`, () => {
    assert.is(command.run("echo", ["a b", "$HOME", "*", ";"]).stdout, "a b $HOME * ;\n");
  });

  test(`${name}: a missing program is named`, async () => {
    const error = await errorOf(() => command.run("no-such-program-of-pshim6", []));
    assert.is(error.code, "missing");
    assert.match(error.message, /`no-such-program-of-pshim6` is missing: install/);
  });
}

test("system: the package of a known program is named", async () => {
  const { env } = await import("node:process");
  const path = env.PATH;
  try {
    env.PATH = "/nowhere";
    assert.is((await errorOf(() => system.run("ip", ["link"]))).message, "`ip` is missing: install iproute2");
  } finally {
    env.PATH = path;
  }
});

test("system: a signal counts as shells count it", () => {
  assert.is(system.run("sh", ["-c", "kill -9 $$"]).code, 137);
});

test("system: a program that reads no input is no error", () => {
  assert.is(system.run("true", [], "x".repeat(1_000_000)).code, 0);
});

test("system: a program that does not end is ended", async () => {
  const error = await errorOf(() => system.run("sleep", ["30"], "", 100));
  assert.is(error.code, "failed");
  assert.match(error.message, /did not end within 0\.1 s/);
});

test.run();
