/**
 * The lab's page seen from the machine: of a lab that runs as root, and of an ordinary user's, whose loopback is another one: there requests pass two
 * Unix sockets on their way to a box.
 */
import { readdirSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LabRow } from "../../runtime/lab/page-row.ts";
import { commandOf, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

const LAB = [...commandOf("node", "dist/pshim6.mjs").argv, "lab", "--seconds", "600"];
/** As user 65534, who sees a /dev/net of our making. */
const AS_NOBODY = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs tmpfs /dev/net && mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun && exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "$@"',
  "sh",
];
const relays = (): string[] => readdirSync("/tmp").filter((name) => /^pshim6-lab-[0-9a-f]{32}$/.test(name));

async function serves(argv: readonly string[]): Promise<void> {
  const host = await testHost();
  const said: string[] = [];
  const hear = (text: string): void => {
    said.push(text);
  };
  const before = relays();
  const lab = host.processes.spawn(argv, { line: hear, complaint: hear });
  try {
    let url: string | undefined;
    for (let waited = 0; url === undefined; waited += 50) {
      assert.ok(waited < 60_000, said.join("\n"));
      await host.sleep(50);
      url = said.map((line) => /dashboard: (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
    }
    const { origin, hash } = new URL(url);
    const bearer = { authorization: `Bearer ${hash.replace("#token=", "")}` };
    const rowOf = async (response: Response): Promise<LabRow> => (await response.json()) as LabRow;
    const entry = await fetch(origin, { redirect: "manual" });
    assert.equal([entry.status, entry.headers.get("location")], [302, "/alpha/"]);
    await entry.body?.cancel();
    const page = await fetch(`${origin}/alpha/`);
    assert.match(await page.text(), /<title>pshim6<\/title>/);
    assert.is(page.headers.get("pshim6-lab"), "/lab");
    for (let waited = 0; (await rowOf(await fetch(`${origin}/lab`))).octets === 0; waited += 50) {
      assert.ok(waited < 30_000, "the stream runs");
      await host.sleep(50);
    }
    const refused = await fetch(`${origin}/lab/providers/isp1/break`, { method: "POST" });
    assert.is(refused.status, 401);
    await refused.body?.cancel();
    const signal = AbortSignal.timeout(30_000);
    const stream = await fetch(`${origin}/beta/events`, { headers: { accept: "text/event-stream", "last-event-id": "0" }, signal });
    const reader = (stream.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    const broken = await rowOf(await fetch(`${origin}/lab/providers/isp1/break`, { method: "POST", headers: bearer }));
    assert.equal([broken.isByHand, broken.providers[0].state], [true, "dead"]);
    let heard = "";
    while (!heard.includes("event: moved")) {
      const { done, value } = await reader.read();
      assert.not(done, heard);
      heard += value;
    }
    await reader.cancel();
    const whole = await rowOf(await fetch(`${origin}/lab/round`, { method: "POST", headers: bearer }));
    assert.equal([whole.isByHand, whole.providers.every(({ state }) => state === "up")], [false, true]);
  } finally {
    host.processes.kill(lab.pid, "SIGINT");
    assert.is(await lab.ended, 0, said.join("\n"));
  }
  assert.equal(relays(), before);
}

if (havePeers("root", "ip")) test("the page of root's lab", () => serves(LAB));
if (havePeers("root", "ip", "unshare", "setpriv")) test("the page of an ordinary user's lab", () => serves([...AS_NOBODY, ...LAB]));

test.run();
