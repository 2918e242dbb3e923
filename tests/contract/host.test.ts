/** Host: the process itself, seen from its parent. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadPlatform, runtimeName } from "../../adapters/platform.ts";
import { selfArguments } from "../lib/netns.ts";

const program = fileURLToPath(new URL("../lib/host-child.ts", import.meta.url));

function startChild(more = "0") {
  const child = spawn(process.execPath, [...selfArguments(program), "one", "-x", "two words"], {
    env: { ...process.env, MARK: "märk", MORE: more },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (octets: Uint8Array) => {
    stdout += new TextDecoder().decode(octets);
  });
  child.stderr.on("data", (octets: Uint8Array) => {
    stderr += new TextDecoder().decode(octets);
  });
  const firstLine = new Promise((resolve) => child.stdout.once("data", resolve));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  return { child, firstLine, ended };
}

/** Not `child.kill`: after that Deno takes the child for one that the signal ended, whatever it does. */
function signal(pid: number | undefined, name: "SIGTERM" | "SIGHUP"): void {
  assert.ok(pid !== undefined);
  process.kill(pid, name);
}

test("arguments, environment, lines in, text out, exit status", async () => {
  const { child, ended } = startChild("300000");
  child.stdin.write("abc\nüöä\r\n\nla");
  child.stdin.end("st");
  const { code, stdout, stderr } = await ended;
  assert.is(code, 4);
  assert.is(stderr, "complaint\n");
  const [first, ...lines] = stdout.split("\n");
  assert.equal(JSON.parse(first), { args: ["one", "-x", "two words"], pid: child.pid, uid: process.geteuid?.(), mark: "märk", none: null });
  assert.equal(lines.slice(0, 4), ["cba", "äöü", "", "tsal"]);
  assert.is(lines[4].length, 300_000);
});

test("a signal runs what was asked for", async () => {
  const { child, firstLine, ended } = startChild();
  await firstLine;
  signal(child.pid, "SIGTERM");
  const { code, stdout } = await ended;
  assert.is(code, 3);
  assert.match(stdout, /terminated\n$/);
});

test("a signal that is no longer waited for does what the system does", async () => {
  const { child, firstLine, ended } = startChild();
  await firstLine;
  signal(child.pid, "SIGHUP");
  const { code } = await ended;
  assert.is.not(code, 9);
  assert.is(child.signalCode, "SIGHUP");
});

test("a reader that has gone is told to the writer", async () => {
  const { child, firstLine, ended } = startChild("3000000");
  await firstLine;
  child.stdout.destroy();
  child.stdin.end();
  assert.is((await ended).code, 5);
});

test("the runtime is named with its version", async () => {
  const { host, runtime } = await loadPlatform();
  assert.is(runtime, runtimeName());
  assert.match(host.runtime, new RegExp(`^${runtime} \\d+\\.\\d+`));
  assert.is(host.system, "linux");
});

test.run();
