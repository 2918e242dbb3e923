/** Completion in real shells, and the manual page under real formatters; the box is a façade behind a real socket. */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { systemHttp } from "../../adapters/common/http.ts";
import { createApi } from "../../runtime/api/app.ts";
import { fakeFacade } from "../lib/facade.ts";
import { commandOf, ownRuntime } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";
import { withScratch } from "../lib/scratch.ts";

const PROGRAM = commandOf(ownRuntime(), "dist/pshim6.mjs").argv;

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Not synchronously: the box that is asked lives in this process. */
function run(argv: readonly string[], options: { input?: string; path?: string; cwd?: string } = {}): Promise<Said> {
  const env = { ...process.env, ...(options.path === undefined ? {} : { PATH: `${options.path}:${process.env.PATH}` }) };
  const child = spawn(argv[0], argv.slice(1), { env, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
  const said = { out: "", err: "" };
  child.stdout.on("data", (octets: Uint8Array) => {
    said.out += new TextDecoder().decode(octets);
  });
  child.stderr.on("data", (octets: Uint8Array) => {
    said.err += new TextDecoder().decode(octets);
  });
  // Who reads nothing may have gone already.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...said }));
  });
}

/** A directory with the program's script for `shell`, the program itself under its name, and a box behind `sock`. */
async function withShell(shell: string, use: (directory: string) => Promise<void>): Promise<void> {
  await withScratch(async (directory) => {
    const { code, out, err } = await run([...PROGRAM, "completion", shell]);
    assert.is(code, 0, err);
    writeFileSync(`${directory}/script`, out);
    writeFileSync(`${directory}/pshim6`, `#!/bin/sh\nexec ${PROGRAM.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(`${directory}/pshim6`, 0o755);
    mkdirSync(`${directory}/some dir`);
    writeFileSync(`${directory}/site.yaml`, "");
    const api = createApi(fakeFacade(1));
    const served = await systemHttp(() => undefined).serveSocket(`${directory}/sock`, (request) => api.fetch(request));
    try {
      await use(directory);
    } finally {
      await served.close();
    }
  });
}

/** What is typed, the last word unfinished → some of what is offered, and some of what is not. */
const CASES: readonly [typed: string, offered: readonly string[], not: readonly string[]][] = [
  ["sh", ["show"], ["run"]],
  ["show co", ["contexts", "counters"], ["paths"]],
  ["show contexts --st", ["--state"], ["--ulid"]],
  ["show contexts --socket sock --pe", ["--peer"], ["--socket"]],
  ["show paths -o ", ["table", "json", "tsv"], ["contexts"]],
  ["lab --runtime d", ["deno"], ["node"]],
  ["bench ", ["core"], ["show"]],
  ["check --config si", ["site.yaml"], ["--json"]],
  ["provider drain --socket sock i", ["isp1"], ["drain"]],
  ["completion ", ["bash", "zsh", "fish"], ["providers"]],
];

if (havePeers("bash")) {
  test("bash", () =>
    withShell("bash", async (directory) => {
      for (const [typed, offered, not] of CASES) {
        const script = `source ./script; COMP_WORDS=(pshim6 ${typed.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _pshim6; printf '%s\\n' "\${COMPREPLY[@]}"`;
        judge(typed, await run(["bash", "--norc", "-uc", script], { path: directory, cwd: directory }), offered, not);
      }
      const equals = "source ./script; COMP_WORDS=(pshim6 show paths --output = t); COMP_CWORD=5; _pshim6; declare -p COMPREPLY";
      assert.is((await run(["bash", "--norc", "-c", equals], { cwd: directory })).out, 'declare -a COMPREPLY=([0]="table" [1]="tsv")\n');
      const names = "source ./script; COMP_WORDS=(pshim6 check -c some); COMP_CWORD=3; _pshim6; declare -p COMPREPLY";
      assert.is((await run(["bash", "--norc", "-c", names], { cwd: directory })).out, 'declare -a COMPREPLY=([0]="some dir")\n');
    }));
}

if (havePeers("zsh")) {
  // What zsh's completion system would do with the words is to show them.
  const STUBS = `_describe() { [[ $1 == -o ]] && shift; print -l -- \${\${(P)2}%%:*} }; _files() { print -l -- *(N) }; compadd() { shift; print -l -- "$@" }`;
  test("zsh", () =>
    withShell("zsh", async (directory) => {
      for (const [typed, offered, not] of CASES) {
        const script = `${STUBS}; source ./script; words=(pshim6 ${typed.replace(/ $/, " ''")}); CURRENT=$#words; _pshim6`;
        // The shell itself picks those that begin as the unfinished word does.
        const start = typed.split(" ").at(-1) ?? "";
        const said = await run(["zsh", "-fc", script], { path: directory, cwd: directory });
        const out = said.out
          .split("\n")
          .filter((word) => word.startsWith(start))
          .join("\n");
        judge(typed, { ...said, out }, offered, not);
      }
    }));
}

if (havePeers("fish")) {
  test("fish", () =>
    withShell("fish", async (directory) => {
      for (const [typed, offered, not] of CASES) {
        const script = `source ./script; complete -C ${JSON.stringify(`pshim6 ${typed}`)}`;
        const said = await run(["fish", "--no-config", "-c", script], { path: directory, cwd: directory });
        judge(typed, { ...said, out: said.out.replace(/\t.*/g, "") }, offered, not);
      }
    }));
}

function judge(typed: string, { code, out, err }: Said, offered: readonly string[], not: readonly string[]): void {
  assert.equal([code, err], [0, ""], typed);
  const words = out.trimEnd().split("\n");
  for (const word of offered) assert.ok(words.includes(word), `${typed}: ${word} is missing in ${words}`);
  for (const word of not) assert.not.ok(words.includes(word), `${typed}: ${word} is in ${words}`);
}

if (havePeers("mandoc")) {
  test("the manual page pleases mandoc", async () => {
    const page = (await run([...PROGRAM, "man"])).out;
    assert.equal(await run(["mandoc", "-Tlint", "-Wall"], { input: page }), { code: 0, out: "", err: "" });
    const shown = (await run(["mandoc", "-Tutf8"], { input: page })).out.split("\b");
    const plain = shown.map((piece, i) => (i < shown.length - 1 ? piece.slice(0, -1) : piece)).join("");
    for (const words of ["--log-level <level>", "pshim6 show contexts [options]", "EXIT STATUS", "the site's settings"])
      assert.ok(plain.includes(words), words);
    const again = await run([...PROGRAM, "man"]);
    assert.is(again.out, page);
  });
}

test.run();
