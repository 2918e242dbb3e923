/** The program on a real terminal (a pty), on each runtime: full screen, keys, another size, and the terminal as it was afterwards. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { systemHttp } from "../../adapters/common/http.ts";
import { createApi } from "../../runtime/api/app.ts";
import { fakeFacade } from "../lib/facade.ts";
import { commandOf, ownRuntime } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";
import { withScratch } from "../lib/scratch.ts";

type Step = readonly ["wait" | "press", string] | readonly ["size", number, number] | readonly ["signal", number];

interface Seen {
  readonly seen: string;
  readonly status: number | null;
  readonly restored: boolean;
  readonly missing: string | null;
}

const SCRIPT = fileURLToPath(new URL("../lib/terminal.py", import.meta.url));
const PROGRAM = commandOf(ownRuntime(), "dist/pshim6.mjs").argv;
const [SIGINT, SIGTERM] = [2, 15];
const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Not synchronously: the box that is asked lives in this process. */
function onTerminal(steps: readonly Step[], ...argv: readonly string[]): Promise<Seen> {
  const child = spawn("python3", [SCRIPT, "100", "20", JSON.stringify(steps), ...PROGRAM, ...argv], { env: process.env });
  let out = "";
  let err = "";
  child.stdout.on("data", (octets: Uint8Array) => {
    out += new TextDecoder().decode(octets);
  });
  child.stderr.on("data", (octets: Uint8Array) => {
    err += new TextDecoder().decode(octets);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => (out === "" ? reject(new Error(err)) : resolve(JSON.parse(out))));
  });
}

async function withBox(use: (socket: string) => Promise<void>): Promise<void> {
  await withScratch(async (directory) => {
    const api = createApi(fakeFacade(40));
    const served = await systemHttp(() => undefined).serveSocket(`${directory}/sock`, (request) => api.fetch(request));
    try {
      await use(`${directory}/sock`);
    } finally {
      await served.close();
    }
  });
}

function judge({ seen, status, restored, missing }: Seen, code: number): void {
  assert.is(missing, null, `${missing} did not come in ${JSON.stringify(seen.slice(-1_000))}`);
  assert.is(status, code);
  assert.ok(restored, "the terminal is not as it was");
}

if (havePeers("python3")) {
  test("top: keys, another size, q", () =>
    withBox(async (socket) => {
      const steps: Step[] = [
        ["wait", ENTER],
        ["wait", "[o overview]"],
        ["press", "c"],
        ["wait", "[c contexts]"],
        ["press", "/1::17\r"],
        ["wait", "/ filter: 1::17"],
        ["size", 60, 10],
        ["wait", "of 65536 …"],
        ["press", "q"],
        ["wait", LEAVE],
      ];
      const result = await onTerminal(steps, "top", "--socket", socket);
      judge(result, 0);
      // After the change of size no line is wider than the screen is.
      const last = result.seen.split("\x1b[H").at(-1) ?? "";
      const plain = last.split(LEAVE)[0].replaceAll("\x1b[K", "").replaceAll("\x1b[J", "");
      assert.is(plain.split("\r\n").length, 10);
    }));

  test("top: a signal ends it, and the terminal is as it was", () =>
    withBox(async (socket) => {
      for (const number of [SIGTERM, SIGINT])
        judge(
          await onTerminal(
            [
              ["wait", "[o overview]"],
              ["signal", number],
              ["wait", LEAVE],
            ],
            "top",
            "--socket",
            socket,
          ),
          0,
        );
    }));

  test("show --watch: in colours, over what stood there; SIGINT ends it well", () =>
    withBox(async (socket) => {
      const steps: Step[] = [
        ["wait", "\x1b[32mOperational\x1b[0m"],
        ["wait", "\x1b[H"],
        ["signal", SIGINT],
      ];
      const result = await onTerminal(steps, "show", "contexts", "--watch", "0.1", "--socket", socket);
      judge(result, 0);
      assert.match(result.seen, /… 23 more lines/);
    }));

  test("top without a box says so on the screen as it was", async () => {
    const result = await onTerminal([["wait", "no box answers"]], "top", "--socket", "/nowhere.sock");
    judge(result, 1);
    assert.not.ok(result.seen.includes(ENTER));
  });
}

test.run();
